/**
 * Order and equality of values. Two orders: that of the operators, which knows nothing of values of different kinds, and a
 * total one for ORDER BY, GROUP BY and DISTINCT. Any thread; hot.
 */
import { DAYS_PER_MONTH, MICROS_PER_DAY } from './calendar.js';
import { castOrNull, jsonArrayItems } from './cast.js';
import { compareTrees, parseTree, writeJsonb } from './json-tree.js';
import { compareNumbers, isExactDouble, isNumber } from './numbers.js';
import type { SqlType } from './sql-type.js';
import { isArray } from './text.js';
import { compareText } from './text-order.js';
import {
  type Interval,
  type Json,
  SqlDate,
  type SqlRecord,
  SqlTime,
  type SqlValue,
  Timestamp,
} from './values.js';

/** Kinds in their order; NULL is the greatest. */
const TEXT = 0;
const NUMBER = 1;
const BOOLEAN = 2;
const INSTANT = 3;
const TIME = 4;
const INTERVAL = 5;
const ARRAY = 6;
const JSON_ARRAY = 7;
const JSON_OBJECT = 8;
const RECORD = 9;
const NULL = 10;

function kindOf(value: SqlValue): number {
  switch (typeof value) {
    case 'string':
      return TEXT;
    case 'number':
    case 'bigint':
      return NUMBER;
    case 'boolean':
      return BOOLEAN;
  }
  if (value === null) return NULL;
  if (isArray(value)) return ARRAY;
  switch (value.kind) {
    case 'timestamp':
    case 'date':
      return INSTANT;
    case 'time':
      return TIME;
    case 'interval':
      return INTERVAL;
    case 'json':
      return value.text.charCodeAt(0) === 0x5b ? JSON_ARRAY : JSON_OBJECT;
    case 'record':
      return RECORD;
  }
}

/**
 * For = <> < <= > >=: negative, 0, positive; undefined is NULL. Text meets a kind of time as that kind, if it can. Inside of
 * arrays and records the total order holds, as in PostgreSQL: NULL equals NULL. The binder writes out `ROW(…) = ROW(…)`.
 */
export function compareForOperator(a: SqlValue, b: SqlValue): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return compareNumbers(a, b);
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (a === null || b === null) return undefined;
  const kind = kindOf(a);
  const other = kindOf(b);
  if (kind === other) return compareSameKind(kind, a, b);
  if (kind === TEXT) return compareTextWithTime(a as string, b, other);
  if (other === TEXT) {
    const order = compareTextWithTime(b as string, a, kind);
    return order === undefined ? undefined : 0 - order;
  }
  // A member that is an array, and ARRAY[…].
  if (kind === JSON_ARRAY && other === ARRAY) return compareArrays(jsonArrayItems(a as Json) ?? [], b);
  if (kind === ARRAY && other === JSON_ARRAY) return compareArrays(a, jsonArrayItems(b as Json) ?? []);
  return undefined;
}

function compareTextWithTime(text: string, time: SqlValue, kind: number): number | undefined {
  if (kind !== INSTANT && kind !== TIME && kind !== INTERVAL) return undefined;
  const value = castOrNull(text, timeType(time));
  return value === null ? undefined : compareSameKind(kind, value, time);
}

function timeType(value: SqlValue): SqlType {
  if (value instanceof Timestamp) return value.hasZone ? 'timestamptz' : 'timestamp';
  // The text may have a time of day: it counts.
  if (value instanceof SqlDate) return 'timestamptz';
  return value instanceof SqlTime ? 'time' : 'interval';
}

/** The total order: text < numbers < booleans < times < arrays < objects < records < NULL. */
export function compareForOrder(a: SqlValue, b: SqlValue): number {
  if (typeof a === 'number' && typeof b === 'number') return compareNumbers(a, b);
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  const kind = kindOf(a);
  const other = kindOf(b);
  return kind === other ? compareSameKind(kind, a, b) : kind - other;
}

function compareSameKind(kind: number, a: SqlValue, b: SqlValue): number {
  switch (kind) {
    case TEXT:
      return compareText(a as string, b as string);
    case NUMBER:
      return compareNumbers(a as number, b as number);
    case BOOLEAN:
      return Number(a) - Number(b);
    case INSTANT:
      return order(instantMicros(a), instantMicros(b));
    case TIME:
      return order((a as SqlTime).micros, (b as SqlTime).micros);
    case INTERVAL:
      return compareIntervals(a as Interval, b as Interval);
    case ARRAY:
      return compareArrays(a, b);
    case JSON_ARRAY:
    case JSON_OBJECT:
      return compareJson(a as Json, b as Json);
    case RECORD:
      return compareArrays((a as SqlRecord).values, (b as SqlRecord).values);
    default:
      return 0;
  }
}

/** Not a difference: infinities have none. */
const order = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

const instantMicros = (value: SqlValue): number =>
  value instanceof SqlDate ? value.days * MICROS_PER_DAY : (value as Timestamp).micros;

/** A month counts 30 days and a day 24 hours. In two parts, because the whole may not be exact. */
function intervalLength(interval: Interval): { days: number; micros: number } {
  const carried = Math.floor(interval.micros / MICROS_PER_DAY);
  return {
    days: interval.months * DAYS_PER_MONTH + interval.days + carried,
    micros: interval.micros - carried * MICROS_PER_DAY,
  };
}

export function compareIntervals(a: Interval, b: Interval): number {
  const left = intervalLength(a);
  const right = intervalLength(b);
  return left.days === right.days ? order(left.micros, right.micros) : order(left.days, right.days);
}

function compareArrays(a: SqlValue, b: SqlValue): number {
  const left = a as readonly SqlValue[];
  const right = b as readonly SqlValue[];
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const byItem = compareForOrder(left[index], right[index]);
    if (byItem !== 0) return byItem;
  }
  return left.length - right.length;
}

const compareJson = (a: Json, b: Json): number =>
  a.text === b.text ? 0 : compareTrees(parseTree(a.text), parseTree(b.text));

export type HashKey = string | number | bigint | boolean | null;

/** Starts the keys that are not texts; texts that start with it get one more. */
const MARK = '\u0000';

/**
 * A Map key such that two rows of the same number of values have the same key iff compareForOrder says 0 for each pair.
 */
export function hashKey(values: readonly SqlValue[]): HashKey {
  if (values.length === 1) return hashValue(values[0]);
  let key = '';
  for (const value of values) key += partOf(value);
  return key;
}

/** The key of one value. */
export function hashValue(value: SqlValue): HashKey {
  switch (typeof value) {
    case 'string':
      return value.charCodeAt(0) === 0 ? MARK + value : value;
    case 'number':
      // A Map takes 0 and -0 for one, and NaN for itself.
      return value;
    case 'bigint':
      return isExactDouble(value) ? Number(value) : value;
    case 'boolean':
      return value;
    default:
      return value === null ? null : MARK + partOf(value);
  }
}

/** Unambiguous when strung together. */
function partOf(value: SqlValue): string {
  if (typeof value === 'string') return `s${value.length}:${value}`;
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (value === null) return '0';
  if (isNumber(value)) return `n${String(hashValue(value))};`.replace('n-0;', 'n0;');
  if (isArray(value)) return `a${value.length}[${value.map(partOf).join('')}`;
  switch (value.kind) {
    case 'timestamp':
    case 'date':
      return `i${instantMicros(value)};`;
    case 'time':
      return `h${value.micros};`;
    case 'interval': {
      const { days, micros } = intervalLength(value);
      return `v${days},${micros};`;
    }
    case 'json': {
      const canonical = writeJsonb(parseTree(value.text));
      return `j${canonical.length}:${canonical}`;
    }
    case 'record':
      return `r${value.values.length}[${value.values.map(partOf).join('')}`;
  }
}
