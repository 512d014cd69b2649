/**
 * One shard inside the calling thread, with its compactor on a thread of its own: the engine without sockets, rings and
 * fronts. For measurements against other embedded engines and for tools. The caller's event loop must turn now and then
 * (every write() may wait for it): results of flushes and compactions arrive there.
 */
import type { Logger } from 'pino';
import { systemClock } from '../base/clock.js';
import type { DatabaseTimeBase } from '../base/database-clock.js';
import { databaseClock, startDatabaseTime } from '../base/database-clock.js';
import { DbError } from '../base/errors.js';
import { createPrng } from '../base/prng.js';
import type { WriteBatchEncoder } from '../batch/write-batch-encoder.js';
import { WriteBatchView } from '../batch/write-batch-view.js';
import { type BlockCacheBuffers, createSharedBlockCache } from '../cache/block-cache-format.js';
import { openSharedBlockCache } from '../cache/shared-block-cache.js';
import type { Config } from '../config/schema.js';
import type { BatchAnswer } from '../engine/shard-engine.js';
import { ShardReader } from '../engine/shard-reader.js';
import { TableCache } from '../engine/table-cache.js';
import { WriteThrottle } from '../engine/write-throttle.js';
import { Durability } from '../generated/lumadb/schema/durability.js';
import { VersionSubscriber } from '../manifest/version-subscriber.js';
import { ChainReader } from '../memtable/chain-reader.js';
import { MemtablePool } from '../memtable/pool.js';
import { createSeqnoBoard } from '../shm/seqno-board.js';
import { createStatsBlock, SHARD_CELLS } from '../shm/stats-format.js';
import { RealVfs } from '../vfs/real.js';
import { SegmentPool } from '../wal/segments.js';
import { CompactorKeeper } from './compactor-keeper.js';
import { shardDirectories } from './shard-directories.js';
import { ShardMeter } from './shard-meter.js';
import { createShardReadBuffers } from './shard-read-buffers.js';
import { type RecoveredShard, recoverShard } from './shard-recovery.js';
import { shardTuning } from './shard-tuning.js';
import { StoreLog } from './store-log.js';
import { WAL_SPARES_MAX } from './wal-spares.js';

/** Reads come from the thread that writes: any reader index will do. */
const READER_INDEX = 0;
/** Groups between two turns of the event loop. */
const GROUPS_PER_TURN = 8;
/** Groups between two looks at what a shard's thread looks after by a timer. */
const GROUPS_PER_UPKEEP = 64;
/** The first time after this many groups. */
const FIRST_UPKEEP = 1;
/** How full the active segment gets before the next one is asked for. */
const SPARE_WANTED_FILL = 0.25;
const STALL_WAIT_MS = 2;

const NO_ANSWER: BatchAnswer = {
  replyOutcome: () => {},
  replyError: (_id, error) => {
    throw new DbError(error.code, error.message, error.details);
  },
};

export interface EmbeddedShardOptions {
  readonly directory: string;
  /** Sections memory, storage, wal and compaction are used. */
  readonly config: Config;
  readonly durability: Durability;
  readonly logger: Logger;
}

export class EmbeddedShard {
  readonly reader: ShardReader;
  /** Cells of the shard's figures; shm/stats-format.ts names them. */
  readonly cells: Float64Array;
  private readonly throttle = new WriteThrottle();
  private readonly view = new WriteBatchView();
  private groups = 0;

  private constructor(
    readonly shard: RecoveredShard,
    private readonly compactor: CompactorKeeper,
    private readonly memtables: MemtablePool,
    private readonly slots: readonly SharedArrayBuffer[],
    reader: ShardReader,
    cells: Float64Array,
  ) {
    this.reader = reader;
    this.cells = cells;
  }

  /** Creates or recovers the shard. Throws DbError as a server's shard would. */
  static open({ directory, config, durability, logger }: EmbeddedShardOptions): EmbeddedShard {
    const vfs = new RealVfs();
    const directories = shardDirectories(directory, 0);
    const { memory, wal } = config;
    const buffers = createShardReadBuffers(memory.memtables_max + 1, memory.memtable_size);
    const blockCache: BlockCacheBuffers = createSharedBlockCache(memory.block_cache_size);
    const stats = createStatsBlock(SHARD_CELLS);
    const memtables = new MemtablePool(buffers.memtables, createPrng(1));
    const meter = new ShardMeter(stats, memtables, (error) => logger.error(error.message));
    const timeBase: DatabaseTimeBase = startDatabaseTime(systemClock.wallMs(), 0);
    const segmentOptions = {
      directory: directories.wal,
      segmentBytes: wal.segment_size,
      sparesMax: WAL_SPARES_MAX,
    };
    const compactor = new CompactorKeeper(
      0,
      {
        ...segmentOptions,
        walDirectory: directories.wal,
        rateLimitBytes: () => config.compaction.rate_limit,
      },
      logger,
    );
    compactor.start();
    const segments = new SegmentPool({ vfs, ...segmentOptions });
    segments.prepareDirectory();
    const clock = databaseClock(timeBase);
    const shard = recoverShard({
      data: {
        shard: 0,
        walDirectory: directories.wal,
        tableDirectory: directories.tables,
        memtables: buffers.memtables,
        versions: buffers.versions,
        // No stamps: there is no row cache that they could invalidate.
        blockCache,
        seqnos: createSeqnoBoard(1),
        tuning: shardTuning(config),
        defaultDurability: durability,
        groupIntervalMs: wal.group_commit_interval_ms,
        onDamage: wal.on_damage,
        keepReleasedBytes: wal.keep_released,
      },
      vfs,
      memtables,
      segments,
      meter,
      runner: {
        flush: (job, done) => compactor.flush(job).then(done),
        compact: (job, done) => compactor.compact(job).then(done),
      },
      events: new StoreLog(
        0,
        meter,
        (level, message, fields) => logger[level](fields, message),
        () => {},
      ),
      droppedCollections: () => new Set(),
      clock: systemClock,
      databaseClock: clock,
    });
    shard.scheduler.resume();
    // The first segment of a new shard belongs to its creation: a server has it prepared before the first write comes.
    const isNew = shard.log.firstPosition() === undefined && segments.spares().length === 0;
    if (isNew) segments.prepareSpare();
    const cache = openSharedBlockCache(blockCache, 1);
    const reader = new ShardReader({
      chain: new ChainReader(buffers.memtables, READER_INDEX, clock),
      versions: new VersionSubscriber(buffers.versions),
      tables: new TableCache({ vfs, directory: directories.tables, shard: 0, cache }),
      clock,
    });
    return new EmbeddedShard(
      shard,
      compactor,
      memtables,
      buffers.memtables.slots,
      reader,
      new Float64Array(stats),
    );
  }

  /** Writes what `encoder` has collected as one group and resets it. Waits while memtables or level 0 are full. */
  async write(encoder: WriteBatchEncoder): Promise<void> {
    const { engine, scheduler } = this.shard;
    const bytes = encoder.finish(1, Durability.Unspecified, false, 0);
    for (;;) {
      const result = engine.stage(this.view.open(bytes), NO_ANSWER);
      if (result === 'staged') break;
      if (typeof result === 'string') throw new Error('an empty group asks to be committed');
      if (result.code !== 'MEMTABLES_FULL' && result.code !== 'L0_STOP') throw result;
      await pause(STALL_WAIT_MS);
    }
    engine.commit();
    encoder.reset();
    this.groups++;
    if (this.groups % GROUPS_PER_UPKEEP === FIRST_UPKEEP) this.upkeep();
    this.throttle.charge(bytes.length, scheduler.pressure());
    const waitMs = this.throttle.takeWaitMs(10);
    if (waitMs > 0) await pause(waitMs);
    else if (this.groups % GROUPS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Flushes everything and waits until nothing is left to compact. */
  async settle(): Promise<void> {
    const { engine, scheduler } = this.shard;
    while (!engine.freeze() && scheduler.waitingMemtables > 0) await pause(STALL_WAIT_MS);
    while (scheduler.waitingMemtables > 0 || scheduler.isBusy) await pause(STALL_WAIT_MS);
  }

  /** Everything into the last level. */
  async compactAll(): Promise<void> {
    await this.settle();
    await new Promise<void>((resolve, reject) => {
      this.shard.scheduler.compactManually({ levels: 'all', deleteTombstones: true }, (error) =>
        error === undefined ? resolve() : reject(error),
      );
    });
    await this.settle();
  }

  /** The next log segment before it is needed, retries and removals that have become due. */
  private upkeep(): void {
    const { log, store, scheduler } = this.shard;
    if (log.counters().activeSegmentFill > SPARE_WANTED_FILL) this.compactor.prepareSpare();
    const untouched = this.memtables.takeUntouched();
    if (untouched !== undefined) this.compactor.touch(this.slots[untouched]);
    store.reclaim();
    scheduler.schedule();
  }

  async close(): Promise<void> {
    const { engine, scheduler, log, store } = this.shard;
    engine.flush();
    scheduler.close();
    log.close();
    store.close();
    this.reader.close();
    await this.compactor.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
