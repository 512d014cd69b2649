/**
 * Operators on members of documents, whose kind is known only at run time: by what the values are. Numbers count as numeric,
 * so that / does not cut; texts that must be points in time or intervals are read as such; jsonb joins with jsonb.
 */
import { castValue } from '../types/cast.js';
import { isNumber, type SqlNumber } from '../types/numbers.js';
import { isArray } from '../types/text.js';
import { Interval, Json, SqlDate, SqlTime, type SqlValue, Timestamp } from '../types/values.js';
import {
  addNumeric,
  divideNumeric,
  moduloNumeric,
  multiplyNumeric,
  negate,
  powerNumeric,
  subtractNumeric,
} from './arithmetic.js';
import { one, two } from './define.js';
import type { FunctionDefinition } from './definition.js';
import {
  addIntervals,
  addToTimestamp,
  divideInterval,
  multiplyInterval,
  negateInterval,
  subtractIntervals,
} from './interval-arithmetic.js';
import { concatenateJson } from './json-tools.js';
import { concatenate } from './text-basic.js';
import { dateToTimestamp, subtractTimestamps } from './time-operators.js';

const toNumber = (value: SqlValue): SqlNumber =>
  isNumber(value) ? value : (castValue(value, 'numeric') as SqlNumber);

const toTimestamp = (value: SqlValue): Timestamp => {
  if (value instanceof Timestamp) return value;
  return value instanceof SqlDate ? dateToTimestamp(value) : (castValue(value, 'timestamptz') as Timestamp);
};

const toInterval = (value: SqlValue): Interval => castValue(value, 'interval') as Interval;

const isInstant = (value: SqlValue): boolean => value instanceof Timestamp || value instanceof SqlDate;
const isSpan = (value: SqlValue): boolean => value instanceof Interval || value instanceof SqlTime;

function addAny(a: SqlValue, b: SqlValue): SqlValue {
  if (isNumber(a) && isNumber(b)) return addNumeric(a, b);
  if (isInstant(b)) return addAny(b, a);
  if (a instanceof SqlDate && isNumber(b)) return new SqlDate(a.days + Number(b));
  if (isInstant(a)) return addToTimestamp(toTimestamp(a), toInterval(b));
  if (isSpan(a) && isSpan(b)) return addIntervals(toInterval(a), toInterval(b));
  if (isSpan(b)) return addToTimestamp(toTimestamp(a), toInterval(b));
  if (isSpan(a)) return addToTimestamp(toTimestamp(b), toInterval(a));
  return addNumeric(toNumber(a), toNumber(b));
}

function subtractAny(a: SqlValue, b: SqlValue): SqlValue {
  if (isNumber(a) && isNumber(b)) return subtractNumeric(a, b);
  if (a instanceof SqlDate && isNumber(b)) return new SqlDate(a.days - Number(b));
  if (a instanceof SqlDate && b instanceof SqlDate) return a.days - b.days;
  if (isSpan(a)) return subtractIntervals(toInterval(a), toInterval(b));
  if (isSpan(b)) return addToTimestamp(toTimestamp(a), toInterval(b), -1);
  if (isInstant(a) || isInstant(b)) return subtractTimestamps(toTimestamp(a), toTimestamp(b));
  // Two texts that are no numbers: the distance of two points in time.
  if (typeof a === 'string' && typeof b === 'string' && !looksNumeric(a)) {
    return subtractTimestamps(toTimestamp(a), toTimestamp(b));
  }
  return subtractNumeric(toNumber(a), toNumber(b));
}

const looksNumeric = (text: string): boolean => /^\s*[+-]?[\d.]+(?:e[+-]?\d+)?\s*$/i.test(text);

function multiplyAny(a: SqlValue, b: SqlValue): SqlValue {
  if (a instanceof Interval) return multiplyInterval(a, Number(toNumber(b)));
  if (b instanceof Interval) return multiplyInterval(b, Number(toNumber(a)));
  return multiplyNumeric(toNumber(a), toNumber(b));
}

function divideAny(a: SqlValue, b: SqlValue): SqlValue {
  if (a instanceof Interval) return divideInterval(a, Number(toNumber(b)));
  return divideNumeric(toNumber(a), toNumber(b));
}

/** Text with whatever is text; otherwise JSON. Text next to an object or array is read as JSON, if it is. */
function concatenateAny(a: SqlValue, b: SqlValue): SqlValue {
  const isJsonLike = (value: SqlValue): boolean => value instanceof Json || isArray(value);
  if (!isJsonLike(a) && !isJsonLike(b)) return concatenate(a, b);
  return concatenateJson(asJson(a), asJson(b));
}

const asJson = (value: SqlValue): SqlValue =>
  typeof value === 'string' && /^\s*[[{"]/.test(value) ? castValue(value, 'jsonb') : value;

const MEMBERS = { membersOnly: true } as const;

function withNumbers(symbol: string, evaluate: (a: SqlValue, b: SqlValue) => SqlValue): FunctionDefinition[] {
  return [
    two(symbol, ['any', 'any'], 'any', evaluate, MEMBERS),
    two(symbol, ['any', 'numeric'], 'numeric', evaluate, MEMBERS),
    two(symbol, ['numeric', 'any'], 'numeric', evaluate, MEMBERS),
  ];
}

export const ANY_OPERATORS: readonly FunctionDefinition[] = [
  ...withNumbers('+', addAny),
  ...withNumbers('-', subtractAny),
  ...withNumbers('*', multiplyAny),
  ...withNumbers('/', divideAny),
  ...withNumbers('%', (a, b) => moduloNumeric(toNumber(a), toNumber(b))),
  ...withNumbers('^', (a, b) => powerNumeric(toNumber(a), toNumber(b))),
  two('+', ['any', 'interval'], 'any', addAny, MEMBERS),
  two('+', ['interval', 'any'], 'any', addAny, MEMBERS),
  two('-', ['any', 'interval'], 'any', subtractAny, MEMBERS),
  one(
    '-',
    'any',
    'any',
    (value) => (value instanceof Interval ? negateInterval(value) : negate(toNumber(value))),
    MEMBERS,
  ),
  one('+', 'any', 'any', (value) => (value instanceof Interval ? value : toNumber(value)), MEMBERS),
  two('||', ['any', 'any'], 'any', concatenateAny, MEMBERS),
];
