import test from 'ava';
import { JSON_DEPTH_MAX } from '../../src/base/limits.js';
import { createPrng } from '../../src/base/prng.js';
import { ByteSink } from '../../src/json/byte-sink.js';
import { mergedSizeMax, mergePatch } from '../../src/json/merge-patch.js';
import { DocumentScan, scanDocument } from '../../src/json/scan.js';
import { decodeText } from '../../src/json/text.js';
import { testSeed } from '../support/random.js';
import { cpuMs } from '../support/time.js';
import { randomObject, randomValue } from './generate.js';

const encoder = new TextEncoder();
const out = new ByteSink(64, 1 << 26);

function merge(target: string | undefined, patch: string): string {
  const targetBytes = target === undefined ? undefined : encoder.encode(`,${target},`);
  const patchBytes = encoder.encode(`:${patch}:`);
  out.reset();
  mergePatch(targetBytes, 1, (targetBytes?.length ?? 2) - 1, patchBytes, 1, patchBytes.length - 1, out);
  return decodeText(out.bytes, 0, out.length);
}

type Json = null | boolean | number | string | Json[] | Map<string, Json>;

/** RFC 7396 section 2, on values whose objects are Maps: no key is special and order is kept. */
function referenceMerge(target: Json | undefined, patch: Json): Json {
  if (!(patch instanceof Map)) return patch;
  const merged = target instanceof Map ? new Map(target) : new Map<string, Json>();
  for (const [key, value] of patch) {
    if (value === null) merged.delete(key);
    else merged.set(key, referenceMerge(merged.get(key), value));
  }
  return merged;
}

function parse(text: string): Json {
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? new Map(Object.entries(value))
      : value,
  ) as Json;
}

/** Members in sorted order, so that texts are equal when values are. */
function canonical(value: Json): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!(value instanceof Map)) return value;
  return [
    'object',
    [...value]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => [key, canonical(member)]),
  ];
}

test('random patches give what RFC 7396 gives, within the size bound, as text that scans', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const scan = new DocumentScan(false);
  for (let round = 0; round < 20_000; round++) {
    const membersMax = prng.nextBelow(50) === 0 ? 60 : 5;
    const bareTarget =
      prng.nextBelow(10) === 0
        ? undefined
        : prng.nextBelow(10) === 0
          ? randomValue(prng, 1)
          : randomObject(prng, 3, 0, membersMax);
    // Padding makes some texts large enough for the merge to remember where their containers end.
    const padding = prng.nextBelow(20) === 0 ? ' '.repeat(5000) : '';
    const target = bareTarget?.replaceAll('{', `{${padding}`);
    const patch = randomObject(prng, 3, 0, membersMax).replaceAll('{', `{${padding}`);
    const merged = merge(target, patch);
    const expected = referenceMerge(target === undefined ? undefined : parse(target), parse(patch));
    const label = `seed ${seed}: ${target} + ${patch} = ${merged}`;
    if (JSON.stringify(canonical(parse(merged))) !== JSON.stringify(canonical(expected))) t.fail(label);
    const bound = mergedSizeMax(encoder.encode(target ?? '').length, encoder.encode(patch).length);
    if (out.length > bound) t.fail(`too long: ${label}`);
    if (scanDocument(out.bytes, 0, out.length, scan) !== 0) t.fail(label);
    if (scan.memberCount !== (expected as Map<string, Json>).size) t.fail(`a key twice: ${label}`);
    if (merge(target, patch) !== merged) t.fail(`not deterministic: ${label}`);
  }
  t.pass();
});

/** RFC 7396, appendix A. */
const APPENDIX: ReadonlyArray<readonly [string, string, string]> = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', 'null', 'null'],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

test('the examples of the RFC come out as printed there', (t) => {
  for (const [target, patch, expected] of APPENDIX) t.is(merge(target, patch), expected);
});

test('numbers and strings keep their text, repeated keys the last value, and __proto__ is a key', (t) => {
  t.is(
    merge('{ "n" : 18446744073709551615 , "s":"\\u0041", "x":1.50}', '{"m":1E400,"x":-0.0}'),
    '{"n":18446744073709551615,"s":"\\u0041","x":-0.0,"m":1E400}',
  );
  t.is(merge('{"a":1,"b":2,"a":3}', '{"b":4,"b":5}'), '{"a":3,"b":5}');
  t.is(merge('{"a":1}', '{"a":2,"\\u0061":null}'), '{}');
  t.is(merge('{"a":1}', '{"a":null,"\\u0061":2}'), '{"a":2}');
  t.is(
    merge('{"__proto__":{"a":1}}', '{"__proto__":{"b":2},"constructor":3}'),
    '{"__proto__":{"a":1,"b":2},"constructor":3}',
  );
  t.is(merge(undefined, ' {"a":{"b":null,"c":[null]}} '), '{"a":{"c":[null]}}');
});

test('the result is no deeper than its inputs: the deepest ones merge and still scan', (t) => {
  const deep = (leaf: string): string =>
    `${'{"a":'.repeat(JSON_DEPTH_MAX - 1)}{${leaf}}${'}'.repeat(JSON_DEPTH_MAX - 1)}`;
  const merged = encoder.encode(merge(deep('"x":1'), deep('"y":2')));
  t.is(scanDocument(merged, 0, merged.length, new DocumentScan()), 0);
  t.is(decodeText(merged, 0, merged.length), deep('"x":1,"y":2'));
  const shallow = merge(deep('"x":1'), '{"a":{"a":1}}');
  t.is(shallow, '{"a":{"a":1}}');
});

test('objects with a hundred thousand members merge in linear time', (t) => {
  const members = (from: number): string =>
    Array.from({ length: 100_000 }, (_, index) => `"key${from + index}":${index}`).join(',');
  const before = cpuMs();
  const merged = merge(`{${members(0)}}`, `{${members(50_000)}}`);
  const costMs = cpuMs() - before;
  t.is(Object.keys(JSON.parse(merged) as object).length, 150_000);
  // A quadratic merge would take minutes.
  t.true(costMs < 10_000, `${costMs} ms of CPU time`);
});

test('large values at the deepest level are passed over a few times, not once per level', (t) => {
  const depth = JSON_DEPTH_MAX - 2;
  const nest = (leaf: string): string => `${'{"a":'.repeat(depth)}${leaf}${'}'.repeat(depth)}`;
  const leaf = Array.from({ length: 100_000 }, (_, index) => `"key${index}":[{},"]"]`).join(',');
  const before = cpuMs();
  t.is(merge(nest(`{${leaf}}`), nest('{"b":1}')), nest(`{${leaf},"b":1}`));
  t.is(merge('{}', nest(`{${leaf}}`)), nest(`{${leaf}}`));
  const costMs = cpuMs() - before;
  t.true(costMs < 10_000, `${costMs} ms of CPU time`);
});
