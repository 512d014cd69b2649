/** Bytes that values need: estimates of what V8 takes, on the safe side for small values. For memory budgets. Pure. */
import { isArray } from './text.js';
import type { Row, SqlValue } from './values.js';

const ROW_BYTES = 32;
export const SLOT_BYTES = 8;
const STRING_BYTES = 24;
const OBJECT_BYTES = 40;
const BIGINT_BYTES = 24;
const DOUBLE_BYTES = 16;

export function rowBytes(row: Row): number {
  let bytes = ROW_BYTES + row.length * SLOT_BYTES;
  for (let i = 0; i < row.length; i++) bytes += valueBytes(row[i]);
  return bytes;
}

/** Beyond the slot that holds it. */
export function valueBytes(value: SqlValue): number {
  switch (typeof value) {
    case 'string':
      return STRING_BYTES + value.length;
    case 'number':
      return DOUBLE_BYTES;
    case 'bigint':
      return BIGINT_BYTES;
    case 'object':
      return value === null ? 0 : objectBytes(value);
    default:
      return 0;
  }
}

function objectBytes(value: Exclude<SqlValue, null | boolean | number | bigint | string>): number {
  if (!('kind' in value)) return rowBytes(value as Row);
  if (value.kind === 'json') return OBJECT_BYTES + STRING_BYTES + value.text.length;
  if (value.kind === 'record') return OBJECT_BYTES + rowBytes(value.values as Row);
  return OBJECT_BYTES;
}

/** An array whose elements something else holds, or any other value. */
export const shallowBytes = (value: SqlValue): number =>
  isArray(value) ? ROW_BYTES + value.length * SLOT_BYTES : valueBytes(value);
