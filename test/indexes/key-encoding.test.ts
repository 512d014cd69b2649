import test from 'ava';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { KeyDecoder } from '../../src/indexes/key-decoding.js';
import { KeyEncoder } from '../../src/indexes/key-encoding.js';
import { COLUMN_BYTES_MAX } from '../../src/indexes/key-format.js';
import { type IndexCondition, indexInterval } from '../../src/indexes/key-interval.js';
import type { ColumnOrder, IndexValue } from '../../src/indexes/value.js';
import { compareValues, jsonText, randomJsonValue, randomValue } from '../support/index-values.js';
import { testSeed } from '../support/random.js';

const ASC: ColumnOrder = { descending: false, nullsFirst: false };
const ORDERS: readonly ColumnOrder[] = [
  ASC,
  { descending: true, nullsFirst: true },
  { descending: false, nullsFirst: true },
  { descending: true, nullsFirst: false },
];
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const encode = (value: IndexValue, order = ASC): Uint8Array =>
  new KeyEncoder().addValue(value, order).finish();

function keyOf(values: readonly IndexValue[], orders: readonly ColumnOrder[], id: string): Uint8Array {
  const encoder = new KeyEncoder();
  for (let i = 0; i < values.length; i++) encoder.addValue(values[i], orders[i]);
  const bytes = utf8(id);
  return encoder.addBytes(bytes, 0, bytes.length).finish();
}

/** As an index with these columns orders rows. */
function compareRows(
  a: readonly IndexValue[],
  b: readonly IndexValue[],
  orders: readonly ColumnOrder[],
): number {
  for (let i = 0; i < orders.length; i++) {
    const { descending, nullsFirst } = orders[i];
    if (a[i] === null || b[i] === null) {
      if (a[i] === b[i]) continue;
      return (a[i] === null) === nullsFirst ? -1 : 1;
    }
    const difference = compareValues(a[i], b[i]);
    if (difference !== 0) return descending ? -difference : difference;
  }
  return 0;
}

const nullOr = (prng: Prng): IndexValue => (prng.nextBelow(8) === 0 ? null : randomValue(prng));

test('the order of the bytes is the order of the values, in every direction', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  for (let round = 0; round < 20_000; round++) {
    const order = ORDERS[prng.nextBelow(ORDERS.length)];
    const a = nullOr(prng);
    const b = nullOr(prng);
    const left = encode(a, order);
    const right = encode(b, order);
    const expected = Math.sign(compareRows([a], [b], [order]));
    const actual = Math.sign(Buffer.compare(left, right));
    const isCut = left.length === COLUMN_BYTES_MAX && hex(left) === hex(right);
    if (actual !== expected && !isCut) {
      t.fail(
        `seed ${seed}: ${jsonText(a)} against ${jsonText(b)} ${JSON.stringify(order)}: ${hex(left)} ${hex(right)}`,
      );
      return;
    }
  }
  t.pass();
});

test('the text of a JSON value is encoded as the value', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  for (let round = 0; round < 5_000; round++) {
    const value = randomJsonValue(prng);
    const text = utf8(jsonText(value));
    const fromJson = new KeyEncoder().addJson(text, 0, text.length, ASC).finish();
    if (hex(fromJson) !== hex(encode(value))) {
      t.fail(`seed ${seed}: ${jsonText(value)}`);
      return;
    }
  }
  t.pass();
});

test('a key gives back its scalars and the _id, and says which columns were cut short', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  for (let round = 0; round < 5_000; round++) {
    const orders = Array.from({ length: 1 + prng.nextBelow(3) }, () => ORDERS[prng.nextBelow(4)]);
    const values = orders.map(() => nullOr(prng));
    const id = `id-${prng.nextUint32()}`;
    const key = keyOf(values, orders, id);
    const padded = new Uint8Array(key.length + 9);
    padded.set(key, 5);
    const decoder = new KeyDecoder(orders);
    if (!decoder.read(padded, 5, key.length)) throw new Error(`seed ${seed}: unreadable ${hex(key)}`);
    const found = Buffer.from(padded.subarray(decoder.idStart, 5 + key.length)).toString();
    if (found !== id) throw new Error(`seed ${seed}: ${found} instead of ${id} in ${hex(key)}`);
    for (let i = 0; i < values.length; i++) {
      const decoded = decoder.value(i);
      const isScalar = typeof values[i] !== 'object' || values[i] === null;
      const isWhole = encode(values[i]).length < COLUMN_BYTES_MAX;
      if (isScalar && isWhole && decoder.isColumnCut(i)) throw new Error(`seed ${seed}: cut ${hex(key)}`);
      if (isScalar && isWhole && decoded !== values[i] && !Number.isNaN(values[i]) && decoded !== 0)
        throw new Error(`seed ${seed}: ${String(decoded)} instead of ${jsonText(values[i])}`);
      if (!isScalar && decoded !== undefined) throw new Error(`seed ${seed}: ${jsonText(values[i])}`);
    }
  }
  t.pass();
});

test('keys that are damaged are told, and never read behind their end', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  for (let round = 0; round < 5_000; round++) {
    const orders = [ORDERS[prng.nextBelow(4)], ASC];
    const key = keyOf([nullOr(prng), nullOr(prng)], orders, 'x');
    for (let flips = 1 + prng.nextBelow(3); flips > 0; flips--)
      key[prng.nextBelow(key.length)] = prng.nextBelow(256);
    const decoder = new KeyDecoder(orders);
    const length = prng.nextBelow(key.length + 1);
    if (decoder.read(key, 0, length)) {
      t.true(decoder.idStart <= length);
      decoder.value(0);
      decoder.value(1);
    }
  }
  t.pass();
});

function kindOf(value: IndexValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'number';
  if (typeof value !== 'object') return typeof value;
  if (!('kind' in value)) return 'array';
  return value.kind === 'json' && value.text.startsWith('[') ? 'json array' : value.kind;
}

function holds(value: IndexValue, condition: Omit<IndexCondition, 'equals'>): boolean {
  const { lower, upper, isNull, isNotNull, prefix } = condition;
  if (isNull === true) return value === null;
  if (value === null) return false;
  if (isNotNull === true) return true;
  if (prefix !== undefined) return typeof value === 'string' && value.startsWith(prefix);
  for (const [bound, sign] of [
    [lower, 1],
    [upper, -1],
  ] as const) {
    if (bound === undefined) continue;
    if (bound.value === null || kindOf(bound.value) !== kindOf(value)) return false;
    const difference = compareValues(value, bound.value) * sign;
    if (difference < 0 || (difference === 0 && !bound.inclusive)) return false;
  }
  return true;
}

function randomCondition(prng: Prng): Omit<IndexCondition, 'equals'> {
  const bound = () => ({ value: randomValue(prng), inclusive: prng.nextBelow(2) === 0 });
  switch (prng.nextBelow(6)) {
    case 0:
      return { isNull: true };
    case 1:
      return { isNotNull: true };
    case 2:
      return { prefix: ['', 'a', 'b\0', 'é'][prng.nextBelow(4)] };
    case 3:
      return { lower: bound() };
    case 4:
      return { upper: bound() };
    default:
      return { lower: bound(), upper: bound() };
  }
}

test('an interval has the keys that satisfy its condition, and others only where something was cut short', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const isWhole = (value: IndexValue): boolean => encode(value).length < COLUMN_BYTES_MAX;
  for (let round = 0; round < 20_000; round++) {
    const orders = [ORDERS[prng.nextBelow(4)], ORDERS[prng.nextBelow(4)]];
    const range = randomCondition(prng);
    const leading = prng.nextBelow(2) === 0 ? [] : [randomValue(prng)];
    const condition: IndexCondition = { equals: leading, ...range };
    const interval = indexInterval(orders, condition);
    const values = leading.length === 0 ? [nullOr(prng), nullOr(prng)] : [leading[0], nullOr(prng)];
    const key = keyOf(values, orders, 'id');
    const isInside =
      interval !== undefined &&
      (interval.lower === undefined || Buffer.compare(key, interval.lower) >= 0) &&
      (interval.upper === undefined || Buffer.compare(key, interval.upper) < 0);
    const isWanted = holds(values[leading.length], range);
    const { lower, upper } = range;
    const isExact =
      isWhole(values[leading.length]) &&
      [lower, upper].every((bound) => bound === undefined || isWhole(bound.value));
    if (isInside === isWanted || (isInside && !isExact)) continue;
    t.fail(
      `seed ${seed}: ${jsonText(values)} ${jsonText(condition)} ${JSON.stringify(orders)} inside ${isInside}`,
    );
    return;
  }
  t.pass();
});

test('equality of all columns is the interval of their keys, and of NULL there is none', (t) => {
  t.deepEqual(indexInterval([ASC], { equals: [null] }), undefined);
  const interval = indexInterval([ASC], { equals: ['ab'] });
  t.is(hex(interval?.lower ?? utf8('')), '1061620001');
  t.is(hex(interval?.upper ?? utf8('')), '1061620002');
  t.deepEqual(indexInterval([ASC], { equals: [] }), {});
});

test('the worked example of docs/formats/index-keys.md', (t) => {
  const orders: ColumnOrder[] = [ASC, { descending: true, nullsFirst: true }];
  t.is(hex(keyOf(['Bonn', 42], orders, 'u1')), '10426f6e6e0001df3fbaffffffffffff7f7531');
  t.is(hex(encode(2n ** 53n + 1n)), '20c3400000000000008101');
  t.is(hex(encode(-1.5)), '204007ffffffffffff80');
  t.is(hex(encode(null)), 'fa');
});
