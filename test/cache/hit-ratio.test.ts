/** Hit ratios of both caches against true LRU over the same accesses and the same bytes. */
import test from 'ava';
import { hashKey } from '../../src/base/hash.js';
import { createSharedBlockCache } from '../../src/cache/block-cache-format.js';
import { RowCache } from '../../src/cache/row-cache.js';
import { createRowCache } from '../../src/cache/row-format.js';
import { openSharedBlockCache } from '../../src/cache/shared-block-cache.js';
import { seededPrng } from '../support/random.js';
import { LruModel, zipfian } from '../support/zipf.js';

const THETA = 0.99;
const KEY_COUNT = 50_000;
const KEY_BYTES = 12;
const VALUE = new Uint8Array(250).fill(120);
/** What a row of such a value takes: an LRU would need no less for its own links. */
const ROW_BYTES = 48 + KEY_BYTES + VALUE.length;
/** The caches' own index is part of their bytes, up to 1/12; LRU has none here. Of the hit ratio that is less. */
const INDEX_COST = 0.01;
const BLOCK = new Uint8Array(4096);

/** A cache behind the one question of these tests: is it there (and if not, put it in)? */
type Access = (key: number) => boolean;

function rowCacheAccess(bytes: number): Access {
  const cache = new RowCache(createRowCache(bytes));
  const key = new Uint8Array(KEY_BYTES);
  const view = new DataView(key.buffer);
  return (number) => {
    view.setUint32(0, number);
    const hash = hashKey(1, key, 0, KEY_BYTES);
    if (cache.get(hash, 1, key, 0, KEY_BYTES, 0)) return true;
    cache.insert(hash, 1, key, 0, KEY_BYTES, 0, 1, 0, VALUE, 0, VALUE.length - (number % 100));
    return false;
  };
}

function blockCacheAccess(bytes: number): Access {
  const cache = openSharedBlockCache(createSharedBlockCache(bytes), 1);
  return (number) => {
    if (cache.read(0, number >> 8, (number & 255) * 4096, BLOCK) >= 0) return true;
    cache.insert(0, number >> 8, (number & 255) * 4096, BLOCK, 4096 - (number % 500));
    return false;
  };
}

/** Hit ratio over `keys`, the first half of which warms up and does not count. */
function hitRatio(access: Access, keys: readonly number[]): number {
  let hits = 0;
  for (const [i, key] of keys.entries()) {
    if (access(key) && i >= keys.length / 2) hits++;
  }
  return hits / Math.floor(keys.length / 2);
}

const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;

test('on zipfian 0.99 the row cache hits no less often than true LRU, within what its index costs', (t) => {
  const next = zipfian(seededPrng(t), KEY_COUNT, THETA);
  const keys = Array.from({ length: 200_000 }, next);
  for (const share of [0.01, 0.1, 0.3]) {
    const bytes = Math.floor(KEY_COUNT * ROW_BYTES * share);
    const lru = new LruModel(bytes);
    const ratio = hitRatio(rowCacheAccess(bytes), keys);
    const lruRatio = hitRatio((key) => lru.access(key, ROW_BYTES - (key % 100)), keys);
    t.log(`cache for ${percent(share)} of the data: ${percent(ratio)}, LRU ${percent(lruRatio)}`);
    t.true(ratio >= lruRatio - INDEX_COST);
  }
});

test('on zipfian 0.99 the block cache hits no less often than true LRU, within what its index costs', (t) => {
  const blocks = 10_000;
  const next = zipfian(seededPrng(t), blocks, THETA);
  const keys = Array.from({ length: 100_000 }, next);
  for (const share of [0.1, 0.3]) {
    const bytes = blocks * 4096 * share;
    const lru = new LruModel(bytes);
    const ratio = hitRatio(blockCacheAccess(bytes), keys);
    const lruRatio = hitRatio((key) => lru.access(key, 4096 - (key % 500)), keys);
    t.log(`cache for ${percent(share)} of the data: ${percent(ratio)}, LRU ${percent(lruRatio)}`);
    t.true(ratio >= lruRatio - INDEX_COST);
  }
});

test('scans cost the row cache less than they cost LRU', (t) => {
  const next = zipfian(seededPrng(t), KEY_COUNT, THETA);
  const share = 0.1;
  const bytes = Math.floor(KEY_COUNT * ROW_BYTES * share);
  // Between the point reads somebody walks through all documents, over and over: every second access.
  let scanned = 0;
  const isScan = (i: number): boolean => i % 2 === 1;
  const keys = Array.from({ length: 400_000 }, (_, i) => (isScan(i) ? scanned++ % KEY_COUNT : next()));
  const pointHitRatio = (access: Access): number => {
    let hits = 0;
    for (const [i, key] of keys.entries()) {
      if (access(key) && !isScan(i) && i >= keys.length / 2) hits++;
    }
    return hits / (keys.length / 4);
  };
  const lru = new LruModel(bytes);
  const ratio = pointHitRatio(rowCacheAccess(bytes));
  const lruRatio = pointHitRatio((key) => lru.access(key, ROW_BYTES - (key % 100)));
  t.log(`point reads among scans: ${percent(ratio)}, LRU ${percent(lruRatio)}`);
  t.true(ratio > lruRatio + 0.05);
});
