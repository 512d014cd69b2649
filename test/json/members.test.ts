import test from 'ava';
import { createPrng } from '../../src/base/prng.js';
import {
  ElementCursor,
  findMember,
  findPath,
  MemberCursor,
  Span,
  skipValue,
} from '../../src/json/members.js';
import { parseExact } from '../../src/json/parse-exact.js';
import { decodeString, parseValue } from '../../src/json/text.js';
import { testSeed } from '../support/random.js';
import { randomArray, randomObject } from './generate.js';

const encoder = new TextEncoder();
const encode = (text: string): Uint8Array => encoder.encode(text);
const span = new Span();

/** The text in the middle of shared memory full of other text. */
function share(text: string): { bytes: Uint8Array; start: number; end: number } {
  const inner = encode(text);
  const bytes = new Uint8Array(new SharedArrayBuffer(inner.length + 8)).fill(0x2c);
  bytes.set(inner, 4);
  return { bytes, start: 4, end: 4 + inner.length };
}

/** The member of a parsed value, or nothing; `__proto__` is a key like any other. */
function own(value: unknown, key: string): { value: unknown } | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key)) return undefined;
  return { value: (value as Record<string, unknown>)[key] };
}

test('findMember and findPath find what JSON.parse finds, and nothing else', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const keys = ['a', 'b', 'é', '__proto__', 'constructor', 'a\n', '😀', '', 'absent', '0', '1', '01'];
  let found = 0;
  for (let round = 0; round < 10_000; round++) {
    const text = ` ${randomObject(prng, 4)} `;
    const { bytes, start, end } = share(text);
    const parsed: unknown = JSON.parse(text);
    for (const key of keys) {
      const expected = own(parsed, key);
      if (findMember(bytes, start, end, encode(key), span) !== (expected !== undefined))
        t.fail(`${key} in ${text}`);
      if (expected === undefined) continue;
      found++;
      const actual = JSON.stringify(parseValue(bytes, span.start, span.end));
      if (actual !== JSON.stringify(expected.value)) t.fail(`${key} in ${text}`);
    }
    const path = Array.from({ length: 1 + prng.nextBelow(3) }, () => keys[prng.nextBelow(keys.length)]);
    let expected: { value: unknown } | undefined = { value: parsed };
    for (const key of path) expected = expected && own(expected.value, key);
    const isFound = findPath(bytes, start, end, path.map(encode), span);
    if (isFound !== (expected !== undefined)) t.fail(`${path.join('.')} in ${text}`);
    if (expected !== undefined) {
      const actual = JSON.stringify(parseValue(bytes, span.start, span.end));
      if (actual !== JSON.stringify(expected.value)) t.fail(`${path.join('.')} in ${text}`);
    }
  }
  t.true(found > 1000);
});

test('cursors visit every member and element in text order, repeated keys included', (t) => {
  const { bytes, start } = share('{ "a" : 1 ,"b\\"":[ {"x":"]"} , "}" ],"a":{}}');
  const members = new MemberCursor();
  members.reset(bytes, start);
  const seen: unknown[] = [];
  while (members.next()) {
    seen.push([
      decodeString(bytes, members.keyStart, members.keyEnd),
      members.keyHasEscapes,
      parseValue(bytes, members.valueStart, members.valueEnd),
    ]);
  }
  t.deepEqual(seen, [
    ['a', false, 1],
    ['b"', true, [{ x: ']' }, '}']],
    ['a', false, {}],
  ]);
  t.false(members.next());
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const elements = new ElementCursor();
  for (let round = 0; round < 2000; round++) {
    const text = randomArray(prng, 3);
    const array = share(text);
    elements.reset(array.bytes, array.start);
    const values: unknown[] = [];
    while (elements.next()) values.push(parseValue(array.bytes, elements.valueStart, elements.valueEnd));
    t.is(JSON.stringify(values), JSON.stringify(JSON.parse(text)));
    t.is(skipValue(array.bytes, array.start), array.end);
  }
});

test('strings are decoded as JSON.parse decodes them, short and long', (t) => {
  const contents = [
    '',
    'abc',
    'é',
    'x'.repeat(100),
    '\\u0000\\n\\/\\"',
    '\\ud83d\\ude00',
    '漢😀'.repeat(50),
    '\ufeffa',
  ];
  for (const content of contents) {
    const { bytes, start, end } = share(content);
    t.is(decodeString(bytes, start, end), JSON.parse(`"${content}"`) as string);
  }
});

test('parseExact keeps every integer and agrees with JSON.parse on the rest', (t) => {
  const { bytes, start, end } = share(
    ' {"a":[9007199254740993,1,-18446744073709551616,1.5,1e3],"__proto__":{"x":"é"}} ',
  );
  const value = parseExact(bytes, start, end) as Record<string, unknown>;
  t.deepEqual(value['a'], [9007199254740993n, 1, -18446744073709551616n, 1.5, 1000]);
  t.deepEqual(Object.keys(value), ['a', '__proto__']);
  const long = share(`{"a":${'9'.repeat(2000)}}`);
  t.throws(() => parseExact(long.bytes, long.start, long.end), { message: /1024 digits/ });
});
