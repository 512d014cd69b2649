/** What the parser of dates and times collects, and how it becomes a value. Pure. */
import { sqlError } from '../errors.js';
import {
  daysFromCivil,
  daysInMonth,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
} from './calendar.js';
import { zoneOffsetAtLocal } from './zones.js';

export const INVALID_DATETIME_FORMAT = '22007';
export const DATETIME_FIELD_OVERFLOW = '22008';

/** PostgreSQL's range: 4713-11-24 BC to 294276-12-31 for timestamps, to 5874897-12-31 for dates. */
const FIRST_DAY = daysFromCivil(-4712, 11, 24);
const TIMESTAMP_END_DAY = daysFromCivil(294_277, 1, 1);
const DATE_END_DAY = daysFromCivil(5_874_898, 1, 1);

export type SpecialTime = 'infinity' | '-infinity' | 'epoch' | 'now' | 'today' | 'tomorrow' | 'yesterday';

export interface DateTimeFields {
  special?: SpecialTime;
  days?: number;
  /** Since midnight; up to and including 24:00. */
  microsOfDay?: number;
  /** East of UTC. */
  offsetMicros?: number;
  zoneName?: string;
}

/** Says which text was wrong, and in which way; the text is the user's. */
export class DateTimeFault extends Error {
  constructor(readonly sqlstate: string) {
    super('not a date or time');
  }
}

export const badSyntax = (): DateTimeFault => new DateTimeFault(INVALID_DATETIME_FORMAT);
export const fieldOutOfRange = (): DateTimeFault => new DateTimeFault(DATETIME_FIELD_OVERFLOW);

export function checkedDays(year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) throw fieldOutOfRange();
  const days = daysFromCivil(year, month, day);
  if (days < FIRST_DAY || days >= DATE_END_DAY) throw fieldOutOfRange();
  return days;
}

/** `micros` is a fraction of a second, rounded; 24:00:00 and a 60th second are allowed. */
export function checkedClock(hour: number, minute: number, second: number, micros: number): number {
  const total = hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + second * MICROS_PER_SECOND + micros;
  if (hour > 24 || minute > 59 || second > 60 || total > MICROS_PER_DAY) throw fieldOutOfRange();
  return total;
}

export function checkTimestamp(micros: number): number {
  const days = micros / MICROS_PER_DAY;
  if (days < FIRST_DAY || days >= TIMESTAMP_END_DAY) {
    throw sqlError(DATETIME_FIELD_OVERFLOW, 'timestamp out of range');
  }
  return micros + 0;
}

export function checkDate(days: number): number {
  if (days < FIRST_DAY || days >= DATE_END_DAY) throw sqlError(DATETIME_FIELD_OVERFLOW, 'date out of range');
  return days + 0;
}

/** Midnight UTC of the statement's day, for `today` and its like. */
function specialMicros(special: SpecialTime, nowMicros: number | undefined): number {
  switch (special) {
    case 'infinity':
      return Number.POSITIVE_INFINITY;
    case '-infinity':
      return Number.NEGATIVE_INFINITY;
    case 'epoch':
      return 0;
    default: {
      if (nowMicros === undefined) {
        throw sqlError('0A000', `"${special}" is not supported where the time of the statement is not known`);
      }
      if (special === 'now') return nowMicros;
      const today = Math.floor(nowMicros / MICROS_PER_DAY);
      const day = special === 'tomorrow' ? today + 1 : special === 'yesterday' ? today - 1 : today;
      return day * MICROS_PER_DAY;
    }
  }
}

/** The point in time that the fields name, in UTC; without a zone in them they are UTC. */
export function fieldsToMicros(
  fields: DateTimeFields,
  honoursZone: boolean,
  nowMicros: number | undefined,
): number {
  const { special, days, microsOfDay = 0 } = fields;
  const start =
    special !== undefined
      ? specialMicros(special, nowMicros)
      : days === undefined
        ? undefined
        : days * MICROS_PER_DAY;
  if (start === undefined) throw badSyntax();
  const local = start + microsOfDay;
  if (!Number.isFinite(local)) return local;
  if (!honoursZone) return checkTimestamp(local);
  const offset =
    fields.offsetMicros ?? (fields.zoneName === undefined ? 0 : zoneOffsetAtLocal(fields.zoneName, local));
  return checkTimestamp(local - offset);
}

export function fieldsToDays(fields: DateTimeFields, nowMicros: number | undefined): number {
  if (fields.special !== undefined) {
    const micros = specialMicros(fields.special, nowMicros);
    return Number.isFinite(micros) ? Math.floor(micros / MICROS_PER_DAY) : micros;
  }
  if (fields.days === undefined) throw badSyntax();
  return fields.days;
}

export function fieldsToTime(fields: DateTimeFields, nowMicros: number | undefined): number {
  if (fields.special === 'now') {
    const now = specialMicros('now', nowMicros);
    return now - Math.floor(now / MICROS_PER_DAY) * MICROS_PER_DAY;
  }
  if (fields.microsOfDay === undefined) throw badSyntax();
  return fields.microsOfDay;
}
