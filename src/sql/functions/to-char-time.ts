/** to_char for points in time and intervals. */
import {
  civilFromDays,
  clockFromMicros,
  dayOfWeek,
  daysFromCivil,
  isoWeek,
  isoWeekStart,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  splitMicros,
  UNIX_EPOCH_JULIAN,
} from '../types/calendar.js';
import type { Interval, Timestamp } from '../types/values.js';
import { DAY_NAMES, type FormatWord, MONTH_NAMES, parseTimeFormat, ROMAN_MONTHS } from './format-pattern.js';

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly micros: number;
  /** Undefined for intervals, which have no place in the calendar. */
  readonly days: number | undefined;
  readonly hasZone: boolean;
}

export function timestampToChar(value: Timestamp, format: string): string | null {
  if (format === '' || !Number.isFinite(value.micros)) return format === '' ? null : '';
  const { days, microsOfDay } = splitMicros(value.micros);
  return render(
    { ...civilFromDays(days), ...clockFromMicros(microsOfDay), days, hasZone: value.hasZone },
    format,
  );
}

export function intervalToChar(value: Interval, format: string): string | null {
  if (format === '') return null;
  const { months, micros } = value;
  return render(
    {
      year: Math.trunc(months / 12) + 0,
      month: (months % 12) + 0,
      day: value.days,
      hour: Math.trunc(micros / MICROS_PER_HOUR) + 0,
      minute: (Math.trunc(micros / MICROS_PER_MINUTE) % 60) + 0,
      second: (Math.trunc(micros / MICROS_PER_SECOND) % 60) + 0,
      micros: (micros % MICROS_PER_SECOND) + 0,
      days: undefined,
      hasZone: false,
    },
    format,
  );
}

const render = (parts: Parts, format: string): string =>
  parseTimeFormat(format)
    .map((word) => (word.code === '' ? word.text : renderWord(parts, word)))
    .join('');

function renderWord(parts: Parts, word: FormatWord): string {
  const number = numberOf(parts, word.code);
  if (number !== undefined) {
    const [value, width] = number;
    // The sign counts in the width of days, and of nothing else.
    const padded = word.code === 'DD' && value < 0 ? width - 1 : width;
    const digits = String(Math.abs(value)).padStart(word.fill ? 0 : padded, '0');
    return (value < 0 ? `-${digits}` : digits) + ordinalOf(value, word.ordinal);
  }
  return nameOf(parts, word);
}

function ordinalOf(value: number, ordinal: FormatWord['ordinal']): string {
  if (ordinal === '') return '';
  const lastTwo = Math.abs(value) % 100;
  const last = lastTwo % 10;
  const suffix = lastTwo > 10 && lastTwo < 20 ? 'th' : (['th', 'st', 'nd', 'rd'][last] ?? 'th');
  return ordinal === 'TH' ? suffix.toUpperCase() : suffix;
}

/** Value and width. */
function numberOf(parts: Parts, code: string): readonly [number, number] | undefined {
  const { hour, minute, second, micros } = parts;
  switch (code) {
    case 'HH24':
      return [hour, 2];
    case 'HH':
    case 'HH12':
      return [hour % 12 === 0 ? 12 : hour % 12, 2];
    case 'MI':
      return [minute, 2];
    case 'SS':
      return [second, 2];
    case 'MS':
      return [Math.trunc(micros / 1000), 3];
    case 'US':
      return [micros, 6];
    case 'SSSS':
    case 'SSSSS':
      return [hour * 3600 + minute * 60 + second, 1];
    case 'MM':
      return [parts.month, 2];
    case 'DD':
      return [parts.day, 2];
    default:
      if (code.startsWith('FF')) {
        const digits = Number(code[2]);
        return [Math.trunc(micros / 10 ** (6 - digits)), digits];
      }
      return yearNumber(parts, code) ?? calendarNumber(parts, code);
  }
}

function yearNumber({ year, days }: Parts, code: string): readonly [number, number] | undefined {
  const shown = days !== undefined && year <= 0 ? 1 - year : year;
  const iso = days === undefined ? year : isoWeek(days).year;
  const isoShown = days !== undefined && iso <= 0 ? 1 - iso : iso;
  switch (code) {
    case 'YYYY':
      return [shown, 4];
    case 'YYY':
      return [shown % 1000, 3];
    case 'YY':
      return [shown % 100, 2];
    case 'Y':
      return [shown % 10, 1];
    case 'IYYY':
      return [isoShown, 4];
    case 'IYY':
      return [isoShown % 1000, 3];
    case 'IY':
      return [isoShown % 100, 2];
    case 'I':
      return [isoShown % 10, 1];
    case 'CC':
      return [year > 0 ? Math.floor((year - 1) / 100) + 1 : Math.trunc(year / 100) - 1, 2];
    default:
      return undefined;
  }
}

function calendarNumber(
  { year, month, day, days }: Parts,
  code: string,
): readonly [number, number] | undefined {
  if (days === undefined) return code === 'DDD' ? [year * 360 + month * 30 + day, 3] : undefined;
  const dayOfYear = days - daysFromCivil(year, 1, 1) + 1;
  switch (code) {
    case 'DDD':
      return [dayOfYear, 3];
    case 'IDDD':
      return [days - isoWeekStart(isoWeek(days).year, 1) + 1, 3];
    case 'D':
      return [dayOfWeek(days) + 1, 1];
    case 'ID':
      return [dayOfWeek(days) || 7, 1];
    case 'W':
      return [Math.floor((day - 1) / 7) + 1, 1];
    case 'WW':
      return [Math.floor((dayOfYear - 1) / 7) + 1, 2];
    case 'IW':
      return [isoWeek(days).week, 2];
    case 'J':
      return [days + UNIX_EPOCH_JULIAN, 1];
    case 'Q':
      return [Math.floor((month - 1) / 3) + 1, 1];
    default:
      return undefined;
  }
}

/** Case as the pattern's: MONTH, Month, month. */
function likeCase(name: string, pattern: string): string {
  if (pattern === pattern.toLowerCase()) return name.toLowerCase();
  return pattern[1] === pattern[1]?.toUpperCase() && pattern.length > 1 ? name.toUpperCase() : name;
}

const LONGEST_NAME = 9;

function nameOf(parts: Parts, { code, text, fill }: FormatWord): string {
  const padTo = (name: string, width: number): string => likeCase(fill ? name : name.padEnd(width), text);
  const month = MONTH_NAMES[parts.month - 1] ?? '';
  const day = parts.days === undefined ? '' : DAY_NAMES[dayOfWeek(parts.days)];
  switch (code) {
    case 'MONTH':
      return padTo(month, LONGEST_NAME);
    case 'MON':
      return padTo(month.slice(0, 3), 0);
    case 'DAY':
      return padTo(day, LONGEST_NAME);
    case 'DY':
      return padTo(day.slice(0, 3), 0);
    case 'RM':
      return padTo(ROMAN_MONTHS[parts.month - 1] ?? '', 4);
    case 'AM':
    case 'PM':
    case 'A.M.':
    case 'P.M.': {
      const half = Math.abs(parts.hour) % 24 >= 12 ? 'p' : 'a';
      const name = code.includes('.') ? `${half}.m.` : `${half}m`;
      return text === text.toLowerCase() ? name : name.toUpperCase();
    }
    case 'AD':
    case 'BC':
    case 'A.D.':
    case 'B.C.': {
      const [first, second] = parts.year <= 0 ? ['b', 'c'] : ['a', 'd'];
      const name = code.includes('.') ? `${first}.${second}.` : `${first}${second}`;
      return text === text.toLowerCase() ? name : name.toUpperCase();
    }
    case 'Y,YYY':
      return `${Math.floor(parts.year / 1000)},${String(parts.year % 1000).padStart(3, '0')}`;
    case 'TZ':
      return parts.hasZone ? likeCase('UTC', text) : '';
    case 'TZH':
      return parts.hasZone ? '+00' : '';
    case 'TZM':
      return parts.hasZone ? '00' : '';
    case 'OF':
      return parts.hasZone ? '+00' : '';
    default:
      return '';
  }
}
