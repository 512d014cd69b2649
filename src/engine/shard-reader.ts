/**
 * Reads one shard from any thread: memtables, row cache, tables, in this order. One instance per reading thread and shard.
 *
 *   reader.enter();                    // nothing that is found below is recycled or removed until leave()
 *   if (reader.get(...) === FOUND) use(reader.bytes, reader.valueOffset, ...)
 *   reader.leave();
 *
 * Why a key is never missed while its memtable is flushed: the shard publishes the version that has the new tables before
 * it unlinks the memtable, and a reader looks at the version only after it has walked the chain.
 */

import { type DatabaseClock, hasExpired } from '../base/database-clock.js';
import { DbError, toWireError, type WireError } from '../base/errors.js';
import type { RowCache } from '../cache/row-cache.js';
import type { WriteStamps } from '../cache/write-stamps.js';
import { ENTRY_DOCUMENT, type EntryCursor } from '../iter/entry-cursor.js';
import type { Version } from '../manifest/version.js';
import type { VersionSubscriber } from '../manifest/version-subscriber.js';
import { ABSENT, type ChainReader, DELETED, FOUND, type Lookup } from '../memtable/chain-reader.js';
import { MemtableCursor } from '../memtable/memtable-cursor.js';
import { FoundEntry } from '../sst/found-entry.js';
import { sampleKeys } from './key-sampler.js';
import type { TableCache } from './table-cache.js';
import { findInTables } from './table-lookup.js';

export interface ShardReaderOptions {
  readonly chain: ChainReader;
  readonly versions: VersionSubscriber;
  readonly tables: TableCache;
  readonly clock: DatabaseClock;
  /** Both or neither: rows are valid as long as the stamp of their key does not change. */
  readonly rowCache?: RowCache;
  readonly stamps?: WriteStamps;
  /** Recovery mode: the runs may not be in the order of their seqnos. */
  readonly thorough?: boolean;
  /** Told of tables that cannot be read. */
  readonly onReadError?: (error: DbError) => void;
}

/** A table cannot be read. Beside the results of chain-reader.ts. */
export const FAILED = 3;

export class ShardReader {
  private readonly chain: ChainReader;
  private readonly found = new FoundEntry();

  /** Of the last document found: where its text is, and its version. Valid until leave() or the next get(). */
  bytes: Uint8Array;
  valueOffset = 0;
  valueLength = 0;
  seqno = 0;
  expiresAt = 0;
  /** Whether the last get() was answered from memtables or the row cache. */
  isFromMemory = true;
  /** Why the last get() FAILED. */
  error: WireError | undefined;
  /** Lookups that no memtable could answer, and those of them that the row cache answered. */
  rowCacheRequests = 0;
  rowCacheHits = 0;

  constructor(private readonly options: ShardReaderOptions) {
    this.chain = options.chain;
    this.bytes = options.chain.bytes;
  }

  enter(): void {
    this.chain.enter();
  }

  leave(): void {
    this.chain.leave();
  }

  /** Newest version of a key. FAILED when a table cannot be read: see `error`. */
  get(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): Lookup | typeof FAILED {
    const { chain } = this;
    let inMemory = chain.get(hash, collection, key, keyOffset, keyLength);
    let stamp = 0;
    if (inMemory === ABSENT) {
      // A row may only be cached under a stamp that was loaded before the memtables were looked into. So they are looked
      // into once more: reads of what is in memory, nearly all of them, do without the stamp.
      stamp = this.options.stamps?.load(hash) ?? 0;
      inMemory = chain.get(hash, collection, key, keyOffset, keyLength);
    }
    this.isFromMemory = true;
    if (inMemory === ABSENT) return this.tryBelow(hash, collection, key, keyOffset, keyLength, stamp);
    if (inMemory === FOUND) {
      this.bytes = chain.bytes;
      this.valueOffset = chain.valueOffset;
      this.valueLength = chain.valueLength;
      this.seqno = chain.seqno;
      this.expiresAt = chain.expiresAt;
    }
    return inMemory;
  }

  /**
   * The version that a snapshot at `seqno` sees, as of `nowSeconds` of database time. Throws DbError when a table cannot be read. Call between enter() and leave().
   */
  getAt(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    seqno: number,
    nowSeconds: number,
  ): Lookup {
    const { chain, found, options } = this;
    const inMemory = chain.getAt(hash, collection, key, keyOffset, keyLength, seqno);
    if (inMemory === DELETED) return DELETED;
    const place = inMemory === FOUND ? chain : found;
    if (inMemory === ABSENT) {
      const newest = this.newestAt(hash, collection, key, keyOffset, keyLength, seqno, nowSeconds);
      if (newest !== undefined) return newest;
      const { tables, thorough } = options;
      const version = this.version();
      if (
        !findInTables(
          version,
          tables,
          hash,
          collection,
          key,
          keyOffset,
          keyLength,
          seqno,
          found,
          'entry',
          thorough,
        )
      ) {
        return ABSENT;
      }
      if (found.kind !== ENTRY_DOCUMENT) return DELETED;
    }
    if (hasExpired(place.expiresAt, nowSeconds)) return DELETED;
    this.bytes = inMemory === FOUND ? chain.bytes : found.value;
    this.valueOffset = place.valueOffset;
    this.valueLength = place.valueLength;
    this.seqno = place.seqno;
    this.expiresAt = place.expiresAt;
    return FOUND;
  }

  /**
   * The newest version of a key of which no memtable has any, by way of the row cache, where a snapshot at `seqno` sees that
   * one. Undefined: the tables have to be asked for an older one, or there is no cache.
   */
  private newestAt(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    seqno: number,
    nowSeconds: number,
  ): Lookup | undefined {
    const { rowCache, stamps } = this.options;
    if (rowCache === undefined) return undefined;
    // As in get(): before the memtables are looked into. A memtable may have a version that is too new for the snapshot; then
    // what the tables have is not the newest, and must not be cached as such.
    const stamp = stamps?.load(hash) ?? 0;
    if (this.chain.get(hash, collection, key, keyOffset, keyLength) !== ABSENT) return undefined;
    const newest = this.getBelow(hash, collection, key, keyOffset, keyLength, stamp, nowSeconds);
    // Also of one that is gone nothing is known at the time of the snapshot.
    return newest === FOUND && this.seqno <= seqno ? FOUND : undefined;
  }

  /** Keys of a collection, ascending, about evenly spread over its bytes; see key-sampler.ts. Call between enter() and leave(). */
  sampleKeys(collection: number, count: number): Uint8Array[] {
    return sampleKeys(this.chain.chain(), this.version(), this.options.tables, collection, count);
  }

  /** Everything of the shard, newest source first, for a merge. Call between enter() and leave(), and close them before leave(). */
  cursors(fillCache: boolean): EntryCursor[] {
    const memtables: EntryCursor[] = this.chain.chain().map((memtable) => new MemtableCursor(memtable));
    const runs = this.version().runsNewestFirst();
    return [...memtables, ...runs.map((run) => this.options.tables.cursor(run.tables, { fillCache }))];
  }

  /** Lets go of tables that the shard does not have any more. Now and then, outside of enter() and leave(). */
  refresh(): void {
    this.enter();
    try {
      this.version();
    } finally {
      this.leave();
    }
  }

  /** The last applied seqno of the shard. */
  visibleSeqno(): number {
    return this.chain.visibleSeqno();
  }

  /** Bytes of indexes and filters that its open tables hold, and how many are open. */
  get openTables(): { readonly memoryBytes: number; readonly count: number } {
    const { memoryBytes, openCount } = this.options.tables;
    return { memoryBytes, count: openCount };
  }

  close(): void {
    this.options.tables.close();
  }

  private tryBelow(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    stamp: number,
  ): Lookup | typeof FAILED {
    try {
      return this.getBelow(hash, collection, key, keyOffset, keyLength, stamp);
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      this.error = toWireError(error);
      this.options.onReadError?.(error);
      return FAILED;
    }
  }

  private getBelow(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    stamp: number,
    nowSeconds?: number,
  ): Lookup {
    const { rowCache, tables } = this.options;
    if (rowCache !== undefined) {
      this.rowCacheRequests++;
      // Loaded again, after the memtables: a row that was cached before a write is not taken for valid in any order of events.
      const stampNow = this.options.stamps?.load(hash) ?? 0;
      if (rowCache.get(hash, collection, key, keyOffset, keyLength, stampNow)) {
        this.rowCacheHits++;
        return this.documentAt(rowCache.bytes, rowCache, nowSeconds);
      }
    }
    this.isFromMemory = false;
    const { found } = this;
    const version = this.version();
    const isFound = findInTables(
      version,
      tables,
      hash,
      collection,
      key,
      keyOffset,
      keyLength,
      Number.MAX_SAFE_INTEGER,
      found,
      'entry',
      this.options.thorough,
    );
    if (!isFound) return ABSENT;
    if (found.kind !== ENTRY_DOCUMENT) return DELETED;
    rowCache?.insert(
      hash,
      collection,
      key,
      keyOffset,
      keyLength,
      stamp,
      found.seqno,
      found.expiresAt,
      found.value,
      found.valueOffset,
      found.valueLength,
    );
    return this.documentAt(found.value, found, nowSeconds);
  }

  private documentAt(
    bytes: Uint8Array,
    place: { valueOffset: number; valueLength: number; seqno: number; expiresAt: number },
    nowSeconds: number | undefined,
  ): Lookup {
    // The clock is not asked for documents that stay.
    const now = place.expiresAt === 0 ? 0 : (nowSeconds ?? this.options.clock.nowSeconds());
    if (hasExpired(place.expiresAt, now)) return DELETED;
    this.bytes = bytes;
    this.valueOffset = place.valueOffset;
    this.valueLength = place.valueLength;
    this.seqno = place.seqno;
    this.expiresAt = place.expiresAt;
    return FOUND;
  }

  private version(): Version {
    const { versions, tables } = this.options;
    if (versions.refresh()) tables.retain(versions.version);
    return versions.version;
  }
}
