/**
 * A compactor thread: slow file work on behalf of one shard. It flushes memtables, reading their shared memory in place,
 * merges tables, and prepares spare WAL segments. Nothing here decides anything and nothing becomes visible here: results
 * go back to the shard, which alone changes the manifest.
 */
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../base/clock.js';
import { DbError, toWireError, type WireError } from '../base/errors.js';
import { type CompactionJob, type CompactionResult, CompactionRun } from '../compaction/compaction-job.js';
import { type FlushJob, type FlushResult, runFlush } from '../compaction/flush-job.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import { RealVfs } from '../vfs/real.js';
import { SegmentPool } from '../wal/segments.js';
import { exposeOn } from './endpoint.js';
import { RateLimit } from './rate-limit.js';

/** A compaction works this long before it looks whether a flush waits. */
const STEP_MS = 20;

export interface CompactorThreadData {
  readonly walDirectory: string;
  readonly segmentBytes: number;
  readonly sparesMax: number;
  /** Bytes a second that compactions may read and write; 0 = no limit. Flushes are not limited: writes wait for them. */
  readonly rateLimitBytes: number;
  readonly controlPort: MessagePort;
}

export interface CompactorControl {
  /** Undefined when a spare was made or none was needed. */
  prepareSpare(): WireError | undefined;
  flush(job: FlushJob): JobOutcome<FlushResult>;
  compact(job: CompactionJob): Promise<JobOutcome<CompactionResult>>;
  setRateLimit(bytesPerSecond: number): void;
  /** A compaction under way ends without a result. */
  close(): void;
}

class CompactorThread implements CompactorControl {
  private readonly vfs = new RealVfs();
  private readonly rateLimit: RateLimit;
  private isClosed = false;

  constructor(private readonly data: CompactorThreadData) {
    this.rateLimit = new RateLimit(systemClock, data.rateLimitBytes);
  }

  prepareSpare(): WireError | undefined {
    const { walDirectory: directory, segmentBytes, sparesMax } = this.data;
    try {
      new SegmentPool({ vfs: this.vfs, directory, segmentBytes, sparesMax }).prepareSpare();
      return undefined;
    } catch (error) {
      return toWireError(error);
    }
  }

  flush(job: FlushJob): JobOutcome<FlushResult> {
    try {
      return { result: runFlush(this.vfs, job) };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  async compact(job: CompactionJob): Promise<JobOutcome<CompactionResult>> {
    let run: CompactionRun | undefined;
    try {
      run = new CompactionRun(this.vfs, job);
      while (!run.step(STEP_MS)) {
        await this.pause(this.rateLimit.charge(run.bytesRead + run.bytesWritten));
        if (this.isClosed) throw new DbError('DRAINING', 'the server is shutting down');
      }
      this.rateLimit.finish();
      return { result: run.result() };
    } catch (error) {
      run?.abandon();
      return { error: toWireError(error) };
    }
  }

  setRateLimit(bytesPerSecond: number): void {
    this.rateLimit.bytesPerSecond = bytesPerSecond;
  }

  close(): void {
    this.isClosed = true;
    setImmediate(() => this.data.controlPort.close());
  }

  /** Through the event loop at least once: a flush may have been asked for. */
  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (ms > 0) setTimeout(resolve, ms);
      else setImmediate(resolve);
    });
  }
}

/** Entry point of workers/compactor.ts. */
export function runCompactorThread(data: CompactorThreadData): void {
  exposeOn(data.controlPort, new CompactorThread(data));
}
