/**
 * The values of a filter, compiled, and how they compare with spans of valid JSON text.
 *
 * Equality: same type and same value; numbers as in number-order.ts (1 equals 1.0), strings by their unescaped
 * contents, arrays element by element, objects as sets of members whose order does not matter and where a repeated
 * key counts with its last value. Order: numbers by value, strings by code points, false before true; values of
 * different types have no order, nor have null, arrays and objects. Any thread.
 */
import { assert, unreachable } from '../base/assert.js';
import { DbError } from '../base/errors.js';
import { ElementCursor, MemberCursor } from './members.js';
import { compareNumber, type NumberOperand, numberOperand } from './number-order.js';
import { compareContents, decodeString } from './text.js';

/** Deepest nesting of a value in a filter. */
export const FILTER_DEPTH_MAX = 32;

export type Operand =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number'; readonly number: NumberOperand }
  | { readonly kind: 'string'; readonly utf8: Uint8Array }
  | { readonly kind: 'array'; readonly elements: readonly Operand[] }
  | {
      readonly kind: 'object';
      readonly indexByKey: ReadonlyMap<string, number>;
      readonly values: readonly Operand[];
    };

/** What orderAgainst returns when the two values have no order. */
export const UNORDERED = Number.NaN;

/** Throws DbError('VALIDATION', …, {field}) for a value that JSON text could not spell or that nests too deep. */
export function compileOperand(value: unknown, field: string, depth = 1): Operand {
  if (depth > FILTER_DEPTH_MAX) {
    throw new DbError('VALIDATION', `a filter value nests deeper than ${FILTER_DEPTH_MAX} levels`, { field });
  }
  if (value === null) return { kind: 'null' };
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  if (typeof value === 'string') return { kind: 'string', utf8: encodeString(value, field) };
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) {
    return { kind: 'number', number: numberOperand(value) };
  }
  if (Array.isArray(value)) {
    return { kind: 'array', elements: value.map((element) => compileOperand(element, field, depth + 1)) };
  }
  if (typeof value === 'object') {
    const indexByKey = new Map<string, number>();
    const values: Operand[] = [];
    for (const [key, member] of Object.entries(value)) {
      indexByKey.set(key, values.length);
      values.push(compileOperand(member, field, depth + 1));
    }
    return { kind: 'object', indexByKey, values };
  }
  throw new DbError('VALIDATION', `a filter cannot compare with ${String(value)}`, { field });
}

function encodeString(text: string, field: string): Uint8Array {
  if (!text.isWellFormed()) {
    throw new DbError('VALIDATION', 'a filter value holds half of a surrogate pair', { field });
  }
  return new TextEncoder().encode(text);
}

/** Whether the value in bytes[start, end) equals the operand. */
export function equalsOperand(bytes: Uint8Array, start: number, end: number, operand: Operand): boolean {
  const first = bytes[start];
  switch (operand.kind) {
    case 'null':
      return first === 0x6e;
    case 'boolean':
      return first === (operand.value ? 0x74 : 0x66);
    case 'number':
      return isNumberStart(first) && compareNumber(bytes, start, end, operand.number) === 0;
    case 'string':
      return first === 0x22 && equalsString(bytes, start + 1, end - 1, operand.utf8);
    case 'array':
      return first === 0x5b && equalsArray(bytes, start, operand.elements);
    case 'object':
      return first === 0x7b && equalsObject(bytes, start, operand.indexByKey, operand.values);
    default:
      return unreachable(operand);
  }
}

/** Compares two operands of the same kind, numbers or strings, in the order of orderAgainst. */
export function compareOperands(left: Operand, right: Operand): number {
  if (left.kind === 'number' && right.kind === 'number') {
    const { value } = left.number;
    return value < right.number.value ? -1 : value > right.number.value ? 1 : 0;
  }
  assert(left.kind === 'string' && right.kind === 'string', 'operands of these kinds have no order');
  return Buffer.compare(left.utf8, right.utf8);
}

/** Negative, 0 or positive as the value in bytes[start, end) orders against the operand; UNORDERED when it cannot. */
export function orderAgainst(bytes: Uint8Array, start: number, end: number, operand: Operand): number {
  const first = bytes[start];
  switch (operand.kind) {
    case 'number':
      return isNumberStart(first) ? compareNumber(bytes, start, end, operand.number) : UNORDERED;
    case 'string':
      return first === 0x22 ? compareContents(bytes, start + 1, end - 1, operand.utf8) : UNORDERED;
    case 'boolean':
      return first === 0x74 || first === 0x66 ? Number(first === 0x74) - Number(operand.value) : UNORDERED;
    case 'null':
    case 'array':
    case 'object':
      return UNORDERED;
    default:
      return unreachable(operand);
  }
}

/** Longest spelling of one byte of a string: a control character as \u00xx. */
const SPELLING_BYTES_MAX = 6;

/** Lengths first, so that the work is bounded by the operand's length and not by the document's. */
function equalsString(bytes: Uint8Array, start: number, end: number, utf8: Uint8Array): boolean {
  const length = end - start;
  if (length < utf8.length || length > utf8.length * SPELLING_BYTES_MAX) return false;
  return compareContents(bytes, start, end, utf8) === 0;
}

function isNumberStart(byte: number): boolean {
  return byte === 0x2d || (byte >= 0x30 && byte <= 0x39);
}

function equalsArray(bytes: Uint8Array, start: number, elements: readonly Operand[]): boolean {
  const cursor = new ElementCursor();
  cursor.reset(bytes, start);
  for (const element of elements) {
    if (!cursor.next() || !equalsOperand(bytes, cursor.valueStart, cursor.valueEnd, element)) return false;
  }
  return !cursor.next();
}

function equalsObject(
  bytes: Uint8Array,
  start: number,
  indexByKey: ReadonlyMap<string, number>,
  values: readonly Operand[],
): boolean {
  const valueStart = new Array<number>(values.length).fill(-1);
  const valueEnd = new Array<number>(values.length).fill(-1);
  const cursor = new MemberCursor();
  cursor.reset(bytes, start);
  while (cursor.next()) {
    const index = indexByKey.get(decodeString(bytes, cursor.keyStart, cursor.keyEnd));
    if (index === undefined) return false;
    valueStart[index] = cursor.valueStart;
    valueEnd[index] = cursor.valueEnd;
  }
  return values.every(
    (value, index) =>
      valueStart[index] >= 0 && equalsOperand(bytes, valueStart[index], valueEnd[index], value),
  );
}
