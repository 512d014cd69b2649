/**
 * Keeps one shard's compactor thread: starts it, starts it again when it dies, and passes it what the shard asks for. A
 * job of a thread that dies fails, and the shard asks again; segments it then prepares itself, only slower. Main thread.
 */
import type { Logger } from 'pino';
import type { CompactionJob, CompactionResult, FlushJob, FlushResult } from '../compaction/job-types.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import { createPulses, Pulse } from '../shm/pulse.js';
import { COMPACTOR_CELLS, createStatsBlock } from '../shm/stats-format.js';
import type { ArchivedSegment } from '../tools/wal-archive.js';
import { closeThread } from './close-thread.js';
import type { ArchiveSegmentJob, CompactorControl, CompactorThreadData } from './compactor-thread.js';
import { ThreadHandle } from './thread-handle.js';
import { COMPACTOR_WORKER } from './worker-paths.js';

const RESTART_DELAY_MS = 1000;

export interface CompactorKeeperData
  extends Omit<CompactorThreadData, 'controlPort' | 'stats' | 'pulse' | 'rateLimitBytes'> {
  /** As configured now; 0 = no limit. */
  readonly rateLimitBytes: () => number;
}

export class CompactorKeeper {
  /** Undefined while it is down. */
  thread: ThreadHandle<CompactorControl> | undefined;
  /** COMPACTOR_* cells of shm/stats-format.ts. */
  readonly stats = createStatsBlock(COMPACTOR_CELLS);
  readonly pulse = createPulses();
  /** Who asked for compactions to go as fast as they can. */
  private hurries = 0;
  private isPreparingSpare = false;
  private isClosed = false;

  constructor(
    private readonly shard: number,
    private readonly data: CompactorKeeperData,
    private readonly logger: Logger,
  ) {}

  /** Does nothing when the thread runs already. */
  start(): void {
    if (this.thread !== undefined || this.isClosed) return;
    const name = `compactor-${this.shard}`;
    const { rateLimitBytes, stats, pulse } = this;
    new Pulse(pulse).end();
    const data = { ...this.data, rateLimitBytes, stats, pulse };
    const thread = new ThreadHandle<CompactorControl>({ script: COMPACTOR_WORKER, name, data });
    this.thread = thread;
    thread.exited.then(({ error }) => {
      if (this.thread !== thread) return;
      this.thread = undefined;
      this.isPreparingSpare = false;
      if (this.isClosed) return;
      this.logger.error({ shard: this.shard, error: error?.stack }, 'compactor thread died');
      setTimeout(() => this.start(), RESTART_DELAY_MS).unref();
    });
  }

  /** Bytes a second that hold now; 0 = no limit. */
  get rateLimitBytes(): number {
    return this.hurries > 0 ? 0 : this.data.rateLimitBytes();
  }

  /** No rate limit from now on, for the compaction under way neither, until everyone who called it has called relax(). */
  hurry(): void {
    this.hurries++;
    this.applyRateLimit();
  }

  relax(): void {
    this.hurries--;
    this.applyRateLimit();
  }

  /**
   * Ends the thread at once, whatever it is doing, and resolves when it is gone; start() gives another one. For a shard that
   * starts again: jobs of its last incarnation must not touch files whose numbers it gives out anew.
   */
  async discard(): Promise<void> {
    const { thread } = this;
    if (thread === undefined) return;
    this.thread = undefined;
    this.isPreparingSpare = false;
    await thread.worker.terminate();
  }

  /** Asks for one more spare segment, unless that is under way. */
  prepareSpare(): void {
    const { thread } = this;
    if (thread === undefined || this.isPreparingSpare || this.isClosed) return;
    this.isPreparingSpare = true;
    thread
      .call(thread.control.prepareSpare())
      .then((failed) => {
        if (failed !== undefined) {
          this.logger.warn({ shard: this.shard }, `no spare WAL segment: ${failed.message}`);
        }
      })
      .catch(() => {})
      .finally(() => {
        this.isPreparingSpare = false;
      });
  }

  /** Asks for pages behind a memtable's memory (memtable/touch.ts). That it never happens costs time only. */
  touch(memtable: SharedArrayBuffer): void {
    const { thread } = this;
    if (thread === undefined || this.isClosed) return;
    thread.call(thread.control.touch(memtable)).catch(() => {});
  }

  flush(job: FlushJob): Promise<JobOutcome<FlushResult>> {
    return this.run((control) => control.flush(job));
  }

  compact(job: CompactionJob): Promise<JobOutcome<CompactionResult>> {
    return this.run((control) => control.compact(job));
  }

  archiveSegment(job: ArchiveSegmentJob): Promise<JobOutcome<ArchivedSegment | null>> {
    return this.run((control) => control.archiveSegment(job));
  }

  /** Also when the configured limit has changed. */
  applyRateLimit(): void {
    // A thread that ends meanwhile is given the limit when it starts again.
    this.thread?.control.setRateLimit(this.rateLimitBytes).catch(() => {});
  }

  private async run<Result>(
    ask: (control: ThreadHandle<CompactorControl>['control']) => Promise<JobOutcome<Result>>,
  ): Promise<JobOutcome<Result>> {
    const { thread } = this;
    const down = (reason: string): JobOutcome<Result> => ({
      error: { code: 'SHARD_UNAVAILABLE', message: `the compactor of shard ${this.shard} ${reason}` },
    });
    if (thread === undefined) return down('is being started again');
    return thread.call(ask(thread.control)).catch((error: unknown) => down(`died (${String(error)})`));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const { thread } = this;
    if (thread !== undefined) {
      await closeThread(`compactor ${this.shard}`, thread, thread.control.close(), this.logger);
    }
  }
}
