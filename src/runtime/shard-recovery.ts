/**
 * Opens one shard: its manifest and tables, then the part of its log that is not in tables yet, and only then settles files
 * that the manifest does not name. Shard thread, at start.
 */
import { threadId } from 'node:worker_threads';
import { asEpoch, asSeqno, asShardId } from '../base/brand.js';
import type { Clock } from '../base/clock.js';
import type { DatabaseClock } from '../base/database-clock.js';
import { DbError } from '../base/errors.js';
import { alignedBatch, WriteBatchView } from '../batch/write-batch-view.js';
import { openSharedBlockCache } from '../cache/shared-block-cache.js';
import { WriteStamps } from '../cache/write-stamps.js';
import { ShardEngine } from '../engine/shard-engine.js';
import { ShardStore } from '../engine/shard-store.js';
import { type JobRunner, type StoreEvents, StoreScheduler } from '../engine/store-scheduler.js';
import { TableCache } from '../engine/table-cache.js';
import { SharedWriteGate } from '../engine/write-gate.js';
import type { IndexInUse } from '../indexes/index-entry.js';
import { type OpenManifestReport, openManifest, type WritableManifest } from '../manifest/open-manifest.js';
import { settleAfterReplay } from '../manifest/settle-after-replay.js';
import { VersionPublisher } from '../manifest/version-publisher.js';
import type { MemtablePool } from '../memtable/pool.js';
import { SeqnoBoard } from '../shm/seqno-board.js';
import { SHARD_RECOVERY_BYTES_DONE, SHARD_RECOVERY_BYTES_TOTAL } from '../shm/stats-format.js';
import type { Vfs } from '../vfs/vfs.js';
import { recoverWal } from '../wal/recovery.js';
import type { RecoveryReport } from '../wal/recovery-report.js';
import type { SegmentPool } from '../wal/segments.js';
import { WalWriter } from '../wal/writer.js';
import type { ShardMeter } from './shard-meter.js';
import type { ShardThreadData } from './shard-thread.js';

/** What recovery needs of what a shard's thread is given. */
export type RecoveryData = Pick<
  ShardThreadData,
  | 'shard'
  | 'walDirectory'
  | 'tableDirectory'
  | 'memtables'
  | 'versions'
  | 'blockCache'
  | 'seqnos'
  | 'tuning'
  | 'defaultDurability'
  | 'groupIntervalMs'
  | 'onDamage'
  | 'keepReleasedBytes'
> &
  Partial<Pick<ShardThreadData, 'readOnly' | 'stamps' | 'retainedLog'>>;

export interface RecoverShardOptions {
  readonly data: RecoveryData;
  readonly vfs: Vfs;
  readonly memtables: MemtablePool;
  readonly segments: SegmentPool;
  readonly meter: ShardMeter;
  readonly runner: JobRunner;
  readonly events: StoreEvents;
  readonly droppedCollections: () => ReadonlySet<number>;
  /** Secondary indexes to maintain, from the first operation that is replayed on; none if absent. */
  readonly indexes?: readonly IndexInUse[];
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  /** Default: that of the manifest writer. */
  readonly manifestRewriteBytesMin?: number;
}

export interface RecoveredShard {
  readonly engine: ShardEngine;
  readonly store: ShardStore;
  readonly scheduler: StoreScheduler;
  readonly tables: TableCache;
  readonly log: WalWriter;
  readonly walReport: RecoveryReport;
  /** Its strays are settled. */
  readonly manifestReport: OpenManifestReport;
}

export function recoverShard(options: RecoverShardOptions): RecoveredShard {
  const { data, vfs } = options;
  const manifest = openManifest({
    vfs,
    directory: data.tableDirectory,
    shard: asShardId(data.shard),
    mode: 'strict',
    rewriteBytesMin: options.manifestRewriteBytesMin,
  });
  try {
    return recoverFrom(options, manifest);
  } catch (error) {
    manifest.writer.close();
    throw error;
  }
}

function recoverFrom(options: RecoverShardOptions, manifest: WritableManifest): RecoveredShard {
  const { data, vfs, segments, clock } = options;
  const { engine, store, scheduler, tables, holder } = assemble(options, manifest);
  const { flushedSeqno, collectionStats, operationIds } = manifest.state;
  engine.setIndexes(options.indexes ?? []);
  engine.stats.setDropped(options.droppedCollections());
  engine.restore({ lastSeqno: flushedSeqno, stats: collectionStats, operationIds });
  const { replayed: walReport, strays } = settleAfterReplay(manifest, data.tableDirectory, () =>
    replay(options, engine, flushedSeqno),
  );
  const log = new WalWriter({
    vfs,
    pool: segments,
    clock,
    shard: asShardId(data.shard),
    epoch: asEpoch(walReport.lastEpoch + 1),
    continuation: walReport.continuation,
    keepReleasedBytes: data.keepReleasedBytes,
    retained: data.retainedLog,
  });
  holder.log = log;
  // Segments whose operations are all in tables: a crash came between the flush and their release.
  log.releaseThrough(asSeqno(flushedSeqno));
  new SeqnoBoard(data.seqnos).raiseTo(Math.max(walReport.lastSeqno, flushedSeqno));
  engine.attachLog(log);
  return { engine, store, scheduler, tables, log, walReport, manifestReport: { ...manifest.report, strays } };
}

function assemble(options: RecoverShardOptions, manifest: WritableManifest) {
  const { data, vfs, memtables, meter, clock, databaseClock } = options;
  const board = new SeqnoBoard(data.seqnos);
  const holder: { log: WalWriter | undefined } = { log: undefined };
  const tables = new TableCache({
    vfs,
    directory: data.tableDirectory,
    shard: data.shard,
    cache: openSharedBlockCache(data.blockCache, threadId + 1),
  });
  const store = new ShardStore(
    {
      vfs,
      directory: data.tableDirectory,
      memtables,
      tables,
      publisher: new VersionPublisher(data.versions),
      onUnlinkFailed: (path, error) => options.events.onUnlinkFailed(path, error),
    },
    manifest,
  );
  const scheduler = new StoreScheduler({
    shard: data.shard,
    vfs,
    store,
    runner: options.runner,
    events: options.events,
    clock,
    databaseClock,
    flushedSeconds: manifest.report.isNew ? databaseClock.nowSeconds() : manifest.state.databaseSeconds,
    heldSnapshots: () => board.heldSnapshots(),
    droppedCollections: options.droppedCollections,
    memtable: (slot) => data.memtables.slots[slot],
    memtablesInUse: () => memtables.chainLength,
    picker: data.tuning.picker,
    tables: data.tuning.tables,
    directory: data.tableDirectory,
    limits: data.tuning.limits,
    onFlushedThrough: (seqno) => {
      try {
        holder.log?.releaseThrough(asSeqno(seqno));
      } catch (error) {
        // The flush has happened. The log keeps more than it needs until the next one.
        if (!(error instanceof DbError)) throw error;
        options.events.onUnlinkFailed(data.walDirectory, error);
      }
    },
  });
  const engine = new ShardEngine({
    shard: data.shard,
    memtables,
    seqnos: {
      take: (count) => board.take(count),
      groupBegins: () => board.groupBegins(data.shard),
      groupEnds: () => board.groupEnds(data.shard),
    },
    tables: scheduler,
    ...(data.stamps !== undefined && { stamps: new WriteStamps(data.stamps) }),
    gate: data.readOnly === undefined ? undefined : new SharedWriteGate(data.readOnly),
    clock,
    meter,
    defaultDurability: data.defaultDurability,
    groupIntervalMs: data.groupIntervalMs,
  });
  return { engine, store, scheduler, tables, holder };
}

function replay(
  { data, vfs, meter }: RecoverShardOptions,
  engine: ShardEngine,
  flushedSeqno: number,
): RecoveryReport {
  const view = new WriteBatchView();
  return recoverWal({
    vfs,
    directory: data.walDirectory,
    shard: asShardId(data.shard),
    fromSeqno: asSeqno(flushedSeqno + 1),
    onDamage: data.onDamage,
    onRecord: (record) => engine.replay(view.open(alignedBatch(record.payload)), record.firstSeqno),
    onProgress: (done, total) => {
      meter.cells[SHARD_RECOVERY_BYTES_DONE] = done;
      meter.cells[SHARD_RECOVERY_BYTES_TOTAL] = total;
    },
  });
}
