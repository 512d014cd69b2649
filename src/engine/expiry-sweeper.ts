/**
 * Removes documents that have expired: finds them in memtables and tables and writes a deletion for each through the
 * normal write path, so that counts stay exact and replay and replicas come to the same state. Shard thread only, in
 * slices: between two of them writes go on.
 *
 * A table says when its first document expires, so tables without expired documents cost nothing. One that has been
 * walked is looked at again when the next of its documents expires.
 */
import type { DatabaseClock } from '../base/database-clock.js';
import { hasExpired } from '../base/database-clock.js';
import { EXPIRES_UNSET } from '../base/expiry.js';
import { hashKey } from '../base/hash.js';
import { WriteBatchEncoder } from '../batch/write-batch-encoder.js';
import { WriteBatchView } from '../batch/write-batch-view.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import { Durability } from '../generated/lumadb/schema/durability.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { ENTRY_TOMBSTONE, type EntryCursor } from '../iter/entry-cursor.js';
import type { TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';
import { MemtableCursor } from '../memtable/memtable-cursor.js';
import type { MemtablePool } from '../memtable/pool.js';
import type { TableCache } from './table-cache.js';

const NO_BYTES = new Uint8Array(0);
/** One slice ends after this time, or with this many deletions. */
const SLICE_MS = 4;
const SLICE_DELETIONS = 500;
/** Entries between two looks at the clock, and bytes of documents: large ones take their time each. */
const ENTRIES_PER_LOOK = 64;
const BYTES_PER_LOOK = 256 * 1024;
/**
 * A table whose documents expire one after the other is not walked for each of them, but about this many times until the
 * last one is gone, and at most once in SWEEP_PAUSE_SECONDS_MIN.
 */
const SWEEPS_PER_TABLE = 20;
const SWEEP_PAUSE_SECONDS_MIN = 10;
const NEVER = Number.POSITIVE_INFINITY;

export interface ExpirySweeperOptions {
  readonly memtables: MemtablePool;
  readonly tables: TableCache;
  readonly version: () => Version;
  readonly clock: DatabaseClock;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Writes a batch now. Returns how many documents it removed; throws DbError when writes are refused. */
  readonly write: (batch: WriteBatchView) => number;
  /** True for the number of an index: its entries expire with their documents, and are not counted as such. */
  readonly isIndex?: (collection: number) => boolean;
}

interface Place {
  readonly collection: number;
  readonly key: Uint8Array;
}

/** One memtable or table that has expired documents. */
interface Source {
  /** False once it is no longer part of the shard. */
  isThere(): boolean;
  open(): EntryCursor;
  /** When the next of its documents expires, now that the expired ones are dealt with. */
  setNextExpiry(seconds: number): void;
}

export class ExpirySweeper {
  private readonly encoder = new WriteBatchEncoder();
  private readonly view = new WriteBatchView();
  /** By file number, for tables that have been walked: when the next document expires, as far as it is not in TableInfo. */
  private readonly nextExpiry = new Map<number, number>();
  /** Whether the operations collected are about entries of indexes. */
  private collectsEntries = false;
  private queue: Source[] = [];
  /** Only documents of this collection; undefined for all. */
  private collection: number | undefined;
  private position: Place | undefined;
  private nextExpiryOfSource = NEVER;
  private lastExpiryOfSource = 0;
  private nowSeconds = 0;
  /** Documents removed since construction. */
  removed = 0;

  constructor(private readonly options: ExpirySweeperOptions) {}

  /** Begins a pass over everything that has expired documents, unless one is under way. */
  start(collection?: number): void {
    if (this.isActive) return;
    this.nowSeconds = this.options.clock.nowSeconds();
    this.collection = collection;
    this.queue = [...this.dueMemtables(), ...this.dueTables()];
    this.forgetRemovedTables();
  }

  /** True between start() and the end of the pass. */
  get isActive(): boolean {
    return this.queue.length > 0;
  }

  /** Does a few milliseconds of the pass. Between groups only. Throws DbError when writes are refused or a read fails. */
  slice(): void {
    const source = this.queue[0];
    if (source === undefined) return;
    if (!source.isThere()) {
      this.leave(source, false);
      return;
    }
    const cursor = source.open();
    try {
      if (this.walk(cursor)) this.leave(source, true);
    } catch (error) {
      this.leave(source, false);
      throw error;
    } finally {
      cursor.close();
    }
  }

  /** True when the source is done. */
  private walk(cursor: EntryCursor): boolean {
    this.encoder.reset();
    const { position } = this;
    if (position !== undefined) cursor.seek(position.collection, position.key, 0, position.key.length);
    else if (this.collection !== undefined) cursor.seek(this.collection, NO_BYTES, 0, 0);
    else cursor.seekToFirst();
    const endMs = this.options.nowMs() + SLICE_MS;
    let entries = 0;
    let bytes = 0;
    for (; cursor.isValid; cursor.next()) {
      if (this.collection !== undefined && cursor.collection !== this.collection) break;
      this.look(cursor);
      entries++;
      bytes += cursor.valueLength;
      const isTimeToLook = entries >= ENTRIES_PER_LOOK || bytes >= BYTES_PER_LOOK;
      if (isTimeToLook) {
        entries = 0;
        bytes = 0;
      }
      if (this.encoder.count < SLICE_DELETIONS && !(isTimeToLook && this.options.nowMs() >= endMs)) continue;
      this.position = placeBehind(cursor);
      this.flush();
      return false;
    }
    this.flush();
    return true;
  }

  private look(cursor: EntryCursor): void {
    const { expiresAt, kind } = cursor;
    if (expiresAt === 0 || kind === ENTRY_TOMBSTONE) return;
    if (!hasExpired(expiresAt, this.nowSeconds)) {
      this.nextExpiryOfSource = Math.min(this.nextExpiryOfSource, expiresAt);
      this.lastExpiryOfSource = Math.max(this.lastExpiryOfSource, expiresAt);
      return;
    }
    const isEntry = this.options.isIndex?.(cursor.collection) === true;
    if (isEntry !== this.collectsEntries) this.flush();
    this.collectsEntries = isEntry;
    const key = cursor.key.subarray(cursor.keyOffset, cursor.keyOffset + cursor.keyLength);
    this.encoder.add(
      OperationKind.Expire,
      cursor.collection,
      hashKey(cursor.collection, key, 0, key.length),
      key,
      key.length,
      NO_BYTES,
      0,
      0,
      // The write path removes it only if this is still the newest version of the key.
      ConditionKind.IfMatchSeqno,
      cursor.seqno,
      undefined,
      EXPIRES_UNSET,
    );
  }

  private flush(): void {
    if (this.encoder.count === 0) return;
    const bytes = this.encoder.finish(1, Durability.Os, false, this.nowSeconds);
    const removed = this.options.write(this.view.open(bytes));
    if (!this.collectsEntries) this.removed += removed;
    this.encoder.reset();
  }

  /** Goes on to the next source. */
  private leave(source: Source, isDone: boolean): void {
    // A pass over one collection knows nothing about the others.
    if (this.collection === undefined) source.setNextExpiry(isDone ? this.dueAgain() : this.nowSeconds);
    this.queue.shift();
    this.position = undefined;
    this.nextExpiryOfSource = NEVER;
    this.lastExpiryOfSource = 0;
  }

  /** When the source that was walked is worth another walk. */
  private dueAgain(): number {
    if (this.nextExpiryOfSource === NEVER) return NEVER;
    const pause = Math.ceil((this.lastExpiryOfSource - this.nowSeconds) / SWEEPS_PER_TABLE);
    return Math.max(this.nextExpiryOfSource, this.nowSeconds + Math.max(SWEEP_PAUSE_SECONDS_MIN, pause));
  }

  private dueMemtables(): Source[] {
    const { memtables } = this.options;
    const due: Source[] = [];
    for (let position = 0; position < memtables.chainLength; position++) {
      const writer = memtables.writerAt(position);
      // What it says may have been put off by the last pass. Who asks for one collection wants it now.
      if (this.collection === undefined && !hasExpired(writer.earliestExpiry, this.nowSeconds)) continue;
      const generation = writer.reader.generation();
      // From now on it holds the earliest expiry of later writes, and of what the pass leaves.
      if (this.collection === undefined) writer.earliestExpiry = 0;
      due.push({
        isThere: () => writer.reader.generation() === generation,
        open: () => new MemtableCursor(writer.reader),
        setNextExpiry: (seconds) => {
          if (seconds !== NEVER) writer.noteExpiry(seconds);
        },
      });
    }
    return due;
  }

  private dueTables(): Source[] {
    const { tables, version } = this.options;
    return version()
      .tables()
      .filter((table) => hasExpired(this.expiryOf(table), this.nowSeconds))
      .map((table) => ({
        isThere: () => version().hasTable(table.fileNumber),
        open: () => tables.cursor([table], { fillCache: false }),
        setNextExpiry: (seconds) => this.nextExpiry.set(table.fileNumber, seconds),
      }));
  }

  private expiryOf({ fileNumber, earliestExpiry }: TableInfo): number {
    // Who asks for one collection wants it now, and knows nothing of the others.
    if (this.collection !== undefined) return earliestExpiry;
    return this.nextExpiry.get(fileNumber) ?? earliestExpiry;
  }

  private forgetRemovedTables(): void {
    const there = new Set(
      this.options
        .version()
        .tables()
        .map(({ fileNumber }) => fileNumber),
    );
    for (const fileNumber of this.nextExpiry.keys())
      if (!there.has(fileNumber)) this.nextExpiry.delete(fileNumber);
  }
}

/** The first place behind all versions of the cursor's key: older ones are nothing to collect. */
function placeBehind({ collection, key, keyOffset, keyLength }: EntryCursor): Place {
  const successor = new Uint8Array(keyLength + 1);
  successor.set(key.subarray(keyOffset, keyOffset + keyLength));
  return { collection, key: successor };
}
