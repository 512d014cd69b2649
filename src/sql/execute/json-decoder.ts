/**
 * From JSON text to SQL values, for text that was validated when it was written. What documents are full of, small numbers
 * and short strings, is decoded by hand; everything else goes the general way. One thread.
 */
import { ElementCursor, skipSpace } from '../../json/members.js';
import { EXACT_INTEGER_DIGITS_MAX } from '../../json/parse-exact.js';
import { isExactDouble } from '../types/numbers.js';
import { Json, type SqlValue } from '../types/values.js';
import { decodeText, slice } from './json-text.js';
import type { TextCache } from './text-cache.js';

const QUOTE = 0x22;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
/** Integers of this many digits are exact as doubles, and so are their quotients by small powers of ten, rounded once. */
const EXACT_DIGITS_MAX = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent);

const INTEGER = /^-?\d+$/;

/** The value whose text is bytes[start, end), without whitespace around it. */
export function decodeValue(bytes: Uint8Array, start: number, end: number, cache?: TextCache): SqlValue {
  const first = bytes[start];
  if (first === QUOTE) {
    return cache?.isUseful === true
      ? cache.get(bytes, start + 1, end - 1)
      : decodeText(bytes, start + 1, end - 1);
  }
  if (first <= NINE) return decodeNumber(bytes, start, end);
  switch (first) {
    case 0x74: // t
      return true;
    case 0x66: // f
      return false;
    case 0x6e: // n
      return null;
    default:
      return new Json(slice(bytes, start, end));
  }
}

/** A number; a bigint for integers that no double holds. */
export function decodeNumber(bytes: Uint8Array, start: number, end: number): number | bigint {
  const isNegative = bytes[start] === MINUS;
  const digitsStart = isNegative ? start + 1 : start;
  if (end - digitsStart > EXACT_DIGITS_MAX + 1) return parseNumber(slice(bytes, start, end));
  let mantissa = 0;
  let fractionStart = 0;
  for (let at = digitsStart; at < end; at++) {
    const byte = bytes[at];
    if (byte >= ZERO && byte <= NINE) mantissa = mantissa * 10 + (byte - ZERO);
    else if (byte === DOT) fractionStart = at + 1;
    else return parseNumber(slice(bytes, start, end));
  }
  if (fractionStart > 0) mantissa /= POWERS_OF_TEN[end - fractionStart];
  else if (end - digitsStart > EXACT_DIGITS_MAX) return parseNumber(slice(bytes, start, end));
  // Negative zero is zero.
  return isNegative && mantissa !== 0 ? -mantissa : mantissa;
}

function parseNumber(text: string): number | bigint {
  const double = Number(text);
  if (Number.isSafeInteger(double) || !INTEGER.test(text)) return double === 0 ? 0 : double;
  if (text.length > EXACT_INTEGER_DIGITS_MAX) return double;
  const exact = BigInt(text);
  return isExactDouble(exact) ? double : exact;
}

const utf8 = new TextEncoder();

/** Elements of an array of SQL or of JSON; undefined for anything else. */
export function arrayElements(value: SqlValue): readonly SqlValue[] | undefined {
  if (Array.isArray(value)) return value as readonly SqlValue[];
  if (!(value instanceof Json)) return undefined;
  const bytes = utf8.encode(value.text);
  const start = skipSpace(bytes, 0);
  if (bytes[start] !== 0x5b) return undefined;
  const cursor = new ElementCursor();
  cursor.reset(bytes, start);
  const elements: SqlValue[] = [];
  while (cursor.next()) elements.push(decodeValue(bytes, cursor.valueStart, cursor.valueEnd));
  return elements;
}
