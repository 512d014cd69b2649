import test from 'ava';
import { createPrng, type Prng } from '../../../src/base/prng.js';
import { FieldExtractor } from '../../../src/sql/execute/field-extractor.js';
import { decodeValue } from '../../../src/sql/execute/json-decoder.js';
import { Json, type SqlValue } from '../../../src/sql/types/values.js';
import { testSeed } from '../../support/random.js';

const NAMES = ['_id', 'a', 'b', 'address', 'city', 'tags', 'ab', 'a"b', 'é', 'A'];

/** A key as text, sometimes with an escape in it. */
function keyText(name: string, prng: Prng): string {
  if (prng.nextBelow(6) > 0) return JSON.stringify(name);
  const first = name.charCodeAt(0).toString(16).padStart(4, '0');
  return `"\\u${first}${JSON.stringify(name.slice(1)).slice(1)}`;
}

const space = (prng: Prng): string => ['', '', '', ' ', '\n  '][prng.nextBelow(5)];

function valueText(prng: Prng, depth: number): string {
  const kind = prng.nextBelow(depth > 2 ? 6 : 9);
  if (kind < 2) return String(prng.nextBelow(1000) - 500);
  if (kind === 2)
    return ['1.5', '-0.25', '1e3', '9007199254740993', '-0', '12345678901234567890'][prng.nextBelow(6)];
  if (kind === 3) return ['true', 'false', 'null'][prng.nextBelow(3)];
  if (kind < 6)
    return ['"x"', '"a\\"b\\\\"', '"}{"', '""', '"\\u00e9é😀"', '"long text without end in sight, really"'][
      prng.nextBelow(6)
    ];
  if (kind === 6)
    return `[${Array.from({ length: prng.nextBelow(3) }, () => space(prng) + valueText(prng, depth + 1)).join(',')}]`;
  return objectText(prng, depth + 1);
}

function objectText(prng: Prng, depth: number): string {
  const members = Array.from({ length: prng.nextBelow(6) }, () => {
    const name = NAMES[prng.nextBelow(NAMES.length)];
    return `${space(prng)}${keyText(name, prng)}${space(prng)}:${space(prng)}${valueText(prng, depth)}${space(prng)}`;
  });
  return `{${members.join(',')}${space(prng)}}`;
}

/** The reference: JSON.parse, with paths followed by hand. */
function expected(text: string, path: readonly string[]): unknown {
  let value: unknown = JSON.parse(text);
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value)) value = /^(0|[1-9]\d*)$/.test(step) ? value[Number(step)] : undefined;
    else value = Object.hasOwn(value, step) ? (value as Record<string, unknown>)[step] : undefined;
  }
  return value;
}

function plain(value: SqlValue): unknown {
  if (value instanceof Json) return JSON.parse(value.text);
  return typeof value === 'bigint' ? Number(value) : value;
}

test('members are found as JSON.parse finds them, whatever the text looks like', (t) => {
  const seed = testSeed();
  t.log(`SEED=${seed}`);
  const prng = createPrng(seed);
  const paths = [
    ['_id'],
    ['a'],
    ['address'],
    ['address', 'city'],
    ['address', 'a', 'b'],
    ['tags', '1'],
    ['a"b'],
    ['é'],
    ['b', '0', 'a'],
    ['tags'],
  ];
  const extractor = new FieldExtractor(paths);
  for (let round = 0; round < 20_000; round++) {
    const text = objectText(prng, 0);
    const bytes = Buffer.from(`xx${text}"}]`);
    extractor.locate(bytes, 2);
    for (const [field, path] of paths.entries()) {
      const start = extractor.starts[field];
      const found = start < 0 ? undefined : plain(decodeValue(bytes, start, extractor.ends[field]));
      // JavaScript has a negative zero, SQL has not.
      const wanted = expected(text, path);
      const isSame = Object.is(wanted, -0) ? found === 0 : JSON.stringify(found) === JSON.stringify(wanted);
      if (!isSame) {
        t.fail(`${path.join('.')} of ${text}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
        return;
      }
    }
  }
  t.pass();
});

test('numbers are decoded exactly', (t) => {
  const prng = createPrng(7);
  const decode = (text: string): SqlValue => decodeValue(Buffer.from(`${text},`), 0, text.length);
  for (let round = 0; round < 20_000; round++) {
    const digits = String(prng.nextBelow(2 ** 31)) + String(prng.nextBelow(10 ** (1 + prng.nextBelow(9))));
    const at = prng.nextBelow(digits.length);
    const text = `${prng.nextBelow(2) === 0 ? '-' : ''}${digits.slice(0, at).replace(/^0+(?=\d)/, '') || '0'}.${digits.slice(at)}`;
    t.is(decode(text), Number(text) === 0 ? 0 : Number(text), text);
  }
  t.is(decode('9007199254740993'), 9007199254740993n);
  t.is(decode('-9223372036854775808'), -(2 ** 63));
  t.is(decode('9007199254740992'), 2 ** 53);
  t.is(decode('1e2'), 100);
  t.is(decode('-0'), 0);
  t.is(decode('123456789012345.5'), 123456789012345.5);
});
