/** Sums, products and normal forms of intervals, and intervals added to points in time. Pure. */

import { addMonthsToDays, DAYS_PER_MONTH, MICROS_PER_DAY, splitMicros } from '../types/calendar.js';
import { checkTimestamp } from '../types/datetime-fields.js';
import { makeInterval } from '../types/interval-parse.js';
import { divisionByZero, roundHalfEven } from '../types/numbers.js';
import { type Interval, Timestamp } from '../types/values.js';

export const addIntervals = (a: Interval, b: Interval): Interval =>
  makeInterval(a.months + b.months, a.days + b.days, a.micros + b.micros);

export const subtractIntervals = (a: Interval, b: Interval): Interval =>
  makeInterval(a.months - b.months, a.days - b.days, a.micros - b.micros);

export const negateInterval = (a: Interval): Interval => makeInterval(-a.months, -a.days, -a.micros);

/** PostgreSQL rounds what spills over to micros, so that noise of doubles does not show. */
const roundSpill = (value: number): number => Math.round(value * 1e6) / 1e6;

export const multiplyInterval = (interval: Interval, factor: number): Interval =>
  scaleInterval(interval, (part) => part * factor);

/** Fractions of months become days and those of days time. */
function scaleInterval(interval: Interval, scale: (part: number) => number): Interval {
  const exactMonths = scale(interval.months);
  const exactDays = scale(interval.days);
  const months = Math.trunc(exactMonths);
  const monthDays = roundSpill((exactMonths - months) * DAYS_PER_MONTH);
  const wholeMonthDays = Math.trunc(monthDays);
  let days = Math.trunc(exactDays);
  let restSeconds = roundSpill((exactDays - days + monthDays - wholeMonthDays) * 86_400);
  days += wholeMonthDays;
  if (Math.abs(restSeconds) >= 86_400) {
    const carried = Math.trunc(restSeconds / 86_400);
    days += carried;
    restSeconds -= carried * 86_400;
  }
  return makeInterval(months, days, roundHalfEven(scale(interval.micros) + restSeconds * 1e6));
}

export function divideInterval(interval: Interval, divisor: number): Interval {
  if (divisor === 0) throw divisionByZero();
  return scaleInterval(interval, (part) => part / divisor);
}

/** First the months, then the days, then the time. */
export function addToTimestamp(timestamp: Timestamp, interval: Interval, sign: 1 | -1 = 1): Timestamp {
  if (!Number.isFinite(timestamp.micros)) return timestamp;
  let { micros } = timestamp;
  if (interval.months !== 0) {
    const { days, microsOfDay } = splitMicros(micros);
    micros = addMonthsToDays(days, sign * interval.months) * MICROS_PER_DAY + microsOfDay;
  }
  micros += sign * (interval.days * MICROS_PER_DAY + interval.micros);
  return new Timestamp(checkTimestamp(micros), timestamp.hasZone);
}

/** Time of 24 hours and more becomes days. */
export function justifyHours({ months, days, micros }: Interval): Interval {
  const carried = Math.trunc(micros / MICROS_PER_DAY);
  let wholeDays = days + carried;
  let rest = micros - carried * MICROS_PER_DAY;
  if (wholeDays > 0 && rest < 0) {
    rest += MICROS_PER_DAY;
    wholeDays--;
  } else if (wholeDays < 0 && rest > 0) {
    rest -= MICROS_PER_DAY;
    wholeDays++;
  }
  return makeInterval(months, wholeDays, rest);
}

/** 30 days and more become months. */
export function justifyDays({ months, days, micros }: Interval): Interval {
  const carried = Math.trunc(days / DAYS_PER_MONTH);
  let wholeMonths = months + carried;
  let rest = days - carried * DAYS_PER_MONTH;
  if (wholeMonths > 0 && rest < 0) {
    rest += DAYS_PER_MONTH;
    wholeMonths--;
  } else if (wholeMonths < 0 && rest > 0) {
    rest -= DAYS_PER_MONTH;
    wholeMonths++;
  }
  return makeInterval(wholeMonths, rest, micros);
}

/** Both, and one sign for all parts. */
export function justifyInterval(interval: Interval): Interval {
  const timeCarry = Math.trunc(interval.micros / MICROS_PER_DAY);
  let micros = interval.micros - timeCarry * MICROS_PER_DAY;
  let days = interval.days + timeCarry;
  const dayCarry = Math.trunc(days / DAYS_PER_MONTH);
  days -= dayCarry * DAYS_PER_MONTH;
  let months = interval.months + dayCarry;
  if (months > 0 && (days < 0 || (days === 0 && micros < 0))) {
    days += DAYS_PER_MONTH;
    months--;
  } else if (months < 0 && (days > 0 || (days === 0 && micros > 0))) {
    days -= DAYS_PER_MONTH;
    months++;
  }
  if (days > 0 && micros < 0) {
    micros += MICROS_PER_DAY;
    days--;
  } else if (days < 0 && micros > 0) {
    micros -= MICROS_PER_DAY;
    days++;
  }
  return makeInterval(months, days, micros);
}
