/**
 * Reads dates and times in the forms that PostgreSQL takes: ISO 8601 first, because that is what documents hold, then word
 * by word: month names, MDY order with slashes, AM/PM, BC, zone names, `now` and its like. Pure.
 */
import { daysFromCivil, UNIX_EPOCH_JULIAN } from './calendar.js';
import {
  badSyntax,
  checkedClock,
  checkedDays,
  type DateTimeFields,
  fieldOutOfRange,
  type SpecialTime,
} from './datetime-fields.js';
import { abbreviationOffset, isZoneName, parseFixedOffset } from './zones.js';

/** No form that makes sense is longer. */
const TEXT_LENGTH_MAX = 128;

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH_NAME =
  /^(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)$/;
const DAY_NAME =
  /^(?:sun(?:day)?|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday|s)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?)$/;
const SPECIALS: ReadonlySet<string> = new Set([
  'infinity',
  '-infinity',
  'epoch',
  'now',
  'today',
  'tomorrow',
  'yesterday',
]);

/** Throws DateTimeFault. */
export function parseDateTime(text: string): DateTimeFields {
  const iso = ISO.exec(text);
  if (iso !== null) return isoFields(iso);
  if (text.length > TEXT_LENGTH_MAX) throw badSyntax();
  return new WordParser().parse(text);
}

function isoFields(match: RegExpExecArray): DateTimeFields {
  const fields: DateTimeFields = {
    days: checkedDays(yearOf(Number(match[1])), Number(match[2]), Number(match[3])),
  };
  if (match[4] !== undefined) {
    fields.microsOfDay = checkedClock(
      Number(match[4]),
      Number(match[5]),
      Number(match[6] ?? 0),
      fractionMicros(match[7]),
    );
  }
  if (match[8] !== undefined) fields.offsetMicros = match[8] === 'Z' ? 0 : checkedOffset(match[8]);
  return fields;
}

/** There is no year zero. */
function yearOf(year: number): number {
  if (year === 0) throw fieldOutOfRange();
  return year;
}

const fractionMicros = (digits: string | undefined): number =>
  digits === undefined || digits === '' ? 0 : Math.round(Number(`0.${digits}`) * 1e6);

function checkedOffset(text: string): number {
  const offset = parseFixedOffset(text);
  if (offset === undefined) throw fieldOutOfRange();
  return offset;
}

/** One word of the text: dates with their separators, times with colons and fraction, names, offsets. */
const WORD =
  /[a-z][a-z_]*(?:\/[a-z_+-]+\d*)*|-infinity|\d+(?::\d+)+(?:[.,]\d+)?|\d+(?:[-/.][a-z]+|[-/.]\d+)+|\d+(?:\.\d+)?|[+-]\d+(?::\d+)*|[,\s]+|\S/gy;

class WordParser {
  private readonly fields: DateTimeFields = {};
  private year: number | undefined;
  private month: number | undefined;
  private day: number | undefined;
  private isBc = false;
  private half: 'am' | 'pm' | undefined;
  private clock: { hour: number; minute: number; second: number; micros: number } | undefined;
  private expectsTime = false;

  parse(text: string): DateTimeFields {
    const words = text.trim().toLowerCase().match(WORD) ?? [];
    if (words.length === 0) throw badSyntax();
    for (const word of words) if (!/^[,\s]+$/.test(word)) this.take(word);
    this.finishDate();
    this.finishClock();
    return this.fields;
  }

  private take(word: string): void {
    if (/^\d+(?::\d+)+(?:[.,]\d+)?$/.test(word)) this.takeClock(word);
    else if (/^\d{4}\.\d{3}$/.test(word) && !this.hasDate()) this.takeDate(word);
    else if (/^\d+[-/.]/.test(word) && !/^\d+\.\d+$/.test(word)) this.takeDate(word);
    else if (/^\d/.test(word)) this.takeNumber(word);
    else if (/^[+-]\d/.test(word)) this.takeOffset(word);
    else if (/^-?[a-z]/.test(word)) this.takeName(word);
    else throw badSyntax();
  }

  private takeClock(word: string): void {
    if (this.clock !== undefined) throw badSyntax();
    const match = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?$/.exec(word);
    if (match === null) throw badSyntax();
    this.clock = {
      hour: Number(match[1]),
      minute: Number(match[2]),
      second: Number(match[3] ?? 0),
      micros: fractionMicros(match[4]),
    };
    this.expectsTime = false;
  }

  /** 2024-01-15, 1/15/2024, 15-Jan-2024, 2024-Jan-15, 2024.15 (day of the year). */
  private takeDate(word: string): void {
    if (this.hasDate()) throw badSyntax();
    const parts = word.split(/[-/.]/);
    const named = parts.findIndex((part) => /^[a-z]/.test(part));
    if (parts.length === 2 && named < 0 && parts[0].length >= 3 && parts[1].length === 3) {
      this.year = yearOf(Number(parts[0]));
      this.fields.days = daysFromCivil(this.year, 1, 1) + Number(parts[1]) - 1;
      return;
    }
    if (parts.length !== 3) throw badSyntax();
    const [first, second, third] = parts;
    if (named >= 0) {
      if (!MONTH_NAME.test(parts[named])) throw badSyntax();
      this.month = monthNumber(parts[named]);
      const numbers = parts.filter((_, index) => index !== named);
      const yearFirst = numbers[0].length > 2;
      this.setYear(yearFirst ? numbers[0] : numbers[1]);
      this.day = Number(yearFirst ? numbers[1] : numbers[0]);
    } else if (first.length > 2) {
      this.setYear(first);
      this.month = Number(second);
      this.day = Number(third);
    } else {
      this.month = Number(first);
      this.day = Number(second);
      this.setYear(third);
    }
  }

  private hasDate(): boolean {
    return this.year !== undefined || this.fields.days !== undefined;
  }

  /** Two digits are years from 1970 to 2069. */
  private setYear(digits: string): void {
    const year = Number(digits);
    this.year = digits.length <= 2 ? (year < 70 ? 2000 + year : 1900 + year) : yearOf(year);
  }

  private takeNumber(word: string): void {
    const [digits, fraction] = word.split('.');
    if (this.expectsTime || (this.hasDate() && this.month !== undefined && this.day !== undefined)) {
      this.takeCompactClock(digits, fraction);
    } else if (fraction !== undefined) {
      throw badSyntax();
    } else if (digits.length === 8 || digits.length === 6) {
      const yearDigits = digits.length - 4;
      this.setYear(digits.slice(0, yearDigits));
      this.month = Number(digits.slice(yearDigits, yearDigits + 2));
      this.day = Number(digits.slice(yearDigits + 2));
    } else if (digits.length >= 3 || (this.day !== undefined && this.month !== undefined)) {
      this.setYear(digits);
    } else if (this.month !== undefined && this.day === undefined) {
      this.day = Number(digits);
    } else if (this.day === undefined) {
      this.day = Number(digits);
    } else throw badSyntax();
  }

  /** 040506, 0405. */
  private takeCompactClock(digits: string, fraction: string | undefined): void {
    if (this.clock !== undefined || (digits.length !== 6 && digits.length !== 4)) throw badSyntax();
    this.clock = {
      hour: Number(digits.slice(0, 2)),
      minute: Number(digits.slice(2, 4)),
      second: Number(digits.slice(4) || 0),
      micros: fractionMicros(fraction),
    };
    this.expectsTime = false;
  }

  private takeOffset(word: string): void {
    // `-infinity` aside, a sign starts an offset, which only follows a time.
    if (this.clock === undefined || this.fields.offsetMicros !== undefined) throw badSyntax();
    this.fields.offsetMicros = checkedOffset(word);
  }

  private takeName(word: string): void {
    if (SPECIALS.has(word)) {
      if (this.fields.special !== undefined || this.hasDate()) throw badSyntax();
      this.fields.special = word as SpecialTime;
    } else if (MONTH_NAME.test(word) && this.month === undefined) {
      this.month = monthNumber(word);
    } else if (MONTH_NAME.test(word)) {
      throw badSyntax();
    } else if (word === 'am' || word === 'pm') {
      this.half = word;
    } else if (word === 'bc' || word === 'ad') {
      this.isBc = word === 'bc';
    } else if (word === 't' && this.clock === undefined) {
      this.expectsTime = true;
    } else if (word === 'allballs') {
      this.clock = { hour: 0, minute: 0, second: 0, micros: 0 };
    } else if (word === 'j' || DAY_NAME.test(word) || word === 'at' || word === 'on') {
      if (word === 'j') throw badSyntax();
    } else this.takeZone(word);
  }

  private takeZone(word: string): void {
    if (this.fields.zoneName !== undefined || this.fields.offsetMicros !== undefined) throw badSyntax();
    const offset = abbreviationOffset(word);
    if (offset !== undefined) this.fields.offsetMicros = offset;
    else if (isZoneName(word)) this.fields.zoneName = word;
    else throw badSyntax();
  }

  private finishDate(): void {
    const { year, month, day } = this;
    if (this.fields.days !== undefined) return;
    if (year === undefined && month === undefined && day === undefined) return;
    if (year === undefined || month === undefined || day === undefined) throw badSyntax();
    this.fields.days = checkedDays(this.isBc ? 1 - year : year, month, day);
  }

  private finishClock(): void {
    if (this.clock === undefined) {
      if (this.half !== undefined) throw badSyntax();
      return;
    }
    const { minute, second, micros } = this.clock;
    let { hour } = this.clock;
    if (this.half !== undefined) {
      if (hour > 12) throw fieldOutOfRange();
      hour = (hour % 12) + (this.half === 'pm' ? 12 : 0);
    }
    this.fields.microsOfDay = checkedClock(hour, minute, second, micros);
  }
}

const monthNumber = (name: string): number => MONTHS.indexOf(name.slice(0, 3)) + 1;

/** J2451187: a Julian day number. */
export function parseJulian(text: string): number | undefined {
  const match = /^\s*[jJ](\d{1,8})\s*$/.exec(text);
  return match === null ? undefined : Number(match[1]) - UNIX_EPOCH_JULIAN;
}
