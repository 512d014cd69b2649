/** + - * / between dates, timestamps, times, intervals and numbers. */

import { sqlError } from '../errors.js';
import { MICROS_PER_DAY } from '../types/calendar.js';
import { checkDate, checkTimestamp } from '../types/datetime-fields.js';
import { makeInterval } from '../types/interval-parse.js';
import { type Interval, SqlDate, SqlTime, Timestamp } from '../types/values.js';
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

/** Midnight of the day. */
export const dateToTimestamp = (date: SqlDate): Timestamp => new Timestamp(date.days * MICROS_PER_DAY, false);

/** Days and the rest, never months. */
export function subtractTimestamps(a: Timestamp, b: Timestamp): Interval {
  if (!Number.isFinite(a.micros) || !Number.isFinite(b.micros)) {
    throw sqlError('22008', 'cannot subtract infinite timestamps');
  }
  const difference = a.micros - b.micros;
  const days = Math.trunc(difference / MICROS_PER_DAY);
  return makeInterval(0, days, difference - days * MICROS_PER_DAY);
}

const addDays = (date: SqlDate, days: number): SqlDate =>
  Number.isFinite(date.days) ? new SqlDate(checkDate(date.days + days)) : date;

function subtractDates(a: SqlDate, b: SqlDate): number {
  if (!Number.isFinite(a.days) || !Number.isFinite(b.days)) {
    throw sqlError('22008', 'cannot subtract infinite dates');
  }
  return a.days - b.days;
}

/** Around midnight. */
function addToTime(time: SqlTime, micros: number): SqlTime {
  const sum = time.micros + micros;
  return new SqlTime(sum - Math.floor(sum / MICROS_PER_DAY) * MICROS_PER_DAY);
}

const atTime = (date: SqlDate, time: SqlTime): Timestamp =>
  new Timestamp(checkTimestamp(date.days * MICROS_PER_DAY + time.micros), false);

export const TIME_OPERATORS: readonly FunctionDefinition[] = [
  two<Timestamp, Interval>('+', ['timestamptz', 'interval'], 'timestamptz', (t, i) => addToTimestamp(t, i)),
  two<Timestamp, Interval>('+', ['timestamp', 'interval'], 'timestamp', (t, i) => addToTimestamp(t, i)),
  two<SqlDate, Interval>('+', ['date', 'interval'], 'timestamp', (d, i) =>
    addToTimestamp(dateToTimestamp(d), i),
  ),
  two<SqlTime, Interval>('+', ['time', 'interval'], 'time', (t, i) => addToTime(t, i.micros)),
  two<Interval>('+', ['interval', 'interval'], 'interval', addIntervals),
  two<Interval, Timestamp>('+', ['interval', 'timestamptz'], 'timestamptz', (i, t) => addToTimestamp(t, i)),
  two<Interval, Timestamp>('+', ['interval', 'timestamp'], 'timestamp', (i, t) => addToTimestamp(t, i)),
  two<Interval, SqlDate>('+', ['interval', 'date'], 'timestamp', (i, d) =>
    addToTimestamp(dateToTimestamp(d), i),
  ),
  two<Interval, SqlTime>('+', ['interval', 'time'], 'time', (i, t) => addToTime(t, i.micros)),
  two<SqlDate, number>('+', ['date', 'int8'], 'date', addDays),
  two<number, SqlDate>('+', ['int8', 'date'], 'date', (days, date) => addDays(date, days)),
  two<SqlDate, SqlTime>('+', ['date', 'time'], 'timestamp', atTime),
  two<SqlTime, SqlDate>('+', ['time', 'date'], 'timestamp', (time, date) => atTime(date, time)),
  two<Timestamp>('-', ['timestamptz', 'timestamptz'], 'interval', subtractTimestamps),
  two<Timestamp>('-', ['timestamp', 'timestamp'], 'interval', subtractTimestamps),
  two<SqlDate>('-', ['date', 'date'], 'int8', subtractDates),
  two<SqlTime>('-', ['time', 'time'], 'interval', (a, b) => makeInterval(0, 0, a.micros - b.micros)),
  two<Timestamp, Interval>('-', ['timestamptz', 'interval'], 'timestamptz', (t, i) =>
    addToTimestamp(t, i, -1),
  ),
  two<Timestamp, Interval>('-', ['timestamp', 'interval'], 'timestamp', (t, i) => addToTimestamp(t, i, -1)),
  two<SqlDate, Interval>('-', ['date', 'interval'], 'timestamp', (d, i) =>
    addToTimestamp(dateToTimestamp(d), i, -1),
  ),
  two<SqlDate, number>('-', ['date', 'int8'], 'date', (date, days) => addDays(date, -days)),
  two<SqlTime, Interval>('-', ['time', 'interval'], 'time', (t, i) => addToTime(t, -i.micros)),
  two<Interval>('-', ['interval', 'interval'], 'interval', subtractIntervals),
  one<Interval>('-', 'interval', 'interval', negateInterval),
  one<Interval>('+', 'interval', 'interval', (i) => i),
  two<Interval, number>('*', ['interval', 'float8'], 'interval', multiplyInterval),
  two<number, Interval>('*', ['float8', 'interval'], 'interval', (factor, i) => multiplyInterval(i, factor)),
  two<Interval, number>('/', ['interval', 'float8'], 'interval', divideInterval),
];
