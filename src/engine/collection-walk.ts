/**
 * A part of a walk through a collection in the order of keys, for work of the shard's thread that takes long: between two parts
 * groups of writes go on, so each part reads what is there then. Shard thread only.
 */
import type { DatabaseClock } from '../base/database-clock.js';
import { keyRange } from '../iter/key-range.js';
import { MergingCursor } from '../iter/merging-cursor.js';
import { STEP_DOCUMENT, STEP_END, VisibleCursor } from '../iter/visible-cursor.js';
import type { Version } from '../manifest/version.js';
import type { MemtablePool } from '../memtable/pool.js';
import { shardCursors } from './shard-cursors.js';
import type { TableCache } from './table-cache.js';

/** A part ends after this time. */
const SLICE_MS = 2;
/** Entries between two looks at the clock. */
const ENTRIES_PER_LOOK = 64;

export interface CollectionWalkOptions {
  readonly memtables: MemtablePool;
  readonly tables: TableCache;
  readonly version: () => Version;
  readonly clock: DatabaseClock;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

export interface WalkFrom {
  readonly collection: number;
  /** Behind this key; undefined: at the beginning. */
  readonly after: Uint8Array | undefined;
  /** Database time: what has expired by then is not seen. */
  readonly nowSeconds: number;
}

export interface WalkedPart {
  readonly isEnd: boolean;
  /** The last key that was looked at: where the next part goes on. */
  readonly key: Uint8Array | undefined;
}

/** Visits documents until the time is over or `visit` returns false. */
export function walkPart(
  { memtables, tables, version, nowMs }: CollectionWalkOptions,
  { collection, after, nowSeconds }: WalkFrom,
  visit: (cursor: VisibleCursor) => boolean,
): WalkedPart {
  const range = keyRange({ collection, from: after && { key: after, inclusive: false } });
  const sources = new MergingCursor(shardCursors(memtables, tables, version()));
  const cursor = new VisibleCursor(sources, range, Number.MAX_SAFE_INTEGER, nowSeconds);
  const endMs = nowMs() + SLICE_MS;
  try {
    for (let steps = 1; ; steps++) {
      const step = cursor.next(ENTRIES_PER_LOOK);
      if (step === STEP_END) return { isEnd: true, key: after };
      const goesOn = step !== STEP_DOCUMENT || visit(cursor);
      const isTimeToLook = steps % ENTRIES_PER_LOOK === 0 || step !== STEP_DOCUMENT;
      if (!goesOn || (isTimeToLook && nowMs() >= endMs)) return { isEnd: false, key: cursor.examinedKey() };
    }
  } finally {
    cursor.close();
  }
}
