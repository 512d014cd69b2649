/** The words of a to_char/to_timestamp pattern for dates and times. Pure. */

export interface FormatWord {
  /** Upper case; '' for text that stands for itself. */
  readonly code: string;
  /** As written: its case matters for names. */
  readonly text: string;
  /** FM: no padding. */
  readonly fill: boolean;
  /** TH or th after it. */
  readonly ordinal: '' | 'TH' | 'th';
}

/** Longest first. */
const CODES = [
  'SSSSS',
  'SSSS',
  'Y,YYY',
  'MONTH',
  'A.D.',
  'B.C.',
  'A.M.',
  'P.M.',
  'HH24',
  'HH12',
  'YYYY',
  'IYYY',
  'IDDD',
  'YYY',
  'IYY',
  'DDD',
  'DAY',
  'MON',
  'FF1',
  'FF2',
  'FF3',
  'FF4',
  'FF5',
  'FF6',
  'TZH',
  'TZM',
  'HH',
  'MI',
  'SS',
  'MS',
  'US',
  'YY',
  'IY',
  'MM',
  'DD',
  'DY',
  'ID',
  'WW',
  'IW',
  'CC',
  'RM',
  'TZ',
  'OF',
  'AD',
  'BC',
  'AM',
  'PM',
  'Y',
  'I',
  'D',
  'W',
  'J',
  'Q',
];

const WORDS_MAX = 256;
const parsed = new Map<string, readonly FormatWord[]>();

/** Patterns repeat for each row. */
export function parseTimeFormat(format: string): readonly FormatWord[] {
  let words = parsed.get(format);
  if (words === undefined) {
    if (parsed.size >= WORDS_MAX) parsed.clear();
    words = read(format);
    parsed.set(format, words);
  }
  return words;
}

function read(format: string): FormatWord[] {
  const words: FormatWord[] = [];
  const literal = (text: string): void => {
    words.push({ code: '', text, fill: false, ordinal: '' });
  };
  for (let at = 0; at < format.length; ) {
    if (format[at] === '"') {
      let end = at + 1;
      let text = '';
      while (end < format.length && format[end] !== '"') {
        if (format[end] === '\\') end++;
        text += format[end++] ?? '';
      }
      literal(text);
      at = end + 1;
      continue;
    }
    if (format[at] === '\\' && format[at + 1] === '"') {
      literal('"');
      at += 2;
      continue;
    }
    const start = at;
    let fill = false;
    for (
      let prefix = format.slice(at, at + 2).toUpperCase();
      ;
      prefix = format.slice(at, at + 2).toUpperCase()
    ) {
      if (prefix === 'FM') fill = true;
      else if (prefix !== 'FX' && prefix !== 'TM') break;
      at += 2;
    }
    const upper = format.slice(at, at + 6).toUpperCase();
    const code = CODES.find((candidate) => upper.startsWith(candidate));
    if (code === undefined) {
      if (at === start) literal(format[at++]);
      continue;
    }
    const text = format.slice(at, at + code.length);
    at += code.length;
    const suffix = format.slice(at, at + 2);
    const ordinal = suffix === 'TH' || suffix === 'th' ? suffix : '';
    if (ordinal !== '') at += 2;
    words.push({ code, text, fill, ordinal });
  }
  return words;
}

export const MONTH_NAMES = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
export const DAY_NAMES = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
] as const;
export const ROMAN_MONTHS = [
  'I',
  'II',
  'III',
  'IV',
  'V',
  'VI',
  'VII',
  'VIII',
  'IX',
  'X',
  'XI',
  'XII',
] as const;
