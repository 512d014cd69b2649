/**
 * One whole shard on one thread: log, memtables, tables, manifest, caches, recovery, as the shard thread and a front put
 * them together, over any Vfs and a clock that stands still. What outlives an incarnation of the shard (its files, the
 * model, what clients were told) is a LsmWorld; an incarnation is a LsmRig.
 */
import type { ManualClock } from '../../src/base/clock.js';
import type { DatabaseClock } from '../../src/base/database-clock.js';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { WriteBatchEncoder } from '../../src/batch/write-batch-encoder.js';
import { WriteBatchView } from '../../src/batch/write-batch-view.js';
import { type BlockCacheBuffers, createSharedBlockCache } from '../../src/cache/block-cache-format.js';
import { RowCache } from '../../src/cache/row-cache.js';
import { createRowCache } from '../../src/cache/row-format.js';
import { openSharedBlockCache } from '../../src/cache/shared-block-cache.js';
import { createWriteStamps, WriteStamps } from '../../src/cache/write-stamps.js';
import { ExpirySweeper } from '../../src/engine/expiry-sweeper.js';
import type { StageResult } from '../../src/engine/shard-engine.js';
import { ShardReader } from '../../src/engine/shard-reader.js';
import type { StoreEvents } from '../../src/engine/store-scheduler.js';
import { TableCache } from '../../src/engine/table-cache.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import { createVersionBoard } from '../../src/manifest/version-board.js';
import { VersionSubscriber } from '../../src/manifest/version-subscriber.js';
import { ChainReader } from '../../src/memtable/chain-reader.js';
import { createMemtablePool, MemtablePool } from '../../src/memtable/pool.js';
import { ShardMeter } from '../../src/runtime/shard-meter.js';
import { type RecoveredShard, recoverShard } from '../../src/runtime/shard-recovery.js';
import { ShardScanner } from '../../src/runtime/shard-scanner.js';
import type { ShardTuning } from '../../src/runtime/shard-tuning.js';
import { createSeqnoBoard, type HeldSnapshot, SeqnoBoard } from '../../src/shm/seqno-board.js';
import { createStatsBlock, SHARD_CELLS } from '../../src/shm/stats-format.js';
import { shardPlace } from '../../src/tools/shard-place.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { SegmentPool } from '../../src/wal/segments.js';
import { addOperation, type Operation } from './batches.js';
import { AnswerBook } from './engines.js';
import { LsmJobs } from './lsm-jobs.js';
import { LsmModel, type ModelAnswer } from './lsm-model.js';

export const DATA_DIRECTORY = '/data';
const SHARD = 0;
const GROUP_INTERVAL_MS = 10;
/** Pins of the reader that comes and goes, and of one that stays inside for long. */
const READER = 0;
const PINNED_READER = 1;
const FIRST_SECONDS = 1_700_000_000;

/** Four levels of which a few hundred KiB fill three. */
export const TINY_TUNING: ShardTuning = {
  picker: {
    l0RunsTrigger: 3,
    levelBaseBytes: 12 * 1024,
    levelMultiplier: 3,
    maxJobBytes: 64 * 1024,
    tombstoneShare: 0.5,
    expiredGraceSeconds: 30,
  },
  tables: {
    tableSizeBytes: 4096,
    blockSizeBytes: 512,
    bloomBitsPerKey: 10,
    upperCodec: 'lz4',
    lastCodec: 'zstd',
    grandparentOverlapBytesMax: 24 * 1024,
  },
  limits: { levelZeroSlowdown: 5, levelZeroStop: 8, memtablesMax: 4 },
  sweepIntervalMs: 1000,
};

/** Memory of the process that a shard thread can die without. */
export interface LsmProcess {
  readonly blockCache: BlockCacheBuffers;
  readonly seqnos: SharedArrayBuffer;
}

export function newProcess(): LsmProcess {
  return { blockCache: createSharedBlockCache(128 * 1024), seqnos: createSeqnoBoard(1) };
}

export interface LsmWorldOptions {
  readonly clock: ManualClock;
  readonly arenaBytes: number;
  readonly segmentBytes: number;
  readonly manifestRewriteBytesMin: number;
  /** Default: TINY_TUNING. */
  readonly tuning?: ShardTuning;
}

/** What clients know and what the model says; outlives incarnations of the shard. */
export class LsmWorld {
  model = new LsmModel();
  readonly dropped: number[] = [];
  /** Nothing up to here may be lost, whatever happens. */
  durableSeqno = 0;
  /** Nothing up to here may be lost when only the process dies. */
  writtenSeqno = 0;
  readonly databaseClock: DatabaseClock;

  constructor(readonly options: LsmWorldOptions) {
    const { clock } = options;
    this.databaseClock = { nowSeconds: () => FIRST_SECONDS + Math.floor(clock.monotonicMs() / 1000) };
  }

  /** The same world at this moment, for a crash that is tried out beside it. */
  fork(): LsmWorld {
    const fork = new LsmWorld(this.options);
    fork.model = this.model.copy();
    fork.dropped.push(...this.dropped);
    fork.durableSeqno = this.durableSeqno;
    fork.writtenSeqno = this.writtenSeqno;
    return fork;
  }
}

export interface LsmRigOptions {
  readonly vfs: Vfs;
  readonly process: LsmProcess;
  readonly seed: number;
  /** Memtables, the one in reserve included: at least 3. */
  readonly slots: number;
}

interface Expected extends ModelAnswer {
  readonly firstSeqno: number;
  readonly operations: readonly Operation[];
}

export interface WriteOptions {
  readonly durability: Durability;
  readonly allOrNothing: boolean;
  readonly writtenAt: number;
}

export class LsmRig {
  readonly shard: RecoveredShard;
  readonly board: SeqnoBoard;
  readonly jobs: LsmJobs;
  readonly reader: ShardReader;
  readonly pinned: ShardReader;
  readonly scanner: ShardScanner;
  readonly sweeper: ExpirySweeper;
  readonly failures: DbError[] = [];
  readonly readErrors: unknown[] = [];
  private readonly encoder = new WriteBatchEncoder();
  private readonly answers = new AnswerBook();
  private readonly expected = new Map<number, Expected>();
  private nextBatchId = 1;
  private sweeperMs = 0;

  /** Creates or recovers the shard. Throws what recovery throws. */
  constructor(
    readonly world: LsmWorld,
    readonly options: LsmRigOptions,
  ) {
    const { vfs, process, slots, seed } = options;
    const { clock, arenaBytes, segmentBytes, manifestRewriteBytesMin, tuning = TINY_TUNING } = world.options;
    const place = shardPlace(vfs, DATA_DIRECTORY, SHARD);
    const buffers = {
      memtables: createMemtablePool(slots, arenaBytes),
      versions: createVersionBoard(16 * 1024 * 1024),
      stamps: createWriteStamps(4096),
    };
    const memtables = new MemtablePool(buffers.memtables, createPrng(seed));
    const segments = new SegmentPool({ vfs, directory: place.walDirectory, segmentBytes, sparesMax: 2 });
    segments.prepareDirectory();
    this.jobs = new LsmJobs(vfs, clock);
    this.board = new SeqnoBoard(process.seqnos);
    this.board.groupEnds(SHARD);
    this.answers.onAnswer = (answer) => this.onAnswer(answer);
    this.shard = recoverShard({
      data: {
        shard: SHARD,
        walDirectory: place.walDirectory,
        tableDirectory: place.tableDirectory,
        ...buffers,
        blockCache: process.blockCache,
        seqnos: process.seqnos,
        tuning,
        defaultDurability: Durability.Always,
        groupIntervalMs: GROUP_INTERVAL_MS,
        onDamage: 'stop',
        keepReleasedBytes: 0,
      },
      vfs,
      memtables,
      segments,
      meter: new ShardMeter(createStatsBlock(SHARD_CELLS), memtables, () => {}),
      runner: this.jobs,
      events: this.events(),
      droppedCollections: () => new Set(world.dropped),
      clock,
      databaseClock: world.databaseClock,
      manifestRewriteBytesMin,
    });
    const readerOn = (index: number, caches: { rowCache?: RowCache; stamps?: WriteStamps }): ShardReader =>
      new ShardReader({
        chain: new ChainReader(buffers.memtables, index, world.databaseClock),
        versions: new VersionSubscriber(buffers.versions),
        tables: new TableCache({
          vfs,
          directory: place.tableDirectory,
          shard: SHARD,
          cache: openSharedBlockCache(process.blockCache, 1000 + index),
          openTablesMax: 6,
        }),
        clock: world.databaseClock,
        ...caches,
      });
    const rowCache = new RowCache(createRowCache(64 * 1024));
    this.reader = readerOn(READER, { rowCache, stamps: new WriteStamps(buffers.stamps) });
    this.pinned = readerOn(PINNED_READER, {});
    this.scanner = new ShardScanner(1, this.board, READER, world.databaseClock);
    this.scanner.setReader(SHARD, this.reader);
    this.sweeper = new ExpirySweeper({
      // It seems to take its time, so that most passes need several slices.
      nowMs: () => this.sweeperMs++,
      memtables,
      tables: this.shard.tables,
      version: () => this.shard.store.version,
      clock: world.databaseClock,
      write: (batch) => this.writeSwept(batch),
    });
    this.shard.scheduler.resume();
  }

  /** The last seqno that readers see. */
  get appliedSeqno(): number {
    return this.shard.engine.appliedSeqno;
  }

  get unanswered(): number {
    return this.expected.size;
  }

  /** Stages a batch. Once it is staged the model has it, since from then on the log may. */
  stage(operations: readonly Operation[], options: WriteOptions): StageResult {
    const batchId = this.nextBatchId;
    const firstSeqno = this.board.last() + 1;
    const view = this.encode(batchId, operations, options);
    const result = this.shard.engine.stage(view, this.answers);
    if (result !== 'staged') return result;
    this.nextBatchId++;
    const { allOrNothing, writtenAt } = options;
    const answer = this.world.model.apply({ operations, firstSeqno, allOrNothing, writtenAt });
    this.expected.set(batchId, { ...answer, firstSeqno, operations });
    return result;
  }

  commit(): void {
    this.shard.engine.commit();
    this.answers.all.length = 0;
  }

  holdSnapshot(): HeldSnapshot {
    const held = this.board.hold(READER);
    if (held === undefined) throw new Error('too many snapshots');
    return held;
  }

  /** The log or the manifest takes no more writes. */
  get isBroken(): boolean {
    const { log, store } = this.shard;
    return log.poisonedBy() !== undefined || store.poisonedBy() !== undefined;
  }

  /** Ends as a server does: everything is durable and answered, running jobs are dropped. */
  close(): void {
    const { engine, scheduler, log, store } = this.shard;
    engine.flush();
    if (log.poisonedBy() === undefined)
      this.world.durableSeqno = Math.max(this.world.durableSeqno, this.appliedSeqno);
    if (this.expected.size > 0) throw new Error(`${this.expected.size} batches were never answered`);
    scheduler.close();
    this.jobs.cancel();
    if (log.poisonedBy() === undefined) log.close();
    store.close();
    this.reader.close();
    this.pinned.close();
  }

  /** Ends without a word, as a thread does that died. Answers that are still due never come. */
  abandon(): void {
    this.shard.scheduler.close();
    this.jobs.cancel();
    this.expected.clear();
  }

  /** One encoder for all: a new one takes longer than all else that happens to a batch. */
  private encode(batchId: number, operations: readonly Operation[], options: WriteOptions): WriteBatchView {
    const { encoder } = this;
    encoder.reset();
    for (const operation of operations) addOperation(encoder, operation);
    const bytes = encoder.finish(batchId, options.durability, options.allOrNothing, options.writtenAt);
    return new WriteBatchView().open(bytes.slice());
  }

  private events(): StoreEvents {
    return {
      onFlushed: () => {},
      onCompacted: () => {},
      onMoved: () => {},
      onJobFailed: (_kind, error) => this.failures.push(error),
      onPoisoned: () => {},
      onReadError: (error) => this.readErrors.push(error),
      onUnlinkFailed: () => {},
      onReleaseFailed: (error) => this.failures.push(error),
    };
  }

  private onAnswer({
    batchId,
    firstSeqno,
    durability,
    statuses,
    seqnos,
    error,
  }: AnswerBook['all'][number]): void {
    const expected = this.expected.get(batchId);
    if (expected === undefined) throw new Error(`batch ${batchId} was answered twice, or never sent`);
    this.expected.delete(batchId);
    if (error !== undefined) {
      this.failures.push(new DbError(error.code, error.message, error.details));
      return;
    }
    const { operations } = expected;
    const last = firstSeqno + Math.max(operations.length, 1) - 1;
    if (firstSeqno !== expected.firstSeqno) throw new Error(`batch ${batchId} has seqno ${firstSeqno}`);
    operations.forEach(({ collection, kind }, index) => {
      // Without the old version there may be another answer: the test that makes reads fail knows.
      if (this.readErrors.length > 0 || this.world.dropped.includes(collection)) return;
      if (statuses[index] === expected.statuses[index] && seqnos[index] === expected.seqnos[index]) return;
      throw new Error(
        `operation ${index} (kind ${kind}, collection ${collection}) of the batch at ${firstSeqno}: status ` +
          `${statuses[index]} at ${seqnos[index]}, not ${expected.statuses[index]} at ${expected.seqnos[index]}`,
      );
    });
    const { world } = this;
    world.writtenSeqno = Math.max(world.writtenSeqno, last);
    if (durability !== Durability.Os) world.durableSeqno = Math.max(world.durableSeqno, last);
  }

  private writeSwept(view: WriteBatchView): number {
    const { model } = this.world;
    const firstSeqno = this.board.last() + 1;
    const operations = operationsOf(view);
    // Before it is written: a crash may come in the middle.
    const { statuses } = model.apply({
      operations,
      firstSeqno,
      allOrNothing: false,
      writtenAt: view.writtenAt,
    });
    try {
      const removed = this.shard.engine.writeNow(view);
      const isLive = ({ collection }: Operation): boolean => !this.world.dropped.includes(collection);
      const expected = operations.filter(
        (each, i) => isLive(each) && statuses[i] === WriteStatus.Deleted,
      ).length;
      const uncertain = operations.filter((each) => !isLive(each)).length;
      if (this.readErrors.length === 0 && (removed < expected || removed > expected + uncertain))
        throw new Error(`the sweeper removed ${removed} documents, not ${expected}`);
      this.world.writtenSeqno = Math.max(this.world.writtenSeqno, this.appliedSeqno);
      return removed;
    } catch (error) {
      // Refused before it took its seqnos: nothing of it has happened.
      if (this.board.last() < firstSeqno) model.undoAfter(firstSeqno - 1);
      throw error;
    }
  }
}

function operationsOf(view: WriteBatchView): Operation[] {
  return Array.from({ length: view.count }, (_, i) => ({
    kind: view.kind(i),
    collection: view.collection(i),
    key: view.keys.slice(view.keyStart(i), view.keyEnd(i)),
    value: new Uint8Array(0),
    condition: view.condition(i),
    expectedSeqno: view.expectedSeqno(i),
    operationId: undefined,
    expiresAt: view.expiresAt(i),
  }));
}
