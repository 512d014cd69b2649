/** Functions on dates, times and intervals. */
import { sqlError } from '../errors.js';
import {
  civilFromDays,
  daysInMonth,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  splitMicros,
} from '../types/calendar.js';
import { castValue } from '../types/cast.js';
import { compareForOrder } from '../types/compare.js';
import { checkedDays, checkTimestamp, DateTimeFault } from '../types/datetime-fields.js';
import { makeInterval } from '../types/interval-parse.js';
import { Interval, SqlDate, SqlTime, type SqlValue, Timestamp } from '../types/values.js';
import { abbreviationOffset, parseFixedOffset, zoneOffsetAt, zoneOffsetAtLocal } from '../types/zones.js';
import { many, one, three, two } from './define.js';
import type { EvaluationContext, FunctionDefinition } from './definition.js';
import { addToTimestamp, justifyDays, justifyHours, justifyInterval } from './interval-arithmetic.js';
import {
  dateFieldOf,
  intervalField,
  timeField,
  timestampField,
  truncateInterval,
  truncateTimestamp,
} from './time-fields.js';

/** Months, days and time between two points, as a person would count them. */
export function age(a: Timestamp, b: Timestamp): Interval {
  const isForward = a.micros >= b.micros;
  const later = splitMicros(isForward ? a.micros : b.micros);
  const earlier = splitMicros(isForward ? b.micros : a.micros);
  const end = civilFromDays(later.days);
  const start = civilFromDays(earlier.days);
  let micros = later.microsOfDay - earlier.microsOfDay;
  let days = end.day - start.day;
  let months = (end.year - start.year) * 12 + end.month - start.month;
  if (micros < 0) {
    micros += MICROS_PER_DAY;
    days--;
  }
  // A month that is borrowed is that of the second argument when going forward, of the first when not: PostgreSQL's way.
  while (days < 0) {
    days += daysInMonth(start.year, start.month);
    months--;
  }
  return isForward ? makeInterval(months, days, micros) : makeInterval(-months, -days, -micros);
}

/** Zones in timezone(): a signed offset is POSIX's, which counts west of Greenwich. */
function posixOffset(zone: string): number | undefined {
  const fixed = parseFixedOffset(zone);
  if (fixed !== undefined) return -fixed + 0;
  const match = /^([A-Za-z]{3,})([+-]?\d{1,2}(?::\d{2})?)$/.exec(zone);
  if (match === null) return undefined;
  const west = parseFixedOffset(/^[+-]/.test(match[2]) ? match[2] : `+${match[2]}`);
  return west === undefined ? undefined : -west + 0;
}

/** timestamptz to the zone's clock, and a clock of the zone to timestamptz. */
export function inZone(zone: string, value: Timestamp): Timestamp {
  if (!Number.isFinite(value.micros)) return new Timestamp(value.micros, !value.hasZone);
  const fixed = abbreviationOffset(zone) ?? posixOffset(zone);
  if (value.hasZone) return new Timestamp(value.micros + (fixed ?? zoneOffsetAt(zone, value.micros)), false);
  return new Timestamp(value.micros - (fixed ?? zoneOffsetAtLocal(zone, value.micros)), true);
}

const inIntervalZone = (zone: Interval, value: Timestamp): Timestamp =>
  new Timestamp(value.micros + (value.hasZone ? zone.micros : -zone.micros), !value.hasZone);

function binOf(stride: Interval, value: Timestamp, origin: Timestamp): Timestamp {
  if (stride.months !== 0) {
    throw sqlError('0A000', 'timestamps cannot be binned into intervals containing months or years');
  }
  const size = stride.days * MICROS_PER_DAY + stride.micros;
  if (size <= 0) throw sqlError('22008', 'stride must be greater than zero');
  const bins = Math.floor((value.micros - origin.micros) / size);
  return new Timestamp(checkTimestamp(origin.micros + bins * size), value.hasZone);
}

function makeDate(year: number, month: number, day: number): SqlDate {
  try {
    if (year === 0) throw new DateTimeFault('22008');
    return new SqlDate(checkedDays(year < 0 ? year + 1 : year, month, day));
  } catch (error) {
    if (!(error instanceof DateTimeFault)) throw error;
    throw sqlError('22008', `date field value out of range: ${year}-${month}-${day}`);
  }
}

function makeTime(hour: number, minute: number, seconds: number): SqlTime {
  const micros =
    hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + Math.round(seconds * MICROS_PER_SECOND);
  if (
    hour < 0 ||
    hour > 24 ||
    minute < 0 ||
    minute > 59 ||
    seconds < 0 ||
    seconds > 60 ||
    micros > MICROS_PER_DAY
  ) {
    throw sqlError('22008', `time field value out of range: ${hour}:${minute}:${seconds}`);
  }
  return new SqlTime(micros);
}

function makeTimestamp(args: readonly SqlValue[], hasZone: boolean): Timestamp {
  const [year, month, day, hour, minute, seconds] = args as readonly number[];
  const date = makeDate(year, month, day);
  return new Timestamp(
    checkTimestamp(date.days * MICROS_PER_DAY + makeTime(hour, minute, seconds).micros),
    hasZone,
  );
}

/** make_interval's arguments all have defaults. */
function makeIntervalOf(args: readonly SqlValue[]): Interval {
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = args as number[];
  return makeInterval(
    years * 12 + months,
    weeks * 7 + days,
    hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE + Math.round(seconds * MICROS_PER_SECOND),
  );
}

const MAKE_INTERVAL_TYPES = ['int8', 'int8', 'int8', 'int8', 'int8', 'int8', 'float8'] as const;

/** OVERLAPS: each period by its start and its end or length; half open, and a point is a point. */
function overlaps(args: readonly SqlValue[]): SqlValue {
  const [a, b] = [period(args[0], args[1]), period(args[2], args[3])];
  if (a === null || b === null) return null;
  const [first, second] = compareForOrder(a.start, b.start) <= 0 ? [a, b] : [b, a];
  if (compareForOrder(first.start, second.start) === 0) return true;
  return compareForOrder(second.start, first.end) < 0;
}

function period(start: SqlValue, end: SqlValue): { start: SqlValue; end: SqlValue } | null {
  if (start === null || end === null) return null;
  const from = start instanceof SqlTime ? start : (castValue(start, 'timestamptz') as Timestamp);
  let to: SqlValue = end instanceof SqlTime ? end : from;
  if (end instanceof Interval) {
    to = from instanceof Timestamp ? addToTimestamp(from, end) : new SqlTime(from.micros + end.micros);
  } else if (!(end instanceof SqlTime)) to = castValue(end, 'timestamptz');
  return compareForOrder(from, to) <= 0 ? { start: from, end: to } : { start: to, end: from };
}

const nowWithZone = (context: EvaluationContext): Timestamp => new Timestamp(context.nowMicros, true);
const today = (context: EvaluationContext): SqlDate =>
  new SqlDate(Math.floor(context.nowMicros / MICROS_PER_DAY));
const timeOfDay = (context: EvaluationContext): SqlTime =>
  new SqlTime(splitMicros(context.nowMicros).microsOfDay);

const STABLE = { volatility: 'stable' } as const;

const clock = (name: string): FunctionDefinition =>
  many(name, [], 'timestamptz', (_, context) => nowWithZone(context), STABLE);

function toTimestampOfSeconds(seconds: number): Timestamp {
  if (Number.isNaN(seconds)) throw sqlError('22008', 'timestamp cannot be NaN');
  if (!Number.isFinite(seconds)) return new Timestamp(seconds, true);
  return new Timestamp(checkTimestamp(Math.round(seconds * MICROS_PER_SECOND)), true);
}

/** Under both names: extract gives numeric and date_part float8, which are the same number here. */
const extracts = (name: string, returns: 'numeric' | 'float8'): FunctionDefinition[] => [
  two<string, Timestamp>(name, ['text', 'timestamptz'], returns, timestampField),
  two<string, Timestamp>(name, ['text', 'timestamp'], returns, timestampField),
  two<string, SqlDate>(name, ['text', 'date'], returns, dateFieldOf),
  two<string, SqlTime>(name, ['text', 'time'], returns, timeField),
  two<string, Interval>(name, ['text', 'interval'], returns, intervalField),
  two<string, SqlValue>(
    name,
    ['text', 'any'],
    returns,
    (field, value) => {
      if (value instanceof Interval) return intervalField(field, value);
      if (value instanceof SqlDate) return dateFieldOf(field, value);
      if (value instanceof SqlTime) return timeField(field, value);
      return timestampField(field, castValue(value, 'timestamptz') as Timestamp);
    },
    { membersOnly: true },
  ),
];

const isBounded = (value: SqlValue): boolean =>
  value instanceof Timestamp ? Number.isFinite(value.micros) : Number.isFinite((value as SqlDate).days);

export const TIME_FUNCTIONS: readonly FunctionDefinition[] = [
  ...['now', 'current_timestamp', 'statement_timestamp', 'transaction_timestamp'].map(clock),
  many('clock_timestamp', [], 'timestamptz', (_, context) => new Timestamp(context.clockMicros(), true), {
    volatility: 'volatile',
  }),
  many('localtimestamp', [], 'timestamp', (_, context) => new Timestamp(context.nowMicros, false), STABLE),
  many('current_date', [], 'date', (_, context) => today(context), STABLE),
  many('current_time', [], 'time', (_, context) => timeOfDay(context), STABLE),
  many('localtime', [], 'time', (_, context) => timeOfDay(context), STABLE),
  many('timeofday', [], 'text', (_, context) => new Date(context.clockMicros() / 1000).toUTCString(), {
    volatility: 'volatile',
  }),
  two<string, Timestamp>('date_trunc', ['text', 'timestamptz'], 'timestamptz', truncateTimestamp),
  two<string, Timestamp>('date_trunc', ['text', 'timestamp'], 'timestamp', truncateTimestamp),
  two<string, Interval>('date_trunc', ['text', 'interval'], 'interval', truncateInterval),
  three<string, Timestamp, string>(
    'date_trunc',
    ['text', 'timestamptz', 'text'],
    'timestamptz',
    (unit, value, zone) => inZone(zone, truncateTimestamp(unit, inZone(zone, value))),
  ),
  ...extracts('extract', 'numeric'),
  ...extracts('date_part', 'float8'),
  two<Timestamp>('age', ['timestamptz', 'timestamptz'], 'interval', age),
  two<Timestamp>('age', ['timestamp', 'timestamp'], 'interval', age),
  one<Timestamp>(
    'age',
    'timestamptz',
    'interval',
    (value, context) => age(new Timestamp(today(context).days * MICROS_PER_DAY, true), value),
    STABLE,
  ),
  one<Timestamp>(
    'age',
    'timestamp',
    'interval',
    (value, context) => age(new Timestamp(today(context).days * MICROS_PER_DAY, false), value),
    STABLE,
  ),
  one<number>('to_timestamp', 'float8', 'timestamptz', toTimestampOfSeconds),
  three<number>('make_date', ['int8', 'int8', 'int8'], 'date', makeDate),
  three<number>('make_time', ['int8', 'int8', 'float8'], 'time', makeTime),
  many('make_timestamp', ['int8', 'int8', 'int8', 'int8', 'int8', 'float8'], 'timestamp', (args) =>
    makeTimestamp(args, false),
  ),
  many('make_timestamptz', ['int8', 'int8', 'int8', 'int8', 'int8', 'float8'], 'timestamptz', (args) =>
    makeTimestamp(args, true),
  ),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((count) =>
    many('make_interval', MAKE_INTERVAL_TYPES.slice(0, count), 'interval', makeIntervalOf),
  ),
  one<Interval>('justify_hours', 'interval', 'interval', justifyHours),
  one<Interval>('justify_days', 'interval', 'interval', justifyDays),
  one<Interval>('justify_interval', 'interval', 'interval', justifyInterval),
  three<Interval, Timestamp, Timestamp>(
    'date_bin',
    ['interval', 'timestamptz', 'timestamptz'],
    'timestamptz',
    binOf,
  ),
  three<Interval, Timestamp, Timestamp>(
    'date_bin',
    ['interval', 'timestamp', 'timestamp'],
    'timestamp',
    binOf,
  ),
  two<string, Timestamp>('timezone', ['text', 'timestamptz'], 'timestamp', inZone),
  two<string, Timestamp>('timezone', ['text', 'timestamp'], 'timestamptz', inZone),
  two<Interval, Timestamp>('timezone', ['interval', 'timestamptz'], 'timestamp', inIntervalZone),
  two<Interval, Timestamp>('timezone', ['interval', 'timestamp'], 'timestamptz', inIntervalZone),
  many('overlaps', ['any', 'any', 'any', 'any'], 'bool', overlaps, { strict: false }),
  one('isfinite', 'timestamptz', 'bool', isBounded),
  one('isfinite', 'timestamp', 'bool', isBounded),
  one('isfinite', 'date', 'bool', isBounded),
  one('isfinite', 'interval', 'bool', () => true),
  one<SqlValue>('date', 'timestamptz', 'date', (value) => castValue(value, 'date')),
  one<SqlValue>('date', 'timestamp', 'date', (value) => castValue(value, 'date')),
];
