/**
 * JSON.parse for the few texts, such as filters, whose integers must stay exact: those that a double cannot hold
 * become bigint. Valid text only (scan.ts), so recursion is bounded by JSON_DEPTH_MAX. Any thread; not a hot path.
 */
import { DbError } from '../base/errors.js';
import { ElementCursor, MemberCursor, skipSpace, skipValue } from './members.js';
import { decodeString, decodeText } from './text.js';

/** Longest integer that is turned into a bigint. The time to do so grows faster than the length. */
export const EXACT_INTEGER_DIGITS_MAX = 1024;

const INTEGER = /^-?\d+$/;

/** The value in bytes[start, end). Throws DbError('VALIDATION') for an integer longer than the limit. */
export function parseExact(bytes: Uint8Array, start: number, end: number): unknown {
  const at = skipSpace(bytes, start);
  return parseAt(bytes, at, Math.min(skipValue(bytes, at), end));
}

function parseAt(bytes: Uint8Array, start: number, end: number): unknown {
  switch (bytes[start]) {
    case 0x7b: // {
      return parseObject(bytes, start);
    case 0x5b: // [
      return parseArray(bytes, start);
    case 0x22: // "
      return decodeString(bytes, start + 1, end - 1);
    case 0x74: // t
      return true;
    case 0x66: // f
      return false;
    case 0x6e: // n
      return null;
    default:
      return parseNumber(decodeText(bytes, start, end));
  }
}

function parseNumber(text: string): number | bigint {
  const double = Number(text);
  if (Number.isSafeInteger(double) || !INTEGER.test(text)) return double;
  if (text.length > EXACT_INTEGER_DIGITS_MAX) {
    throw new DbError('VALIDATION', `an integer has more than ${EXACT_INTEGER_DIGITS_MAX} digits`, {
      limit: EXACT_INTEGER_DIGITS_MAX,
    });
  }
  return BigInt(text);
}

function parseObject(bytes: Uint8Array, start: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  const members = new MemberCursor();
  members.reset(bytes, start);
  while (members.next()) {
    // Defined, not assigned: `__proto__` is a key like any other.
    Object.defineProperty(object, decodeString(bytes, members.keyStart, members.keyEnd), {
      value: parseAt(bytes, members.valueStart, members.valueEnd),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return object;
}

function parseArray(bytes: Uint8Array, start: number): unknown[] {
  const array: unknown[] = [];
  const elements = new ElementCursor();
  elements.reset(bytes, start);
  while (elements.next()) array.push(parseAt(bytes, elements.valueStart, elements.valueEnd));
  return array;
}
