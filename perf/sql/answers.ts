/** Rows of both peers in one form, to be compared before anything is timed. */
import type { Comparison } from './comparisons.js';

/** An answer of POST /api/v1/query. */
export interface LumaAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly row_count: number;
}

/** Sums and averages of many numbers differ in their last digits, whoever adds. */
const RELATIVE_ERROR_MAX = 1e-9;

/** A document, or the values of a row. */
export type ComparedRow = Readonly<Record<string, unknown>> | readonly unknown[];

export function lumaRows({ columns, rows }: LumaAnswer, { isDocument }: Comparison): ComparedRow[] {
  if (!isDocument) return [...rows];
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}

/** `rows` are arrays of values: rowMode 'array'. */
export function postgresRows(
  rows: readonly (readonly unknown[])[],
  { isDocument }: Comparison,
): ComparedRow[] {
  return isDocument ? rows.map(([doc]) => doc as ComparedRow) : [...rows];
}

/** What differs, or undefined. */
export function difference(
  luma: readonly ComparedRow[],
  postgres: readonly ComparedRow[],
  isOrdered: boolean,
): string | undefined {
  if (luma.length !== postgres.length) return `${luma.length} rows against ${postgres.length}`;
  const [left, right] = [luma, postgres].map((rows) => (isOrdered ? rows : [...rows].sort(byText)));
  const at = left.findIndex((row, i) => !isEqual(row, right[i]));
  if (at < 0) return undefined;
  return `row ${at}: ${JSON.stringify(left[at])} against ${JSON.stringify(right[at])}`;
}

function byText(a: ComparedRow, b: ComparedRow): number {
  const [left, right] = [canonicalText(a), canonicalText(b)];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function canonicalText(row: ComparedRow): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isEqual(a: unknown, b: unknown): boolean {
  if (isNumber(a) && isNumber(b)) {
    const [left, right] = [Number(a), Number(b)];
    return Math.abs(left - right) <= RELATIVE_ERROR_MAX * Math.max(Math.abs(left), Math.abs(right));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => name in b && isEqual(Reflect.get(a, name), Reflect.get(b, name)))
  );
}

/** pg gives int8 and numeric as text. */
function isNumber(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}
