import test from 'ava';
import { createPrng } from '../../src/base/prng.js';
import { ByteSink } from '../../src/json/byte-sink.js';
import { PROJECTION_DEPTH_MAX, PROJECTION_FIELDS_MAX, projectFields } from '../../src/json/project.js';
import { DocumentScan, scanDocument } from '../../src/json/scan.js';
import { decodeText } from '../../src/json/text.js';
import { testSeed } from '../support/random.js';
import { randomObject } from './generate.js';

const encoder = new TextEncoder();
const out = new ByteSink(64, 1 << 24);
const compile = (fields: readonly string[]): Uint8Array[][] =>
  fields.map((field) => field.split('.').map((name) => encoder.encode(name)));

function project(text: string, fields: readonly string[]): string {
  const bytes = encoder.encode(text);
  out.reset();
  projectFields(bytes, 0, bytes.length, compile(fields), out);
  return decodeText(out.bytes, 0, out.length);
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Each path on its own picks a part; `paths` are those that continue below `value`. */
function reference(value: Json, paths: readonly (readonly string[])[]): Json | undefined {
  if (Array.isArray(value)) {
    return value.map((element) => reference(element, paths)).filter((element) => element !== undefined);
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const kept: [string, Json][] = [];
  for (const [key, member] of Object.entries(value)) {
    const below = paths.filter((path) => path[0] === key).map((path) => path.slice(1));
    if (below.length === 0) continue;
    const part = below.some((path) => path.length === 0) ? member : reference(member, below);
    if (part !== undefined) kept.push([key, part]);
  }
  return Object.fromEntries(kept);
}

function canonical(value: Json): Json {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const sorted = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return ['object', ...sorted.map(([key, member]) => [key, canonical(member)])];
}

test('random projections keep what a projection of the parsed document keeps, in valid and shorter text', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const names = ['a', 'b', 'c', 'é', 'key', '__proto__', 'a\n', '😀', ''];
  const scan = new DocumentScan(false);
  for (let round = 0; round < 10_000; round++) {
    const text = randomObject(prng, 4, 10);
    const fields = Array.from({ length: 1 + prng.nextBelow(4) }, () =>
      Array.from({ length: 1 + prng.nextBelow(3) }, () => names[prng.nextBelow(names.length)]).join('.'),
    );
    const projected = project(text, fields);
    const expected = reference(JSON.parse(text) as Json, [
      ['_id'],
      ...fields.map((field) => field.split('.')),
    ]);
    const label = `seed ${seed}: ${text} by ${JSON.stringify(fields)} = ${projected}`;
    const isSame =
      JSON.stringify(canonical(JSON.parse(projected) as Json)) ===
      JSON.stringify(canonical(expected as Json));
    if (!isSame) t.fail(label);
    if (out.length > encoder.encode(text).length) t.fail(`too long: ${label}`);
    if (scanDocument(out.bytes, 0, out.length, scan) !== 0) t.fail(label);
  }
  t.pass();
});

test('values keep their text, _id comes first and repeated keys give their last value', (t) => {
  t.is(project('{"n":18446744073709551615,"s":"\\u0041","_id":"x","n": 1.0 }', ['n']), '{"_id":"x","n":1.0}');
  t.is(project('{"o":{"p":1e2,"q":2},"r":3}', ['o.p', 'r.x', 'z']), '{"o":{"p":1e2}}');
  t.is(project('{"o":{"p":1,"q":2}}', ['o.p', 'o']), '{"o":{"p":1,"q":2}}');
  t.is(project('{"o":{"p":1,"q":2}}', ['o', 'o.p']), '{"o":{"p":1,"q":2}}');
  t.is(project('{"i":[{"p":1,"q":2},3,[{"p":4}],{}]}', ['i.p']), '{"i":[{"p":1},[{"p":4}],{}]}');
  t.is(project(' {"a":1} ', []), '{}');
});

test('a projection of too many fields or of too long a path is refused', (t) => {
  const fields = Array.from({ length: PROJECTION_FIELDS_MAX + 1 }, (_, index) => `f${index}`);
  t.throws(() => project('{}', fields), { code: 'VALIDATION' });
  t.notThrows(() => project('{}', fields.slice(1)));
  const path = Array.from({ length: PROJECTION_DEPTH_MAX + 1 }, () => 'a');
  t.throws(() => project('{}', [path.join('.')]), { code: 'VALIDATION' });
  t.notThrows(() => project('{}', [path.slice(1).join('.')]));
});
