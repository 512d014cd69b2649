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
/** Entries looked at and deletions written in one slice: a few milliseconds. */
const SLICE_ENTRIES = 5000;
const SLICE_DELETIONS = 500;
const NEVER = Number.POSITIVE_INFINITY;

export interface ExpirySweeperOptions {
  readonly memtables: MemtablePool;
  readonly tables: TableCache;
  readonly version: () => Version;
  readonly clock: DatabaseClock;
  /** Writes a batch now. Returns how many documents it removed; throws DbError when writes are refused. */
  readonly write: (batch: WriteBatchView) => number;
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
  private queue: Source[] = [];
  /** Only documents of this collection; undefined for all. */
  private collection: number | undefined;
  private position: { collection: number; key: Uint8Array } | undefined;
  private nextExpiryOfSource = NEVER;
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
    for (let entries = 0; cursor.isValid; entries++) {
      if (this.collection !== undefined && cursor.collection !== this.collection) break;
      if (entries >= SLICE_ENTRIES || this.encoder.count >= SLICE_DELETIONS) {
        const key = cursor.key.slice(cursor.keyOffset, cursor.keyOffset + cursor.keyLength);
        this.position = { collection: cursor.collection, key };
        this.flush();
        return false;
      }
      this.look(cursor);
      cursor.next();
    }
    this.flush();
    return true;
  }

  private look(cursor: EntryCursor): void {
    const { expiresAt, kind } = cursor;
    if (expiresAt === 0 || kind === ENTRY_TOMBSTONE) return;
    if (!hasExpired(expiresAt, this.nowSeconds)) {
      this.nextExpiryOfSource = Math.min(this.nextExpiryOfSource, expiresAt);
      return;
    }
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
    this.removed += this.options.write(this.view.open(bytes));
    this.encoder.reset();
  }

  /** Goes on to the next source. */
  private leave(source: Source, isDone: boolean): void {
    // A pass over one collection knows nothing about the others.
    if (this.collection === undefined)
      source.setNextExpiry(isDone ? this.nextExpiryOfSource : this.nowSeconds);
    this.queue.shift();
    this.position = undefined;
    this.nextExpiryOfSource = NEVER;
  }

  private dueMemtables(): Source[] {
    const { memtables } = this.options;
    const due: Source[] = [];
    for (let position = 0; position < memtables.chainLength; position++) {
      const writer = memtables.writerAt(position);
      if (writer.earliestExpiry === 0 || !hasExpired(writer.earliestExpiry, this.nowSeconds)) continue;
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
    return this.nextExpiry.get(fileNumber) ?? earliestExpiry;
  }

  private forgetRemovedTables(): void {
    const version = this.options.version();
    for (const fileNumber of this.nextExpiry.keys())
      if (!version.hasTable(fileNumber)) this.nextExpiry.delete(fileNumber);
  }
}
