/**
 * query.log and slow-query.log: one JSON line per statement, with its text and how collections were read, so that
 * `grep "DELETE\|DROP\|TRUNCATE"` and `grep "Seq Scan"` find what they look for. Main thread only.
 */
import { join } from 'node:path';
import type { QueryRecord } from '../../admin/query-record.js';
import { LOG_FILES } from '../../config/log-files.js';
import { LogFile } from '../log-file.js';

export class QueryLog {
  private readonly all: LogFile;
  private readonly slow: LogFile;

  /** `onError`: a file cannot be written; lines wait for it meanwhile. May be called often. */
  constructor(directory: string, onError: (error: Error) => void) {
    this.all = new LogFile({ to: join(directory, LOG_FILES.query), isBuffered: true, onError });
    this.slow = new LogFile({ to: join(directory, LOG_FILES.slowQuery), isBuffered: true, onError });
  }

  write(record: QueryRecord, isSlow: boolean): void {
    const line = `${JSON.stringify(lineOf(record))}\n`;
    this.all.write(line);
    if (isSlow) this.slow.write(line);
  }

  /** After a rotation. Returns why files were not opened anew. */
  reopen(): readonly Error[] {
    return [this.all, this.slow].flatMap((file) => file.reopen());
  }

  flush(): void {
    this.all.flush();
    this.slow.flush();
  }
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
