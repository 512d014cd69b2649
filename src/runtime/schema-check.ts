/**
 * Checks documents against the schema of their collection: types and NOT NULL of declared members, then CHECK constraints,
 * which are compiled SQL. Stored text stays as it was sent, so a value must be of its column's type as it is: nothing is cast.
 * Shard threads check, the main thread binds; both load this only where there is a schema.
 */
import { toWireError, type WireError } from '../base/errors.js';
import type { CollectionSchema } from '../catalog/collection-schema.js';
import type { DocumentCheck } from '../engine/document-gate.js';
import { findMember, Span } from '../json/members.js';
import type { ColumnDeclaration } from '../sql/algebra/statement.js';
import { bindStandalone } from '../sql/bind/standalone.js';
import {
  CHECK_VIOLATION,
  INVALID_TEXT_REPRESENTATION,
  NOT_NULL_VIOLATION,
  NUMERIC_VALUE_OUT_OF_RANGE,
} from '../sql/errors.js';
import { arrayElements, decodeValue } from '../sql/execute/json-decoder.js';
import { castValue } from '../sql/types/cast.js';
import { elementType, isArrayType, type SqlType } from '../sql/types/sql-type.js';
import { Json, type SqlValue } from '../sql/types/values.js';
import type { BoundSchema } from './bound-schema.js';
import { compiled } from './sql-extractor.js';

const STRING_TOO_LONG = '22001';
const INT8_MIN = -(2n ** 63n);
const INT8_MAX = 2n ** 63n - 1n;
/** Of a value, in a message. */
const SHOWN_LENGTH_MAX = 60;

interface Checked {
  readonly id: number;
  readonly name: string;
  readonly schema?: CollectionSchema;
}

type Fault = { readonly sqlstate: string; readonly reason: string };

/** Needs the parser. */
export function bindSchema({ id, name, schema }: Checked): BoundSchema {
  const { columns, checks } = schema ?? { columns: [], checks: [] };
  const bound = { collectionId: id, collection: name, columns };
  try {
    const conditions = checks.map((check) => ({
      name: check.name,
      condition: bindStandalone(check.expression, columns, { table: name }),
    }));
    return { ...bound, checks: conditions };
  } catch (error) {
    return { ...bound, checks: [], broken: toWireError(error).message };
  }
}

export function compileSchema({ collection, columns, checks, broken }: BoundSchema): DocumentCheck {
  if (broken !== undefined) {
    const message = `the schema of collection ${JSON.stringify(collection)} cannot be checked: ${broken}`;
    return () => ({ code: 'INTERNAL', message });
  }
  const members = columns.map((column) => memberCheck(collection, column));
  const conditions = checks.map(({ name, condition }) => ({ name, evaluate: compiled(condition) }));
  return (bytes, start, end) => {
    for (const check of members) {
      const fault = check(bytes, start, end);
      if (fault !== undefined) return fault;
    }
    for (const { name, evaluate } of conditions) {
      try {
        // NULL does not violate it.
        if (evaluate(bytes, start, end - start) !== false) continue;
      } catch (error) {
        const { message, details } = toWireError(error);
        const text = `check constraint ${JSON.stringify(name)} fails: ${message}`;
        return violation(String(details?.['sqlstate'] ?? CHECK_VIOLATION), text, { constraint: name });
      }
      const text = `new row for relation ${JSON.stringify(collection)} violates check constraint ${JSON.stringify(name)}`;
      return violation(CHECK_VIOLATION, text, { constraint: name });
    }
    return undefined;
  };
}

const violation = (
  sqlstate: string,
  message: string,
  about: Readonly<Record<string, string>>,
): WireError => ({
  code: 'VALIDATION',
  message,
  details: { sqlstate, ...about },
});

function memberCheck(collection: string, column: ColumnDeclaration): DocumentCheck {
  const { name, type, modifiers, notNull } = column;
  const key = new TextEncoder().encode(name);
  const span = new Span();
  const isNull = violation(
    NOT_NULL_VIOLATION,
    `null value in column ${JSON.stringify(name)} of relation ${JSON.stringify(collection)} violates not-null constraint`,
    { field: name },
  );
  return (bytes, start, end) => {
    const value = findMember(bytes, start, end, key, span) ? decodeValue(bytes, span.start, span.end) : null;
    if (value === null) return notNull ? isNull : undefined;
    const fault = faultOf(value, type, modifiers);
    if (fault === undefined) return undefined;
    const message = `column ${JSON.stringify(name)} of relation ${JSON.stringify(collection)} ${fault.reason}: ${shown(value)}`;
    return violation(fault.sqlstate, message, { field: name });
  };
}

function shown(value: SqlValue): string {
  const text =
    value instanceof Json ? value.text : typeof value === 'string' ? JSON.stringify(value) : `${value}`;
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`;
}

const notOf = (type: SqlType): Fault => ({
  sqlstate: INVALID_TEXT_REPRESENTATION,
  reason: `is of type ${type}, which this value is not`,
});

function faultOf(value: SqlValue, type: SqlType, modifiers?: readonly number[]): Fault | undefined {
  if (isArrayType(type)) return arrayFault(value, type, modifiers);
  switch (type) {
    case 'bool':
      return typeof value === 'boolean' ? undefined : notOf(type);
    case 'text':
      return typeof value === 'string' ? lengthFault(value, modifiers) : notOf(type);
    case 'int8':
      return integerFault(value);
    case 'float8':
      return isNumber(value) ? undefined : notOf(type);
    case 'numeric':
      return isNumber(value) ? decimalFault(value, modifiers) : notOf(type);
    case 'date':
    case 'time':
    case 'interval':
    case 'timestamp':
    case 'timestamptz':
      // Words like "now" are not constant: without a clock they are errors.
      return typeof value === 'string' && casts(value, type) ? undefined : notOf(type);
    default:
      return undefined;
  }
}

const isNumber = (value: SqlValue): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

function arrayFault(value: SqlValue, type: SqlType, modifiers?: readonly number[]): Fault | undefined {
  const elements = value instanceof Json ? arrayElements(value) : undefined;
  if (elements === undefined) return notOf(type);
  for (const element of elements) {
    const fault = element === null ? undefined : faultOf(element, elementType(type), modifiers);
    if (fault !== undefined) return { ...fault, reason: `has an element that does not fit ${type}` };
  }
  return undefined;
}

function integerFault(value: SqlValue): Fault | undefined {
  if (!isNumber(value) || (typeof value === 'number' && !Number.isInteger(value))) return notOf('int8');
  if (BigInt(value) >= INT8_MIN && BigInt(value) <= INT8_MAX) return undefined;
  return { sqlstate: NUMERIC_VALUE_OUT_OF_RANGE, reason: 'is of type int8, which this value exceeds' };
}

function lengthFault(value: string, modifiers?: readonly number[]): Fault | undefined {
  const length = modifiers?.[0];
  // Characters are code points.
  if (length === undefined || value.length <= length || [...value].length <= length) return undefined;
  return { sqlstate: STRING_TOO_LONG, reason: `has ${length} characters at most, which this value exceeds` };
}

/** What casting would change or refuse does not fit. */
function decimalFault(value: number | bigint, modifiers?: readonly number[]): Fault | undefined {
  if (modifiers === undefined) return undefined;
  const fault = {
    sqlstate: NUMERIC_VALUE_OUT_OF_RANGE,
    reason: `is of type numeric(${modifiers.join(',')}), which this value does not fit`,
  };
  try {
    // biome-ignore lint/suspicious/noDoubleEquals: a number and a bigint may be the same value.
    return castValue(value, 'numeric', modifiers) == value ? undefined : fault;
  } catch {
    return fault;
  }
}

function casts(value: string, type: SqlType): boolean {
  try {
    castValue(value, type);
    return true;
  } catch {
    return false;
  }
}
