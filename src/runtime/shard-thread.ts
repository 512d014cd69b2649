/** A shard thread: recovery, then the loop. Everything here runs on that thread; the supervisor calls over comlink. */
import type { MessagePort } from 'node:worker_threads';
import { asShardId } from '../base/brand.js';
import { systemClock } from '../base/clock.js';
import type { DatabaseTimeBase } from '../base/database-clock.js';
import { databaseClock } from '../base/database-clock.js';
import { type DbError, toWireError, type WireError } from '../base/errors.js';
import { createPrng } from '../base/prng.js';
import type { BlockCacheBuffers } from '../cache/block-cache-format.js';
import type { CompactionJob, CompactionResult, FlushJob, FlushResult } from '../compaction/job-types.js';
import type { Offender } from '../engine/schema-scan.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { JobOutcome, JobRunner } from '../engine/store-scheduler.js';
import { WriteThrottle } from '../engine/write-throttle.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import type { IndexDefinition } from '../indexes/definition.js';
import type { LinkBuffers } from '../ipc/link.js';
import { ShardLink } from '../ipc/shard-server.js';
import type { VersionBoard } from '../manifest/version-board.js';
import { MemtablePool } from '../memtable/pool.js';
import type { MemtablePoolBuffers } from '../memtable/pool-format.js';
import { BlockingDoorbell } from '../shm/doorbell.js';
import { Pulse } from '../shm/pulse.js';
import { SHARD_EXPIRED } from '../shm/stats-format.js';
import { RealVfs } from '../vfs/real.js';
import { SegmentPool } from '../wal/segments.js';
import type { RetainedOperations } from '../wal/writer.js';
import type { BoundSchema } from './bound-schema.js';
import { exposeOn, type Nested, nested, type Remote, remoteOf } from './endpoint.js';
import { startHeartbeat } from './heartbeat.js';
import { extractorsAreMissing, indexesInUse, loadExtractors } from './index-extractors.js';
import { type OpenedShard, walFacts } from './opened-shard.js';
import { openForReading } from './recovery-mode.js';
import { loadChecker, schemasAreMissing } from './schemas.js';
import { ShardCheckpoint } from './shard-checkpoint.js';
import { ShardChecks } from './shard-checks.js';
import { ShardIndexBuilder } from './shard-index-builder.js';
import { ShardLoop } from './shard-loop.js';
import { ShardMeter } from './shard-meter.js';
import { type RecoveredShard, recoverShard } from './shard-recovery.js';
import { ShardStorage } from './shard-storage.js';
import { ShardSweeper } from './shard-sweeper.js';
import type { ShardTuning } from './shard-tuning.js';
import { StoreLog } from './store-log.js';
import { WAL_SPARES_MAX } from './wal-spares.js';

/** How full the active segment gets before the next one is asked for. */
const SPARE_WANTED_FILL = 0.25;
const REFRESH_MS = 200;
/** Log bytes for each byte of a memtable, above which it is flushed although it is not full. */
const LOG_BYTES_PER_MEMTABLE_BYTE_MAX = 4;
/** A memtable that is not full is flushed after this time. */
const MEMTABLE_AGE_MS_MAX = 3_600_000;
/** How long a shutdown waits for the last flush; what is not flushed stays in the log. */
const CLOSE_FLUSH_MS = 8000;

export interface ShardThreadData {
  readonly shard: number;
  readonly walDirectory: string;
  readonly tableDirectory: string;
  readonly segmentBytes: number;
  readonly memtables: MemtablePoolBuffers;
  /** Where the current version is published. */
  readonly versions: VersionBoard;
  readonly stamps: SharedArrayBuffer;
  readonly blockCache: BlockCacheBuffers;
  readonly doorbell: SharedArrayBuffer;
  readonly stats: SharedArrayBuffer;
  readonly pulse: SharedArrayBuffer;
  readonly seqnos: SharedArrayBuffer;
  readonly timeBase: DatabaseTimeBase;
  /** Whether writes are taken at all: shm/read-only-format.ts. */
  readonly readOnly: SharedArrayBuffer;
  /** Read what can be read, write nothing. */
  readonly recoveryMode: boolean;
  readonly tuning: ShardTuning;
  readonly droppedCollections: readonly number[];
  /** Of all collections and states. */
  readonly indexes: readonly IndexDefinition[];
  readonly schemas: readonly BoundSchema[];
  readonly defaultDurability: Durability;
  readonly groupIntervalMs: number;
  readonly onDamage: 'stop' | 'salvage';
  readonly keepReleasedBytes: number;
  /** What the WAL stream has not copied yet; undefined without one. */
  readonly retainedLog: RetainedOperations | undefined;
  readonly spinUs: number;
  readonly controlPort: MessagePort;
  readonly hostPort: MessagePort;
}

/** What the supervisor offers to a shard. */
export interface ShardHost {
  log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
  /** Asks for a spare WAL segment, prepared on the compactor thread. */
  wantSpare(shard: number): void;
  /** Asks for pages behind the memory of a memtable that is written soon. */
  wantPages(shard: number, memtable: SharedArrayBuffer): void;
  /** Runs on the shard's compactor thread. */
  flush(shard: number, job: FlushJob): Promise<JobOutcome<FlushResult>>;
  compact(shard: number, job: CompactionJob): Promise<JobOutcome<CompactionResult>>;
  onPoisoned(shard: number, error: WireError): void;
  /** The disk is full. May be called often. */
  onDiskFull(): void;
  /** A flush has failed, or with undefined: one has succeeded after that. */
  onFlushState(shard: number, error: WireError | undefined): void;
}

export interface CollectionFigures {
  readonly collection: number;
  readonly documents: number;
  readonly bytes: number;
}

/** Expected failures are values: comlink would lose their class. */
export interface OpenResult {
  readonly opened?: OpenedShard;
  readonly failed?: WireError;
}

/** What a shard offers to the supervisor. */
export interface ShardControl {
  /** Recovers and starts serving. */
  open(): Promise<OpenResult>;
  attachFront(front: number, link: LinkBuffers): void;
  detachFront(front: number): void;
  collectionFigures(): readonly CollectionFigures[];
  /** Nobody can ask for documents of these collections any more: compactions drop them. */
  setDroppedCollections(collections: readonly number[]): void;
  /**
   * The indexes to maintain and the schemas to check from now on, all of them. Returns why that cannot be, if so; nothing has
   * changed then. Everything that was checked by other schemas has been applied when it returns.
   */
  setDefinitions(
    indexes: readonly IndexDefinition[],
    schemas: readonly BoundSchema[],
  ): Promise<WireError | undefined>;
  /** The first document of a collection that its schema of now does not allow, if there is one. */
  findOffender(collection: number): Promise<JobOutcome<Offender | undefined>>;
  /** Not in recovery mode, and not before open() has returned. */
  readonly storage: Nested<ShardStorage>;
  /** Serves what is queued, flushes if `flush`, syncs and closes. The thread then has nothing left to do and ends. */
  close(flush: boolean): Promise<void>;
}

class ShardThread implements ShardControl {
  private readonly host: Remote<ShardHost>;
  private readonly memtables: MemtablePool;
  private readonly meter: ShardMeter;
  private readonly throttle = new WriteThrottle();
  private droppedCollections: ReadonlySet<number>;
  private engine: ShardEngine | undefined;
  /** Undefined in recovery mode. */
  private shard: RecoveredShard | undefined;
  private sweeper: ShardSweeper | undefined;
  private builder: ShardIndexBuilder | undefined;
  private openStorage: Nested<ShardStorage> | undefined;
  private loop: ShardLoop | undefined;
  /** Where the last memtable ended: its last operation, and the bytes that the log had then. */
  private frozenThrough = 0;
  private logBytesAtFreeze = 0;
  private refreshTimer: NodeJS.Timeout | undefined;
  private stopHeartbeat: () => void = () => {};
  private indexesTurn = 0;
  /** As of the last call that has taken effect: it may come before there is an engine. */
  private indexes: readonly IndexDefinition[];
  private readonly checks = new ShardChecks();

  constructor(private readonly data: ShardThreadData) {
    this.host = remoteOf<ShardHost>(data.hostPort);
    this.droppedCollections = new Set(data.droppedCollections);
    this.indexes = data.indexes;
    // Skiplist heights need no seed that anyone could reproduce, only one that differs from shard to shard.
    this.memtables = new MemtablePool(data.memtables, createPrng(data.shard + 1));
    this.meter = new ShardMeter(
      data.stats,
      this.memtables,
      (error) => this.onPoisoned(error),
      () => this.host.onDiskFull(),
    );
  }

  async open(): Promise<OpenResult> {
    try {
      await this.load(this.data.indexes, this.data.schemas);
      return { opened: this.data.recoveryMode ? this.openForReading() : this.recover() };
    } catch (error) {
      return { failed: toWireError(error) };
    }
  }

  attachFront(front: number, link: LinkBuffers): void {
    this.loop?.addLink(new ShardLink(front, link));
  }

  detachFront(front: number): void {
    this.loop?.removeLink(front);
  }

  collectionFigures(): readonly CollectionFigures[] {
    return this.engine?.stats.snapshot() ?? [];
  }

  get storage(): Nested<ShardStorage> {
    const { openStorage } = this;
    if (openStorage === undefined) throw new Error(`the storage of shard ${this.data.shard} is not open`);
    return openStorage;
  }

  setDroppedCollections(collections: readonly number[]): void {
    this.droppedCollections = new Set(collections);
    this.engine?.stats.setDropped(collections);
  }

  async setDefinitions(
    indexes: readonly IndexDefinition[],
    schemas: readonly BoundSchema[],
  ): Promise<WireError | undefined> {
    const turn = ++this.indexesTurn;
    try {
      if (extractorsAreMissing(indexes) || schemasAreMissing(schemas)) {
        const maySleep = this.loop?.stayAwake();
        await this.load(indexes, schemas).finally(() => maySleep?.());
      }
      // A later call has brought a later list.
      if (turn !== this.indexesTurn) return undefined;
      const inUse = indexesInUse(indexes);
      this.checks.set(schemas);
      this.indexes = indexes;
      this.engine?.setIndexes(inUse);
      return undefined;
    } catch (error) {
      return toWireError(error);
    }
  }

  async findOffender(collection: number): Promise<JobOutcome<Offender | undefined>> {
    const { shard, loop } = this;
    if (shard === undefined || loop === undefined) return { result: undefined };
    const { store, tables } = shard;
    const clock = databaseClock(this.data.timeBase);
    const nowMs = systemClock.monotonicMs;
    const places = { memtables: this.memtables, tables, version: () => store.version };
    const maySleep = loop.stayAwake();
    return this.checks.findOffender(collection, { ...places, clock, nowMs }).finally(maySleep);
  }

  private async load(indexes: readonly IndexDefinition[], schemas: readonly BoundSchema[]): Promise<void> {
    await loadExtractors(indexes, { parser: false });
    await loadChecker(schemas);
  }

  async close(flush: boolean): Promise<void> {
    this.stopHeartbeat();
    this.loop?.stop();
    clearInterval(this.refreshTimer);
    try {
      if (this.shard !== undefined) await this.closeShard(this.shard, flush);
    } finally {
      // Nothing keeps the thread alive after this; the answer to this call is still sent.
      setImmediate(() => {
        this.data.controlPort.close();
        this.data.hostPort.close();
      });
    }
  }

  private async closeShard(shard: RecoveredShard, flush: boolean): Promise<void> {
    this.openStorage?.close();
    if (flush) await this.flushAll(shard);
    shard.scheduler.close();
    try {
      if (shard.log.poisonedBy() === undefined) shard.log.close();
    } finally {
      shard.store.close();
    }
  }

  private recover(): OpenedShard {
    const { data } = this;
    const vfs = new RealVfs();
    const segments = new SegmentPool({
      vfs,
      directory: data.walDirectory,
      segmentBytes: data.segmentBytes,
      sparesMax: WAL_SPARES_MAX,
    });
    segments.prepareDirectory();
    const startMs = systemClock.monotonicMs();
    const shard = recoverShard({
      data,
      vfs,
      memtables: this.memtables,
      segments,
      meter: this.meter,
      runner: this.runner(),
      events: this.storeLog(),
      droppedCollections: () => this.droppedCollections,
      indexes: indexesInUse(this.indexes),
      clock: systemClock,
      databaseClock: databaseClock(data.timeBase),
    });
    this.shard = shard;
    this.engine = shard.engine;
    this.checks.start(shard.engine, data.schemas);
    this.sweeper = this.createSweeper(shard);
    this.builder = this.createBuilder(shard);
    this.openStorage = nested(
      new ShardStorage(
        shard,
        this.memtables,
        this.sweeper,
        this.builder,
        systemClock,
        new ShardCheckpoint(shard, {
          vfs,
          shard: asShardId(data.shard),
          tableDirectory: data.tableDirectory,
          walDirectory: data.walDirectory,
        }),
      ),
    );
    this.meter.onApplied(shard.engine.appliedSeqno);
    this.startLoop(shard.engine, () => shard.scheduler.pressure());
    shard.scheduler.resume();
    this.refresh();
    this.refreshTimer = setInterval(() => this.refresh(), REFRESH_MS);
    return {
      ...walFacts(shard.walReport),
      lastSeqno: shard.engine.appliedSeqno,
      flushedSeqno: shard.store.flushedSeqno,
      tables: shard.store.version.tableCount,
      durationMs: systemClock.monotonicMs() - startMs,
      strays: shard.manifestReport.strays,
      problems: [],
    };
  }

  private openForReading(): OpenedShard {
    const { data, meter } = this;
    const startMs = systemClock.monotonicMs();
    const log = this.storeLog();
    const { engine, version, walReport, problems } = openForReading({
      data,
      vfs: new RealVfs(),
      memtables: this.memtables,
      meter,
      onReadError: (error) => log.onReadError(error),
    });
    this.engine = engine;
    meter.onApplied(engine.appliedSeqno);
    this.startLoop(engine, () => 0);
    return {
      ...walFacts(walReport),
      lastSeqno: engine.appliedSeqno,
      flushedSeqno: 0,
      tables: version.tableCount,
      durationMs: systemClock.monotonicMs() - startMs,
      strays: [],
      problems,
    };
  }

  private storeLog(): StoreLog {
    const { host, meter, data } = this;
    return new StoreLog(
      data.shard,
      meter,
      (...line) => host.log(...line),
      () => host.onDiskFull(),
      (error) => host.onFlushState(data.shard, error === undefined ? undefined : toWireError(error)),
      (error) => this.onPoisoned(error),
    );
  }

  private runner(): JobRunner {
    const { host } = this;
    const { shard } = this.data;
    const failed = (error: unknown) => ({ error: toWireError(error) });
    return {
      flush: (job, done) => host.flush(shard, job).then(done, (error) => done(failed(error))),
      compact: (job, done) => host.compact(shard, job).then(done, (error) => done(failed(error))),
    };
  }

  private createSweeper({ engine, store, tables }: RecoveredShard): ShardSweeper {
    return new ShardSweeper({
      engine,
      memtables: this.memtables,
      tables,
      version: () => store.version,
      clock: systemClock,
      databaseClock: databaseClock(this.data.timeBase),
      intervalMs: this.data.tuning.sweepIntervalMs,
      onRemoved: (total) => {
        this.meter.cells[SHARD_EXPIRED] = total;
      },
      onFailed: ({ message }) => this.host.log('warn', `expired documents were not removed: ${message}`, {}),
    });
  }

  private createBuilder({ engine, store, scheduler, tables }: RecoveredShard): ShardIndexBuilder {
    return new ShardIndexBuilder({
      engine,
      memtables: this.memtables,
      tables,
      version: () => store.version,
      clock: databaseClock(this.data.timeBase),
      monotonic: systemClock,
      pressure: () => scheduler.pressure(),
      flushedSeqno: () => store.flushedSeqno,
      poisonedBy: () => scheduler.poisonedBy(),
    });
  }

  /** A slice of each: neither waits for the other. */
  private background(): boolean {
    const hasMoreToSweep = this.sweeper?.slice() ?? false;
    const hasMoreToBuild = this.builder?.slice() ?? false;
    return hasMoreToSweep || hasMoreToBuild;
  }

  private startLoop(engine: ShardEngine, pressure: () => number): void {
    const { data, meter, throttle } = this;
    this.loop = new ShardLoop({
      engine,
      doorbell: new BlockingDoorbell(data.doorbell),
      meter,
      clock: systemClock,
      throttle,
      pressure,
      background: () => this.background(),
      spinUs: data.spinUs,
    });
    this.loop.start();
    // Not before: a recovery replays the log in one piece, and tells of its progress itself.
    this.stopHeartbeat = startHeartbeat(new Pulse(this.data.pulse));
  }

  /** Off the hot path: gauges, the next WAL segment before it is needed, retries and removals that have become due. */
  private refresh(): void {
    const { shard, meter } = this;
    if (shard === undefined) return;
    const counters = shard.log.counters();
    meter.onLog(counters, this.data.segmentBytes);
    meter.onApplied(shard.engine.appliedSeqno);
    meter.onVersion(shard.store.version);
    meter.onStore(shard.tables, shard.scheduler.pressure());
    if (counters.activeSegmentFill > SPARE_WANTED_FILL || counters.segmentsRetained === 0) {
      this.host.wantSpare(this.data.shard);
    }
    this.freezeWhenDue(shard, counters.bytesAppended);
    const untouched = this.memtables.takeUntouched();
    if (untouched !== undefined) this.host.wantPages(this.data.shard, this.data.memtables.slots[untouched]);
    shard.store.reclaim();
    shard.scheduler.schedule();
    this.openStorage?.refresh();
    this.sweeper?.start();
  }

  /**
   * Ends a memtable before it is full when the log has grown far beyond it (operations that change nothing take room in
   * the log only), or when it has been the active one for long: both pin segments of the log, and the latter also the time
   * from which documents count as expired.
   */
  private freezeWhenDue({ engine, scheduler }: RecoveredShard, logBytes: number): void {
    if (scheduler.frozenThrough !== this.frozenThrough) {
      this.frozenThrough = scheduler.frozenThrough;
      this.logBytesAtFreeze = logBytes;
    }
    if (!engine.hasUnfrozen || scheduler.waitingMemtables > 0) return;
    const logBytesMax = LOG_BYTES_PER_MEMTABLE_BYTE_MAX * this.memtables.active.capacityBytes;
    if (logBytes - this.logBytesAtFreeze > logBytesMax || scheduler.activeMs > MEMTABLE_AGE_MS_MAX)
      engine.freeze();
  }

  /** The memtables go into tables, so that the next start has nothing to replay. Gives up when it takes too long. */
  private async flushAll({ engine, scheduler }: RecoveredShard): Promise<void> {
    const deadlineMs = systemClock.monotonicMs() + CLOSE_FLUSH_MS;
    // A chain that is full has room for another memtable once the oldest is flushed.
    while (engine.hasUnfrozen || scheduler.waitingMemtables > 0) {
      engine.freeze();
      if (systemClock.monotonicMs() > deadlineMs) break;
      if (scheduler.flushError !== undefined || scheduler.poisonedBy() !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  private onPoisoned(error: DbError): void {
    this.host.onPoisoned(this.data.shard, toWireError(error));
  }
}

/** Entry point of workers/shard.ts. */
export function runShardThread(data: ShardThreadData): void {
  exposeOn(data.controlPort, new ShardThread(data));
}
