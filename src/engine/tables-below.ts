/** What the write path of a shard needs of the SSTables below its memtables. Implemented by shard-store.ts. */
import type { DbError } from '../base/errors.js';
import type { EntryPart, FoundEntry } from '../sst/found-entry.js';
import type { CollectionFigure } from './collection-stats.js';
import type { RememberedOperationRecord } from './operation-ids.js';

/** A memtable that takes no more writes, and what must be written down together with its contents. */
export interface FrozenMemtable {
  /** Its slot in the pool; it stays the oldest of the chain until it is retired. */
  readonly slot: number;
  /** Every operation of the shard up to this one is in this memtable or was flushed before. */
  readonly lastSeqno: number;
  /** Documents and bytes per collection as of `lastSeqno`. */
  readonly stats: readonly CollectionFigure[];
  /** Operation ids remembered since the memtable before was frozen. */
  readonly operationIds: readonly RememberedOperationRecord[];
}

/** Why writes wait, or undefined. */
export type WriteStall = DbError | undefined;

export interface TablesBelow {
  /** Newest version of a key that is in tables, or that `part` of it. False when there is none. Throws DbError CORRUPT_TABLE or IO. */
  find(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    out: FoundEntry,
    part: EntryPart,
  ): boolean;
  /** A read failed while a batch was applied; the operation has been dealt with. */
  onReadError(error: unknown): void;
  /**
   * The memtable that was active is frozen: flush it. `nextWrittenAt`: database time of the first batch for the next one,
   * if that is a batch of the past, which replay brings back.
   */
  onFrozen(frozen: FrozenMemtable, nextWrittenAt?: number): void;
  /** Flushes the oldest frozen memtable at once, on this thread. False when there is none. */
  flushNow(): boolean;
  /** Why no further memtable may be started: level 0 is too full. */
  stall(): WriteStall;
  /** MANIFEST_POISONED: no memtable can be flushed any more, so no write is taken. For good: until the shard is opened again. */
  poisonedBy(): DbError | undefined;
  /** Why the oldest memtable is not flushed, if the last attempt failed. */
  readonly flushError: DbError | undefined;
}
