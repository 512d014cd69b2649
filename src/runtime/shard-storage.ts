/**
 * The storage of one shard as operators handle it: manual compactions, removal of expired documents, and what the shard
 * knows about itself that is not in shared memory. Shard thread only; the main thread calls over comlink, between groups.
 */

import type { CheckpointShard } from '../backup/checkpoint/checkpoint-file.js';
import { asSegmentNumber, asSeqno } from '../base/brand.js';
import type { Clock } from '../base/clock.js';
import { DbError, toWireError, type WireError } from '../base/errors.js';
import type { ManualRequest } from '../compaction/manual-plan.js';
import { stepBytes } from '../compaction/manual-progress.js';
import type { ManualFigures, ManualHandle, ManualProgress } from '../engine/manual-compactions.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import type { TableTotals } from '../manifest/run.js';
import type { CompactionCursor } from '../manifest/version-edit.js';
import type { MemtablePool } from '../memtable/pool.js';
import type { WalPosition } from '../wal/commit-log.js';
import type { RetainedOperations } from '../wal/writer.js';
import type { CheckpointedTables, ShardCheckpoint } from './shard-checkpoint.js';
import type {
  BuildIndexRequest,
  BuiltIndex,
  IndexBuildState,
  ShardIndexBuilder,
} from './shard-index-builder.js';
import type { RecoveredShard } from './shard-recovery.js';
import type { ShardSweeper, SweepResult } from './shard-sweeper.js';

export interface CompactShardRequest extends ManualRequest {
  /** Names it in `ShardStorageState.manual`. */
  readonly task: string;
  /** Begins at once: see ManualCompactions. */
  readonly isUrgent: boolean;
}

export interface CompactedShard extends ManualFigures {
  readonly after: TableTotals;
}

export interface RunningJob {
  readonly kind: 'flush' | 'compaction';
  /** As in CompactionReason; of a flush 'memtable-full'. */
  readonly reason: string;
  readonly fromLevels: readonly number[];
  readonly toLevel: number;
  readonly inputBytes: number;
  readonly elapsedMs: number;
  /** Of a manual compaction: bytes that its progress counts for this job. */
  readonly stepBytes: number;
}

export interface MemtableState {
  readonly slot: number;
  readonly keys: number;
  readonly bytes: number;
  readonly capacityBytes: number;
  /** Seconds of database time; 0 = nothing in it expires, as far as is known. */
  readonly earliestExpiry: number;
}

/** Plain data: it goes to the main thread. */
export interface ShardStorageState {
  readonly running: readonly RunningJob[];
  readonly manual: ReadonlyArray<ManualProgress & { readonly task: string }>;
  readonly waitingMemtables: number;
  readonly flushError: WireError | undefined;
  readonly appliedSeqno: number;
  readonly flushedSeqno: number;
  /** Newest first. */
  readonly memtables: readonly MemtableState[];
  readonly wal: {
    readonly firstSegment: number | null;
    readonly durableSegment: number | null;
    readonly durableOffset: number | null;
    readonly segments: number;
    readonly recordsAppended: number;
    readonly bytesAppended: number;
    readonly poison: WireError | undefined;
  };
  readonly compactionCursors: readonly CompactionCursor[];
  readonly indexBuilds: readonly IndexBuildState[];
  /** Files of tables that are not needed any more and that a reader may still be looking at. */
  readonly obsoleteTables: number;
}

/** Plain data. */
export interface StreamEnd {
  readonly end: WalPosition | null;
  readonly firstSegment: number | null;
}

interface Waiting {
  readonly request: CompactShardRequest;
  readonly done: (outcome: JobOutcome<CompactedShard>) => void;
}

export class ShardStorage {
  private readonly handles = new Map<string, ManualHandle>();
  /** Compactions whose memtable cannot be ended yet: every slot is taken. */
  private waiting: Waiting[] = [];

  constructor(
    private readonly shard: RecoveredShard,
    private readonly memtables: MemtablePool,
    private readonly sweeper: ShardSweeper,
    private readonly builder: ShardIndexBuilder,
    private readonly clock: Clock,
    private readonly checkpoint: ShardCheckpoint,
  ) {}

  /** Flushes what is in memtables and compacts. Resolves when it is done. */
  compact(request: CompactShardRequest): Promise<JobOutcome<CompactedShard>> {
    return new Promise((done) => {
      this.waiting.push({ request, done });
      this.refresh();
    });
  }

  /** Removes the expired documents of a collection. `isGated`: not in read-only mode. */
  sweep(collection: number, isGated: boolean): Promise<JobOutcome<SweepResult>> {
    return this.sweeper.sweep(collection, isGated);
  }

  /** Gives an index under construction, which the shard maintains already, all its entries. Resolves when they are in tables. */
  buildIndex(request: BuildIndexRequest): Promise<JobOutcome<BuiltIndex>> {
    return this.builder.build(request);
  }

  cancelIndexBuild(task: string): void {
    this.builder.cancel(task);
  }

  /** Takes a segment that has been archived out of the log, unless the log has let go of it already. */
  releaseArchived(segment: number): void {
    const { log, store } = this.shard;
    if (log.firstPosition()?.segment !== segment) return;
    log.releaseOldest(asSegmentNumber(segment), asSeqno(store.flushedSeqno));
  }

  /** First step of a checkpoint: see ShardCheckpoint. */
  linkTables(directory: string): JobOutcome<CheckpointedTables> {
    return this.checkpoint.linkTables(directory);
  }

  linkLog(directory: string): JobOutcome<CheckpointShard['log']> {
    return this.checkpoint.linkLog(directory);
  }

  endCheckpoint(): void {
    this.checkpoint.end();
  }

  /** Makes all that was appended durable, and says where it ends if anything lies above `seqno`: for the WAL stream. */
  streamEnd(seqno: number): JobOutcome<StreamEnd> {
    const { engine, log } = this.shard;
    engine.flush();
    const poison = log.poisonedBy();
    if (poison !== undefined) return { error: toWireError(poison) };
    const end = log.intervalAbove(asSeqno(seqno))?.end ?? null;
    return { result: { end, firstSegment: log.firstPosition()?.segment ?? null } };
  }

  /** What the WAL stream has not copied yet. */
  retainAbove(retained: RetainedOperations): void {
    this.shard.log.retainAbove(retained);
  }

  state(): ShardStorageState {
    const { engine, store, scheduler } = this.shard;
    const picker = scheduler.pickerState();
    const { flushError } = scheduler;
    return {
      running: this.runningJobs(),
      manual: [...this.handles].map(([task, handle]) => ({ task, ...handle.progress(picker) })),
      waitingMemtables: scheduler.waitingMemtables,
      flushError: flushError === undefined ? undefined : toWireError(flushError),
      appliedSeqno: engine.appliedSeqno,
      flushedSeqno: store.flushedSeqno,
      memtables: this.memtableStates(),
      wal: this.walState(),
      compactionCursors: store.compactionCursors(),
      indexBuilds: this.builder.states(),
      obsoleteTables: store.obsoleteTables,
    };
  }

  /** Tries again what had to wait. Call now and then. */
  refresh(): void {
    const { waiting } = this;
    this.waiting = waiting.filter((entry) => !this.begin(entry));
    this.builder.refresh();
  }

  /** Nothing that has not begun is going to. */
  close(): void {
    const error = toWireError(new DbError('DRAINING', 'the server is shutting down'));
    for (const { done } of this.waiting.splice(0)) done({ error });
    this.builder.close();
    this.checkpoint.end();
  }

  /** False when it must wait. */
  private begin({ request, done }: Waiting): boolean {
    const { engine, store, scheduler } = this.shard;
    // An urgent one takes what can be flushed; on a full disk there may never be a slot for another memtable.
    if (!this.memtables.active.isEmpty && !engine.freeze() && !request.isUrgent) return false;
    const { task, isUrgent, ...manual } = request;
    let hasEnded = false;
    const handle = scheduler.compactManually(
      manual,
      (error, figures) => {
        hasEnded = true;
        this.handles.delete(task);
        const after = store.version.totals;
        done(error === undefined ? { result: { ...figures, after } } : { error: toWireError(error) });
      },
      { afterSeqno: scheduler.frozenThrough, isUrgent },
    );
    // With nothing to do it has ended before it came back.
    if (!hasEnded) this.handles.set(task, handle);
    return true;
  }

  private runningJobs(): RunningJob[] {
    const { scheduler } = this.shard;
    const nowMs = this.clock.monotonicMs();
    const jobs: RunningJob[] = [];
    const { runningFlush, runningCompaction } = scheduler;
    if (runningFlush !== undefined) {
      jobs.push({
        kind: 'flush',
        reason: 'memtable-full',
        fromLevels: [],
        toLevel: 0,
        inputBytes: runningFlush.inputBytes,
        elapsedMs: nowMs - runningFlush.startedMs,
        stepBytes: 0,
      });
    }
    if (runningCompaction !== undefined) {
      const { choice, startedMs } = runningCompaction;
      jobs.push({
        kind: 'compaction',
        reason: choice.reason,
        fromLevels: [...new Set(choice.inputs.map(({ level }) => level))],
        toLevel: choice.outputLevel,
        inputBytes: choice.inputBytes,
        elapsedMs: nowMs - startedMs,
        stepBytes: choice.reason === 'manual' ? stepBytes(choice) : 0,
      });
    }
    return jobs;
  }

  private memtableStates(): MemtableState[] {
    return Array.from({ length: this.memtables.chainLength }, (_, position) => {
      const writer = this.memtables.writerAt(position);
      return {
        slot: this.memtables.slotAt(position),
        keys: writer.keyCount,
        bytes: writer.reader.arenaUsedBytes(),
        capacityBytes: writer.capacityBytes,
        earliestExpiry: writer.earliestExpiry,
      };
    });
  }

  private walState(): ShardStorageState['wal'] {
    const { log } = this.shard;
    const { segmentsRetained, recordsAppended, bytesAppended } = log.counters();
    const durable = log.durablePosition();
    const poison = log.poisonedBy();
    return {
      firstSegment: log.firstPosition()?.segment ?? null,
      durableSegment: durable?.segment ?? null,
      durableOffset: durable?.offset ?? null,
      segments: segmentsRetained,
      recordsAppended,
      bytesAppended,
      poison: poison === undefined ? undefined : toWireError(poison),
    };
  }
}
