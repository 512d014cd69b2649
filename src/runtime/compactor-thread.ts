/**
 * A compactor thread: slow file work on behalf of one shard. It flushes memtables, reading their shared memory in place,
 * merges tables, and prepares spare WAL segments. Nothing here decides anything and nothing becomes visible here: results
 * go back to the shard, which alone changes the manifest.
 */
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../base/clock.js';
import { DbError, toWireError, type WireError } from '../base/errors.js';
import { Compaction } from '../compaction/compaction-job.js';
import { runFlush } from '../compaction/flush-job.js';
import type { CompactionJob, CompactionResult, FlushJob, FlushResult } from '../compaction/job-types.js';
import { RateLimit } from '../compaction/rate-limit.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import { touchPages } from '../memtable/touch.js';
import { Pulse } from '../shm/pulse.js';
import {
  COMPACTOR_JOB,
  COMPACTOR_READ_BYTES,
  COMPACTOR_WRITTEN_BYTES,
  JOB_ARCHIVE,
  JOB_COMPACTION,
  JOB_FLUSH,
  JOB_NONE,
  JOB_PAGES,
  JOB_SPARE,
} from '../shm/stats-format.js';
import { shardPlace } from '../tools/shard-place.js';
import { type ArchivedSegment, archiveWal, type WalArchiveOptions } from '../tools/wal-archive.js';
import { RealVfs } from '../vfs/real.js';
import { SegmentPool } from '../wal/segments.js';
import { exposeOn } from './endpoint.js';
import { startHeartbeat } from './heartbeat.js';

/** A compaction works this long before it looks whether a flush waits. */
const STEP_MS = 20;

export interface CompactorThreadData {
  readonly walDirectory: string;
  readonly segmentBytes: number;
  readonly sparesMax: number;
  /** Bytes a second that compactions may read and write; 0 = no limit. Flushes are not limited: writes wait for them. */
  readonly rateLimitBytes: number;
  /** COMPACTOR_* cells of shm/stats-format.ts. */
  readonly stats: SharedArrayBuffer;
  readonly pulse: SharedArrayBuffer;
  readonly controlPort: MessagePort;
}

/** One step of an archive of the log: see tools/wal-archive.ts. */
export interface ArchiveSegmentJob
  extends Pick<WalArchiveOptions, 'destination' | 'olderThanMs' | 'nowMs' | 'flushedSeqno'> {
  readonly shard: number;
  readonly dataDirectory: string;
}

export interface CompactorControl {
  /** Undefined when a spare was made or none was needed. */
  prepareSpare(): WireError | undefined;
  /** See memtable/touch.ts. */
  touch(memtable: SharedArrayBuffer): void;
  flush(job: FlushJob): JobOutcome<FlushResult>;
  compact(job: CompactionJob): Promise<JobOutcome<CompactionResult>>;
  setRateLimit(bytesPerSecond: number): void;
  /** Copies the oldest segment that may be archived; the shard releases it. No result when there is none. */
  archiveSegment(job: ArchiveSegmentJob): JobOutcome<ArchivedSegment | null>;
  /** A compaction under way ends without a result. */
  close(): void;
}

class CompactorThread implements CompactorControl {
  private readonly environment = { vfs: new RealVfs(), clock: systemClock };
  private readonly rateLimit: RateLimit;
  private readonly cells: Float64Array;
  private readonly stopHeartbeat: () => void;
  private isClosed = false;
  /** Ends the pause under way early. */
  private endPause: () => void = () => {};

  constructor(private readonly data: CompactorThreadData) {
    this.rateLimit = new RateLimit(asRate(data.rateLimitBytes), systemClock);
    this.cells = new Float64Array(data.stats);
    this.noteProgress(0, 0);
    this.stopHeartbeat = startHeartbeat(new Pulse(data.pulse));
  }

  prepareSpare(): WireError | undefined {
    const { walDirectory: directory, segmentBytes, sparesMax } = this.data;
    try {
      const { vfs } = this.environment;
      const segments = new SegmentPool({ vfs, directory, segmentBytes, sparesMax });
      this.inOnePiece(JOB_SPARE, () => segments.prepareSpare());
      return undefined;
    } catch (error) {
      return toWireError(error);
    }
  }

  touch(memtable: SharedArrayBuffer): void {
    this.inOnePiece(JOB_PAGES, () => touchPages(memtable));
  }

  flush(job: FlushJob): JobOutcome<FlushResult> {
    try {
      return { result: this.inOnePiece(JOB_FLUSH, () => runFlush(job, this.environment)) };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  async compact(job: CompactionJob): Promise<JobOutcome<CompactionResult>> {
    const compaction = new Compaction(job, this.environment);
    let charged = 0;
    try {
      while (!this.inOnePiece(JOB_COMPACTION, () => compaction.step(STEP_MS))) {
        const bytes = compaction.bytesRead + compaction.bytesWritten;
        this.noteProgress(compaction.bytesRead, compaction.bytesWritten);
        await this.pause(this.rateLimit.charge(bytes - charged));
        charged = bytes;
        if (this.isClosed) throw new DbError('DRAINING', 'the server is shutting down');
      }
      return { result: compaction.result() };
    } catch (error) {
      compaction.cancel();
      return { error: toWireError(error) };
    } finally {
      this.noteProgress(0, 0);
    }
  }

  archiveSegment({ shard, dataDirectory, ...job }: ArchiveSegmentJob): JobOutcome<ArchivedSegment | null> {
    const place = shardPlace(this.environment.vfs, dataDirectory, shard);
    try {
      // Only the shard's thread may take a segment out of the log.
      const options = { ...job, place, segmentsMax: 1, remove: () => {} };
      const [archived] = this.inOnePiece(JOB_ARCHIVE, () => archiveWal(options));
      return { result: archived ?? null };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  setRateLimit(bytesPerSecond: number): void {
    this.rateLimit.setRate(asRate(bytesPerSecond));
    this.endPause();
  }

  close(): void {
    this.isClosed = true;
    this.endPause();
    this.stopHeartbeat();
    setImmediate(() => this.data.controlPort.close());
  }

  /** Says what the thread is at while its event loop stands. */
  private inOnePiece<T>(job: number, work: () => T): T {
    this.cells[COMPACTOR_JOB] = job;
    try {
      return work();
    } finally {
      this.cells[COMPACTOR_JOB] = JOB_NONE;
    }
  }

  private noteProgress(bytesRead: number, bytesWritten: number): void {
    this.cells[COMPACTOR_READ_BYTES] = bytesRead;
    this.cells[COMPACTOR_WRITTEN_BYTES] = bytesWritten;
  }

  /** Through the event loop at least once: a flush may have been asked for. */
  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (ms <= 0) {
        setImmediate(resolve);
        return;
      }
      const timer = setTimeout(resolve, ms);
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** In the configuration 0 stands for no limit. */
function asRate(bytesPerSecond: number): number {
  return bytesPerSecond === 0 ? Number.POSITIVE_INFINITY : bytesPerSecond;
}

/** Entry point of workers/compactor.ts. */
export function runCompactorThread(data: CompactorThreadData): void {
  exposeOn(data.controlPort, new CompactorThread(data));
}
