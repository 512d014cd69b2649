/** One memtable of 100,000 keys: point reads, writes and ordered reads. Tasks for bench/main.ts. */
import { hashKey } from '../src/base/hash.js';
import { createPrng } from '../src/base/prng.js';
import { keyRange } from '../src/iter/key-range.js';
import { MergingCursor } from '../src/iter/merging-cursor.js';
import { STEP_DOCUMENT, VisibleCursor } from '../src/iter/visible-cursor.js';
import { ChainReader } from '../src/memtable/chain-reader.js';
import { NO_SLOT, VERSION_KIND_DOCUMENT, writeSizeMax } from '../src/memtable/format.js';
import { MemtableCursor } from '../src/memtable/memtable-cursor.js';
import { createMemtablePool, MemtablePool } from '../src/memtable/pool.js';

const KEYS = 100_000;
const ARENA_BYTES = 64 * 1024 * 1024;
/** Overwrites fill the arena; with few keys and a large arena, starting over hardly shows in the figure. */
const OVERWRITTEN_KEYS = 10_000;
const OVERWRITTEN_ARENA_BYTES = 128 * 1024 * 1024;
const COLLECTION = 1;
const CALLS = 100;
const SCAN_DOCUMENTS = 100;
const VALUE = new TextEncoder().encode(
  `{"_id":"user-00000000","name":"Ada Lovelace","pad":"${'x'.repeat(90)}"}`,
);
const KEY_LENGTH = 'user-00000000'.length;

const keyOf = (number: number): Uint8Array =>
  new TextEncoder().encode(`user-${String(number).padStart(8, '0')}`);

/** A pool of one shard that is written and read by this thread. */
class BenchedPool {
  readonly reader: ChainReader;
  private readonly pool: MemtablePool;
  private seqno = 0;

  constructor(
    private readonly preload: readonly Uint8Array[],
    arenaBytes = ARENA_BYTES,
  ) {
    const buffers = createMemtablePool(3, arenaBytes);
    this.pool = new MemtablePool(buffers, createPrng(1));
    this.reader = new ChainReader(buffers, 0, { nowSeconds: () => 0 });
    for (const key of preload) this.put(key);
  }

  clear(): void {
    this.pool.active.clear(NO_SLOT);
  }

  /** Writes a version of a key; when the memtable is full, all keys go into an empty one first. */
  put(key: Uint8Array): void {
    const { active } = this.pool;
    if (!active.hasRoom(1, writeSizeMax(KEY_LENGTH, VALUE.length))) {
      this.clear();
      for (const each of this.preload) this.put(each);
    }
    const hash = hashKey(COLLECTION, key, 0, key.length);
    const node = active.reader.find(hash, COLLECTION, key, 0, key.length);
    active.put(
      node,
      hash,
      COLLECTION,
      key,
      0,
      key.length,
      ++this.seqno,
      VERSION_KIND_DOCUMENT,
      0,
      VALUE,
      0,
      VALUE.length,
    );
  }
}

export function memtableBenchmarks(): Array<{ name: string; fn: () => void; operationsPerCall?: number }> {
  const prng = createPrng(2);
  const keys = Array.from({ length: KEYS }, (_, i) => keyOf(i * 2));
  // In random order: sequential keys would walk one path of the skiplist that stays in the cache.
  for (let i = keys.length - 1; i > 0; i--) {
    const j = prng.nextBelow(i + 1);
    [keys[i], keys[j]] = [keys[j], keys[i]];
  }
  const absent = keys.map((_, i) => keyOf(i * 2 + 1));
  const full = new BenchedPool(keys);
  const overwritten = new BenchedPool(keys.slice(0, OVERWRITTEN_KEYS), OVERWRITTEN_ARENA_BYTES);
  const growing = new BenchedPool([]);
  let nextGet = 0;
  let nextAbsent = 0;
  let nextOverwrite = 0;
  let nextInsert = 0;
  let nextSeek = 0;

  const getMany = (from: readonly Uint8Array[], start: number): number => {
    const { reader } = full;
    let found = 0;
    for (let i = 0; i < CALLS; i++) {
      const key = from[start + i];
      reader.enter();
      found += reader.get(hashKey(COLLECTION, key, 0, key.length), COLLECTION, key, 0, key.length);
      reader.leave();
    }
    return found;
  };
  const advance = (at: number): number => (at + CALLS) % KEYS;

  return [
    {
      name: `memtable: get, ${KEYS} keys`,
      operationsPerCall: CALLS,
      fn: () => {
        if (getMany(keys, nextGet) !== CALLS) throw new Error('a key is missing');
        nextGet = advance(nextGet);
      },
    },
    {
      name: `memtable: get of an absent key, ${KEYS} keys`,
      operationsPerCall: CALLS,
      fn: () => {
        if (getMany(absent, nextAbsent) !== 0) throw new Error('a key too many');
        nextAbsent = advance(nextAbsent);
      },
    },
    {
      name: `memtable: overwrite, ${OVERWRITTEN_KEYS} keys`,
      operationsPerCall: CALLS,
      fn: () => {
        for (let i = 0; i < CALLS; i++) overwritten.put(keys[nextOverwrite + i]);
        nextOverwrite = (nextOverwrite + CALLS) % OVERWRITTEN_KEYS;
      },
    },
    {
      name: `memtable: insert of a new key, up to ${KEYS} keys`,
      operationsPerCall: CALLS,
      fn: () => {
        if (nextInsert === 0) growing.clear();
        for (let i = 0; i < CALLS; i++) growing.put(keys[nextInsert + i]);
        nextInsert = advance(nextInsert);
      },
    },
    {
      name: `memtable: seek and scan of ${SCAN_DOCUMENTS}, ${KEYS} keys`,
      fn: () => {
        const { reader } = full;
        reader.enter();
        const range = keyRange({ collection: COLLECTION, from: { key: keys[nextSeek], inclusive: true } });
        const sources = reader.chain().map((memtable) => new MemtableCursor(memtable));
        const cursor = new VisibleCursor(new MergingCursor(sources), range, Number.MAX_SAFE_INTEGER, 0);
        let left = SCAN_DOCUMENTS;
        while (left > 0 && cursor.next() === STEP_DOCUMENT) left--;
        reader.leave();
        nextSeek = advance(nextSeek);
      },
    },
  ];
}
