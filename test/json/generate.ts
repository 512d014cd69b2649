/** Random JSON text for the tests of this folder: every spelling that the grammar allows, repeated keys included. */
import type { Prng } from '../../src/base/prng.js';

const KEYS = [
  'a',
  'b',
  'c',
  'é',
  'key',
  '__proto__',
  'constructor',
  '\\u0061',
  'a\\n',
  '\\ud83d\\ude00',
  '',
  '_ID',
];
const PIECES = [
  'x',
  'hello',
  ' ',
  'é',
  'Ж',
  '漢',
  '😀',
  '\\n',
  '\\"',
  '\\\\',
  '\\/',
  '\\u0041',
  '\\u00e9',
  '\\ud83d\\ude00',
  '}',
  ']',
  ',',
  ':',
];
const NUMBERS = [
  '0',
  '-0',
  '1',
  '-1',
  '12',
  '1.0',
  '0.5',
  '-2.50',
  '1e3',
  '1E+2',
  '5e-1',
  '9007199254740992',
  '9007199254740993',
  '-9223372036854775808',
  '18446744073709551616',
];
const SPACES = ['', '', '', '', ' ', '\n', '\t ', '\r\n'];

export function pick<T>(prng: Prng, from: readonly T[]): T {
  return from[prng.nextBelow(from.length)];
}

export function randomString(prng: Prng): string {
  let text = '"';
  for (let left = prng.nextBelow(4); left > 0; left--) text += pick(prng, PIECES);
  return `${text}"`;
}

export function randomValue(prng: Prng, depth: number): string {
  const kind = prng.nextBelow(depth > 0 ? 9 : 6);
  if (kind === 0) return 'null';
  if (kind === 1) return pick(prng, ['true', 'false']);
  if (kind <= 3) return pick(prng, NUMBERS);
  if (kind <= 5) return randomString(prng);
  if (kind === 6) return randomArray(prng, depth);
  return randomObject(prng, depth);
}

export function randomArray(prng: Prng, depth: number): string {
  const space = () => pick(prng, SPACES);
  const elements = Array.from(
    { length: prng.nextBelow(4) },
    () => space() + randomValue(prng, depth - 1) + space(),
  );
  return `[${elements.join(',') || space()}]`;
}

/** `idChance` is the chance in percent of each member being an `_id`, spelled in one way or another. */
export function randomObject(prng: Prng, depth: number, idChance = 0, membersMax = 5): string {
  const space = () => pick(prng, SPACES);
  const members = Array.from({ length: prng.nextBelow(membersMax + 1) }, () => {
    const isId = prng.nextBelow(100) < idChance;
    const key = isId ? pick(prng, ['_id', '_id', '\\u005fid', '_i\\u0064']) : pick(prng, KEYS);
    const value = isId && prng.nextBelow(8) > 0 ? randomString(prng) : randomValue(prng, depth - 1);
    return `${space()}"${key}"${space()}:${space()}${value}${space()}`;
  });
  return `{${members.join(',') || space()}}`;
}
