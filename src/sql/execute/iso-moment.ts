/**
 * Reads the timestamps that documents mostly have, `2024-03-01T12:30:45.123Z`, from the bytes of the text. Anything else is
 * left to the general parser. Pure.
 */
import { daysFromCivil, daysInMonth, MICROS_PER_DAY, MICROS_PER_SECOND } from '../types/calendar.js';

const ZERO = 0x30;
const NINE = 0x39;
const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const UPPER_T = 0x54;
const UPPER_Z = 0x5a;
/** `2024-03-01T12:30:45Z` */
const BYTES_MIN = 20;
const FRACTION_START = 19;
const FRACTION_DIGITS_MAX = 6;

/** Microseconds since 1970; NaN when the text is not of this form. The Z may not be missing. */
export function isoMicros(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < BYTES_MIN || bytes[end - 1] !== UPPER_Z) return Number.NaN;
  if (bytes[start + 4] !== DASH || bytes[start + 7] !== DASH || bytes[start + 10] !== UPPER_T)
    return Number.NaN;
  if (bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return Number.NaN;
  const year = digits(bytes, start, 4);
  const month = digits(bytes, start + 5, 2);
  const day = digits(bytes, start + 8, 2);
  const hour = digits(bytes, start + 11, 2);
  const minute = digits(bytes, start + 14, 2);
  const second = digits(bytes, start + 17, 2);
  // NaN is in no range.
  const isInRange =
    year >= 1 && month >= 1 && month <= 12 && day >= 1 && hour < 24 && minute < 60 && second < 60;
  if (!isInRange || day > daysInMonth(year, month)) return Number.NaN;
  const seconds = (hour * 60 + minute) * 60 + second;
  const fraction = fractionMicros(bytes, start + FRACTION_START, end - 1);
  return daysFromCivil(year, month, day) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + fraction;
}

function digits(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const byte = bytes[at];
    if (byte < ZERO || byte > NINE) return Number.NaN;
    value = value * 10 + (byte - ZERO);
  }
  return value;
}

/** Of a dot and up to six digits, or of nothing. */
function fractionMicros(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return 0;
  const count = end - start - 1;
  if (bytes[start] !== DOT || count < 1 || count > FRACTION_DIGITS_MAX) return Number.NaN;
  return digits(bytes, start + 1, count) * 10 ** (FRACTION_DIGITS_MAX - count);
}
