/**
 * The list of an `$in`, ready for lookups: numbers and strings in order for binary search, the rest one by one. Any
 * thread.
 */
import { DbError } from '../base/errors.js';
import { compareOperands, compileOperand, equalsOperand, type Operand, orderAgainst } from './operand.js';

/** Most values in one $in. */
export const FILTER_IN_MAX = 1000;
/** Most arrays and objects among them: each is compared with the document's value in turn. */
export const FILTER_IN_CONTAINERS_MAX = 100;

export interface ValueSet {
  readonly numbers: readonly Operand[];
  readonly strings: readonly Operand[];
  readonly others: readonly Operand[];
  readonly hasNull: boolean;
}

/** Throws DbError('VALIDATION', …, {field}) when `value` is not an array or exceeds a limit. */
export function compileValueSet(value: unknown, field: string): ValueSet {
  if (!Array.isArray(value)) throw new DbError('VALIDATION', '$in takes an array', { field });
  checkCount(value.length, FILTER_IN_MAX, 'values', field);
  const operands = value.map((element) => compileOperand(element, field));
  const containers = operands.filter(({ kind }) => kind === 'array' || kind === 'object');
  checkCount(containers.length, FILTER_IN_CONTAINERS_MAX, 'arrays and objects', field);
  return {
    numbers: operands.filter(({ kind }) => kind === 'number').sort(compareOperands),
    strings: operands.filter(({ kind }) => kind === 'string').sort(compareOperands),
    others: operands.filter(({ kind }) => kind !== 'number' && kind !== 'string'),
    hasNull: operands.some(({ kind }) => kind === 'null'),
  };
}

function checkCount(count: number, limit: number, noun: string, field: string): void {
  if (count <= limit) return;
  throw new DbError('VALIDATION', `$in takes at most ${limit} ${noun}`, { field, limit, count });
}

/** Whether the value in bytes[start, end) equals one of the set. */
export function isInValueSet(bytes: Uint8Array, start: number, end: number, set: ValueSet): boolean {
  const first = bytes[start];
  if (first === 0x22) return isAmong(bytes, start, end, set.strings);
  if (first === 0x2d || (first >= 0x30 && first <= 0x39)) return isAmong(bytes, start, end, set.numbers);
  return set.others.some((operand) => equalsOperand(bytes, start, end, operand));
}

function isAmong(bytes: Uint8Array, start: number, end: number, sorted: readonly Operand[]): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = orderAgainst(bytes, start, end, sorted[middle]);
    if (order === 0) return true;
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return false;
}
