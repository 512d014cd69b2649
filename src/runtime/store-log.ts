/** Logs and counts what a shard's background jobs do. Shard thread only. */
import { type DbError, toWireError } from '../base/errors.js';
import type { CompactionResult, FlushResult } from '../compaction/job-types.js';
import type { CompactionChoice } from '../compaction/picker-state.js';
import type { StoreEvents } from '../engine/store-scheduler.js';
import type { FrozenMemtable } from '../engine/tables-below.js';
import {
  SHARD_COMPACTION_READ_BYTES,
  SHARD_COMPACTION_WRITTEN_BYTES,
  SHARD_COMPACTIONS,
  SHARD_FLUSH_BYTES,
  SHARD_FLUSHES,
  SHARD_JOB_FAILURES,
  SHARD_MANIFEST_POISONED,
  SHARD_READ_ERRORS,
} from '../shm/stats-format.js';
import type { ShardMeter } from './shard-meter.js';

type LogLine = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields: Record<string, unknown>,
) => unknown;

/** Read errors are logged at most this often: one bad block can be asked for thousands of times a second. */
const READ_ERROR_LOG_EVERY = 1000;

export class StoreLog implements StoreEvents {
  private readErrors = 0;
  private isFlushFailing = false;

  constructor(
    private readonly shard: number,
    private readonly meter: ShardMeter,
    private readonly log: LogLine,
    private readonly onDiskFull: () => unknown,
    /** Told when flushes begin to fail, and when one succeeds after that. */
    private readonly onFlushState: (error: DbError | undefined) => unknown = () => {},
    /** Told when the manifest takes no more edits. */
    private readonly onBroken: (error: DbError) => unknown = () => {},
  ) {}

  onFlushed(result: FlushResult, frozen: FrozenMemtable): void {
    const { cells } = this.meter;
    if (this.isFlushFailing) this.onFlushState(undefined);
    this.isFlushFailing = false;
    cells[SHARD_FLUSHES]++;
    cells[SHARD_FLUSH_BYTES] += result.bytesWritten;
    this.log('info', 'memtable flush', {
      shard: this.shard,
      bytes: result.bytesWritten,
      ms: Math.round(result.durationMs),
      tables: result.tables.length,
      entries: result.entries,
      seqno: frozen.lastSeqno,
    });
  }

  onCompacted(result: CompactionResult, choice: CompactionChoice): void {
    const { cells } = this.meter;
    cells[SHARD_COMPACTIONS]++;
    cells[SHARD_COMPACTION_READ_BYTES] += result.bytesRead;
    cells[SHARD_COMPACTION_WRITTEN_BYTES] += result.bytesWritten;
    this.log('info', 'compaction', {
      shard: this.shard,
      reason: choice.reason,
      from_level: choice.inputs[0].level,
      to_level: choice.outputLevel,
      tables_in: result.removed.length,
      tables_out: result.added.length,
      bytes_read: result.bytesRead,
      bytes_written: result.bytesWritten,
      ms: Math.round(result.durationMs),
    });
  }

  onMoved(_choice: CompactionChoice): void {
    this.meter.cells[SHARD_COMPACTIONS]++;
  }

  onJobFailed(kind: 'flush' | 'compaction', error: DbError, retryInMs: number): void {
    this.meter.cells[SHARD_JOB_FAILURES]++;
    if (kind === 'flush') {
      this.isFlushFailing = true;
      this.onFlushState(error);
    }
    if (error.details?.['errno'] === 'ENOSPC') this.onDiskFull();
    this.log('error', `${kind} failed, nothing was changed: ${error.message}`, {
      shard: this.shard,
      ...error.details,
      retry_in_ms: retryInMs,
    });
  }

  onPoisoned(error: DbError): void {
    this.meter.cells[SHARD_MANIFEST_POISONED] = 1;
    this.onBroken(error);
  }

  onReadError(error: unknown): void {
    this.meter.cells[SHARD_READ_ERRORS]++;
    if (this.readErrors++ % READ_ERROR_LOG_EVERY !== 0) return;
    const { message, details } = toWireError(error);
    this.log('error', `a stored document cannot be read: ${message}`, { shard: this.shard, ...details });
  }

  onReleaseFailed(error: DbError): void {
    this.log('warn', `segments of the log that are not needed any more stay: ${error.message}`, {
      shard: this.shard,
      ...error.details,
    });
  }

  onUnlinkFailed(path: string, error: unknown): void {
    this.log('warn', `an obsolete file was not removed: ${toWireError(error).message}`, {
      shard: this.shard,
      file: path,
    });
  }
}
