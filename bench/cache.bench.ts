/** Row cache, block cache and write stamps: hits, misses and inserts that evict. Tasks for bench/main.ts. */
import { hashKey } from '../src/base/hash.js';
import { createPrng } from '../src/base/prng.js';
import { createSharedBlockCache } from '../src/cache/block-cache-format.js';
import { RowCache } from '../src/cache/row-cache.js';
import { createRowCache } from '../src/cache/row-format.js';
import { openSharedBlockCache } from '../src/cache/shared-block-cache.js';
import { createWriteStamps, WRITE_STAMPS_DEFAULT, WriteStamps } from '../src/cache/write-stamps.js';

const KEYS = 100_000;
const CALLS = 100;
const COLLECTION = 1;
/** All keys fit. */
const ROW_CACHE_BYTES = 64 * 1024 * 1024;
/** A tenth of the keys fits: nearly every insert evicts. */
const SMALL_ROW_CACHE_BYTES = 3 * 1024 * 1024;
const BLOCKS = 8000;
/** What stays in the processor's caches. */
const HOT_KEYS = 1000;
const HOT_BLOCKS = 50;
const BLOCK_BYTES = 4096;
const BLOCK_CACHE_BYTES = 64 * 1024 * 1024;
const SMALL_BLOCK_CACHE_BYTES = 16 * 1024 * 1024;
/** A block as tables have it: the document lies somewhere in the middle. */
const BLOCK = new Uint8Array(BLOCK_BYTES).fill(120);
const VALUE_BYTES = 150;

interface BenchedKey {
  readonly bytes: Uint8Array;
  readonly hash: number;
  readonly valueOffset: number;
}

function randomKeys(): BenchedKey[] {
  const prng = createPrng(3);
  const keys = Array.from({ length: KEYS }, (_, i) => {
    const bytes = new TextEncoder().encode(`user-${String(i).padStart(8, '0')}`);
    return { bytes, hash: hashKey(COLLECTION, bytes, 0, bytes.length), valueOffset: prng.nextBelow(3000) };
  });
  for (let i = keys.length - 1; i > 0; i--) {
    const j = prng.nextBelow(i + 1);
    [keys[i], keys[j]] = [keys[j], keys[i]];
  }
  return keys;
}

function getRow(cache: RowCache, { bytes, hash }: BenchedKey): boolean {
  return cache.get(hash, COLLECTION, bytes, 0, bytes.length, 0);
}

function insertRow(cache: RowCache, { bytes, hash, valueOffset }: BenchedKey, seqno: number): void {
  cache.insert(hash, COLLECTION, bytes, 0, bytes.length, 0, seqno, 0, BLOCK, valueOffset, VALUE_BYTES);
}

export function cacheBenchmarks(): Array<{ name: string; fn: () => void; operationsPerCall?: number }> {
  const keys = randomKeys();
  const rows = new RowCache(createRowCache(ROW_CACHE_BYTES));
  for (const key of keys) insertRow(rows, key, 1);
  const fewRows = new RowCache(createRowCache(SMALL_ROW_CACHE_BYTES));
  const stamps = new WriteStamps(createWriteStamps(WRITE_STAMPS_DEFAULT));
  const blocks = openSharedBlockCache(createSharedBlockCache(BLOCK_CACHE_BYTES), 1);
  for (let i = 0; i < BLOCKS; i++) blocks.insert(0, 1, i * BLOCK_BYTES, BLOCK, BLOCK_BYTES);
  const fewBlocks = openSharedBlockCache(createSharedBlockCache(SMALL_BLOCK_CACHE_BYTES), 1);
  const into = new Uint8Array(BLOCK_BYTES);
  let sum = 0;
  let at = 0;
  let seqno = 1;
  let block = 0;
  const forKeys = (act: (key: BenchedKey) => void): void => {
    for (let i = 0; i < CALLS; i++) act(keys[at + i]);
    at = (at + CALLS) % KEYS;
  };
  /** In an order that is not that of their insertion. */
  const nextBlock = (): number => {
    block = (block + 4999) % BLOCKS;
    return block * BLOCK_BYTES;
  };

  return [
    {
      name: `cache: row hit, ${KEYS} rows of ${VALUE_BYTES} bytes`,
      operationsPerCall: CALLS,
      fn: () =>
        forKeys((key) => {
          if (!getRow(rows, key)) throw new Error('a row is missing');
        }),
    },
    {
      name: `cache: row hit, the hottest ${HOT_KEYS} of them`,
      operationsPerCall: CALLS,
      fn: () => {
        at %= HOT_KEYS;
        forKeys((key) => {
          if (!getRow(rows, key)) throw new Error('a row is missing');
        });
      },
    },
    {
      name: 'cache: row miss',
      operationsPerCall: CALLS,
      fn: () => forKeys(({ bytes, hash }) => rows.get(~hash, COLLECTION, bytes, 0, bytes.length, 0)),
    },
    {
      name: 'cache: row insert that evicts, read before once in three times',
      operationsPerCall: CALLS,
      fn: () =>
        forKeys((key) => {
          seqno++;
          insertRow(fewRows, key, seqno);
          if (seqno % 3 === 0) getRow(fewRows, key);
        }),
    },
    {
      name: 'cache: stamp load',
      operationsPerCall: CALLS,
      fn: () =>
        forKeys(({ hash }) => {
          sum = (sum + stamps.load(hash)) | 0;
        }),
    },
    {
      name: 'cache: stamp bump',
      operationsPerCall: CALLS,
      fn: () => forKeys(({ hash }) => stamps.bump(hash)),
    },
    {
      name: `cache: block hit, ${BLOCKS} of ${BLOCK_BYTES} bytes`,
      operationsPerCall: CALLS,
      fn: () => {
        for (let i = 0; i < CALLS; i++) {
          if (blocks.read(0, 1, nextBlock(), into) < 0) throw new Error('a block is missing');
        }
      },
    },
    {
      name: `cache: block hit, the hottest ${HOT_BLOCKS} of ${BLOCKS}`,
      operationsPerCall: CALLS,
      fn: () => {
        for (let i = 0; i < CALLS; i++) {
          if (blocks.read(0, 1, (i % HOT_BLOCKS) * BLOCK_BYTES, into) < 0)
            throw new Error('a block is missing');
        }
      },
    },
    {
      name: 'cache: block miss',
      operationsPerCall: CALLS,
      fn: () => {
        for (let i = 0; i < CALLS; i++) blocks.read(0, 2, nextBlock(), into);
      },
    },
    {
      name: `cache: block insert that evicts, ${BLOCK_BYTES} bytes`,
      operationsPerCall: CALLS,
      fn: () => {
        for (let i = 0; i < CALLS; i++) fewBlocks.insert(0, ++seqno, nextBlock(), BLOCK, BLOCK_BYTES);
      },
    },
  ];
}
