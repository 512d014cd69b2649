/**
 * The storage side of /admin: answers what fronts pass on (front/admin-call.ts). What is asked for is gathered here; what is
 * to be done is a task (storage-tasks.ts). Main thread only.
 */
import { unreachable } from '../base/assert.js';
import type { Config } from '../config/schema.js';
import { shownConfig } from '../config/shown-config.js';
import type { StorageCall } from '../front/admin-call.js';
import { json } from '../front/control-answer.js';
import type { ControlAnswer } from '../front/control-plane.js';
import { SeqnoBoard } from '../shm/seqno-board.js';
import type { BackupControl } from './backup-control.js';
import { compactionReport } from './compaction-report.js';
import type { IndexControl } from './index-control.js';
import type { MemoryPlan } from './memory-plan.js';
import { memoryReport } from './memory-report.js';
import type { ShardSlot } from './shard-slot.js';
import type { SnapshotWatch } from './snapshot-watch.js';
import { DUMPED_TABLES_MAX, dumpedBound, dumpedVersion } from './state-dump.js';
import type { StorageFactsReader } from './storage-facts.js';
import { StorageTasks, type StorageTasksOptions, storageState } from './storage-tasks.js';
import type { Supervisor } from './supervisor.js';

export interface StorageControlOptions extends Omit<StorageTasksOptions, 'shards'> {
  readonly config: Config;
  readonly supervisor: Pick<Supervisor, 'shards' | 'fronts' | 'seqnos'>;
  readonly facts: StorageFactsReader;
  readonly snapshots: SnapshotWatch;
  readonly memory: MemoryPlan;
  readonly indexes: Pick<IndexControl, 'rebuild'>;
  readonly backups: BackupControl;
  /** What /status says. */
  readonly status: () => Record<string, unknown>;
}

export class StorageControl {
  private readonly tasks: StorageTasks;
  private readonly seqnos: SeqnoBoard;

  constructor(private readonly options: StorageControlOptions) {
    this.tasks = new StorageTasks({ ...options, shards: options.supervisor.shards });
    this.seqnos = new SeqnoBoard(options.supervisor.seqnos);
  }

  /** Throws the DbError that is the answer. */
  async answer(call: StorageCall): Promise<ControlAnswer> {
    switch (call.kind) {
      case 'memory':
        return json(200, this.memory());
      case 'compaction':
        return json(200, await this.compaction());
      case 'dump-state':
        return json(200, await this.dump());
      case 'tasks':
        return json(200, await this.allTasks());
      case 'task':
        return json(200, await this.options.book.report(call.id));
      case 'compact':
        return json(202, this.tasks.compact(call.request));
      case 'gc':
        return json(202, this.tasks.gc(call.request));
      case 'cancel-task':
        return json(202, await this.options.book.cancel(call.id));
      case 'backups':
        return json(200, this.options.backups.report());
      case 'note-backup':
        return json(201, this.options.backups.note(call.run));
      case 'checkpoints':
        return json(200, { checkpoints: this.options.backups.checkpoints.list() });
      case 'create-checkpoint':
        return json(201, await this.options.backups.checkpoints.create(call.leaseMs));
      case 'renew-checkpoint':
        return json(200, this.options.backups.checkpoints.renew(call.id));
      case 'remove-checkpoint':
        return json(200, this.options.backups.checkpoints.remove(call.id));
      case 'rebuild-indexes':
        return json(202, this.options.indexes.rebuild(call.request));
      case 'archive-wal':
        return json(202, this.tasks.archiveWal(call.request));
      default:
        return unreachable(call);
    }
  }

  private memory(): Record<string, unknown> {
    const { facts, memory } = this.options;
    return memoryReport(process.memoryUsage.rss(), facts.read(), memory);
  }

  private async compaction(): Promise<Record<string, unknown>> {
    const { supervisor, facts } = this.options;
    const shards = await Promise.all(
      supervisor.shards.map(async (slot) => ({
        shard: slot.shard,
        state: slot.state,
        storage: await storageState(slot),
        levels: facts.backlog(slot),
        cells: new Float64Array(slot.stats),
        compactor: new Float64Array(slot.compactor.stats),
        rateLimitBytes: slot.compactor.rateLimitBytes,
      })),
    );
    return compactionReport(shards);
  }

  private async allTasks(): Promise<Record<string, unknown>> {
    const tasks = await this.options.book.reports();
    return { tasks, total: tasks.length };
  }

  private async dump(): Promise<Record<string, unknown>> {
    const { config, clock, facts, memory, snapshots, status, supervisor } = this.options;
    let listedMax = DUMPED_TABLES_MAX;
    const shards: Record<string, unknown>[] = [];
    for (const slot of supervisor.shards) {
      const { version, number } = facts.versions.current(slot);
      shards.push(await this.dumpShard(slot, dumpedVersion(version, number, listedMax)));
      listedMax = Math.max(0, listedMax - version.tableCount);
    }
    const { blockCache, rowCache } = facts.read();
    return {
      dumped_at: new Date(clock.wallMs()).toISOString(),
      config: shownConfig(config),
      status: status(),
      seqnos: { last: this.seqnos.last(), is_settled: this.seqnos.isSettled(this.seqnos.last()) },
      snapshots: snapshots.held(),
      caches: { block_cache: blockCache, row_cache: rowCache },
      memory: { ...this.memory(), plan: memory.breakdown },
      threads: this.threads(),
      shards,
      tasks: (await this.allTasks())['tasks'],
    };
  }

  private async dumpShard(slot: ShardSlot, version: unknown): Promise<Record<string, unknown>> {
    const { shard, state, cause, poison, flushError, problems, directories, incarnation } = slot;
    const storage = await storageState(slot);
    const cursors = storage?.compactionCursors.map(({ level, bound }) => ({ level, ...dumpedBound(bound) }));
    return {
      shard,
      state,
      cause: cause ?? null,
      poison: poison ?? null,
      flush_error: flushError ?? null,
      problems,
      directories,
      stamp_bytes: incarnation?.buffers.stamps.byteLength ?? 0,
      // Null while the shard does not answer.
      storage: storage === undefined ? null : { ...storage, compactionCursors: cursors },
      version,
      cells: [...new Float64Array(slot.stats)],
    };
  }

  private threads(): Record<string, unknown> {
    const { fronts, shards } = this.options.supervisor;
    return {
      fronts: fronts.map(({ front, thread, restarts }) => ({
        front,
        thread_id: thread?.threadId ?? null,
        restarts,
      })),
      shards: shards.map(({ shard, incarnation, state, restarts }) => ({
        shard,
        state,
        thread_id: incarnation?.thread.threadId ?? null,
        restarts,
      })),
      compactors: shards.map(({ shard, compactor }) => ({
        shard,
        thread_id: compactor.thread?.threadId ?? null,
      })),
    };
  }
}
