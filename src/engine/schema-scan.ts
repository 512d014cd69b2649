/**
 * Looks for a document that a schema does not allow: walks a collection in the order of keys, a slice at a time between groups.
 * New writes are checked by then, so each slice may read what is there now. Shard thread only.
 */
import type { DatabaseClock } from '../base/database-clock.js';
import type { WireError } from '../base/errors.js';
import { keyRange } from '../iter/key-range.js';
import { MergingCursor } from '../iter/merging-cursor.js';
import { STEP_DOCUMENT, STEP_END, VisibleCursor } from '../iter/visible-cursor.js';
import type { Version } from '../manifest/version.js';
import type { MemtablePool } from '../memtable/pool.js';
import type { DocumentCheck } from './document-gate.js';
import { shardCursors } from './shard-cursors.js';
import type { TableCache } from './table-cache.js';

const SLICE_MS = 2;
/** Entries between two looks at the clock. */
const ENTRIES_PER_LOOK = 64;

export interface SchemaScanOptions {
  readonly memtables: MemtablePool;
  readonly tables: TableCache;
  readonly version: () => Version;
  readonly clock: DatabaseClock;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** The first document that is not allowed, and why. */
export interface Offender {
  readonly id: string;
  readonly error: WireError;
}

export class SchemaScan {
  /** All keys up to this one are dealt with. */
  private done: Uint8Array | undefined;
  offender: Offender | undefined;

  constructor(
    private readonly options: SchemaScanOptions,
    private readonly collection: number,
    private readonly check: DocumentCheck,
  ) {}

  /** Does a part. True when it is over: at the end, or at an offender. */
  slice(): boolean {
    const { memtables, tables, version, clock, nowMs } = this.options;
    const from = this.done === undefined ? undefined : { key: this.done, inclusive: false };
    const range = keyRange({ collection: this.collection, from });
    const sources = new MergingCursor(shardCursors(memtables, tables, version()));
    const cursor = new VisibleCursor(sources, range, Number.MAX_SAFE_INTEGER, clock.nowSeconds());
    const endMs = nowMs() + SLICE_MS;
    try {
      for (let steps = 1; ; steps++) {
        const step = cursor.next(ENTRIES_PER_LOOK);
        if (step === STEP_END) return true;
        if (step === STEP_DOCUMENT && !this.allows(cursor)) return true;
        const isTimeToLook = steps % ENTRIES_PER_LOOK === 0 || step !== STEP_DOCUMENT;
        if (!isTimeToLook || nowMs() < endMs) continue;
        this.done = cursor.examinedKey();
        return false;
      }
    } finally {
      cursor.close();
    }
  }

  private allows({ entry }: VisibleCursor): boolean {
    const { value, valueOffset, valueLength, key, keyOffset, keyLength } = entry;
    const error = this.check(value, valueOffset, valueOffset + valueLength);
    if (error === undefined) return true;
    const id = new TextDecoder().decode(key.slice(keyOffset, keyOffset + keyLength));
    this.offender = { id, error };
    return false;
  }
}
