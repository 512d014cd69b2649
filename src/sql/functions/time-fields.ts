/** extract, date_part, date_trunc: fields of points in time and intervals. Pure. */
import type { DbError } from '../../base/errors.js';
import { FEATURE_NOT_SUPPORTED, INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';
import {
  civilFromDays,
  clockFromMicros,
  dayOfWeek,
  daysFromCivil,
  isoWeek,
  isoWeekStart,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  splitMicros,
  UNIX_EPOCH_JULIAN,
} from '../types/calendar.js';
import { Interval, type SqlDate, type SqlTime, Timestamp } from '../types/values.js';

/** Plural and short forms of field names. */
const FIELD_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    century: 'c cent centuries',
    day: 'd days',
    decade: 'decades dec decs',
    hour: 'h hours hr hrs',
    microseconds: 'us usec usecs microsecond useconds',
    millennium: 'mil mils millennia',
    milliseconds: 'ms msec msecs millisecond mseconds',
    minute: 'm min mins minutes',
    month: 'mon mons months',
    quarter: 'qtr',
    second: 's sec secs seconds',
    week: 'w weeks',
    year: 'y yr yrs years',
  }).flatMap(([field, names]) => names.split(' ').map((name): [string, string] => [name, field])),
);

const fieldOf = (name: string): string => {
  const lower = name.toLowerCase();
  return FIELD_NAMES.get(lower) ?? lower;
};

function notSupported(field: string, type: string): DbError {
  return sqlError(FEATURE_NOT_SUPPORTED, `unit "${field}" not supported for type ${type}`);
}

/** Centuries and millennia count from 1, and from -1 backward. */
const ordinal = (year: number, size: number): number =>
  year > 0 ? Math.floor((year + size - 1) / size) : -Math.floor((size - 1 - (year - 1)) / size);

function dateField(field: string, days: number): number | undefined {
  const { year, month, day } = civilFromDays(days);
  switch (field) {
    case 'year':
      return year > 0 ? year : year - 1;
    case 'month':
      return month;
    case 'day':
      return day;
    case 'quarter':
      return Math.floor((month - 1) / 3) + 1;
    case 'week':
      return isoWeek(days).week;
    case 'isoyear': {
      const iso = isoWeek(days).year;
      return iso > 0 ? iso : iso - 1;
    }
    case 'dow':
      return dayOfWeek(days);
    case 'isodow':
      return dayOfWeek(days) || 7;
    case 'doy':
      return days - daysFromCivil(year, 1, 1) + 1;
    case 'decade':
      return Math.floor(year / 10);
    case 'century':
      return ordinal(year, 100);
    case 'millennium':
      return ordinal(year, 1000);
    case 'julian':
      return days + UNIX_EPOCH_JULIAN;
    case 'epoch':
      return days * 86_400;
    default:
      return undefined;
  }
}

function clockField(field: string, microsOfDay: number): number | undefined {
  const { hour, minute, second, micros } = clockFromMicros(microsOfDay);
  switch (field) {
    case 'hour':
      return hour;
    case 'minute':
      return minute;
    case 'second':
      return (second * MICROS_PER_SECOND + micros) / MICROS_PER_SECOND;
    case 'milliseconds':
      return (second * MICROS_PER_SECOND + micros) / 1000;
    case 'microseconds':
      return second * MICROS_PER_SECOND + micros;
    default:
      return undefined;
  }
}

/** Fields that grow without end are infinite for infinity; the others have no value. */
const GROWING: ReadonlySet<string> = new Set([
  'year',
  'decade',
  'century',
  'millennium',
  'julian',
  'isoyear',
  'epoch',
]);

export function timestampField(name: string, value: Timestamp): number | null {
  const field = fieldOf(name);
  if (!Number.isFinite(value.micros)) return GROWING.has(field) ? value.micros : null;
  if (field === 'epoch') return value.micros / MICROS_PER_SECOND;
  if (value.hasZone && /^timezone(?:_hour|_minute)?$/.test(field)) return 0;
  const { days, microsOfDay } = splitMicros(value.micros);
  if (field === 'julian') return days + UNIX_EPOCH_JULIAN + microsOfDay / MICROS_PER_DAY;
  const result = dateField(field, days) ?? clockField(field, microsOfDay);
  if (result !== undefined) return result;
  throw unknownField(name, value.hasZone ? 'timestamp with time zone' : 'timestamp without time zone');
}

const KNOWN_FIELDS =
  /^(?:timezone|timezone_hour|timezone_minute|hour|minute|second|milliseconds|microseconds)$/;

function unknownField(name: string, type: string): DbError {
  const field = fieldOf(name);
  if (KNOWN_FIELDS.test(field) || dateField(field, 0) !== undefined) return notSupported(name, type);
  return sqlError(INVALID_PARAMETER_VALUE, `unit "${name}" not recognized for type ${type}`);
}

export function dateFieldOf(name: string, value: SqlDate): number | null {
  const field = fieldOf(name);
  if (!Number.isFinite(value.days)) return GROWING.has(field) ? value.days : null;
  const result = dateField(field, value.days);
  if (result === undefined) throw unknownField(name, 'date');
  return result;
}

export function timeField(name: string, value: SqlTime): number {
  const field = fieldOf(name);
  const result = field === 'epoch' ? value.micros / MICROS_PER_SECOND : clockField(field, value.micros);
  if (result === undefined) throw unknownField(name, 'time without time zone');
  return result;
}

const DAYS_PER_YEAR = 365.25;

export function intervalField(name: string, { months, days, micros }: Interval): number {
  const year = Math.trunc(months / 12);
  const month = months % 12;
  const ofMinute = micros % MICROS_PER_MINUTE;
  const field = fieldOf(name);
  switch (field) {
    case 'year':
      return year + 0;
    case 'month':
      return month + 0;
    case 'day':
      return days;
    case 'hour':
      return Math.trunc(micros / MICROS_PER_HOUR) + 0;
    case 'minute':
      return Math.trunc((micros % MICROS_PER_HOUR) / MICROS_PER_MINUTE) + 0;
    case 'second':
      return ofMinute / MICROS_PER_SECOND + 0;
    case 'milliseconds':
      return ofMinute / 1000 + 0;
    case 'microseconds':
      return ofMinute + 0;
    case 'quarter':
      return Math.trunc(month / 3) + 1;
    case 'decade':
      return Math.trunc(year / 10) + 0;
    case 'century':
      return Math.trunc(year / 100) + 0;
    case 'millennium':
      return Math.trunc(year / 1000) + 0;
    case 'epoch':
      return (year * DAYS_PER_YEAR + month * 30 + days) * 86_400 + micros / MICROS_PER_SECOND;
    default:
      throw unknownField(name, 'interval');
  }
}

/** First day of the unit that holds the day; undefined for units below a day. */
function truncateDays(field: string, days: number): number | undefined {
  const { year, month } = civilFromDays(days);
  switch (field) {
    case 'millennium':
      return daysFromCivil(truncateYear(year, 1000), 1, 1);
    case 'century':
      return daysFromCivil(truncateYear(year, 100), 1, 1);
    case 'decade':
      return daysFromCivil(Math.floor(year / 10) * 10, 1, 1);
    case 'year':
      return daysFromCivil(year, 1, 1);
    case 'quarter':
      return daysFromCivil(year, Math.floor((month - 1) / 3) * 3 + 1, 1);
    case 'month':
      return daysFromCivil(year, month, 1);
    case 'week': {
      const iso = isoWeek(days);
      return isoWeekStart(iso.year, iso.week);
    }
    case 'day':
      return days;
    default:
      return undefined;
  }
}

/** 1901 to 2000 are one century. */
const truncateYear = (year: number, size: number): number => Math.floor((year - 1) / size) * size + 1;

const UNIT_MICROS: Readonly<Record<string, number>> = {
  hour: MICROS_PER_HOUR,
  minute: MICROS_PER_MINUTE,
  second: MICROS_PER_SECOND,
  milliseconds: 1000,
  microseconds: 1,
};

export function truncateTimestamp(unit: string, value: Timestamp): Timestamp {
  const field = fieldOf(unit);
  const size = UNIT_MICROS[field];
  if (!Number.isFinite(value.micros)) return value;
  const { days, microsOfDay } = splitMicros(value.micros);
  if (size !== undefined) {
    return new Timestamp(days * MICROS_PER_DAY + Math.floor(microsOfDay / size) * size, value.hasZone);
  }
  const start = truncateDays(field, days);
  if (start === undefined) {
    throw unknownField(unit, value.hasZone ? 'timestamp with time zone' : 'timestamp without time zone');
  }
  return new Timestamp(start * MICROS_PER_DAY, value.hasZone);
}

const MONTHS_OF_UNIT: Readonly<Record<string, number>> = {
  millennium: 12_000,
  century: 1200,
  decade: 120,
  year: 12,
  quarter: 3,
  month: 1,
};

export function truncateInterval(unit: string, { months, days, micros }: Interval): Interval {
  const field = fieldOf(unit);
  const monthsOfUnit = MONTHS_OF_UNIT[field];
  if (monthsOfUnit !== undefined) {
    return new Interval(Math.trunc(months / monthsOfUnit) * monthsOfUnit + 0, 0, 0);
  }
  if (field === 'day') return new Interval(months, days, 0);
  const size = UNIT_MICROS[field];
  if (size === undefined) throw unknownField(unit, 'interval');
  return new Interval(months, days, Math.trunc(micros / size) * size + 0);
}
