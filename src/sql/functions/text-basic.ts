/** Functions that measure, cut, join and change texts. Characters are code points. */
import { createHash } from 'node:crypto';
import { INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';
import { castToText, toText } from '../types/text.js';
import type { SqlValue } from '../types/values.js';
import { aliases, many, one, three, two } from './define.js';
import type { FunctionDefinition } from './definition.js';
import { checkTextLength } from './text-limit.js';

const SURROGATE = /[\ud800-\udfff]/;

/** Whether UTF-16 units are characters. */
const isSimple = (text: string): boolean => !SURROGATE.test(text);

export const characterCount = (text: string): number => (isSimple(text) ? text.length : [...text].length);

/** Characters from..to, 0-based, exclusive of `to`. */
export function sliceCharacters(text: string, from: number, to?: number): string {
  return isSimple(text) ? text.slice(from, to) : [...text].slice(from, to).join('');
}

/** substring: 1-based; places before the first character count in the length. */
export function substring(text: string, start: number, length?: number): string {
  if (length === undefined) return sliceCharacters(text, Math.max(0, start - 1));
  if (length < 0) throw sqlError('22011', 'negative substring length not allowed');
  const end = start - 1 + length;
  return end <= 0 ? '' : sliceCharacters(text, Math.max(0, start - 1), end);
}

/** Letter case of single characters only, as PostgreSQL: `ß` stays. */
export function upper(text: string): string {
  const result = text.toUpperCase();
  return result.length === text.length ? result : mapCharacters(text, (c) => c.toUpperCase());
}

export function lower(text: string): string {
  const result = text.toLowerCase();
  return result.length === text.length ? result : mapCharacters(text, (c) => c.toLowerCase());
}

const mapCharacters = (text: string, map: (character: string) => string): string =>
  Array.from(text, (character) => {
    const mapped = map(character);
    return [...mapped].length === 1 ? mapped : character;
  }).join('');

export const initcap = (text: string): string =>
  lower(text).replace(/[\p{L}\p{N}]+/gu, (word) => {
    const [first] = word;
    return upper(first) + word.slice(first.length);
  });

type Side = 'left' | 'right' | 'both';

export function trim(text: string, characters: string, side: Side): string {
  const set = new Set(characters);
  const all = isSimple(text) ? text : [...text];
  let start = 0;
  let end = all.length;
  if (side !== 'right') while (start < end && set.has(all[start])) start++;
  if (side !== 'left') while (end > start && set.has(all[end - 1])) end--;
  return typeof all === 'string' ? all.slice(start, end) : all.slice(start, end).join('');
}

function pad(text: string, length: number, fill: string, side: 'left' | 'right'): string {
  checkTextLength(length);
  const have = characterCount(text);
  if (length <= have || fill === '') return sliceCharacters(text, 0, Math.max(0, Math.min(length, have)));
  const missing = length - have;
  const unit = [...fill];
  const padding = sliceCharacters(fill.repeat(Math.ceil(missing / unit.length)), 0, missing);
  return side === 'left' ? padding + text : text + padding;
}

function repeat(text: string, times: number): string {
  checkTextLength(text.length * times);
  return times > 0 ? text.repeat(times) : '';
}

export function replaceAll(text: string, from: string, to: string): string {
  if (from === '') return text;
  if (to.length > from.length) checkTextLength((text.length / from.length) * to.length);
  return text.replaceAll(from, () => to);
}

function translate(text: string, from: string, to: string): string {
  const target = [...to];
  const map = new Map<string, string>();
  [...from].forEach((character, index) => {
    if (!map.has(character)) map.set(character, target[index] ?? '');
  });
  return Array.from(text, (character) => map.get(character) ?? character).join('');
}

function splitPart(text: string, delimiter: string, field: number): string {
  if (field === 0) throw sqlError(INVALID_PARAMETER_VALUE, 'field position must not be zero');
  const parts = delimiter === '' ? [text] : text.split(delimiter);
  return parts[field > 0 ? field - 1 : parts.length + field] ?? '';
}

/** 1-based; 0 when there is none. */
export function position(text: string, part: string): number {
  const at = text.indexOf(part);
  return at < 0 ? 0 : characterCount(text.slice(0, at)) + 1;
}

const CODE_POINT_MAX = 0x10ffff;

function chr(code: number): string {
  if (code === 0) throw sqlError('54000', 'null character not permitted');
  const isValid = code > 0 && code <= CODE_POINT_MAX && (code < 0xd800 || code > 0xdfff);
  if (!isValid) throw sqlError('54000', 'requested character not valid for encoding');
  return String.fromCodePoint(code);
}

const join = (values: readonly SqlValue[], separator: string): string => {
  const texts = values.filter((value) => value !== null).map(toText);
  checkTextLength(texts.reduce((sum, text) => sum + text.length + separator.length, 0));
  return texts.join(separator);
};

const left = (text: string, count: number): string => sliceCharacters(text, 0, count);
const right = (text: string, count: number): string => {
  const length = characterCount(text);
  return sliceCharacters(text, count >= 0 ? Math.max(0, length - count) : -count);
};

export function concatenate(a: SqlValue, b: SqlValue): string {
  const first = castToText(a);
  const second = castToText(b);
  checkTextLength(first.length + second.length);
  return first + second;
}

const trims = (name: string, side: Side): FunctionDefinition[] => [
  one<string>(name, 'text', 'text', (text) => trim(text, ' ', side)),
  two<string>(name, ['text', 'text'], 'text', (text, characters) => trim(text, characters, side)),
];

const pads = (name: string, side: 'left' | 'right'): FunctionDefinition[] => [
  two<string, number>(name, ['text', 'int8'], 'text', (text, length) => pad(text, length, ' ', side)),
  three<string, number, string>(name, ['text', 'int8', 'text'], 'text', (text, length, fill) =>
    pad(text, length, fill, side),
  ),
];

const substrings = (name: string): FunctionDefinition[] => [
  two<string, number>(name, ['text', 'int8'], 'text', (text, start) => substring(text, start)),
  three<string, number, number>(name, ['text', 'int8', 'int8'], 'text', substring),
];

const NO_NULLS = { strict: false, variadic: true } as const;

export const TEXT_BASIC: readonly FunctionDefinition[] = [
  two('||', ['text', 'text'], 'text', concatenate),
  two('||', ['text', 'any'], 'text', concatenate),
  two('||', ['any', 'text'], 'text', concatenate),
  ...aliases(one<string>('length', 'text', 'int8', characterCount), 'char_length', 'character_length'),
  one<string>('octet_length', 'text', 'int8', (text) => Buffer.byteLength(text)),
  one<string>('bit_length', 'text', 'int8', (text) => Buffer.byteLength(text) * 8),
  one<string>('lower', 'text', 'text', lower),
  one<string>('upper', 'text', 'text', upper),
  one<string>('initcap', 'text', 'text', initcap),
  ...trims('btrim', 'both'),
  ...trims('ltrim', 'left'),
  ...trims('rtrim', 'right'),
  ...makingMuch(pads('lpad', 'left')),
  ...makingMuch(pads('rpad', 'right')),
  ...substrings('substring'),
  ...substrings('substr'),
  two<string, number>('left', ['text', 'int8'], 'text', left),
  two<string, number>('right', ['text', 'int8'], 'text', right),
  ...aliases(two<string>('position', ['text', 'text'], 'int8', position), 'strpos'),
  three<string>('replace', ['text', 'text', 'text'], 'text', replaceAll),
  three<string>('translate', ['text', 'text', 'text'], 'text', translate),
  ...makingMuch([two<string, number>('repeat', ['text', 'int8'], 'text', repeat)]),
  one<string>('reverse', 'text', 'text', (text) => [...text].reverse().join('')),
  three<string, string, number>('split_part', ['text', 'text', 'int8'], 'text', splitPart),
  many('overlay', ['text', 'text', 'int8'], 'text', ([text, part, from]) =>
    overlay(text as string, part as string, from as number, characterCount(part as string)),
  ),
  many('overlay', ['text', 'text', 'int8', 'int8'], 'text', ([text, part, from, length]) =>
    overlay(text as string, part as string, from as number, length as number),
  ),
  many('concat', ['any'], 'text', (values) => join(values, ''), NO_NULLS),
  many(
    'concat_ws',
    ['text', 'any'],
    'text',
    ([separator, ...values]) => (separator === null ? null : join(values, separator as string)),
    NO_NULLS,
  ),
  one<string>('md5', 'text', 'text', (text) => createHash('md5').update(text).digest('hex')),
  one<number>('chr', 'int8', 'text', chr),
  one<string>('ascii', 'text', 'int8', (text) => text.codePointAt(0) ?? 0),
  one<number | bigint>('to_hex', 'int8', 'text', (value) => BigInt.asUintN(64, BigInt(value)).toString(16)),
  two<string>('starts_with', ['text', 'text'], 'bool', (text, prefix) => text.startsWith(prefix)),
  two<string>('^@', ['text', 'text'], 'bool', (text, prefix) => text.startsWith(prefix)),
];

function overlay(text: string, part: string, from: number, length: number): string {
  if (from <= 0) throw sqlError('22011', 'negative substring length not allowed');
  return substring(text, 1, from - 1) + part + substring(text, from + length);
}

/** A few characters of SQL make megabytes: not on a thread that holds sockets. */
function makingMuch(definitions: readonly FunctionDefinition[]): readonly FunctionDefinition[] {
  return definitions.map((definition) => ({ ...definition, mayRunLong: true as const }));
}
