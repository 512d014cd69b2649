/** to_timestamp(text, format), to_date, to_number: values out of text by a pattern. */
import type { DbError } from '../../base/errors.js';
import { sqlError } from '../errors.js';
import {
  daysFromCivil,
  isoWeekStart,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  MICROS_PER_SECOND,
  UNIX_EPOCH_JULIAN,
} from '../types/calendar.js';
import { checkedDays, checkTimestamp, DateTimeFault } from '../types/datetime-fields.js';
import { parseNumber, type SqlNumber } from '../types/numbers.js';
import { SqlDate, Timestamp } from '../types/values.js';
import { DAY_NAMES, type FormatWord, MONTH_NAMES, parseTimeFormat, ROMAN_MONTHS } from './format-pattern.js';

const invalid = (text: string, code: string): DbError =>
  sqlError('22007', `invalid value "${text}" for "${code}"`);

/** Most digits of a number when the pattern's next word is a number, too. */
const WIDTHS: Readonly<Record<string, number>> = {
  YYYY: 4,
  IYYY: 4,
  YYY: 3,
  IYY: 3,
  YY: 2,
  IY: 2,
  Y: 1,
  I: 1,
  MM: 2,
  DD: 2,
  DDD: 3,
  IDDD: 3,
  HH: 2,
  HH12: 2,
  HH24: 2,
  MI: 2,
  SS: 2,
  MS: 3,
  US: 6,
  SSSS: 5,
  SSSSS: 5,
  D: 1,
  ID: 1,
  WW: 2,
  IW: 2,
  W: 1,
  Q: 1,
  CC: 2,
  J: 7,
  FF1: 1,
  FF2: 2,
  FF3: 3,
  FF4: 4,
  FF5: 5,
  FF6: 6,
};

class Reader {
  private at = 0;
  private readonly numbers = new Map<string, number>();
  private isAfternoon: boolean | undefined;
  private isBc = false;
  private offsetMicros = 0;

  constructor(private readonly text: string) {}

  read(format: string): { days: number; micros: number } {
    const words = parseTimeFormat(format);
    words.forEach((word, index) => {
      if (this.at > this.text.length) return;
      if (word.code === '') this.skipLiteral(word.text);
      else this.word(word, words[index + 1]);
    });
    return { days: this.days(), micros: this.micros() - this.offsetMicros };
  }

  /** A separator in the pattern takes any separator; spaces are free. */
  private skipLiteral(literal: string): void {
    for (const character of literal) {
      if (/[\p{L}\p{N}]/u.test(character)) {
        if (this.at < this.text.length) this.at++;
      } else if (/\s/.test(character)) this.skipSpace();
      else {
        this.skipSpace();
        if (/[^\p{L}\p{N}\s]/u.test(this.text[this.at] ?? '')) this.at++;
        this.skipSpace();
      }
    }
  }

  private skipSpace(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }

  private word(word: FormatWord, next: FormatWord | undefined): void {
    const { code } = word;
    this.skipSpace();
    if (WIDTHS[code] !== undefined) {
      this.number(word, next);
      return;
    }
    const rest = this.text.slice(this.at);
    switch (code) {
      case 'MONTH':
      case 'MON':
        this.name(MONTH_NAMES, code === 'MON', 'MM', code);
        return;
      case 'DAY':
      case 'DY':
        this.name(DAY_NAMES, code === 'DY', 'dayName', code);
        return;
      case 'RM':
        this.roman(rest);
        return;
      case 'Y,YYY': {
        const match = /^(\d+),(\d{3})/.exec(rest);
        if (match === null) throw invalid(rest.slice(0, 5), code);
        this.numbers.set('YYYY', Number(match[1]) * 1000 + Number(match[2]));
        this.at += match[0].length;
        return;
      }
      default:
        this.mark(code, rest);
        return;
    }
  }

  private mark(code: string, rest: string): void {
    const half = /^([ap])\.?m\.?/i.exec(rest);
    const era = /^(?:(b)\.?c\.?|a\.?d\.?)/i.exec(rest);
    const offset = /^[+-]\d{1,2}(?::?\d{2})?/.exec(rest);
    if (/^[AP]/.test(code) && code !== 'AD' && code !== 'A.D.') {
      if (half === null) throw invalid(rest.slice(0, 2), code);
      this.isAfternoon = half[1].toLowerCase() === 'p';
      this.at += half[0].length;
    } else if (/^(?:A|B)/.test(code)) {
      if (era === null) throw invalid(rest.slice(0, 2), code);
      this.isBc = era[1] !== undefined;
      this.at += era[0].length;
    } else if (offset !== null) this.zone(offset[0], code);
  }

  private zone(text: string, code: string): void {
    const match = /^([+-])(\d{1,2})(?::?(\d{2}))?/.exec(text);
    if (match === null) return;
    const minutes = code === 'TZH' ? 0 : Number(match[3] ?? 0);
    const micros = Number(match[2]) * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE;
    this.offsetMicros += match[1] === '-' ? -micros : micros;
    this.at += code === 'TZH' ? match[1].length + match[2].length : match[0].length;
  }

  private number({ code, fill, ordinal }: FormatWord, next: FormatWord | undefined): void {
    // Where another number follows at once, the width decides.
    const isTight = next !== undefined && next.code !== '' && WIDTHS[next.code] !== undefined && !fill;
    const isFraction = code === 'MS' || code === 'US' || code.startsWith('FF');
    const widest = isTight || isFraction || code !== 'YYYY' ? WIDTHS[code] : 9;
    const match = new RegExp(`^[+-]?\\d{1,${widest}}`).exec(this.text.slice(this.at));
    if (match === null) throw invalid(this.text.slice(this.at, this.at + widest), code);
    this.at += match[0].length;
    if (ordinal !== '') this.at += 2;
    const digits = match[0];
    this.numbers.set(code, isFraction ? Number(digits.padEnd(WIDTHS[code], '0')) : Number(digits));
    if (code === 'YYY' || code === 'YY' || code === 'Y') this.numbers.set('YYYY', fullYear(digits));
    this.check(code, digits);
  }

  private check(code: string, digits: string): void {
    const limits: Readonly<Record<string, readonly [number, number]>> = {
      MM: [1, 12],
      DD: [1, 31],
      HH24: [0, 24],
      HH12: [1, 12],
      HH: [1, 12],
      MI: [0, 59],
      SS: [0, 60],
      DDD: [1, 366],
    };
    const limit = limits[code];
    const value = Number(digits);
    if (limit !== undefined && (value < limit[0] || value > limit[1])) {
      throw sqlError('22008', `date/time field value out of range: "${this.text}"`);
    }
  }

  private name(names: readonly string[], isShort: boolean, target: string, code: string): void {
    const rest = this.text.slice(this.at).toLowerCase();
    const index = names.findIndex((name) =>
      rest.startsWith((isShort ? name.slice(0, 3) : name).toLowerCase()),
    );
    if (index < 0) throw invalid(rest.slice(0, 3), code);
    this.numbers.set(target, index + 1);
    this.at += isShort ? 3 : names[index].length;
  }

  private roman(rest: string): void {
    const numeral = /^[ivx]+/i.exec(rest)?.[0] ?? '';
    const month = (ROMAN_MONTHS as readonly string[]).indexOf(numeral.toUpperCase()) + 1;
    if (month === 0) throw invalid(rest.slice(0, 4), 'RM');
    this.numbers.set('MM', month);
    this.at += numeral.length;
  }

  private days(): number {
    const get = (code: string): number | undefined => this.numbers.get(code);
    const julian = get('J');
    if (julian !== undefined) return julian - UNIX_EPOCH_JULIAN;
    const isoYear = get('IYYY');
    if (isoYear !== undefined) return isoWeekStart(isoYear, get('IW') ?? 1) + (get('ID') ?? 1) - 1;
    let year = get('YYYY') ?? (get('CC') === undefined ? 0 : ((get('CC') as number) - 1) * 100 + 1);
    if (this.isBc && year > 0) year = 1 - year;
    const dayOfYear = get('DDD');
    if (dayOfYear !== undefined) return daysFromCivil(year, 1, 1) + dayOfYear - 1;
    const week = get('WW');
    if (week !== undefined) return daysFromCivil(year, 1, 1) + (week - 1) * 7;
    return checkedDays(year, get('MM') ?? 1, get('DD') ?? 1);
  }

  private micros(): number {
    const get = (code: string): number => this.numbers.get(code) ?? 0;
    const seconds = get('SSSS') || get('SSSSS');
    const half = this.numbers.get('HH12') ?? this.numbers.get('HH');
    let hour = get('HH24');
    if (half !== undefined)
      hour = this.isAfternoon === undefined ? half : (half % 12) + (this.isAfternoon ? 12 : 0);
    let micros = get('MS') * 1000 + get('US');
    for (let digits = 1; digits <= 6; digits++) micros += get(`FF${digits}`) * 10 ** (6 - digits);
    return (
      hour * MICROS_PER_HOUR +
      get('MI') * MICROS_PER_MINUTE +
      (get('SS') + seconds) * MICROS_PER_SECOND +
      micros
    );
  }
}

/** The year nearest to 2020 with these last digits. */
function fullYear(digits: string): number {
  const value = Number(digits);
  if (digits.length >= 4) return value;
  if (digits.length === 3) return value < 520 ? 2000 + value : 1000 + value;
  return value < 70 ? 2000 + value : 1900 + value;
}

function readWith(text: string, format: string): { days: number; micros: number } {
  try {
    return new Reader(text).read(format);
  } catch (error) {
    if (!(error instanceof DateTimeFault)) throw error;
    throw sqlError('22008', `date/time field value out of range: "${text}"`);
  }
}

export function toTimestamp(text: string, format: string): Timestamp {
  const { days, micros } = readWith(text, format);
  return new Timestamp(checkTimestamp(days * MICROS_PER_DAY + micros), true);
}

export const toDate = (text: string, format: string): SqlDate => new SqlDate(readWith(text, format).days);

/** Takes digits, sign and point, as far as the pattern has places for them. */
export function toNumber(text: string, format: string): SqlNumber {
  const isNegative = /-/.test(text) || (/PR/i.test(format) && /<.*>/.test(text));
  const digits = text.replace(/[^0-9.]/g, '');
  const [whole, ...fractions] = digits.split('.');
  const [wholePattern, fractionPattern = ''] = format.split(/[.Dd]/);
  const places = (pattern: string): number => (pattern.match(/[90]/g) ?? []).length;
  const integer = whole.slice(0, Math.max(places(wholePattern), 0)) || '0';
  const fraction = fractions.join('').slice(0, places(fractionPattern));
  const shift = /V(9+)/i.exec(format)?.[1].length ?? 0;
  const value = parseNumber(
    `${isNegative ? '-' : ''}${integer}${fraction === '' ? '' : `.${fraction}`}`,
    'numeric',
  );
  return shift === 0 ? value : Number(value) / 10 ** shift;
}
