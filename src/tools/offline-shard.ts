/**
 * One shard opened without a server: its log replayed, its engine ready, flushes and compactions carried out at once on
 * this thread. For tools that must bring the log into tables first, and for tests. The caller holds the data directory.
 */
import { assert } from '../base/assert.js';
import { asEpoch, asSeqno } from '../base/brand.js';
import type { Clock } from '../base/clock.js';
import type { DbError } from '../base/errors.js';
import { createPrng } from '../base/prng.js';
import { alignedBatch, WriteBatchView } from '../batch/write-batch-view.js';
import { NO_BLOCK_CACHE } from '../cache/block-cache.js';
import { Compaction } from '../compaction/compaction-job.js';
import { runFlush } from '../compaction/flush-job.js';
import type { TableOptions } from '../compaction/job-types.js';
import type { PickerOptions } from '../compaction/picker-state.js';
import { IndexBuild } from '../engine/index-build.js';
import { shardCursors } from '../engine/shard-cursors.js';
import { localSeqnoSource, ShardEngine } from '../engine/shard-engine.js';
import { ShardStore } from '../engine/shard-store.js';
import { type JobRunner, type StoreEvents, StoreScheduler } from '../engine/store-scheduler.js';
import { TableCache } from '../engine/table-cache.js';
import type { BacklogLimits } from '../engine/write-throttle.js';
import { Durability } from '../generated/lumadb/schema/durability.js';
import type { IndexInUse } from '../indexes/index-entry.js';
import type { EntryCursor } from '../iter/entry-cursor.js';
import type { ManifestState } from '../manifest/manifest-contents.js';
import { openManifest, type WritableManifest } from '../manifest/open-manifest.js';
import { settleAfterReplay } from '../manifest/settle-after-replay.js';
import { createMemtablePool, MemtablePool } from '../memtable/pool.js';
import type { Vfs } from '../vfs/vfs.js';
import { recoverWal } from '../wal/recovery.js';
import type { RecoveryReport } from '../wal/recovery-report.js';
import { SegmentPool } from '../wal/segments.js';
import { WalWriter } from '../wal/writer.js';
import { manifestPlace, type ShardPlace } from './shard-place.js';

/** How tools write tables, and what they may use. The same for all shards. */
export interface OfflineTuning {
  readonly tables: TableOptions;
  readonly picker: PickerOptions;
  readonly limits: BacklogLimits;
  /** Of one memtable; a log larger than three of them is flushed while it is replayed. */
  readonly memtableBytes: number;
  readonly walSegmentBytes: number;
}

export interface OfflineShardOptions {
  readonly place: ShardPlace;
  readonly tuning: OfflineTuning;
  readonly clock: Clock;
  /** Database time, seconds. It does not move while a tool works. */
  readonly nowSeconds: number;
  readonly droppedCollections: readonly number[];
  /** `salvage` goes on behind damage in the log and keeps copies of damaged segments in quarantine. */
  readonly onWalDamage: 'stop' | 'salvage';
  /** See WalWriterOptions. */
  readonly keepReleasedBytes?: number;
  /** Seqnos of snapshots whose versions are kept; none if absent. */
  readonly heldSnapshots?: () => readonly number[];
  /** Secondary indexes to maintain, while the log is replayed and afterwards. */
  readonly indexes?: readonly IndexInUse[];
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

/** The active memtable, two that wait for their flush, and the reserve of replay. */
const MEMTABLE_SLOTS = 4;
const MEMTABLE_SEED = 1;
const RECYCLED_SEGMENTS_MAX = 1;

/** Throws what recovery throws: CORRUPT_MANIFEST, CORRUPT_TABLE, CORRUPT_WAL, IO. */
export function openOfflineShard(options: OfflineShardOptions): OfflineShard {
  const manifest = openManifest({ ...manifestPlace(options.place), mode: 'strict' });
  try {
    return new OfflineShard(options, manifest);
  } catch (error) {
    manifest.writer.close();
    throw error;
  }
}

export class OfflineShard {
  readonly engine: ShardEngine;
  readonly store: ShardStore;
  readonly scheduler: StoreScheduler;
  readonly log: WalWriter;
  readonly walReport: RecoveryReport;
  private readonly memtables: MemtablePool;
  private readonly tables: TableCache;
  private released = 0;
  private openedLog: WalWriter | undefined;

  /** See openOfflineShard. */
  constructor(
    private readonly options: OfflineShardOptions,
    private readonly manifest: WritableManifest,
  ) {
    const { place, tuning, clock } = options;
    const { vfs, shard, tableDirectory: directory, walDirectory } = place;
    const buffers = createMemtablePool(MEMTABLE_SLOTS, tuning.memtableBytes);
    this.memtables = new MemtablePool(buffers, createPrng(MEMTABLE_SEED));
    this.tables = new TableCache({ vfs, directory, shard, cache: NO_BLOCK_CACHE });
    const { memtables, tables } = this;
    this.store = new ShardStore({ vfs, directory, memtables, tables }, manifest);
    this.scheduler = this.makeScheduler(buffers.slots);
    const { flushedSeqno, collectionStats, operationIds } = manifest.state;
    const pool = new SegmentPool({
      vfs,
      directory: walDirectory,
      segmentBytes: tuning.walSegmentBytes,
      sparesMax: RECYCLED_SEGMENTS_MAX,
    });
    pool.prepareDirectory();
    let seqnos = localSeqnoSource(flushedSeqno);
    this.engine = new ShardEngine({
      shard,
      memtables: this.memtables,
      seqnos: {
        groupBegins: () => {},
        groupEnds: () => {},
        take: (count) => seqnos.take(count),
      },
      tables: this.scheduler,
      clock,
      meter: { onCommit: () => {}, onSyncBegins: () => {}, onSync: () => {}, onPoisoned: raise },
      defaultDurability: Durability.Always,
      groupIntervalMs: 0,
    });
    this.engine.setIndexes(options.indexes ?? []);
    this.engine.stats.setDropped(options.droppedCollections);
    this.engine.restore({ lastSeqno: flushedSeqno, stats: collectionStats, operationIds });
    this.walReport = settleAfterReplay(manifest, directory, () => this.replay(flushedSeqno)).replayed;
    seqnos = localSeqnoSource(Math.max(this.walReport.lastSeqno, flushedSeqno));
    this.log = new WalWriter({
      vfs,
      pool,
      clock,
      shard,
      epoch: asEpoch(this.walReport.lastEpoch + 1),
      continuation: this.walReport.continuation,
      keepReleasedBytes: options.keepReleasedBytes,
    });
    this.openedLog = this.log;
    this.releaseLog(Math.max(this.released, flushedSeqno));
    this.engine.attachLog(this.log);
  }

  /** The last seqno that this shard has seen. */
  get lastSeqno(): number {
    return Math.max(this.walReport.lastSeqno, this.engine.appliedSeqno, this.store.flushedSeqno);
  }

  /** What the manifest remembers beside the tables. Copies the operation ids. */
  manifestState(): ManifestState {
    return this.manifest.writer.state;
  }

  /** Everything there is, newest source first, for a merge. Valid until something is written; the caller closes them. */
  cursors(): EntryCursor[] {
    return shardCursors(this.memtables, this.tables, this.store.version);
  }

  /** Gives an index under construction its entries; returns of how many documents. Throws DbError when a write is refused. */
  buildIndex(index: IndexInUse): number {
    const { memtables, tables, store, engine, options } = this;
    const build = new IndexBuild(
      {
        memtables,
        tables,
        version: () => store.version,
        clock: { nowSeconds: () => options.nowSeconds },
        nowMs: () => options.clock.monotonicMs(),
        write: (batch) => engine.writeNow(batch),
      },
      index.definition,
    );
    while (!build.slice()) while (this.scheduler.flushNow());
    return build.documents;
  }

  /** Brings everything into tables; afterwards the log holds nothing that is needed. */
  flushAll(): void {
    while (this.scheduler.flushNow());
    if (!this.memtables.active.isEmpty) {
      const isFrozen = this.engine.freeze();
      assert(isFrozen, 'there is a slot for another memtable once the others are flushed');
      while (this.scheduler.flushNow());
    }
    const { lastSeqno } = this;
    if (lastSeqno > this.store.flushedSeqno) {
      // Operations that changed nothing, such as deletions of what was not there, leave no table.
      this.manifest.writer.append({ addedTables: [], removedTables: [], flushedSeqno: lastSeqno });
      this.store.flushedSeqno = lastSeqno;
      this.releaseLog(lastSeqno);
    }
  }

  close(): void {
    this.scheduler.close();
    this.log.close();
    this.store.close();
  }

  private makeScheduler(slots: readonly SharedArrayBuffer[]): StoreScheduler {
    const { place, tuning, clock, nowSeconds } = this.options;
    const dropped = new Set(this.options.droppedCollections);
    return new StoreScheduler({
      shard: place.shard,
      vfs: place.vfs,
      store: this.store,
      runner: inlineRunner(place.vfs, clock),
      events: LOUD_EVENTS,
      clock,
      databaseClock: { nowSeconds: () => nowSeconds },
      flushedSeconds: this.manifest.report.isNew ? nowSeconds : this.manifest.state.databaseSeconds,
      heldSnapshots: this.options.heldSnapshots ?? (() => []),
      droppedCollections: () => dropped,
      memtable: (slot) => slots[slot],
      memtablesInUse: () => this.memtables.chainLength,
      picker: tuning.picker,
      tables: tuning.tables,
      directory: place.tableDirectory,
      limits: tuning.limits,
      onFlushedThrough: (seqno) => this.releaseLog(seqno),
    });
  }

  private replay(flushedSeqno: number): RecoveryReport {
    const { place, onWalDamage, onProgress } = this.options;
    const view = new WriteBatchView();
    return recoverWal({
      vfs: place.vfs,
      directory: place.walDirectory,
      shard: place.shard,
      fromSeqno: asSeqno(flushedSeqno + 1),
      onDamage: onWalDamage,
      onRecord: ({ payload, firstSeqno }) => this.engine.replay(view.open(alignedBatch(payload)), firstSeqno),
      onProgress,
    });
  }

  /** Flushes during the replay come before there is a log to release from. */
  private releaseLog(seqno: number): void {
    this.released = Math.max(this.released, seqno);
    this.openedLog?.releaseThrough(asSeqno(seqno));
  }
}

/** Carries out jobs at once, on the thread that decides them. */
export function inlineRunner(vfs: Vfs, clock: Clock): JobRunner {
  return {
    flush: (job, done) => done({ result: runFlush(job, { vfs, clock }) }),
    compact: (job, done) => {
      const compaction = new Compaction(job, { vfs, clock });
      while (!compaction.step(Number.POSITIVE_INFINITY));
      done({ result: compaction.result() });
    },
  };
}

/** A tool has nobody to try again for: what fails ends it. */
const LOUD_EVENTS: StoreEvents = {
  onFlushed: () => {},
  onCompacted: () => {},
  onMoved: () => {},
  onJobFailed: (_kind, error) => raise(error),
  onPoisoned: raise,
  onReadError: (error) => {
    throw error;
  },
  onUnlinkFailed: (_path, error) => {
    throw error;
  },
  onReleaseFailed: (error) => raise(error),
};

function raise(error: DbError): never {
  throw error;
}
