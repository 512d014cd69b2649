/**
 * Which Parquet type a column gets, by the values that were looked at, and what a value is in it. Pure functions.
 *
 *     BOOLEAN     true and false only                INT64      whole numbers of 64 bits only
 *     DOUBLE      numbers that a double holds exactly as they are written, whole ones up to 2^53 among them
 *     TIMESTAMP   texts of the form 2026-01-15T08:00:00.000Z only (milliseconds, UTC)
 *     STRING      texts only                         JSON       anything else: arrays, objects, a mixture, as JSON text
 *
 * Missing members and null are both Parquet's null, and say nothing about the type. A column of nothing else is JSON.
 */
import { canonicalMoment } from './moment.js';

export const PARQUET_TYPES = ['BOOLEAN', 'INT64', 'DOUBLE', 'TIMESTAMP', 'STRING', 'JSON'] as const;
export type ParquetColumnType = (typeof PARQUET_TYPES)[number];

/** What one value is; integers know whether a double could hold them too. */
export type ValueKind =
  | 'null'
  | 'boolean'
  | 'small-integer'
  | 'integer'
  | 'double'
  | 'moment'
  | 'text'
  | 'json';

const INTEGER = /^(?:0|-?[1-9]\d*)$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Digits and sign of the longest 64-bit integer. */
const INT64_LENGTH_MAX = 20;

/** `text` is JSON; of a text, `decoded` is what it says. */
export function kindOf(text: string, decoded: string | undefined): ValueKind {
  if (decoded !== undefined) return canonicalMoment(decoded) === undefined ? 'text' : 'moment';
  switch (text[0]) {
    case 'n':
      return 'null';
    case 't':
    case 'f':
      return 'boolean';
    case '{':
    case '[':
      return 'json';
    default:
      return numberKind(text);
  }
}

function numberKind(text: string): ValueKind {
  const value = Number(text);
  if (!INTEGER.test(text)) return isSameDecimal(text, value) ? 'double' : 'json';
  if (Number.isSafeInteger(value)) return 'small-integer';
  if (text.length > INT64_LENGTH_MAX) return 'json';
  const exact = BigInt(text);
  return exact >= INT64_MIN && exact <= INT64_MAX ? 'integer' : 'json';
}

/** Whether a double says the same number as this text: 1.50 and 1.5 are one, 0.1234567890123456789 is cut. */
function isSameDecimal(text: string, value: number): boolean {
  return Number.isFinite(value) && decimal(text) === decimal(JSON.stringify(value)) && !Object.is(value, -0);
}

/** Digits without leading and trailing zeros, with the exponent of the last one: equal for equal numbers. */
function decimal(text: string): string {
  const [mantissa, exponent = '0'] = text.toLowerCase().split('e');
  const [whole, fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return '0';
  const significant = digits.replace(/0+$/, '');
  const last = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${text.startsWith('-') ? '-' : ''}${significant}e${last}`;
}

/** What a column has held so far: its type, or whole numbers that a double could hold as well. */
export type ColumnContents = ParquetColumnType | 'SMALL_INTEGERS';

/** The narrowest that holds both; `undefined` holds nothing yet. */
export function widen(held: ColumnContents | undefined, kind: ValueKind): ColumnContents | undefined {
  if (kind === 'null') return held;
  const own = NARROWEST[kind];
  if (held === undefined || held === own) return own;
  for (const [narrow, wide] of WIDER) {
    if ((held === narrow && own === wide) || (held === wide && own === narrow)) return wide;
  }
  return 'JSON';
}

export function typeOfContents(held: ColumnContents | undefined): ParquetColumnType {
  return held === 'SMALL_INTEGERS' ? 'INT64' : (held ?? 'JSON');
}

const NARROWEST: Readonly<Record<Exclude<ValueKind, 'null'>, ColumnContents>> = {
  boolean: 'BOOLEAN',
  'small-integer': 'SMALL_INTEGERS',
  integer: 'INT64',
  double: 'DOUBLE',
  moment: 'TIMESTAMP',
  text: 'STRING',
  json: 'JSON',
};

/** Pairs of which the second holds all that the first does. */
const WIDER: ReadonlyArray<readonly [ColumnContents, ColumnContents]> = [
  ['SMALL_INTEGERS', 'INT64'],
  ['SMALL_INTEGERS', 'DOUBLE'],
  ['TIMESTAMP', 'STRING'],
];

/** The value as the writer takes it; undefined: it does not fit the type. */
export function parquetValue(
  type: ParquetColumnType,
  text: string,
  decoded: string | undefined,
): boolean | bigint | number | Date | string | null | undefined {
  const kind = kindOf(text, decoded);
  if (kind === 'null') return null;
  switch (type) {
    case 'BOOLEAN':
      return kind === 'boolean' ? text === 'true' : undefined;
    case 'INT64':
      return kind === 'small-integer' || kind === 'integer' ? BigInt(text) : undefined;
    case 'DOUBLE':
      return kind === 'double' || kind === 'small-integer' ? Number(text) : undefined;
    case 'TIMESTAMP':
      return kind === 'moment' ? new Date(decoded ?? '') : undefined;
    case 'STRING':
      return decoded;
    case 'JSON':
      return text;
  }
}
