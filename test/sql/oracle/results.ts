/** Results of both databases in one form, and whether two are the same. */
import {
  Interval,
  Json,
  SqlDate,
  SqlRecord,
  SqlTime,
  type SqlValue,
  Timestamp,
} from '../../../src/sql/types/values.js';
import type { PostgresResult } from './postgres.js';

export type Plain =
  | null
  | boolean
  | number
  | bigint
  | string
  | { readonly milliseconds: number }
  | { readonly json: unknown }
  | readonly Plain[];

export type Outcome =
  | { readonly rows: readonly (readonly Plain[])[] }
  | { readonly sqlstate: string; readonly message: string };

const RELATIVE_ERROR_MAX = 1e-9;

export function plainValue(value: SqlValue): Plain {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Timestamp) return { milliseconds: value.micros / 1000 };
  if (value instanceof SqlDate) return { milliseconds: value.days * 86_400_000 };
  if (value instanceof SqlTime) return { milliseconds: value.micros / 1000 };
  if (value instanceof Json) return { json: JSON.parse(value.text) };
  if (value instanceof Interval) return `${value.months} ${value.days} ${value.micros}`;
  if (value instanceof SqlRecord) return value.values.map(plainValue);
  return value.map(plainValue);
}

const BOOL = 16;
const NUMBERS = [20, 21, 23, 700, 701, 1700];
const JSONB = 3802;
const TIMES = [1082, 1114, 1184];

export const plainRows = ({ rows, types }: PostgresResult): Plain[][] =>
  rows.map((row) => row.map((value, column) => plainOfText(value, types[column])));

function plainOfText(text: string | null, type: number): Plain {
  if (text === null) return null;
  if (type === BOOL) return text === 't';
  if (NUMBERS.includes(type)) return plainNumber(text);
  if (type === JSONB) return plainJson(JSON.parse(text));
  if (TIMES.includes(type)) return { milliseconds: Date.parse(isoTime(text)) };
  return text;
}

const plainNumber = (text: string): Plain => {
  const number = Number(text);
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
};

const isoTime = (text: string): string => {
  const iso = text.replace(' ', 'T').replace(/\+00$/, 'Z');
  return iso.includes('T') && !iso.endsWith('Z') ? `${iso}Z` : iso;
};

/** A scalar of JSON is the SQL value here. */
const plainJson = (json: unknown): Plain =>
  typeof json === 'object' && json !== null ? { json } : (json as null | boolean | number | string);

export function isSameOutcome(a: Outcome, b: Outcome, isOrdered: boolean): boolean {
  // Which of several errors is found first is nobody's promise.
  if (!('rows' in a) || !('rows' in b)) return !('rows' in a) && !('rows' in b);
  if (a.rows.length !== b.rows.length) return false;
  if (isOrdered) return a.rows.every((row, index) => isSame(row, b.rows[index]));
  const [left, right] = [a.rows, b.rows].map((rows) => rows.map(keyed).sort(byKey));
  if (left.every(({ row }, index) => isSame(row, right[index].row))) return true;
  return isSameBag(a.rows, b.rows);
}

interface Keyed {
  readonly row: readonly Plain[];
  readonly key: string;
}

/** Numbers rounded, so that differences in the last digits do not change the order, but at a border. */
const keyed = (row: readonly Plain[]): Keyed => ({ row, key: JSON.stringify(row, rounded) });
const rounded = (_: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
};
const byKey = (a: Keyed, b: Keyed): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

function isSameBag(a: readonly (readonly Plain[])[], b: readonly (readonly Plain[])[]): boolean {
  const left = [...b];
  return a.every((row) => {
    const found = left.findIndex((other) => isSame(row, other));
    if (found >= 0) left.splice(found, 1);
    return found >= 0;
  });
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return isSameNumber(a, b);
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every(
    (name) => name in b && isSame((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}

function isSameNumber(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  return Math.abs(a - b) <= RELATIVE_ERROR_MAX * Math.max(Math.abs(a), Math.abs(b));
}
