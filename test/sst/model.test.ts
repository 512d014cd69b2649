import test from 'ava';
import type { Prng } from '../../src/base/prng.js';
import { NO_BLOCK_CACHE } from '../../src/cache/block-cache.js';
import { createSharedBlockCache } from '../../src/cache/block-cache-format.js';
import { openSharedBlockCache } from '../../src/cache/shared-block-cache.js';
import { compareKeys, type Entry } from '../../src/iter/entry-cursor.js';
import type { TableReader } from '../../src/sst/table-reader.js';
import { pick, randomBytes, seededPrng } from '../support/random.js';
import {
  CODECS,
  described,
  describedVersion,
  entryOf,
  everything,
  lookUp,
  lookUpVersion,
  MapBlockCache,
  memoryVfs,
  openTable,
  type RandomTableOptions,
  randomEntries,
  restOf,
  writeTable,
} from './support.js';

const ROUNDS = 12;
const PROBES = 300;

/** A key that is in the table, or nearly one of them, or anything. */
function randomProbe(prng: Prng, entries: readonly Entry[]): Entry {
  const { collection, key } = pick(prng, entries);
  switch (prng.nextBelow(6)) {
    case 0:
      return entryOf(collection, key.slice(0, Math.max(0, key.length - 1)), 0, undefined);
    case 1:
      return entryOf(collection, Uint8Array.from([...key, prng.nextBelow(256)]), 0, undefined);
    case 2:
      return entryOf(prng.nextBelow(300), randomBytes(prng, prng.nextBelow(8)), 0, undefined);
    case 3: {
      const changed = key.slice();
      if (changed.length > 0) changed[prng.nextBelow(changed.length)] += prng.nextBelow(2) === 0 ? 1 : 255;
      return entryOf(collection, changed, 0, undefined);
    }
    default:
      return entryOf(collection, key, 0, undefined);
  }
}

const options = (prng: Prng): RandomTableOptions => ({
  keys: 1 + prng.nextBelow(400),
  collections: 1 + prng.nextBelow(6),
  keyBytesMax: pick(prng, [4, 12, 200, 1024]),
  valueBytesMax: pick(prng, [0, 30, 200, 3000]),
  manyVersionsEvery: pick(prng, [2, 10, 1000]),
  seqnoMax: pick(prng, [1000, 5e6, 2 ** 40, Number.MAX_SAFE_INTEGER]),
});

function describeRandomTable(prng: Prng): { reader: TableReader; entries: Entry[]; what: string } {
  const entries = randomEntries(prng, options(prng));
  const tableOptions = {
    codec: pick(prng, CODECS),
    blockSizeBytes: pick(prng, [64, 256, 1024, 4096, 65536]),
    restartInterval: pick(prng, [1, 2, 16, 1000]),
    bloomBitsPerKey: pick(prng, [0, 1, 10, 64]),
  };
  const vfs = memoryVfs();
  writeTable(vfs, entries, tableOptions);
  const what = `${entries.length} entries, ${JSON.stringify(tableOptions)}`;
  return { reader: openTable(vfs), entries, what };
}

test('a table has the entries that were written, in their order', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < ROUNDS; round++) {
    const { reader, entries, what } = describeRandomTable(prng);
    t.deepEqual(everything(reader), entries.map(described), what);
    t.deepEqual(everything(reader, true), entries.map(described), what);
  }
});

test('get answers with the newest version at or below the seqno, like a search in a sorted array', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < ROUNDS; round++) {
    const { reader, entries, what } = describeRandomTable(prng);
    for (let probe = 0; probe < PROBES; probe++) {
      const key = randomProbe(prng, entries);
      const maxSeqno = pick(prng, [
        0,
        Number.MAX_SAFE_INTEGER,
        pick(prng, entries).seqno,
        pick(prng, entries).seqno - 1,
      ]);
      const expected = entries.find((entry) => compareKeys(entry, key) === 0 && entry.seqno <= maxSeqno);
      t.is(
        lookUp(reader, key, maxSeqno),
        expected && described(expected),
        `${what}: ${described(key)} ${maxSeqno}`,
      );
    }
  }
});

test('seek, seekBefore and next of one cursor in any order go where a sorted array says', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < ROUNDS; round++) {
    const { reader, entries, what } = describeRandomTable(prng);
    const cursor = reader.cursor({ fillCache: prng.nextBelow(2) === 0 });
    let at = -1;
    for (let step = 0; step < PROBES; step++) {
      const target = randomProbe(prng, entries);
      const { collection, key } = target;
      const move = prng.nextBelow(4);
      if (move === 0) {
        cursor.seek(collection, key, 0, key.length);
        at = entries.findIndex((entry) => compareKeys(entry, target) >= 0);
      } else if (move === 1) {
        cursor.seekBefore(collection, key, 0, key.length);
        at = newestVersion(
          entries,
          entries.findLastIndex((entry) => compareKeys(entry, target) < 0),
        );
      } else if (cursor.isValid) {
        cursor.next();
        at = at + 1 < entries.length ? at + 1 : -1;
      }
      const message = `${what}: step ${step}, move ${move} of ${described(target)}`;
      t.is(
        cursor.isValid ? described(cursor) : undefined,
        at < 0 ? undefined : described(entries[at]),
        message,
      );
    }
  }
});

test('going back by seekBefore of the current key meets every key once, from the last to the first', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < ROUNDS; round++) {
    const { reader, entries, what } = describeRandomTable(prng);
    const cursor = reader.cursor({ fillCache: true });
    cursor.seekBefore(4294967295, new Uint8Array(2000).fill(255), 0, 2000);
    const met: string[] = [];
    while (cursor.isValid) {
      met.push(described(cursor));
      cursor.seekBefore(cursor.collection, cursor.key, cursor.keyOffset, cursor.keyLength);
    }
    const newest = entries.filter(
      (entry, index) => index === 0 || compareKeys(entries[index - 1], entry) !== 0,
    );
    t.deepEqual(met, newest.map(described).reverse(), what);
  }
});

test('a scan from a key reads on over block and window borders', (t) => {
  const prng = seededPrng(t);
  const entries = randomEntries(prng, {
    keys: 4000,
    collections: 2,
    keyBytesMax: 20,
    valueBytesMax: 400,
    manyVersionsEvery: 500,
    seqnoMax: 1e9,
  });
  const vfs = memoryVfs();
  writeTable(vfs, entries, { codec: 'none', blockSizeBytes: 1024 });
  const cursor = openTable(vfs).cursor({ fillCache: false });
  for (let round = 0; round < 20; round++) {
    const start = prng.nextBelow(entries.length);
    const { collection, key } = entries[start];
    cursor.seek(collection, key, 0, key.length);
    const from = newestVersion(entries, start);
    t.deepEqual(restOf(cursor, 1500), entries.slice(from, from + 1500).map(described));
  }
});

/** Index of the newest version of the key at `index`; -1 stays -1. */
function newestVersion(entries: readonly Entry[], index: number): number {
  let newest = index;
  while (newest > 0 && compareKeys(entries[newest - 1], entries[newest]) === 0) newest--;
  return newest;
}

test('a lookup without the value finds the same versions, in blocks, in their keys and with a cache of few', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < ROUNDS; round++) {
    const entries = randomEntries(prng, options(prng));
    const vfs = memoryVfs();
    writeTable(vfs, entries, {
      codec: pick(prng, CODECS),
      blockSizeBytes: pick(prng, [64, 256, 1024, 4096, 65536]),
      restartInterval: pick(prng, [1, 2, 16, 1000]),
    });
    const small = openSharedBlockCache(createSharedBlockCache(128 * 1024), 1);
    const reader = openTable(vfs, pick(prng, [NO_BLOCK_CACHE, small, new MapBlockCache()]));
    for (let probe = 0; probe < PROBES; probe++) {
      const key = randomProbe(prng, entries);
      const maxSeqno = pick(prng, [Number.MAX_SAFE_INTEGER, pick(prng, entries).seqno]);
      const expected = entries.find((entry) => compareKeys(entry, key) === 0 && entry.seqno <= maxSeqno);
      const got = lookUpVersion(reader, key, maxSeqno);
      t.is(got, expected === undefined ? undefined : describedVersion(expected), described(key));
      if (prng.nextBelow(4) === 0) {
        const whole = expected === undefined ? undefined : described(expected);
        t.is(lookUp(reader, key, maxSeqno), whole, described(key));
      }
    }
  }
});
