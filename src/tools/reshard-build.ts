/**
 * Writes the documents of all shards into new shards: one merge of every run of every shard in key order, each document to
 * the shard that its key hashes to. Only what a reader can still see goes along: newest versions, no deletions, nothing
 * that has expired or whose collection was dropped. The old shards are only read.
 *
 * A new shard is a manifest and one sorted run in the deepest level; it has no log. Remembered operation ids do not say
 * which key they belong to, so every new shard gets those of all old ones, the newest OPERATION_IDS_KEPT of them.
 */
import { hasExpired } from '../base/database-clock.js';
import { DbError } from '../base/errors.js';
import { hashKey, shardOfHash } from '../base/hash.js';
import { TableSeries } from '../compaction/table-series.js';
import { ENTRY_DOCUMENT, type Entry, type EntryCursor } from '../iter/entry-cursor.js';
import { RunCursor } from '../iter/run-cursor.js';
import { ManifestContents, OPERATION_IDS_KEPT } from '../manifest/manifest-contents.js';
import { createManifestFile, pointCurrentAt } from '../manifest/manifest-file.js';
import type { TableInfo } from '../manifest/table-info.js';
import { LEVELS_MAX, type Version } from '../manifest/version.js';
import type { CollectionFigures, RememberedOperationId } from '../manifest/version-edit.js';
import { tableName, temporaryTableName } from '../sst/table-names.js';
import type { TableReader } from '../sst/table-reader.js';
import type { ByteProgress } from './byte-progress.js';
import { openReader, tablePath } from './check-table.js';
import { isDropped, type KnownCollections } from './collections.js';
import { EntryIds } from './index-agreement.js';
import { forEachNewest } from './newest-versions.js';
import type { OfflineTuning } from './offline-shard.js';
import { manifestPlace, type ShardPlace } from './shard-place.js';

/** An old shard, with everything in tables. */
export interface SourceShard {
  readonly place: ShardPlace;
  readonly version: Version;
  readonly operationIds: readonly RememberedOperationId[];
}

export interface BuildOptions {
  readonly sources: readonly SourceShard[];
  /** The new shards. Their directories are empty or missing. */
  readonly targets: readonly ShardPlace[];
  /** The highest seqno of any old shard: new writes go on behind it in every new one. */
  readonly lastSeqno: number;
  /** Database time that the old shards have reached, seconds. */
  readonly databaseSeconds: number;
  readonly collections: KnownCollections;
  readonly tuning: OfflineTuning;
  readonly progress: ByteProgress;
}

export interface BuildResult {
  readonly documents: number;
  /** Of their text. */
  readonly bytes: number;
  /** Newest versions that were left out: deletions, expired documents, dropped collections. */
  readonly left: number;
}

/** Everything is durable when it returns. Throws CORRUPT_TABLE or IO; the old shards are as they were. */
export function buildShards(options: BuildOptions): BuildResult {
  const { sources, targets, collections, databaseSeconds } = options;
  const shards = targets.map((place) => new NewShard(place, options));
  const router = new EntryRouter(collections, targets.length);
  let documents = 0;
  let bytes = 0;
  let left = 0;
  const readers = new OpenTables(options.progress);
  const cursors = sources.flatMap(({ place, version }) =>
    version.runsNewestFirst().map(({ tables }) => readers.cursor(place, tables)),
  );
  try {
    if (cursors.length > 0)
      forEachNewest(cursors, (entry) => {
        const isGone =
          entry.kind !== ENTRY_DOCUMENT ||
          hasExpired(entry.expiresAt, databaseSeconds) ||
          isDropped(collections, entry.collection) ||
          router.isLeftOut(entry.collection);
        if (isGone) {
          left++;
          return;
        }
        if (!router.isIndex(entry.collection)) {
          documents++;
          bytes += entry.valueLength;
        }
        shards[router.targetOf(entry)].add(entry, router.isIndex(entry.collection));
      });
    for (const shard of shards) shard.finish();
  } finally {
    readers.close();
  }
  return { documents, bytes, left };
}

/** Documents go where their key hashes to, entries of indexes where their document goes. */
class EntryRouter {
  private readonly indexes = new Map<number, EntryIds>();
  private readonly leftOut = new Set<number>();

  constructor(
    { indexes = [] }: KnownCollections,
    private readonly shards: number,
  ) {
    for (const index of indexes) {
      if (index.state === 'valid') this.indexes.set(index.id, new EntryIds(index));
      else this.leftOut.add(index.id);
    }
  }

  isIndex(collection: number): boolean {
    return this.indexes.has(collection);
  }

  /** What an ended build has left of an index that has to be built anew. */
  isLeftOut(collection: number): boolean {
    return this.leftOut.has(collection);
  }

  targetOf({ collection, key, keyOffset, keyLength }: Entry): number {
    const ids = this.indexes.get(collection);
    const hash =
      ids === undefined
        ? hashKey(collection, key, keyOffset, keyLength)
        : ids.routingHash(key, keyOffset, keyLength);
    if (hash !== undefined) return shardOfHash(hash, this.shards);
    const message = `index ${collection} has an entry that is none: run lumadb repair first`;
    throw new DbError('CORRUPT_TABLE', message, { index: collection });
  }
}

/** Tables of old shards that are open now, by path. */
class OpenTables {
  private readonly readers = new Map<string, TableReader>();

  constructor(private readonly progress: ByteProgress) {}

  cursor(place: ShardPlace, tables: readonly TableInfo[]): EntryCursor {
    const open = ({ fileNumber }: TableInfo): EntryCursor => {
      const reader = openReader(place, fileNumber);
      this.readers.set(reader.path, reader);
      return reader.cursor({ fillCache: false });
    };
    return new RunCursor(tables, open, ({ sizeBytes, fileNumber }) => {
      const path = tablePath(place, fileNumber);
      this.readers.get(path)?.close();
      this.readers.delete(path);
      this.progress.add(sizeBytes);
    });
  }

  close(): void {
    for (const reader of this.readers.values()) reader.close();
    this.readers.clear();
  }
}

class NewShard {
  private readonly series: TableSeries;
  private readonly counts = new Map<number, { documents: number; bytes: number }>();

  constructor(
    private readonly place: ShardPlace,
    private readonly options: BuildOptions,
  ) {
    const { sources, tuning } = options;
    place.vfs.makeDirectory(place.tableDirectory);
    const rawBytes = sources.reduce((sum, { version }) => sum + version.totals.rawBytes, 0);
    this.series = new TableSeries({
      vfs: place.vfs,
      directory: place.tableDirectory,
      // More than are used: incompressible documents take a little more than their raw size.
      fileNumbers: { first: 1, count: 2 + Math.ceil((2 * rawBytes) / tuning.tables.tableSizeBytes) },
      level: LEVELS_MAX - 1,
      run: 0,
      codec: tuning.tables.lastCodec,
      tables: tuning.tables,
    });
  }

  add(entry: Entry, isIndex: boolean): void {
    if (this.series.isFull) this.series.cut();
    this.series.add(entry);
    let count = this.counts.get(entry.collection);
    if (count === undefined) {
      count = { documents: 0, bytes: 0 };
      this.counts.set(entry.collection, count);
    }
    count.documents++;
    // As the statistics count: of entries of an index the keys as well.
    count.bytes += entry.valueLength + (isIndex ? entry.keyLength : 0);
  }

  finish(): void {
    const { vfs, tableDirectory } = this.place;
    const tables = this.series.finish();
    for (const { fileNumber } of tables)
      vfs.rename(
        `${tableDirectory}/${temporaryTableName(fileNumber)}`,
        `${tableDirectory}/${tableName(fileNumber)}`,
      );
    vfs.syncDirectory(tableDirectory);
    const { lastSeqno, databaseSeconds } = this.options;
    const contents = new ManifestContents();
    contents.apply({
      addedTables: tables,
      removedTables: [],
      flushedSeqno: lastSeqno,
      databaseSeconds,
      collectionStats: this.figures(),
      operationIds: newestOperations(this.options.sources),
    });
    createManifestFile(manifestPlace(this.place), 1, 1, contents.snapshot());
    pointCurrentAt(manifestPlace(this.place), 1);
  }

  private figures(): CollectionFigures[] {
    return [...this.counts].map(([collection, count]) => ({ collection, ...count }));
  }
}

/** Of all shards, oldest first, as many as a shard remembers. */
function newestOperations(sources: readonly SourceShard[]): RememberedOperationId[] {
  return sources
    .flatMap(({ operationIds }) => operationIds)
    .sort((a, b) => a.seqno - b.seqno)
    .slice(-OPERATION_IDS_KEPT);
}
