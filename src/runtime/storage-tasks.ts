/**
 * What operators make the storage do: manual compactions and the removal of expired documents, each a task over all
 * shards. Main thread only; the shards do the work (shard-storage.ts).
 */
import type { Logger } from 'pino';
import type { Clock } from '../base/clock.js';
import { DbError, fromWireError, toWireError } from '../base/errors.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import type { CompactRequest, GcRequest, WalArchiveRequest } from '../front/admin-call.js';
import { COMPACTOR_READ_BYTES } from '../shm/stats-format.js';
import { shardName } from '../tools/shard-place.js';
import { type ArchivedSegment, segmentReport } from '../tools/wal-archive.js';
import { type ArchiveShardOptions, archiveShard } from './archive-shard.js';
import { requireOutside } from './outside-directory.js';
import type { ShardIncarnation, ShardSlot } from './shard-slot.js';
import type { CompactedShard, CompactShardRequest, ShardStorageState } from './shard-storage.js';
import type { SweepResult } from './shard-sweeper.js';
import type { Task, TaskBook, TaskReport } from './tasks.js';

export interface StorageTasksOptions {
  readonly shards: readonly ShardSlot[];
  readonly book: TaskBook;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Absolute. */
  readonly dataDirectory: string;
  /** The number of a collection. Throws DbError('NOT_FOUND'). */
  readonly collectionId: (name: string) => number;
  /** Numbers of a collection's indexes. */
  readonly indexIds: (collection: number) => readonly number[];
  /** Throws the DbError for which no task can be started now. */
  readonly requireServing: () => void;
  /** Why an operator wants no writes, if that is so. */
  readonly operatorReason: () => string | undefined;
}

type Storage = ShardIncarnation['thread'];

export class StorageTasks {
  private isArchiving = false;

  constructor(private readonly options: StorageTasksOptions) {}

  /** Begins on every shard; behind other manual compactions, unless it is an emergency. */
  compact(request: CompactRequest): TaskReport {
    const { options } = this;
    options.requireServing();
    const { collection, levels, isEmergency, deleteTombstones } = request;
    const plan = {
      levels,
      deleteTombstones,
      isUrgent: isEmergency,
      ...(collection === undefined ? {} : { collection: options.collectionId(collection) }),
    };
    return this.start({
      kind: 'compaction',
      request: shownRequest(request),
      run: (task) => this.compactAll(task, plan),
      refresh: (task) => this.showProgress(task),
    });
  }

  /** Removes what has expired, and if forced gets its space back. */
  gc(request: GcRequest): TaskReport {
    const { options } = this;
    options.requireServing();
    const { collection, isForced } = request;
    const id = options.collectionId(collection);
    const reason = options.operatorReason();
    if (reason !== undefined && !isForced) {
      const message = `the database is read-only: ${reason}; with force, expired documents are removed all the same`;
      throw new DbError('READ_ONLY', message);
    }
    return this.start({
      kind: 'gc',
      request: { collection, force: isForced },
      run: (task) => this.gcAll(task, id, isForced),
    });
  }

  /** Copies old segments of the log, then takes them out of it. One at a time: two could want the same file. */
  archiveWal(request: WalArchiveRequest): TaskReport {
    const { options } = this;
    options.requireServing();
    if (this.isArchiving) {
      throw new DbError('CONFLICT', 'an archive of the log is being made already (GET /admin/tasks)');
    }
    const { dataDirectory, clock, shards } = options;
    const destination = requireOutside(
      request.destination,
      dataDirectory,
      shards.map(({ shard }) => shardName(shard)),
    );
    const { olderThanMs } = request;
    return this.start({
      kind: 'wal-archive',
      request: { older_than_ms: olderThanMs, destination },
      run: (task) => {
        this.isArchiving = true;
        const job = { dataDirectory, destination, olderThanMs, nowMs: clock.wallMs() };
        return this.archiveAll(task, job).finally(() => {
          this.isArchiving = false;
        });
      },
    });
  }

  private start(start: Omit<Parameters<TaskBook['start']>[0], 'shards'>): TaskReport {
    const { book, logger, shards } = this.options;
    const task = book.start({ ...start, shards: shards.length }, ({ id, kind, state, result, error }) => {
      const level = state === 'failed' ? 'error' : 'info';
      logger[level]({ task: id, ...(error === undefined ? { result } : { error }) }, `${kind} ${state}`);
    });
    const report = task.report();
    logger.info({ task: report.id, request: report.request }, `${report.kind} asked for by an operator`);
    return report;
  }

  private async compactAll(
    task: Task,
    plan: Omit<CompactShardRequest, 'task'>,
  ): Promise<Record<string, unknown>> {
    const { shards } = this.options;
    task.progress = { done: 0, total: 0, unit: 'bytes' };
    if (plan.isUrgent) for (const { compactor } of shards) compactor.hurry();
    try {
      const done = await this.onEachShard(task, (thread) => this.compactShard(task, thread, plan));
      const bytes = done.reduce((sum, { doneBytes }) => sum + doneBytes, 0);
      task.progress = { done: bytes, total: bytes, unit: 'bytes' };
      return compactionSums(done);
    } finally {
      if (plan.isUrgent) for (const { compactor } of shards) compactor.relax();
    }
  }

  private async compactShard(
    task: Task,
    thread: Storage,
    plan: Omit<CompactShardRequest, 'task'>,
  ): Promise<CompactedShard> {
    return unwrap(
      await thread.call<JobOutcome<CompactedShard>>(
        thread.control.storage.compact({ ...plan, task: task.id }),
      ),
    );
  }

  private async gcAll(task: Task, collection: number, isForced: boolean): Promise<Record<string, unknown>> {
    const total = this.options.shards.length * (isForced ? 2 : 1);
    task.progress = { done: 0, total, unit: 'shards' };
    const step = (): void => {
      task.progress = { done: task.progress.done + 1, total, unit: 'shards' };
    };
    const done = await this.onEachShard(task, async (thread) => {
      const swept: SweepResult = unwrap(
        await thread.call<JobOutcome<SweepResult>>(thread.control.storage.sweep(collection, !isForced)),
      );
      // Entries of expired documents expire with them.
      for (const index of this.options.indexIds(collection))
        unwrap(await thread.call<JobOutcome<SweepResult>>(thread.control.storage.sweep(index, !isForced)));
      step();
      if (!isForced) return swept;
      const plan = { levels: 'all', deleteTombstones: true, isUrgent: false, collection } as const;
      const compacted = await this.compactShard(task, thread, plan);
      step();
      return { ...compacted, ...swept };
    });
    const sum = (figure: keyof SweepResult): number => done.reduce((total, each) => total + each[figure], 0);
    const compacted = done.filter((each): each is SweepResult & CompactedShard => 'before' in each);
    return {
      documents_removed: sum('documents'),
      document_bytes_removed: sum('bytes'),
      ...(isForced ? compactionSums(compacted) : {}),
    };
  }

  private async archiveAll(
    task: Task,
    job: Omit<ArchiveShardOptions, 'onArchived'>,
  ): Promise<Record<string, unknown>> {
    // How much there is to do is known when it is done.
    task.progress = { done: 0, total: 0, unit: 'bytes' };
    const onArchived = ({ endOffset }: ArchivedSegment): void => {
      const done = task.progress.done + endOffset;
      task.progress = { done, total: done, unit: 'bytes' };
    };
    const perShard = await this.onEachShard(task, async (thread, slot) => ({
      archived: await archiveShard(slot, thread, { ...job, onArchived }),
    }));
    const segments = perShard.flatMap(({ archived }) => archived.map(segmentReport));
    return { segments, bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** Runs `work` on all shards at once and notes how each fares. Throws when one of them failed, after all have ended. */
  private async onEachShard<Result extends object>(
    task: Task,
    work: (thread: Storage, slot: ShardSlot) => Promise<Result>,
  ): Promise<Result[]> {
    const outcomes = await Promise.allSettled(
      this.options.shards.map(async (slot) => {
        const { shard } = slot;
        task.setShard({ shard, state: 'running' });
        try {
          const result = await work(servingThread(slot), slot);
          task.setShard({ shard, state: 'done', ...shownFigures(result) });
          return result;
        } catch (error) {
          const { message } = toWireError(error);
          task.setShard({ shard, state: 'failed', error: message });
          throw new DbError('SHARD_UNAVAILABLE', `shard ${shard}: ${message}`);
        }
      }),
    );
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    if (failures.length > 0) {
      throw new DbError('SHARD_UNAVAILABLE', failures.map((error) => (error as Error).message).join('; '));
    }
    return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  }

  /** Of a compaction that runs: asks the shards that have not finished how far they are. */
  private async showProgress(task: Task): Promise<void> {
    let done = 0;
    let total = 0;
    await Promise.all(
      this.options.shards.map(async (slot) => {
        const entry = task.shards[slot.shard];
        if (entry.state !== 'running') {
          const bytes = typeof entry['progress_bytes'] === 'number' ? entry['progress_bytes'] : 0;
          done += bytes;
          total += bytes;
          return;
        }
        const state = await storageState(slot);
        const progress = state?.manual.find((manual) => manual.task === task.id);
        if (state === undefined || progress === undefined || task.shards[slot.shard] !== entry) return;
        const doneBytes = Math.round(progress.doneBytes + runningShare(slot, state));
        done += doneBytes;
        total += Math.max(progress.totalBytes, doneBytes);
        const waits = progress.waitsFor === undefined ? {} : { waits_for: progress.waitsFor };
        task.setShard({ shard: slot.shard, state: 'running', progress_bytes: doneBytes, ...waits });
      }),
    );
    if (task.isRunning) task.progress = { done, total, unit: 'bytes' };
  }
}

/** What a shard says about its storage; undefined while it is not serving. */
export async function storageState(slot: ShardSlot): Promise<ShardStorageState | undefined> {
  const { incarnation, state } = slot;
  if (incarnation === undefined || state !== 'ready') return undefined;
  const { thread } = incarnation;
  // It may end while it is asked.
  return thread.call(thread.control.storage.state()).catch(() => undefined);
}

/** Bytes of the running step of a manual compaction that count as done. */
function runningShare({ compactor }: ShardSlot, { running }: ShardStorageState): number {
  const job = running.find(({ stepBytes }) => stepBytes > 0);
  if (job === undefined || job.inputBytes === 0) return 0;
  const readBytes = new Float64Array(compactor.stats)[COMPACTOR_READ_BYTES];
  return job.stepBytes * Math.min(1, readBytes / job.inputBytes);
}

/** Throws DbError('SHARD_UNAVAILABLE'). */
export function servingThread({ state, cause, incarnation }: ShardSlot): Storage {
  if (incarnation === undefined || state !== 'ready') {
    throw new DbError('SHARD_UNAVAILABLE', cause?.message ?? `it is ${state}`);
  }
  return incarnation.thread;
}

/** Throws the DbError that it is, if it is one. */
export function unwrap<Result>({ result, error }: JobOutcome<Result>): Result {
  if (error !== undefined) throw fromWireError(error);
  return result;
}

function shownRequest({ collection, levels, isEmergency, deleteTombstones }: CompactRequest): unknown {
  return {
    ...(collection === undefined ? { all: true } : { collection }),
    level:
      levels === 'all' ? levels : levels.from === levels.to ? `${levels.to}` : `${levels.from}-${levels.to}`,
    emergency: isEmergency,
    delete_tombstones: deleteTombstones,
  };
}

/** The figures of one shard in the names of the API. */
function shownFigures(
  result: Partial<CompactedShard & SweepResult & { archived: readonly ArchivedSegment[] }>,
): Record<string, unknown> {
  const { documents, bytes, before, after, archived } = result;
  return {
    ...(archived === undefined
      ? {}
      : {
          segments: archived.length,
          bytes: archived.reduce((sum, { endOffset }) => sum + endOffset, 0),
        }),
    ...(documents === undefined ? {} : { documents_removed: documents, document_bytes_removed: bytes }),
    ...(before === undefined || after === undefined
      ? {}
      : {
          progress_bytes: result.doneBytes,
          steps: result.steps,
          bytes_read: result.bytesRead,
          bytes_written: result.bytesWritten,
          table_bytes_before: before.bytes,
          table_bytes_after: after.bytes,
          tombstones_before: before.tombstones,
          tombstones_after: after.tombstones,
        }),
  };
}

function compactionSums(shards: readonly CompactedShard[]): Record<string, number> {
  const sum = (figure: (shard: CompactedShard) => number): number =>
    shards.reduce((total, shard) => total + figure(shard), 0);
  const before = sum(({ before }) => before.bytes);
  const after = sum(({ after }) => after.bytes);
  return {
    steps: sum(({ steps }) => steps),
    bytes_read: sum(({ bytesRead }) => bytesRead),
    bytes_written: sum(({ bytesWritten }) => bytesWritten),
    versions_dropped: sum(({ droppedVersions }) => droppedVersions),
    tombstones_dropped: sum(({ droppedTombstones }) => droppedTombstones),
    table_bytes_before: before,
    table_bytes_after: after,
    bytes_freed: before - after,
    tombstones_after: sum(({ after }) => after.tombstones),
  };
}
