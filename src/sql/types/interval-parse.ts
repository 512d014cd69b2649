/** Reads intervals: PostgreSQL's words (`1 year 2 days ago`), clocks (`1 day 02:03:04`), SQL (`1-2`) and ISO 8601 (`P1DT2H`). Pure. */
import { sqlError } from '../errors.js';
import {
  DAYS_PER_MONTH,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
} from './calendar.js';
import { badSyntax, DateTimeFault } from './datetime-fields.js';
import { Interval } from './values.js';

const TEXT_LENGTH_MAX = 256;
const INT4_MAX = 2 ** 31 - 1;

export type IntervalUnit =
  | 'millennium'
  | 'century'
  | 'decade'
  | 'year'
  | 'month'
  | 'week'
  | 'day'
  | 'hour'
  | 'minute'
  | 'second'
  | 'millisecond'
  | 'microsecond';

const UNIT_NAMES: Readonly<Record<IntervalUnit, string>> = {
  millennium: 'millennium millennia mil mils millenniums',
  century: 'century centuries c cent',
  decade: 'decade decades dec decs',
  year: 'year years y yr yrs',
  month: 'month months mon mons',
  week: 'week weeks w',
  day: 'day days d',
  hour: 'hour hours h hr hrs',
  minute: 'minute minutes m min mins',
  second: 'second seconds s sec secs',
  millisecond: 'millisecond milliseconds ms msec msecs mseconds',
  microsecond: 'microsecond microseconds us usec usecs useconds',
};
const UNITS: ReadonlyMap<string, IntervalUnit> = new Map(
  Object.entries(UNIT_NAMES).flatMap(([unit, names]) =>
    names.split(' ').map((name): [string, IntervalUnit] => [name, unit as IntervalUnit]),
  ),
);

const MONTHS_OF: Partial<Record<IntervalUnit, number>> = {
  millennium: 12_000,
  century: 1200,
  decade: 120,
  year: 12,
};
const MICROS_OF: Partial<Record<IntervalUnit, number>> = {
  hour: MICROS_PER_HOUR,
  minute: MICROS_PER_MINUTE,
  second: MICROS_PER_SECOND,
  millisecond: 1000,
  microsecond: 1,
};

class Sum {
  months = 0;
  days = 0;
  micros = 0;

  /** Fractions of months spill into days (30 a month), those of days into time. */
  add(amount: number, unit: IntervalUnit): void {
    const perUnit = MONTHS_OF[unit];
    const micros = MICROS_OF[unit];
    if (perUnit !== undefined) this.months += Math.round(amount * perUnit);
    else if (micros !== undefined) this.micros += Math.round(amount * micros);
    else if (unit === 'month') {
      const whole = Math.trunc(amount);
      this.months += whole;
      this.addDays(roundNoise((amount - whole) * DAYS_PER_MONTH));
    } else this.addDays(unit === 'week' ? roundNoise(amount * 7) : amount);
  }

  private addDays(amount: number): void {
    const whole = Math.trunc(amount);
    this.days += whole;
    this.micros += Math.round((amount - whole) * MICROS_PER_DAY);
  }

  negate(): void {
    this.months = -this.months;
    this.days = -this.days;
    this.micros = -this.micros;
  }
}

/** 0.7 × 30 is 21, not 20.999999999999996. */
const roundNoise = (value: number): number => Math.round(value * 1e9) / 1e9;

/**
 * `unit`: what a number without a unit counts, from INTERVAL '5' DAY. `isMinuteToSecond`: `1:02` is a minute and two seconds.
 * Throws DateTimeFault.
 */
export function parseInterval(
  text: string,
  unit: IntervalUnit = 'second',
  isMinuteToSecond = false,
): Interval {
  if (text.length > TEXT_LENGTH_MAX) throw badSyntax();
  const trimmed = text.trim();
  const sum = new Sum();
  if (/^-?[Pp]/.test(trimmed)) addIso(sum, trimmed);
  else addWords(sum, trimmed.toLowerCase(), unit, isMinuteToSecond);
  return makeInterval(sum.months, sum.days, sum.micros);
}

/** Checks the parts' ranges. */
export function makeInterval(months: number, days: number, micros: number): Interval {
  const fits = Math.abs(months) <= INT4_MAX && Math.abs(days) <= INT4_MAX && Math.abs(micros) < 2 ** 63;
  if (!fits) throw sqlError('22008', 'interval out of range');
  return new Interval(months + 0, days + 0, micros + 0);
}

const ISO_DATE_UNITS: Readonly<Record<string, IntervalUnit>> = { Y: 'year', M: 'month', W: 'week', D: 'day' };
const ISO_TIME_UNITS: Readonly<Record<string, IntervalUnit>> = { H: 'hour', M: 'minute', S: 'second' };

function addIso(sum: Sum, text: string): void {
  const isNegative = text.startsWith('-');
  const upper = text.slice(isNegative ? 2 : 1).toUpperCase();
  const [datePart, timePart, ...rest] = upper.split('T');
  if (rest.length > 0 || upper === '' || timePart === '') throw badSyntax();
  const alternative = /^(\d{4})-(\d\d)-(\d\d)$/.exec(datePart);
  if (alternative !== null) {
    sum.add(Number(alternative[1]), 'year');
    sum.add(Number(alternative[2]), 'month');
    sum.add(Number(alternative[3]), 'day');
  } else addIsoUnits(sum, datePart, ISO_DATE_UNITS);
  if (timePart !== undefined) {
    if (timePart.includes(':')) sum.micros += clockMicros(timePart, false);
    else addIsoUnits(sum, timePart, ISO_TIME_UNITS);
  }
  if (isNegative) sum.negate();
}

function addIsoUnits(sum: Sum, text: string, units: Readonly<Record<string, IntervalUnit>>): void {
  if (text === '') return;
  if (!/^(?:[+-]?\d+(?:\.\d*)?[A-Z])+$/.test(text)) throw badSyntax();
  for (const [, amount, letter] of text.matchAll(/([+-]?\d+(?:\.\d*)?)([A-Z])/g)) {
    const unit = units[letter];
    if (unit === undefined) throw badSyntax();
    sum.add(Number(amount), unit);
  }
}

const WORD =
  /[+-]?\d+(?::\d+)+(?:\.\d*)?|[+-]?\d+-\d+|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[a-z]+|@|\s+|\S/gy;

function addWords(sum: Sum, text: string, defaultUnit: IntervalUnit, isMinuteToSecond: boolean): void {
  const words = (text.match(WORD) ?? []).filter((word) => !/^\s+$/.test(word));
  if (words.length === 0) throw badSyntax();
  let at = 0;
  let taken = 0;
  if (words[0] === '@') at++;
  for (; at < words.length; at++) {
    const word = words[at];
    const next = words[at + 1];
    if (word === 'ago' && taken > 0 && next === undefined) {
      sum.negate();
      continue;
    }
    if (word.includes(':')) sum.micros += clockMicros(word, isMinuteToSecond);
    else if (/^[+-]?\d+-\d+$/.test(word)) addYearMonth(sum, word);
    else if (/^[+-]?[.\d]/.test(word)) {
      const unit = next === undefined ? undefined : UNITS.get(next);
      if (unit !== undefined) at++;
      else if (next !== undefined && /^[a-z]/.test(next) && next !== 'ago') throw badSyntax();
      // `1 02:03:04`: days before a clock.
      sum.add(Number(word), unit ?? (next?.includes(':') ? 'day' : defaultUnit));
    } else throw badSyntax();
    taken++;
  }
  if (taken === 0) throw badSyntax();
}

function addYearMonth(sum: Sum, word: string): void {
  const match = /^([+-]?)(\d+)-(\d+)$/.exec(word);
  if (match === null) throw badSyntax();
  const months = Number(match[3]);
  if (months > 11) throw new DateTimeFault('22015');
  const total = Number(match[2]) * 12 + months;
  sum.months += match[1] === '-' ? -total : total;
}

/** `02:03`, `02:03:04.5`, hours of any size. Two parts are hours and minutes, but minutes and seconds with a fraction. */
function clockMicros(word: string, isMinuteToSecond: boolean): number {
  const match = /^([+-]?)(\d+):(\d+)(?::(\d+))?(\.\d*)?$/.exec(word);
  if (match === null) throw badSyntax();
  const fraction = match[5] === undefined ? 0 : Math.round(Number(`0${match[5]}`) * 1e6);
  const isMinutes = match[4] === undefined && (match[5] !== undefined || isMinuteToSecond);
  const [hours, minutes, seconds] = isMinutes
    ? [0, Number(match[2]), Number(match[3])]
    : [Number(match[2]), Number(match[3]), Number(match[4] ?? 0)];
  if (minutes > 59 || seconds > 60) throw new DateTimeFault('22015');
  const micros =
    hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE + seconds * MICROS_PER_SECOND + fraction;
  return match[1] === '-' ? -micros : micros;
}
