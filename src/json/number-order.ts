/**
 * Exact order of a number's text against a number. Integer texts count as the integers they spell, of any size; texts
 * with a fraction or an exponent count as their nearest double. One total order over both: a bigint and a double are
 * compared as mathematical values. Any thread.
 */
import { decodeText } from './text.js';

/** Integers of this many digits are exact as doubles. */
const EXACT_DIGITS_MAX = 15;
/** A double with a fraction is below 2^52, which has 16 digits: a longer integer is beyond every one of them. */
const FRACTION_DIGITS_MAX = 16;
const MINUS = 0x2d;
const ZERO = 0x30;

/** A number to compare with, made ready once. */
export interface NumberOperand {
  readonly value: number | bigint;
  /** Decimal digits of the absolute value when it is an integer, else null. */
  readonly digits: Uint8Array | null;
}

/** `value` must be finite. */
export function numberOperand(value: number | bigint): NumberOperand {
  if (typeof value === 'number' && !Number.isInteger(value)) return { value, digits: null };
  const integer = BigInt(value);
  const absolute = integer < 0n ? -integer : integer;
  return { value, digits: new TextEncoder().encode(absolute.toString()) };
}

/** Negative, 0 or positive as the number in bytes[start, end) is less than, equal to or greater than the operand. */
export function compareNumber(bytes: Uint8Array, start: number, end: number, operand: NumberOperand): number {
  const isNegative = bytes[start] === MINUS;
  const digitsStart = isNegative ? start + 1 : start;
  if (!isInteger(bytes, digitsStart, end)) {
    return order(Number(decodeText(bytes, start, end)), operand.value);
  }
  const digitCount = end - digitsStart;
  const isShort = digitCount <= (operand.digits === null ? FRACTION_DIGITS_MAX : EXACT_DIGITS_MAX);
  if (isShort) {
    let magnitude = 0;
    for (let at = digitsStart; at < end; at++) magnitude = magnitude * 10 + (bytes[at] - ZERO);
    return order(isNegative ? -magnitude : magnitude, operand.value);
  }
  const sign = isNegative ? -1 : 1;
  if (operand.digits === null || isNegative !== operand.value < 0) return sign;
  return sign * compareDigits(bytes, digitsStart, end, operand.digits);
}

function isInteger(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    // Only digits follow the sign of an integer: a dot, e or E makes it something else.
    if (bytes[at] < ZERO || bytes[at] > 0x39) return false;
  }
  return true;
}

function order(left: number, right: number | bigint): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Neither side has leading zeros: JSON forbids them. */
function compareDigits(bytes: Uint8Array, start: number, end: number, digits: Uint8Array): number {
  if (end - start !== digits.length) return end - start - digits.length;
  for (let index = 0; index < digits.length; index++) {
    const difference = bytes[start + index] - digits[index];
    if (difference !== 0) return difference;
  }
  return 0;
}
