/**
 * Numbers of SQL: text to number and back, the range of int8, exact integers, rounding as decimals round. A bigint is used
 * only beyond the safe integers, so that two forms of one value rarely meet (compare.ts copes where they do). Pure.
 */
import {
  DIVISION_BY_ZERO,
  INVALID_TEXT_REPRESENTATION,
  NUMERIC_VALUE_OUT_OF_RANGE,
  sqlError,
} from '../errors.js';

export type SqlNumber = number | bigint;

export const INT8_MIN = -(2n ** 63n);
export const INT8_MAX = 2n ** 63n - 1n;
/** A number at or above this is out of int8's range. */
const INT8_LIMIT = 2 ** 63;
/** Products and sums of integers are exact up to here; beyond, numeric falls back to doubles. */
export const EXACT_INTEGER_MAX = 1e38;
/** Integers in text are taken exactly up to so many digits. */
const EXACT_DIGITS_MAX = 1024;
/** Above, integral doubles are written with an exponent, as JSON does. */
const PLAIN_TEXT_MAX = 1e21;

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

export const isNumber = (value: unknown): value is SqlNumber =>
  typeof value === 'number' || typeof value === 'bigint';

export const isInteger = (value: SqlNumber): boolean => typeof value === 'bigint' || Number.isInteger(value);

/** Whether a double has the very value. */
export function isExactDouble(value: bigint): boolean {
  const double = Number(value);
  return Number.isFinite(double) && BigInt(double) === value;
}

/** A number where that is exact. */
export function normalizeInteger(value: bigint): SqlNumber {
  return value <= SAFE_MAX && value >= -SAFE_MAX ? Number(value) : value;
}

export const outOfRange = (type: string): Error =>
  sqlError(NUMERIC_VALUE_OUT_OF_RANGE, `${type} out of range`);

export const divisionByZero = (): Error => sqlError(DIVISION_BY_ZERO, 'division by zero');

/** Checks an integer against int8's range. */
export function toInt8(value: bigint): SqlNumber {
  if (value > INT8_MAX || value < INT8_MIN) throw outOfRange('bigint');
  return normalizeInteger(value);
}

/** numeric and float8 to int8: halves away from zero, or to even. */
export function roundToInt8(value: SqlNumber, halfToEven: boolean): SqlNumber {
  if (typeof value === 'bigint') return toInt8(value);
  if (!Number.isFinite(value)) {
    if (halfToEven) throw outOfRange('bigint');
    throw sqlError('0A000', `cannot convert ${Number.isNaN(value) ? 'NaN' : 'infinity'} to bigint`);
  }
  const rounded = halfToEven ? roundHalfEven(value) : roundHalfAway(value);
  if (rounded >= INT8_LIMIT || rounded < -INT8_LIMIT) throw outOfRange('bigint');
  return Number.isSafeInteger(rounded) ? rounded : toInt8(BigInt(rounded));
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest < 0.5) return floor + 0;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor + 0 : floor + 1;
}

/** Adds 0 so that no negative zero is left. */
export const roundHalfAway = (value: number): number =>
  value < 0 ? -Math.round(-value) + 0 : Math.round(value);

/** `value` × 10^places by moving the point in its shortest decimal form, which is what a decimal type would have held. */
export function shiftDecimal(value: number, places: number): number {
  const [mantissa, exponent] = String(value).split('e');
  return Number(`${mantissa}e${(exponent === undefined ? 0 : Number(exponent)) + places}`);
}

/** How many digits a double's shortest form has at most after the point: more places round nothing. */
const DECIMALS_MAX = 340;

export function roundDecimal(value: SqlNumber, places: number): SqlNumber {
  return adjustDecimal(value, places, roundHalfAway);
}

export function truncateDecimal(value: SqlNumber, places: number): SqlNumber {
  return adjustDecimal(value, places, (scaled) => Math.trunc(scaled) + 0);
}

function adjustDecimal(value: SqlNumber, places: number, adjust: (scaled: number) => number): SqlNumber {
  if (places >= 0 && isInteger(value)) return value;
  if (typeof value === 'bigint') {
    const unit = 10n ** BigInt(Math.min(-places, EXACT_DIGITS_MAX));
    const half = adjust(0.5) === 1 ? unit / 2n : 0n;
    return normalizeInteger(((value < 0n ? value - half : value + half) / unit) * unit);
  }
  if (!Number.isFinite(value) || places > DECIMALS_MAX) return value;
  if (places === 0) return adjust(value);
  const scaled = shiftDecimal(value, places);
  // A double so large has no digits at that place.
  if (Math.abs(scaled) >= 2 ** 53) return value;
  return shiftDecimal(adjust(scaled), -places);
}

const INTEGER_TEXT = /^[+-]?\d+$/;
const DECIMAL_TEXT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['+inf', Number.POSITIVE_INFINITY],
  ['infinity', Number.POSITIVE_INFINITY],
  ['+infinity', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['-infinity', Number.NEGATIVE_INFINITY],
]);

const invalidNumber = (type: string, text: string): Error =>
  sqlError(INVALID_TEXT_REPRESENTATION, `invalid input syntax for type ${type}: "${text}"`);

export function parseInt8(text: string): SqlNumber {
  const trimmed = text.trim();
  if (!INTEGER_TEXT.test(trimmed)) throw invalidNumber('bigint', text);
  const value = trimmed.length <= 15 ? Number(trimmed) + 0 : undefined;
  if (value !== undefined) return value;
  const tooLong = trimmed.length > EXACT_DIGITS_MAX;
  const exact = tooLong ? 0n : BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed);
  if (tooLong || exact > INT8_MAX || exact < INT8_MIN) {
    throw sqlError(NUMERIC_VALUE_OUT_OF_RANGE, `value "${text}" is out of range for type bigint`);
  }
  return normalizeInteger(exact);
}

/** numeric and float8; integers stay exact in both cases. */
export function parseNumber(text: string, type: 'numeric' | 'float8'): SqlNumber {
  const trimmed = text.trim();
  const name = type === 'float8' ? 'double precision' : 'numeric';
  if (!DECIMAL_TEXT.test(trimmed)) {
    const special = SPECIAL.get(trimmed.toLowerCase());
    if (special === undefined) throw invalidNumber(name, text);
    return special;
  }
  const value = Number(trimmed);
  if (!Number.isFinite(value)) {
    throw sqlError(NUMERIC_VALUE_OUT_OF_RANGE, `"${text}" is out of range for type ${name}`);
  }
  const isLong = type === 'numeric' && !Number.isSafeInteger(value) && INTEGER_TEXT.test(trimmed);
  if (isLong && trimmed.length <= EXACT_DIGITS_MAX) {
    return normalizeInteger(BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed));
  }
  return value + 0;
}

/** The number in a JSON text. */
export function parseJsonNumber(text: string): SqlNumber {
  const value = Number(text);
  if (Number.isSafeInteger(value) || !INTEGER_TEXT.test(text) || text.length > EXACT_DIGITS_MAX) return value;
  return normalizeInteger(BigInt(text));
}

export function numberToText(value: SqlNumber): string {
  if (typeof value === 'bigint') return value.toString();
  if (Number.isSafeInteger(value)) return value === 0 ? '0' : String(value);
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (Number.isInteger(value) && Math.abs(value) < PLAIN_TEXT_MAX) return BigInt(value).toString();
  // PostgreSQL writes exponents with two digits at least.
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** A number that JSON can spell; NaN and the infinities as strings. */
export function numberToJson(value: SqlNumber): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${numberToText(value)}"`;
  return numberToText(value);
}

/** Order of the mathematical values; NaN is the greatest and equal to itself, as in PostgreSQL. */
export function compareNumbers(a: SqlNumber, b: SqlNumber): number {
  if (a < b) return -1;
  if (a > b) return 1;
  // Loose on purpose: a bigint equals the double of the same value.
  // biome-ignore lint/suspicious/noDoubleEquals: 1n == 1
  if (a == b) return 0;
  const aIsNaN = Number.isNaN(a);
  const bIsNaN = Number.isNaN(b);
  return aIsNaN === bIsNaN ? 0 : aIsNaN ? 1 : -1;
}

/** numeric's + - *: exact for integers up to EXACT_INTEGER_MAX. `result` is what doubles gave. */
export function exactOr(
  result: number,
  a: SqlNumber,
  b: SqlNumber,
  exact: (a: bigint, b: bigint) => bigint,
): SqlNumber {
  if (Math.abs(result) < EXACT_INTEGER_MAX && isInteger(a) && isInteger(b)) {
    return normalizeInteger(exact(BigInt(a), BigInt(b)));
  }
  return result;
}
