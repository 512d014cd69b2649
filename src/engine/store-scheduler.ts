/**
 * Decides what is flushed and compacted when, and takes the results. Shard thread only; jobs run elsewhere (JobRunner), at
 * most one flush and one compaction of a shard at a time. A job that fails changes nothing and is tried again after a
 * pause that grows; until then its memtable, or its tables, stay as they are.
 */
import type { Clock } from '../base/clock.js';
import type { DatabaseClock } from '../base/database-clock.js';
import { DbError, fromWireError, type WireError } from '../base/errors.js';
import { flushFileNumbers, runFlush } from '../compaction/flush-job.js';
import type {
  CompactionJob,
  CompactionResult,
  FlushJob,
  FlushResult,
  RetentionInput,
  TableOptions,
} from '../compaction/job-types.js';
import type { ManualRequest } from '../compaction/manual-plan.js';
import { pickCompaction } from '../compaction/picker.js';
import {
  type CompactionChoice,
  inputTables,
  type PickerOptions,
  type PickerState,
} from '../compaction/picker-state.js';
import { compactionFileNumbers, planJob } from '../compaction/plan-job.js';
import type { EntryPart, FoundEntry } from '../sst/found-entry.js';
import { tableName } from '../sst/table-names.js';
import type { Vfs } from '../vfs/vfs.js';
import {
  ManualCompactions,
  type ManualDone,
  type ManualHandle,
  type ManualOptions,
} from './manual-compactions.js';
import { RetryPause } from './retry-pause.js';
import type { ShardStore } from './shard-store.js';
import type { FrozenMemtable, TablesBelow, WriteStall } from './tables-below.js';
import type { BacklogLimits } from './write-throttle.js';
import { writePressure } from './write-throttle.js';

export type JobOutcome<Result> =
  | { readonly result: Result; readonly error?: undefined }
  | { readonly result?: undefined; readonly error: WireError };

/** Runs jobs on another thread, or at once in tests. Calls `done` exactly once, on the shard thread. */
export interface JobRunner {
  flush(job: FlushJob, done: (outcome: JobOutcome<FlushResult>) => void): void;
  compact(job: CompactionJob, done: (outcome: JobOutcome<CompactionResult>) => void): void;
}

/** What the scheduler reports; the runtime logs and counts it. */
export interface StoreEvents {
  onFlushed(result: FlushResult, frozen: FrozenMemtable): void;
  onCompacted(result: CompactionResult, choice: CompactionChoice): void;
  onMoved(choice: CompactionChoice): void;
  onJobFailed(kind: 'flush' | 'compaction', error: DbError, retryInMs: number): void;
  /** The manifest takes no more edits. Called once. */
  onPoisoned(error: DbError): void;
  onReadError(error: unknown): void;
  /** Segments of the log whose operations are all in tables stay for now. */
  onReleaseFailed(error: DbError): void;
  /** A file that is not needed any more stays; it is tried again. */
  onUnlinkFailed(path: string, error: unknown): void;
}

export interface StoreSchedulerOptions {
  readonly shard: number;
  readonly vfs: Vfs;
  readonly store: ShardStore;
  readonly runner: JobRunner;
  readonly events: StoreEvents;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  /** Nothing that is not in tables was written before this second of database time. */
  readonly flushedSeconds: number;
  /** Seqnos of all registered snapshots, ascending. */
  readonly heldSnapshots: () => readonly number[];
  /** Collections whose documents nobody can ask for any more. */
  readonly droppedCollections: () => ReadonlySet<number>;
  /** The shared memory of a memtable. */
  readonly memtable: (slot: number) => SharedArrayBuffer;
  readonly memtablesInUse: () => number;
  readonly picker: PickerOptions;
  readonly tables: TableOptions;
  readonly directory: string;
  readonly limits: BacklogLimits;
  /** All operations up to `seqno` are in tables, durably: the log can let go of them. Must not throw for I/O. */
  readonly onFlushedThrough: (seqno: number) => void;
}

/** A batch is applied at most this long after the front has encoded it, in seconds. */
const LATE_BATCH_SECONDS = 60;

export interface RunningFlush {
  /** What the memtable takes. */
  readonly inputBytes: number;
  readonly startedMs: number;
}

export interface RunningCompaction {
  readonly choice: CompactionChoice;
  readonly startedMs: number;
}

export class StoreScheduler implements TablesBelow {
  /** Oldest first; the first one is being flushed while `flushing`. */
  private readonly frozen: FrozenMemtable[] = [];
  private flushing: RunningFlush | undefined;
  /** When each memtable that is not flushed got its first write, at the earliest; seconds, oldest first, the active one last. */
  private readonly startedSeconds: number[];
  private running: RunningCompaction | undefined;
  private activeSinceMs: number;
  /** Tables that a compaction could not read, by file number: not picked again until the next start. */
  private readonly unreadable = new Set<number>();
  private readonly manual = new ManualCompactions();
  private readonly flushPause: RetryPause;
  private readonly compactionPause: RetryPause;
  private hasToldPoison = false;
  /** Database time at which tables were written, by file number: those of this run only. */
  private readonly writtenAtSeconds = new Map<number, number>();
  /** Older tables count as written then. */
  private readonly openedAtSeconds: number;
  /** While true, jobs are not started: during recovery, and after close(). */
  private isPaused = true;

  constructor(private readonly options: StoreSchedulerOptions) {
    this.flushPause = new RetryPause(options.clock);
    this.compactionPause = new RetryPause(options.clock);
    this.startedSeconds = [options.flushedSeconds];
    this.openedAtSeconds = options.flushedSeconds;
    this.activeSinceMs = options.clock.monotonicMs();
  }

  find(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    out: FoundEntry,
    part: EntryPart,
  ): boolean {
    return this.options.store.find(hash, collection, key, keyOffset, keyLength, out, part);
  }

  onReadError(error: unknown): void {
    this.options.events.onReadError(error);
  }

  onFrozen(frozen: FrozenMemtable, nextWrittenAt?: number): void {
    this.frozen.push(frozen);
    // Not now for what is replayed: the next recovery must meet the documents that had not expired when it was written.
    const now = this.options.databaseClock.nowSeconds();
    this.startedSeconds.push(Math.min(now, nextWrittenAt ?? now));
    this.activeSinceMs = this.options.clock.monotonicMs();
    this.schedule();
  }

  stall(): WriteStall {
    const { store, limits, shard } = this.options;
    const runs = store.version.levels[0].length;
    if (runs < limits.levelZeroStop) return undefined;
    const { error: failure } = this.compactionPause;
    const message =
      `shard ${shard}: level 0 has ${runs} sorted runs, writes wait for its compaction (compaction.l0_stop)` +
      (failure === undefined ? '' : `; the last one failed: ${failure.message}`);
    return new DbError('L0_STOP', message, { ...failure?.details, shard, runs, limit: limits.levelZeroStop });
  }

  poisonedBy(): DbError | undefined {
    const { store, shard } = this.options;
    const poison = store.poisonedBy();
    if (poison === undefined) return undefined;
    return new DbError(
      'MANIFEST_POISONED',
      `shard ${shard} takes no writes: ${poison.message}`,
      poison.details,
    );
  }

  /** 0 = all is well, 1 = writes are about to stop. */
  pressure(): number {
    const { store, limits } = this.options;
    return writePressure(
      { levelZeroRuns: store.version.levels[0].length, memtables: this.options.memtablesInUse() },
      limits,
    );
  }

  /** Why the oldest memtable is not flushed, if the last attempt failed. */
  get flushError(): DbError | undefined {
    return this.flushPause.error;
  }

  /** Memtables that wait for their flush, the one being flushed included. */
  get waitingMemtables(): number {
    return this.frozen.length;
  }

  /** All operations up to this one are in tables, or in memtables that wait for their flush. */
  get frozenThrough(): number {
    return this.frozen.at(-1)?.lastSeqno ?? this.options.store.flushedSeqno;
  }

  get runningFlush(): RunningFlush | undefined {
    return this.flushing;
  }

  get runningCompaction(): RunningCompaction | undefined {
    return this.running;
  }

  get isBusy(): boolean {
    return this.flushing !== undefined || this.running !== undefined;
  }

  /** Jobs may run from now on. */
  resume(): void {
    this.isPaused = false;
    this.schedule();
  }

  /** No further jobs are started; results of running ones are ignored. */
  close(): void {
    this.isPaused = true;
    this.manual.close();
  }

  /** Flushes the oldest waiting memtable on this thread: for recovery, when the chain is full. False if none waits. */
  flushNow(): boolean {
    const frozen = this.frozen[0];
    if (frozen === undefined || this.flushing !== undefined) return false;
    this.install(frozen, runFlush(this.flushJob(frozen), this.options));
    return true;
  }

  /** Compacts what the request asks for, besides what is due anyway. `done` is called once, when it has ended. */
  compactManually(request: ManualRequest, done: ManualDone, options: ManualOptions = {}): ManualHandle {
    const handle = this.manual.add(request, done, options);
    this.schedule();
    return handle;
  }

  /** Manual compactions that have not ended. */
  get manualCompactions(): number {
    return this.manual.length;
  }

  /** Starts whatever is due. Call after every change and now and then: pauses after failures end by time. */
  schedule(): void {
    if (this.isPaused || this.isPoisoned()) return;
    this.startFlush();
    this.startCompaction();
  }

  /** Says so once. An edit may have succeeded and its manifest be poisoned all the same: it is not enough to look at failures. */
  private isPoisoned(): boolean {
    const poison = this.options.store.poisonedBy();
    if (poison === undefined) return false;
    if (!this.hasToldPoison) this.options.events.onPoisoned(poison);
    this.hasToldPoison = true;
    return true;
  }

  private startFlush(): void {
    const frozen = this.frozen[0];
    if (frozen === undefined || this.flushing !== undefined || !this.flushPause.isOver) return;
    const job = this.flushJob(frozen);
    this.flushing = { inputBytes: job.memtable.byteLength, startedMs: this.options.clock.monotonicMs() };
    this.options.runner.flush(job, ({ result, error }) => {
      this.flushing = undefined;
      if (this.isPaused) return;
      if (error === undefined) this.attempt('flush', this.flushPause, () => this.install(frozen, result));
      else this.onFailure('flush', this.flushPause, fromWireError(error));
      this.schedule();
    });
  }

  private install(frozen: FrozenMemtable, result: FlushResult): void {
    const { store, events } = this.options;
    store.installFlush(frozen, result.tables, this.startedSeconds[1]);
    this.frozen.shift();
    this.startedSeconds.shift();
    this.flushPause.onSuccess();
    events.onFlushed(result, frozen);
    this.releaseLog();
  }

  /** Not part of a flush: that has succeeded whatever becomes of the log's old segments. The next flush tries again. */
  private releaseLog(): void {
    const { store, events, onFlushedThrough } = this.options;
    try {
      onFlushedThrough(store.flushedSeqno);
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      events.onReleaseFailed(error);
    }
  }

  /** How long the active memtable has been the active one, in milliseconds. */
  get activeMs(): number {
    return this.options.clock.monotonicMs() - this.activeSinceMs;
  }

  private startCompaction(): void {
    // A trivial move is done at once, and the next choice may be another one.
    while (this.running === undefined && this.compactionPause.isOver) {
      const choice = this.nextChoice();
      if (choice === undefined) return;
      if (choice.kind === 'merge') {
        this.startMerge(choice);
        return;
      }
      if (!this.attempt('compaction', this.compactionPause, () => this.move(choice))) return;
    }
  }

  private nextChoice(): CompactionChoice | undefined {
    const state = this.pickerState();
    // Level 0 comes first even before what an operator has asked for: writes depend on it.
    const isLevelZeroFull = state.version.levels[0].length >= this.options.limits.levelZeroSlowdown;
    const asked = this.manual.next(state, this.options.store.flushedSeqno, isLevelZeroFull);
    return asked ?? pickCompaction(state);
  }

  private move(choice: CompactionChoice): void {
    const [table] = inputTables(choice);
    this.options.store.moveTable(table, choice.outputLevel, cursorsOf(choice));
    this.manual.onCarriedOut(choice, undefined);
    this.options.events.onMoved(choice);
  }

  private startMerge(choice: CompactionChoice): void {
    const { runner, store, clock, events } = this.options;
    const job = this.compactionJob(choice);
    this.running = { choice, startedMs: clock.monotonicMs() };
    runner.compact(job, ({ result, error }) => {
      this.running = undefined;
      if (this.isPaused) return;
      if (error === undefined) {
        this.attempt('compaction', this.compactionPause, () => {
          store.installCompaction(result.added, result.removed, cursorsOf(choice));
          this.noteWritten(result, job.nowSeconds);
          this.manual.onCarriedOut(choice, result);
          events.onCompacted(result, choice);
        });
      } else this.onCompactionFailed(choice, fromWireError(error));
      this.schedule();
    });
  }

  /** A table that cannot be read would fail every job that takes it: the others go on without it. */
  private onCompactionFailed(choice: CompactionChoice, error: DbError): void {
    if (error.code === 'CORRUPT_TABLE') {
      const file = String(error.details?.['file'] ?? '');
      const tables = inputTables(choice);
      const damaged = tables.filter(({ fileNumber }) => file.endsWith(tableName(fileNumber)));
      for (const { fileNumber } of damaged.length > 0 ? damaged : tables) this.unreadable.add(fileNumber);
    }
    this.onFailure('compaction', this.compactionPause, error);
  }

  private noteWritten({ added, removed }: CompactionResult, nowSeconds: number): void {
    for (const { fileNumber } of added) this.writtenAtSeconds.set(fileNumber, nowSeconds);
    for (const fileNumber of removed) this.writtenAtSeconds.delete(fileNumber);
  }

  /** True when it went well. */
  private attempt(kind: 'flush' | 'compaction', pause: RetryPause, work: () => void): boolean {
    try {
      work();
      pause.onSuccess();
      return true;
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      this.onFailure(kind, pause, error);
      return false;
    }
  }

  private onFailure(kind: 'flush' | 'compaction', pause: RetryPause, error: DbError): void {
    if (kind === 'flush') this.manual.onFlushFailed(error, this.options.store.flushedSeqno);
    else this.manual.onFailure(error);
    this.options.events.onJobFailed(kind, error, pause.onFailure(error));
  }

  /** What the picker decides on. */
  pickerState(): PickerState {
    const { store, picker, heldSnapshots } = this.options;
    const snapshots = heldSnapshots();
    return {
      version: store.version,
      busy: this.unreadable,
      cursors: store.compactionCursors(),
      // What a job would take for expired, no more: or it would be picked again and again.
      nowSeconds: this.expiryHorizon(0),
      writtenAtSeconds: this.writtenAtSeconds,
      openedAtSeconds: this.openedAtSeconds,
      dropped: this.options.droppedCollections(),
      oldestSnapshot: snapshots[0],
      options: picker,
    };
  }

  private flushJob(frozen: FrozenMemtable): FlushJob {
    const { store, directory, memtable, tables } = this.options;
    const buffer = memtable(frozen.slot);
    const count = flushFileNumbers(buffer.byteLength, tables.tableSizeBytes);
    return {
      kind: 'flush',
      memtable: buffer,
      directory,
      fileNumbers: { first: store.reserveFileNumbers(count), count },
      run: store.reserveRun(),
      options: tables,
      ...this.retention(1),
    };
  }

  private compactionJob(choice: CompactionChoice): CompactionJob {
    const { store, directory, shard, tables } = this.options;
    const count = compactionFileNumbers(store.version, choice, tables);
    return planJob(store.version, choice, {
      shard,
      directory,
      fileNumbers: { first: store.reserveFileNumbers(count), count },
      options: tables,
      ...this.retention(0),
    });
  }

  /** `memtable`: position of the oldest one that is not in tables once the job is done. */
  private retention(memtable: number): RetentionInput {
    const { heldSnapshots, droppedCollections } = this.options;
    return {
      snapshots: heldSnapshots(),
      nowSeconds: this.expiryHorizon(memtable),
      droppedCollections: [...droppedCollections()],
    };
  }

  /**
   * The time by which a job may take documents for expired and drop their text. Not now: a patch that was written just
   * before its document expired may be in the log only, and replay needs the document that it met.
   */
  private expiryHorizon(memtable: number): number {
    return Math.max(0, this.startedSeconds[memtable] - LATE_BATCH_SECONDS);
  }
}

function cursorsOf({ cursor }: CompactionChoice) {
  return cursor === undefined ? undefined : [cursor];
}
