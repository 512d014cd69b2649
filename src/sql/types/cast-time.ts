/** Casts to the kinds of time. Any thread. */
import type { DbError } from '../../base/errors.js';
import { sqlError } from '../errors.js';
import {
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  splitMicros,
} from './calendar.js';
import {
  checkTimestamp,
  DateTimeFault,
  type DateTimeFields,
  fieldsToDays,
  fieldsToMicros,
  fieldsToTime,
} from './datetime-fields.js';
import { parseDateTime, parseJulian } from './datetime-parse.js';
import { type IntervalUnit, parseInterval } from './interval-parse.js';
import type { SqlType } from './sql-type.js';
import { typeName } from './type-rules.js';
import { Interval, SqlDate, SqlTime, type SqlValue, Timestamp } from './values.js';

const cannotCast = (to: SqlType): DbError => sqlError('42846', `cannot cast this value to ${typeName(to)}`);

/** Runs a parser and names the text in its error. */
function reading<T>(text: string, type: SqlType, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof DateTimeFault)) throw error;
    const message =
      error.sqlstate === '22007'
        ? `invalid input syntax for type ${typeName(type)}: "${text}"`
        : `date/time field value out of range: "${text}"`;
    throw sqlError(error.sqlstate, message);
  }
}

function fieldsOf(text: string): DateTimeFields {
  const julian = parseJulian(text);
  return julian === undefined ? parseDateTime(text) : { days: julian };
}

const PRECISION_MAX = 6;

/** timestamp(p) and its like: p digits of a second. */
function roundMicros(micros: number, modifiers: readonly number[] | undefined, position = 0): number {
  const precision = modifiers?.[position];
  if (precision === undefined || precision < 0 || precision >= PRECISION_MAX || !Number.isFinite(micros)) {
    return micros;
  }
  const unit = 10 ** (PRECISION_MAX - precision);
  return micros < 0 ? -Math.round(-micros / unit) * unit + 0 : Math.round(micros / unit) * unit;
}

export function castToTimestamp(
  value: SqlValue,
  hasZone: boolean,
  modifiers: readonly number[] | undefined,
  nowMicros: number | undefined,
): Timestamp {
  if (value instanceof Timestamp) {
    if (value.hasZone === hasZone && modifiers === undefined) return value;
    return new Timestamp(roundMicros(value.micros, modifiers), hasZone);
  }
  if (typeof value === 'string') {
    const micros = reading(value, hasZone ? 'timestamptz' : 'timestamp', () =>
      fieldsToMicros(fieldsOf(value), hasZone, nowMicros),
    );
    return new Timestamp(roundMicros(micros, modifiers), hasZone);
  }
  if (value instanceof SqlDate) {
    const micros = value.days * MICROS_PER_DAY;
    return new Timestamp(Number.isFinite(micros) ? checkTimestamp(micros) : micros, hasZone);
  }
  throw cannotCast(hasZone ? 'timestamptz' : 'timestamp');
}

export function castToDate(value: SqlValue, nowMicros: number | undefined): SqlDate {
  if (value instanceof SqlDate) return value;
  if (typeof value === 'string') {
    return new SqlDate(reading(value, 'date', () => fieldsToDays(fieldsOf(value), nowMicros)));
  }
  if (value instanceof Timestamp) return new SqlDate(Math.floor(value.micros / MICROS_PER_DAY));
  throw cannotCast('date');
}

export function castToTime(
  value: SqlValue,
  modifiers: readonly number[] | undefined,
  nowMicros: number | undefined,
): SqlTime {
  if (typeof value === 'string') {
    // 040506: a time when nothing but digits stands there.
    const compact = /^\s*(\d\d)(\d\d)(\d\d(?:\.\d+)?)?\s*$/.exec(value);
    const text = compact === null ? value : `${compact[1]}:${compact[2]}:${compact[3] ?? '00'}`;
    const micros = reading(value, 'time', () => fieldsToTime(fieldsOf(text), nowMicros));
    return new SqlTime(roundMicros(micros, modifiers));
  }
  if (value instanceof SqlTime) return new SqlTime(roundMicros(value.micros, modifiers));
  const micros = value instanceof Timestamp || value instanceof Interval ? value.micros : undefined;
  if (micros === undefined || !Number.isFinite(micros)) throw cannotCast('time');
  return new SqlTime(roundMicros(splitMicros(micros).microsOfDay, modifiers));
}

/** The bits of the mask that the parser gives for INTERVAL '…' DAY TO SECOND and its like, smallest unit first. */
const MASK_UNITS: readonly (readonly [number, IntervalUnit])[] = [
  [1 << 12, 'second'],
  [1 << 11, 'minute'],
  [1 << 10, 'hour'],
  [1 << 3, 'day'],
  [1 << 1, 'month'],
  [1 << 2, 'year'],
];
const FULL_MASK = 0x7fff;
const MINUTE_TO_SECOND = (1 << 11) | (1 << 12);

export function castToInterval(value: SqlValue, modifiers: readonly number[] | undefined): Interval {
  const mask = modifiers?.[0] ?? FULL_MASK;
  const smallest = mask === FULL_MASK ? undefined : MASK_UNITS.find(([bit]) => (mask & bit) !== 0)?.[1];
  let interval: Interval;
  if (value instanceof Interval) interval = value;
  else if (typeof value === 'string')
    interval = reading(value, 'interval', () => parseInterval(value, smallest, mask === MINUTE_TO_SECOND));
  else if (value instanceof SqlTime) interval = new Interval(0, 0, value.micros);
  else throw cannotCast('interval');
  if (modifiers === undefined) return interval;
  const truncated = smallest === undefined ? interval : truncateTo(interval, smallest);
  return new Interval(truncated.months, truncated.days, roundMicros(truncated.micros, modifiers, 1));
}

/** What is smaller than the unit is dropped. */
function truncateTo(interval: Interval, unit: IntervalUnit): Interval {
  const { months, days, micros } = interval;
  const cut = (size: number): number => Math.trunc(micros / size) * size + 0;
  switch (unit) {
    case 'year':
      return new Interval(Math.trunc(months / 12) * 12 + 0, 0, 0);
    case 'month':
      return new Interval(months, 0, 0);
    case 'day':
      return new Interval(months, days, 0);
    case 'hour':
      return new Interval(months, days, cut(MICROS_PER_HOUR));
    case 'minute':
      return new Interval(months, days, cut(MICROS_PER_MINUTE));
    default:
      return new Interval(months, days, unit === 'second' ? micros : cut(MICROS_PER_SECOND));
  }
}
