/**
 * Merges of memtables by MergingCursor, and by a linear search for the smallest entry, which docs/adr/0010-compaction.md
 * weighs it against. Per entry. Tasks for bench/main.ts.
 */

import { hashKey } from '../src/base/hash.js';
import { createPrng } from '../src/base/prng.js';
import { compareKeys, ENTRY_DOCUMENT, type EntryCursor } from '../src/iter/entry-cursor.js';
import { MergingCursor } from '../src/iter/merging-cursor.js';
import { createMemtableSlot } from '../src/memtable/format.js';
import { MemtableCursor } from '../src/memtable/memtable-cursor.js';
import type { MemtableReader } from '../src/memtable/reader.js';
import { MemtableWriter } from '../src/memtable/writer.js';

const ENTRIES = 48_000;
const ENTRIES_PER_CALL = 1000;
const SOURCES = [1, 2, 3, 4, 6, 8, 12] as const;
const VALUE = new TextEncoder().encode('x'.repeat(60));

type Walk = Pick<EntryCursor, 'isValid' | 'seekToFirst' | 'next'>;

/** No seek, no duplicates: only what the comparison needs. */
class LinearMerge implements Walk {
  private live: EntryCursor[] = [];
  private current: EntryCursor;

  constructor(private readonly sources: readonly EntryCursor[]) {
    this.current = sources[0];
  }

  get isValid(): boolean {
    return this.live.length > 0;
  }

  seekToFirst(): void {
    for (const source of this.sources) source.seekToFirst();
    this.live = this.sources.filter(({ isValid }) => isValid);
    this.toSmallest();
  }

  next(): void {
    this.current.next();
    if (!this.current.isValid) this.live = this.live.filter((source) => source !== this.current);
    this.toSmallest();
  }

  private toSmallest(): void {
    let best = this.live[0];
    for (let i = 1; i < this.live.length; i++) {
      const order = compareKeys(this.live[i], best);
      if (order < 0 || (order === 0 && this.live[i].seqno > best.seqno)) best = this.live[i];
    }
    this.current = best;
  }
}

/** Memtables that share the keys user-00000000, user-00000001, ... at random. */
function spreadOver(sources: number): MemtableReader[] {
  const prng = createPrng(sources);
  const memtables = Array.from(
    { length: sources },
    () => new MemtableWriter(createMemtableSlot(ENTRIES * 160), prng),
  );
  for (let i = 0; i < ENTRIES; i++) {
    const key = new TextEncoder().encode(`user-${String(i).padStart(8, '0')}`);
    const hash = hashKey(1, key, 0, key.length);
    const memtable = memtables[prng.nextBelow(sources)];
    memtable.put(0, hash, 1, key, 0, key.length, i + 1, ENTRY_DOCUMENT, 0, VALUE, 0, VALUE.length);
  }
  return memtables.map(({ reader }) => reader);
}

/** Goes on where the last call stopped, around the end. */
function walkOn(cursor: Walk): () => void {
  return () => {
    for (let i = 0; i < ENTRIES_PER_CALL; i++) {
      if (cursor.isValid) cursor.next();
      else cursor.seekToFirst();
    }
  };
}

export function mergeBenchmarks() {
  return SOURCES.flatMap((sources) => {
    const memtables = spreadOver(sources);
    const cursors = () => memtables.map((memtable) => new MemtableCursor(memtable));
    const operationsPerCall = ENTRIES_PER_CALL;
    return [
      { name: `merge of ${sources}: heap`, fn: walkOn(new MergingCursor(cursors())), operationsPerCall },
      {
        name: `merge of ${sources}: linear search`,
        fn: walkOn(new LinearMerge(cursors())),
        operationsPerCall,
      },
    ];
  });
}
