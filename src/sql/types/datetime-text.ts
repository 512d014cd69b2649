/** Points in time and intervals as PostgreSQL writes them (ISO date style, UTC, postgres interval style). Pure. */
import {
  civilFromDays,
  clockFromMicros,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  splitMicros,
} from './calendar.js';
import type { Interval, SqlDate, SqlTime, Timestamp } from './values.js';

const pad2 = (value: number): string => (value < 10 ? `0${value}` : String(value));

function dateParts(days: number): { text: string; isBc: boolean } {
  const { year, month, day } = civilFromDays(days);
  const isBc = year <= 0;
  const shown = String(isBc ? 1 - year : year).padStart(4, '0');
  return { text: `${shown}-${pad2(month)}-${pad2(day)}`, isBc };
}

const fractionText = (micros: number): string =>
  micros === 0 ? '' : `.${String(micros).padStart(6, '0').replace(/0+$/, '')}`;

function clockText(microsOfDay: number): string {
  const { hour, minute, second, micros } = clockFromMicros(microsOfDay);
  return `${pad2(hour)}:${pad2(minute)}:${pad2(second)}${fractionText(micros)}`;
}

const infinityText = (value: number): string => (value > 0 ? 'infinity' : '-infinity');

export function timestampToText(value: Timestamp): string {
  if (!Number.isFinite(value.micros)) return infinityText(value.micros);
  const { days, microsOfDay } = splitMicros(value.micros);
  const { text, isBc } = dateParts(days);
  return `${text} ${clockText(microsOfDay)}${value.hasZone ? '+00' : ''}${isBc ? ' BC' : ''}`;
}

/** As JavaScript's toISOString has it, with six digits where three do not suffice. Without a zone there is no Z. */
export function timestampToIso(value: Timestamp): string {
  if (!Number.isFinite(value.micros)) return infinityText(value.micros);
  const { days, microsOfDay } = splitMicros(value.micros);
  const { text, isBc } = dateParts(days);
  const { hour, minute, second, micros } = clockFromMicros(microsOfDay);
  const fraction =
    micros % 1000 === 0 ? String(micros / 1000).padStart(3, '0') : String(micros).padStart(6, '0');
  const clock = `${pad2(hour)}:${pad2(minute)}:${pad2(second)}.${fraction}`;
  return `${text}T${clock}${value.hasZone ? 'Z' : ''}${isBc ? ' BC' : ''}`;
}

export function dateToText(value: SqlDate): string {
  if (!Number.isFinite(value.days)) return infinityText(value.days);
  const { text, isBc } = dateParts(value.days);
  return isBc ? `${text} BC` : text;
}

export const timeToText = (value: SqlTime): string => clockText(value.micros);

export function intervalToText(value: Interval): string {
  const parts: string[] = [];
  let isBefore = false;
  const add = (amount: number, unit: string): void => {
    if (amount === 0) return;
    const plus = isBefore && amount > 0 ? '+' : '';
    parts.push(`${plus}${amount} ${unit}${amount === 1 ? '' : 's'}`);
    isBefore = amount < 0;
  };
  add(Math.trunc(value.months / 12), 'year');
  add(value.months % 12, 'mon');
  add(value.days, 'day');
  if (value.micros !== 0 || parts.length === 0) {
    const sign = value.micros < 0 ? '-' : isBefore ? '+' : '';
    parts.push(`${sign}${durationText(Math.abs(value.micros))}`);
  }
  return parts.join(' ');
}

/** Hours may be more than two digits. */
function durationText(micros: number): string {
  const hours = Math.floor(micros / MICROS_PER_HOUR);
  let rest = micros - hours * MICROS_PER_HOUR;
  const minutes = Math.floor(rest / MICROS_PER_MINUTE);
  rest -= minutes * MICROS_PER_MINUTE;
  const seconds = Math.floor(rest / MICROS_PER_SECOND);
  return `${pad2(hours)}:${pad2(minutes)}:${pad2(seconds)}${fractionText(rest - seconds * MICROS_PER_SECOND)}`;
}
