import test from 'ava';
import type { Prng } from '../../src/base/prng.js';
import {
  rangeAfter,
  type ScanBound,
  type ScanBudget,
  type ScanRange,
} from '../../src/router/document-reader.js';
import { MemtableScanner } from '../../src/runtime/document-scanner.js';
import { BEGINNING_OF_TIME, putBytes, putText, testPool } from '../support/memtables.js';
import { oneIn, pick, randomBytes, seededPrng } from '../support/random.js';
import { textOf, utf8 } from '../support/text.js';

const UNLIMITED: ScanBudget = { keys: 1e9, bytes: 1e9 };
const FORWARD: ScanRange = { backward: false };
const BACKWARD: ScanRange = { backward: true };
const keyOf = (index: number): string => `k${String(index).padStart(6, '0')}`;

/** Two shards: 1000 deleted keys, and 10 documents behind them. */
function tombstonesFirst(): MemtableScanner {
  const scanner = new MemtableScanner(2, BEGINNING_OF_TIME);
  for (const shard of [0, 1]) {
    const { pool, reader } = testPool(3, 1024 * 1024);
    for (let i = shard; i < 1010; i += 2)
      putText(pool.active, keyOf(i), i + 1, i < 1000 ? undefined : '{"n":1}');
    scanner.setReader(shard, reader);
  }
  return scanner;
}

/** Keys found, slice by slice. */
function slices(scanner: MemtableScanner, budget: ScanBudget, range: ScanRange = FORWARD): string[][] {
  const found: string[][] = [];
  let rest: ScanRange | undefined = range;
  while (rest !== undefined) {
    const slice: string[] = [];
    const last = scanner.scan(1, rest, budget, (document) => slice.push(textOf(document.key())) > 0);
    found.push(slice);
    rest = last === undefined ? undefined : rangeAfter(rest, last);
  }
  return found;
}

test('deleted keys use up the budget of a slice, and the next slice goes on behind them', (t) => {
  const found = slices(tombstonesFirst(), { ...UNLIMITED, keys: 100 });
  t.is(found.length, 11);
  t.deepEqual(found.slice(0, 10).flat(), []);
  t.deepEqual(
    found[10],
    Array.from({ length: 10 }, (_, i) => keyOf(1000 + i)),
  );
});

test('a slice ends with the document that uses up its bytes', (t) => {
  const found = slices(tombstonesFirst(), { ...UNLIMITED, bytes: 20 });
  t.deepEqual(
    found.map((slice) => slice.length),
    [3, 3, 3, 1],
  );
});

test('slices of any size find the same documents', (t) => {
  const scanner = tombstonesFirst();
  const [all] = slices(scanner, UNLIMITED);
  t.is(all.length, 10);
  for (const keys of [1, 2, 7, 1000, 1001, 1010])
    t.deepEqual(slices(scanner, { ...UNLIMITED, keys }).flat(), all);
});

test('deleted keys use up the budget of a slice backward as well', (t) => {
  const found = slices(tombstonesFirst(), { ...UNLIMITED, keys: 100 }, BACKWARD);
  t.is(found.length, 11);
  t.deepEqual(
    found[0],
    Array.from({ length: 10 }, (_, i) => keyOf(1009 - i)),
  );
  t.deepEqual(found.slice(1).flat(), []);
});

test('a scan stops after the document that the visitor stops at, either way', (t) => {
  for (const range of [FORWARD, BACKWARD]) {
    const scanner = tombstonesFirst();
    const [all] = slices(scanner, UNLIMITED, range);
    const seen: string[] = [];
    const last = scanner.scan(1, range, UNLIMITED, (document) => seen.push(textOf(document.key())) < 3);
    t.deepEqual(seen, all.slice(0, 3));
    t.is(textOf(last ?? new Uint8Array(0)), all[2]);
  }
});

test('a range is found without looking at what lies before it, from either end', (t) => {
  const first = { from: { key: utf8(keyOf(1000)), inclusive: true }, backward: false };
  const last = { to: { key: utf8(keyOf(4)), inclusive: true }, backward: true };
  t.is(slices(tombstonesFirst(), { ...UNLIMITED, keys: 11 }, first).length, 1);
  t.is(slices(tombstonesFirst(), { ...UNLIMITED, keys: 6 }, last).length, 1);
});

test('a document is passed over from the second on in which it expires, but uses up a key of the budget', (t) => {
  let now = 99;
  const { pool, reader } = testPool(3, 1024 * 1024);
  putBytes(pool.active, 1, utf8('a'), 1, utf8('{}'), 100);
  putBytes(pool.active, 1, utf8('b'), 2, utf8('{}'));
  const scanner = new MemtableScanner(1, { nowSeconds: () => now });
  scanner.setReader(0, reader);
  t.deepEqual(slices(scanner, UNLIMITED), [['a', 'b']]);
  now = 100;
  t.deepEqual(slices(scanner, UNLIMITED), [['b']]);
  t.deepEqual(slices(scanner, UNLIMITED, BACKWARD), [['b']]);
  t.deepEqual(slices(scanner, { ...UNLIMITED, keys: 1 }), [[], ['b'], []]);
});

/** Short keys over few bytes, so that bounds often hit keys, prefixes of keys, and what lies between. */
const shortKey = (prng: Prng): Uint8Array =>
  randomBytes(prng, 1 + prng.nextBelow(10)).map((byte) => byte % 3);

function randomBound(prng: Prng, keys: readonly Uint8Array[]): ScanBound | undefined {
  if (oneIn(prng, 4)) return undefined;
  return { key: oneIn(prng, 2) ? pick(prng, keys) : shortKey(prng), inclusive: oneIn(prng, 2) };
}

const isWithin = (key: Uint8Array, { from, to }: ScanRange): boolean => {
  const low = from === undefined ? 1 : Buffer.compare(key, from.key);
  const high = to === undefined ? -1 : Buffer.compare(key, to.key);
  return (
    (low > 0 || (low === 0 && from?.inclusive === true)) &&
    (high < 0 || (high === 0 && to?.inclusive === true))
  );
};

test('random ranges in both directions find what a sorted array has, in slices of any size', (t) => {
  const prng = seededPrng(t);
  const pools = [0, 1, 2].map(() => testPool(4, 256 * 1024, prng.nextUint32()));
  const scanner = new MemtableScanner(3, { nowSeconds: () => 1000 });
  for (const [shard, { reader }] of pools.entries()) scanner.setReader(shard, reader);
  const live = new Map<string, boolean>();
  for (let seqno = 1; seqno <= 1500; seqno++) {
    const key = shortKey(prng);
    const { pool } = pools[key[0] % 3];
    if (oneIn(prng, 200)) pool.rotate();
    const expiresAt = oneIn(prng, 4) ? pick(prng, [1, 1000, 1001]) : 0;
    const isPut = !oneIn(prng, 4);
    putBytes(pool.active, 1, key, seqno, isPut ? utf8('{}') : undefined, expiresAt);
    putBytes(pool.active, oneIn(prng, 2) ? 0 : 2, key, seqno, utf8('{}')); // neighbouring collections
    live.set(Buffer.from(key).toString('latin1'), isPut && (expiresAt === 0 || expiresAt > 1000));
  }
  const keys = [...live.keys()].map((key) => Buffer.from(key, 'latin1')).sort(Buffer.compare);
  const visible = keys.filter((key) => live.get(key.toString('latin1')) === true);
  t.true(visible.length > 300);
  for (let round = 0; round < 400; round++) {
    const range = { from: randomBound(prng, keys), to: randomBound(prng, keys), backward: oneIn(prng, 2) };
    const budget = { keys: pick(prng, [1, 3, 50, 1e9]), bytes: pick(prng, [1, 10, 1e9]) };
    const expected = visible.filter((key) => isWithin(key, range)).map((key) => key.toString('latin1'));
    if (range.backward) expected.reverse();
    t.deepEqual(slices(scanner, budget, range).flat(), expected, JSON.stringify({ range, budget }));
  }
});
