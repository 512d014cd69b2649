/**
 * query.log and slow-query.log: one JSON line per statement, with its text and how collections were read, so that
 * `grep "DELETE\|DROP\|TRUNCATE"` and `grep "Seq Scan"` find what they look for. Main thread only.
 */
import { join } from 'node:path';
import sonicBoom from 'sonic-boom';
import type { QueryRecord } from '../../admin/query-record.js';

/** sonic-boom is CommonJS whose default export is the class itself. */
const SonicBoom = sonicBoom as unknown as typeof import('sonic-boom').SonicBoom;

/** Lines kept while a file cannot be written, in bytes; beyond it they are dropped. */
const UNWRITTEN_BYTES_MAX = 4 * 1024 * 1024;
/** Written in one go, once so much has come together or the timer says so. */
const BUFFER_BYTES = 8 * 1024;
const FLUSH_INTERVAL_MS = 250;

export class QueryLog {
  private readonly all: InstanceType<typeof SonicBoom>;
  private readonly slow: InstanceType<typeof SonicBoom>;

  /** `onError`: a file cannot be written; lines wait for it meanwhile. May be called often. */
  constructor(directory: string, onError: (error: Error) => void) {
    this.all = openLog(join(directory, 'query.log'), onError);
    this.slow = openLog(join(directory, 'slow-query.log'), onError);
  }

  write(record: QueryRecord, isSlow: boolean): void {
    const line = `${JSON.stringify(lineOf(record))}\n`;
    this.all.write(line);
    if (isSlow) this.slow.write(line);
  }

  /** After a rotation. */
  reopen(): void {
    this.all.reopen();
    this.slow.reopen();
  }

  flush(): void {
    for (const file of [this.all, this.slow]) {
      try {
        file.flushSync();
      } catch {
        // The server log has said it.
      }
    }
  }
}

function openLog(path: string, onError: (error: Error) => void): InstanceType<typeof SonicBoom> {
  const file = new SonicBoom({
    dest: path,
    mkdir: true,
    sync: true,
    minLength: BUFFER_BYTES,
    periodicFlush: FLUSH_INTERVAL_MS,
    maxLength: UNWRITTEN_BYTES_MAX,
  });
  file.on('error', onError);
  return file;
}

function lineOf({ id, query, pattern, startedAtMs, durationMs, outcome, error }: QueryRecord) {
  return {
    time: new Date(startedAtMs).toISOString(),
    request_id: id,
    duration_ms: durationMs,
    rows: outcome.rowsReturned,
    rows_scanned: outcome.rowsScanned,
    rows_affected: outcome.rowsAffected,
    plan: outcome.plan,
    ...(error === undefined ? {} : { error }),
    query,
    pattern,
  };
}
