/** Random expressions for PostgreSQL to be asked about: made of parts whose combinations nobody would write down. */
import { createPrng, type Prng } from '../../../src/base/prng.js';

type Maker = (pick: Picker) => string;

class Picker {
  constructor(private readonly prng: Prng) {}
  below(limit: number): number {
    return this.prng.nextBelow(limit);
  }
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
  /** An integer from low to high. */
  int(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  text(alphabet: string, longest: number): string {
    return Array.from({ length: this.below(longest + 1) }, () => this.of([...alphabet])).join('');
  }
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const number: Maker = (p) =>
  p.of([
    () => `${p.int(-20, 20)}`,
    () => `(${p.int(-99_999, 99_999)})::int8`,
    () => `(${p.int(-9999, 9999) / 100})`,
    () => `${p.int(1, 999) / 8}::float8`,
    () => `(${p.int(-9, 9)}000000007)::int8`,
  ])();

const whole: Maker = (p) => `(${p.int(-2_000_000_000, 2_000_000_000)})::int8`;

const date: Maker = (p) =>
  `${p.int(1900, 2100)}-${String(p.int(1, 12)).padStart(2, '0')}-${String(p.int(1, 28)).padStart(2, '0')}`;
const clock: Maker = (p) =>
  `${String(p.int(0, 23)).padStart(2, '0')}:${String(p.int(0, 59)).padStart(2, '0')}:${String(p.int(0, 59)).padStart(2, '0')}` +
  p.of(['', '', '.5', '.123', '.000001']);
const stamp: Maker = (p) => `'${date(p)} ${clock(p)}'::timestamp`;
const zoned: Maker = (p) => `'${date(p)} ${clock(p)}${p.of(['Z', '+00', '+05:30', '-08'])}'::timestamptz`;

const intervalText: Maker = (p) =>
  p.of([
    () => `${p.int(-30, 30)} ${p.of(['year', 'months', 'days', 'hours', 'min', 'secs', 'weeks'])}`,
    () =>
      `${p.int(-3, 3)} years ${p.int(-14, 14)} mons ${p.int(-40, 40)} days ${p.of(['', '-', '+'])}${clock(p)}`,
    () => `${p.int(0, 9)}.${p.int(0, 9)} ${p.of(['days', 'hours', 'months', 'weeks', 'years'])}`,
    () => `P${p.int(0, 5)}Y${p.int(0, 14)}M${p.int(0, 40)}DT${p.int(0, 30)}H${p.int(0, 70)}M${p.int(0, 70)}S`,
    () => `${p.int(1, 9)} ${clock(p)}`,
    () => `${p.int(1, 40)} days ${p.int(1, 30)} hours ago`,
  ])();
const interval: Maker = (p) => `'${intervalText(p)}'::interval`;

const word: Maker = (p) => quote(p.text('abcABC xyé日😀1%_.', 8));
const FIELDS = [
  'year',
  'month',
  'day',
  'hour',
  'minute',
  'second',
  'dow',
  'doy',
  'week',
  'isoyear',
  'quarter',
  'century',
  'epoch',
];
const TRUNCATIONS = [
  'century',
  'decade',
  'year',
  'quarter',
  'month',
  'week',
  'day',
  'hour',
  'minute',
  'second',
];
const TIME_WORDS = [
  'YYYY',
  'IYYY',
  'YY',
  'MM',
  'Month',
  'FMMonth',
  'MON',
  'DD',
  'FMDD',
  'DDD',
  'Day',
  'dy',
  'D',
  'ID',
  'HH24',
  'HH12',
  'HH',
  'MI',
  'SS',
  'MS',
  'US',
  'AM',
  'p.m.',
  'WW',
  'IW',
  'W',
  'Q',
  'J',
  'CC',
  'DDth',
  'SSSS',
  'RM',
  'AD',
];
const NUMBER_WORDS = ['9', '99', '999', '0', '00', '9,999', '99G999', '99999'];

const json: Maker = (p) =>
  p.of([
    () => `{"a": ${p.int(0, 3)}, "b": [1, "x", null], "c": {"d": ${p.of(['true', 'null', '"s"'])}}}`,
    () => `[${p.int(0, 3)}, "a", {"a": 1}, [${p.int(0, 3)}]]`,
    () => `{"${p.of(['a', 'b', 'bb'])}": ${p.of(['1', '1.50', '"1"', '[]', '{}'])}}`,
  ])();
const path: Maker = (p) =>
  `'{${Array.from({ length: p.int(1, 2) }, () => p.of(['a', 'b', 'c', 'd', '0', '1', '-1', '7'])).join(',')}}'`;
const ints: Maker = (p) => `ARRAY[${Array.from({ length: p.int(1, 4) }, () => p.int(0, 4)).join(', ')}]`;

const MAKERS: readonly Maker[] = [
  (p) => `${number(p)} ${p.of(['+', '-', '*', '/', '<', '=', '>='])} ${number(p)}`,
  (p) => `${whole(p)} ${p.of(['+', '-', '*', '/', '%', '&', '|', '#'])} ${whole(p)}`,
  (p) =>
    `${p.of(['abs', 'ceil', 'floor', 'round', 'trunc', 'sign', 'cbrt', 'exp', 'sqrt', 'ln'])}(${number(p)})`,
  (p) => `${p.of(['round', 'trunc'])}((${p.int(-99_999, 99_999) / 1000})::numeric, ${p.int(-3, 4)})`,
  (p) => `${p.of(['gcd', 'lcm', 'mod', 'div'])}(${p.int(-60, 60)}, ${p.int(-60, 60)})`,
  (p) => `width_bucket(${p.int(-5, 25)}, ${p.int(-3, 3)}, ${p.int(10, 20)}, ${p.int(1, 7)})`,
  (p) => `(${p.int(-99_999, 99_999) / 100})::numeric::int8`,
  (p) => `${stamp(p)} ${p.of(['+', '-'])} ${interval(p)}`,
  (p) => `${zoned(p)} - ${zoned(p)}`,
  (p) => `age(${stamp(p)}, ${stamp(p)})`,
  (p) => interval(p),
  (p) => `${interval(p)} ${p.of(['+', '-', '=', '<', '>'])} ${interval(p)}`,
  (p) => `${interval(p)} ${p.of(['*', '/'])} ${p.of(['2', '3', '1.5', '0.25', '-4', '7'])}`,
  (p) => `${p.of(['justify_days', 'justify_hours', 'justify_interval'])}(${interval(p)})`,
  (p) => `date_trunc('${p.of(TRUNCATIONS)}', ${p.of([stamp, zoned, interval])(p)})`,
  (p) => `extract(${p.of(FIELDS)} from ${p.of([stamp, zoned])(p)})`,
  (p) =>
    `extract(${p.of(['year', 'month', 'day', 'hour', 'minute', 'second', 'epoch'])} from ${interval(p)})`,
  (p) => `'${date(p)}'::date ${p.of(['+', '-'])} ${p.int(-500, 500)}`,
  (p) => `${zoned(p)} AT TIME ZONE '${p.of(['UTC', 'America/New_York', 'Asia/Kolkata', 'Europe/Berlin'])}'`,
  (p) =>
    `to_char(${p.of([stamp, zoned])(p)}, '${Array.from({ length: p.int(1, 4) }, () => p.of(TIME_WORDS)).join(p.of(['-', ' ', ':', ', ']))}')`,
  (p) =>
    `to_char((${p.int(-999_999, 999_999) / p.of([1, 10, 100, 1000])})::numeric, '${p.of(['', 'FM', 'S', 'MI'])}${p.of(NUMBER_WORDS)}${p.of(['', 'D9', '.99', '.990', 'D00'])}${p.of(['', '', 'PR'])}')`,
  (p) => `to_timestamp('${date(p)} ${clock(p)}', 'YYYY-MM-DD HH24:MI:SS')`,
  (p) =>
    `'${p.of(['Jan', 'march', 'DEC'])} ${p.int(1, 28)}, ${p.int(1970, 2050)} ${p.of(['', '3:04 PM', '12:00 am', '23:59:59.5'])}'::timestamp`,
  (p) => `'${p.int(1, 12)}/${p.int(1, 28)}/${p.of(['24', '1999', '69', '70'])}'::date`,
  (p) => `${word(p)} ${p.of(['LIKE', 'ILIKE', 'NOT LIKE'])} ${quote(p.text('abcA%_é日1', 5))}`,
  (p) =>
    `${word(p)} ~ ${quote(p.text('ab1', 2) + p.of(['', '+', '*', '?', '.', '[a-c]', '(a|b)', '\\d', '\\w+']) + p.text('xyé', 1))}`,
  (p) =>
    `regexp_replace(${word(p)}, '${p.of(['[a-c]', 'a|b', '\\s+', '(.)', '[^a-z]'])}', '${p.of(['X', '<\\&>', '', '\\1\\1'])}'${p.of(['', ", 'g'", ", 'gi'"])})`,
  (p) => `regexp_split_to_array(${word(p)}, '${p.of(['a', '\\s*', '[abc]', ''])}')`,
  (p) => `substring(${word(p)}, ${p.int(-2, 6)}, ${p.int(0, 5)})`,
  (p) => `${p.of(['left', 'right', 'lpad', 'rpad', 'repeat'])}(${word(p)}, ${p.int(-3, 10)})`,
  (p) => `${p.of(['lpad', 'rpad'])}(${word(p)}, ${p.int(0, 12)}, ${word(p)})`,
  (p) => `${p.of(['btrim', 'ltrim', 'rtrim', 'strpos', 'starts_with'])}(${word(p)}, ${word(p)})`,
  (p) =>
    `${p.of(['upper', 'lower', 'initcap', 'reverse', 'length', 'octet_length', 'md5', 'quote_literal', 'quote_ident', 'ascii'])}(${word(p)})`,
  (p) => `translate(${word(p)}, ${word(p)}, ${word(p)})`,
  (p) => `replace(${word(p)}, ${quote(p.text('abc', 2))}, ${word(p)})`,
  (p) => `split_part(${word(p)}, ${quote(p.text('ab ', 1))}, ${p.of([1, 2, -1, -2, 3])})`,
  (p) => `string_to_array(${word(p)}, ${quote(p.text('ab ', 1))})`,
  (p) => `${word(p)} ${p.of(['<', '=', '>', '||'])} ${word(p)}`,
  (p) => `'${json(p)}'::jsonb ${p.of(['->', '->>'])} ${p.of(["'a'", "'b'", "'c'", '0', '1', '-1', '2'])}`,
  (p) => `'${json(p)}'::jsonb ${p.of(['#>', '#>>', '#-'])} ${path(p)}`,
  (p) => `'${json(p)}'::jsonb ${p.of(['@>', '<@', '||'])} '${json(p)}'::jsonb`,
  (p) => `'${json(p)}'::jsonb - ${p.of(["'a'", "'b'", '0', '-1', "'{a,b}'::text[]"])}`,
  (p) =>
    `${p.of(['jsonb_set', 'jsonb_insert'])}('${json(p)}', ${path(p)}, '${p.of(['9', '"z"', '[]'])}', ${p.of(['true', 'false'])})`,
  (p) => `${p.of(['jsonb_pretty', 'jsonb_strip_nulls', 'jsonb_typeof'])}('${json(p)}')`,
  (p) => `${ints(p)} ${p.of(['@>', '<@', '&&', '||', '=', '<'])} ${ints(p)}`,
  (p) =>
    `${p.of(['array_position', 'array_positions', 'array_remove', 'array_append'])}(${ints(p)}, ${p.int(0, 4)})`,
  (p) =>
    `format(${quote(p.of(['%s-%s', '%2$s|%1$s', '%10s|%-6s', '%L %I', '%%%s%s']))}, ${word(p)}, ${word(p)})`,
];

export function randomExpressions(seed: number, count: number): string[] {
  const pick = new Picker(createPrng(seed));
  return Array.from({ length: count }, () => pick.of(MAKERS)(pick));
}
