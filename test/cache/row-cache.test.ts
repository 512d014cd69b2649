import test, { type ExecutionContext } from 'ava';
import { hashKey } from '../../src/base/hash.js';
import type { Prng } from '../../src/base/prng.js';
import { CacheMeter } from '../../src/cache/cache-stats.js';
import { RowCache } from '../../src/cache/row-cache.js';
import {
  createRowCache,
  ROW_CACHE_BYTES_MAX,
  ROW_CACHE_BYTES_MIN,
  rowValueBytesMax,
} from '../../src/cache/row-format.js';
import { CacheSegment } from '../../src/cache/segment.js';
import { checkSegment } from '../support/cache-segments.js';
import { oneIn, randomBytes, seededPrng } from '../support/random.js';
import { textOf, utf8 } from '../support/text.js';

interface Row {
  readonly seqno: number;
  readonly expiresAt: number;
  readonly value: Uint8Array;
}

const STAMP = 7;

/** A row cache with keys and values as texts. */
class TextRows {
  readonly sab: SharedArrayBuffer;
  readonly cache: RowCache;

  constructor(bytes: number) {
    this.sab = createRowCache(bytes);
    this.cache = new RowCache(this.sab);
  }

  insert(key: string, value: string, seqno = 1, stamp = STAMP, collection = 1, expiresAt = 0): void {
    const bytes = utf8(key);
    const hash = hashKey(collection, bytes, 0, bytes.length);
    const text = utf8(value);
    this.cache.insert(
      hash,
      collection,
      bytes,
      0,
      bytes.length,
      stamp,
      seqno,
      expiresAt,
      text,
      0,
      text.length,
    );
  }

  get(key: string, stamp = STAMP, collection = 1): string | undefined {
    const bytes = utf8(key);
    const hash = hashKey(collection, bytes, 0, bytes.length);
    if (!this.cache.get(hash, collection, bytes, 0, bytes.length, stamp)) return undefined;
    return textOf(this.cache.bytes, this.cache.valueOffset, this.cache.valueLength);
  }

  stats() {
    return CacheMeter.ofRowCache(this.sab).read();
  }
}

test('a row comes back with its value, seqno and expiry', (t) => {
  const rows = new TextRows(64 * 1024);
  rows.insert('ada', '{"name":"Ada"}', 2 ** 40 + 5, STAMP, 3, 2 ** 33 + 1);
  t.is(rows.get('ada', STAMP, 3), '{"name":"Ada"}');
  t.is(rows.cache.seqno, 2 ** 40 + 5);
  t.is(rows.cache.expiresAt, 2 ** 33 + 1);
  t.is(rows.get('ada', STAMP, 4), undefined, 'another collection');
  t.is(rows.get('ad', STAMP, 3), undefined);
});

test('equal hashes do not make equal keys', (t) => {
  const cache = new RowCache(createRowCache(64 * 1024));
  const insert = (key: Uint8Array, collection: number): void =>
    cache.insert(99, collection, key, 0, key.length, STAMP, 1, 0, key, 0, key.length);
  const keys = ['a', 'b', 'ab', ''].map(utf8);
  for (const key of keys) insert(key, 1);
  insert(utf8('a'), 2);
  for (const key of keys) {
    t.true(cache.get(99, 1, key, 0, key.length, STAMP));
    t.is(textOf(cache.bytes, cache.valueOffset, cache.valueLength), textOf(key));
  }
  t.false(cache.get(99, 2, utf8('b'), 0, 1, STAMP));
});

test('a row is not found under another stamp, and is again once it has been read anew', (t) => {
  const rows = new TextRows(64 * 1024);
  rows.insert('k', 'value', 5, 10);
  t.is(rows.get('k', 11), undefined);
  t.is(rows.get('k', 10), 'value', 'the stamp decides, not the look');
  rows.insert('k', 'value', 5, 11); // another key of the bucket was written: same version, new stamp
  t.is(rows.get('k', 11), 'value');
  t.is(rows.get('k', 10), undefined);
  const { inserts, entries, stale, hits, requests } = rows.stats();
  t.deepEqual(
    { inserts, entries, stale, hits, requests },
    { inserts: 1, entries: 1, stale: 2, hits: 2, requests: 4 },
  );
});

test('a newer version replaces the row', (t) => {
  const rows = new TextRows(64 * 1024);
  rows.insert('k', 'old', 5, 10);
  rows.insert('k', 'a longer new value', 6, 11);
  t.is(rows.get('k', 11), 'a longer new value');
  t.is(rows.cache.seqno, 6);
  t.is(rows.get('k', 10), undefined);
  t.is(rows.stats().entries, 1);
});

test('clear() forgets all rows', (t) => {
  const rows = new TextRows(64 * 1024);
  for (let i = 0; i < 50; i++) rows.insert(`k${i}`, 'value');
  rows.cache.clear();
  for (let i = 0; i < 50; i++) t.is(rows.get(`k${i}`), undefined);
  t.is(rows.stats().usedBytes, 0);
  rows.insert('k1', 'again');
  t.is(rows.get('k1'), 'again');
});

test('values larger than 1/64 of the cache are declined, and leave what is there alone', (t) => {
  const rows = new TextRows(64 * 1024);
  rows.insert('small', 'v');
  rows.insert('largest', 'x'.repeat(1024));
  rows.insert('too large', 'x'.repeat(1025));
  t.is(rowValueBytesMax(64 * 1024), 1024);
  t.is(rows.get('largest')?.length, 1024);
  t.is(rows.get('too large'), undefined);
  t.is(rows.get('small'), 'v');
  t.is(rows.stats().declined, 1);
});

test('a source outside its array is a mistake, and changes nothing', (t) => {
  const rows = new TextRows(64 * 1024);
  const bytes = utf8('12345');
  t.throws(() => rows.cache.insert(1, 1, bytes, 3, 3, STAMP, 1, 0, bytes, 0, 5), {
    message: /lies in its arrays/,
  });
  t.throws(() => rows.cache.insert(1, 1, bytes, 0, 5, STAMP, 1, 0, bytes, 1, 5), {
    message: /lies in its arrays/,
  });
  t.is(rows.stats().entries, 0);
});

test('caches of size 0, tiny and odd sizes work or keep nothing, and never take more than they were given', (t) => {
  for (const bytes of [0, 1, 8, 1000, ROW_CACHE_BYTES_MIN - 1]) {
    const rows = new TextRows(bytes);
    rows.insert('k', 'v');
    t.is(rows.get('k'), undefined);
    t.true(rows.sab.byteLength <= bytes);
    t.is(rows.stats().capacityBytes, rows.sab.byteLength);
  }
  for (const bytes of [ROW_CACHE_BYTES_MIN, ROW_CACHE_BYTES_MIN + 1, 99_991, 1_000_003, 123_456.7]) {
    const rows = new TextRows(bytes);
    t.true(rows.sab.byteLength <= bytes && rows.sab.byteLength > bytes - 8);
    for (let i = 0; i < 5000; i++) {
      rows.insert(`k${i}`, `value ${i}`);
      t.is(rows.get(`k${i}`), `value ${i}`);
    }
    const { evictions, usedBytes } = rows.stats();
    t.true(evictions > 0 || bytes > 500_000);
    t.true(usedBytes <= bytes);
    checkSegment(new CacheSegment(rows.sab, 0, rows.sab.byteLength));
  }
  for (const bytes of [-1, Number.NaN, ROW_CACHE_BYTES_MAX + 1]) {
    t.throws(() => createRowCache(bytes), { code: 'CONFIG' });
  }
});

/** Random writes, reads and inserts of stale rows against a Map that has the truth. */
function runModel(t: ExecutionContext, prng: Prng, bytes: number, keys: number, lengthMax: number): void {
  const sab = createRowCache(bytes);
  const cache = new RowCache(sab);
  const truth = new Map<number, Row>();
  const stamps = new Map<number, number>(); // one for four keys, as buckets are shared
  const source = randomBytes(prng, lengthMax * 3);
  let seqno = 2 ** 32 - 5000;
  let hits = 0;
  for (let step = 0; step < 40_000; step++) {
    const index = prng.nextBelow(prng.nextBelow(keys) + 1);
    const padding = prng.nextBelow(9);
    const key = utf8(`${'#'.repeat(padding)}key-${index}${index % 5 === 0 ? '-with-a-longer-name' : ''}`);
    const keyLength = key.length - padding;
    const collection = 1 + (index % 2);
    const hash = hashKey(collection, key, padding, keyLength) & 0xff0000ff; // many collide
    const bucket = index >> 2;
    const stamp = stamps.get(bucket) ?? 0;
    const row = truth.get(index);
    if (row === undefined || oneIn(prng, 10)) {
      const start = prng.nextBelow(lengthMax);
      const length = prng.nextBelow(oneIn(prng, 4) ? lengthMax : 200);
      truth.set(index, {
        seqno: ++seqno,
        expiresAt: prng.nextBelow(3),
        value: source.subarray(start, start + length),
      });
      stamps.set(bucket, (stamp + 1) | 0);
    } else if (cache.get(hash, collection, key, padding, keyLength, stamp)) {
      hits++;
      const at = cache.valueOffset;
      const value = cache.bytes.slice(at, at + cache.valueLength);
      if (Buffer.compare(value, row.value) !== 0) t.fail(`the value of key ${index}`);
      if (cache.seqno !== row.seqno || cache.expiresAt !== row.expiresAt) t.fail(`fields of key ${index}`);
    } else {
      const { byteOffset, length } = row.value;
      cache.insert(
        hash,
        collection,
        key,
        padding,
        keyLength,
        stamp,
        row.seqno,
        row.expiresAt,
        source,
        byteOffset,
        length,
      );
    }
    if (oneIn(prng, 500)) checkSegment(new CacheSegment(sab, 0, sab.byteLength));
    if (oneIn(prng, 10_000)) cache.clear();
  }
  t.log(`${hits} hits; ${JSON.stringify(CacheMeter.ofRowCache(sab).read())}`);
  t.true(hits > 3000);
}

test('against a model the row cache has never a wrong or an outdated row', (t) => {
  const prng = seededPrng(t);
  runModel(t, prng, ROW_CACHE_BYTES_MIN, 300, 300);
  runModel(t, prng, 100_001, 500, 1600);
  runModel(t, prng, 1024 * 1024, 3000, 16_500);
});
