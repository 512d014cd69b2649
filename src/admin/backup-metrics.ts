/** The part of /metrics about backups and the stream of the log. Main thread only. */
import { SampledMetric, single } from './sampled-metric.js';

export interface BackupFacts {
  /** By job: when it last went well, s since 1970. */
  readonly lastSuccess: ReadonlyArray<{ readonly type: string; readonly seconds: number }>;
  /** When a backup was last found to be whole or was restored; undefined: never. */
  readonly lastVerifiedSeconds: number | undefined;
  readonly runs: ReadonlyArray<{ readonly job: string; readonly outcome: string; readonly count: number }>;
  readonly isRunning: boolean;
  readonly checkpoints: number;
  /** Undefined when no stream is configured. */
  readonly stream:
    | {
        readonly seqno: number;
        readonly lagSeconds: number;
        readonly pieces: number;
        readonly bytes: number;
        readonly failures: number;
        readonly gaps: number;
        readonly error: string | null;
      }
    | undefined;
}

export function backupMetrics(read: () => BackupFacts): SampledMetric[] {
  /** A series that is there only when there is something to say. */
  const optional = (name: string, help: string, type: 'counter' | 'gauge', value: () => number | undefined) =>
    new SampledMetric(name, help, type, () => {
      const found = value();
      return found === undefined ? [] : [{ labels: {}, value: found }];
    });
  return [
    new SampledMetric(
      'lumadb_backup_last_success_timestamp',
      'When a backup of this type last succeeded, seconds since 1970.',
      'gauge',
      () => read().lastSuccess.map(({ type, seconds }) => ({ labels: { type }, value: seconds })),
    ),
    optional(
      'lumadb_backup_last_verified_timestamp',
      'When a backup was last verified or restored in a drill, seconds since 1970.',
      'gauge',
      () => read().lastVerifiedSeconds,
    ),
    new SampledMetric(
      'lumadb_backup_runs_total',
      'Backup jobs that ended since the start, by job and outcome.',
      'counter',
      () => read().runs.map(({ job, outcome, count }) => ({ labels: { job, outcome }, value: count })),
    ),
    single('lumadb_backup_running', 'Whether a scheduled backup job runs.', 'gauge', () =>
      read().isRunning ? 1 : 0,
    ),
    single('lumadb_checkpoints', 'Checkpoints that are lent to backups.', 'gauge', () => read().checkpoints),
    optional(
      'lumadb_backup_wal_lag_seconds',
      'Age of the oldest write that has not arrived in the WAL stream.',
      'gauge',
      () => read().stream?.lagSeconds,
    ),
    optional(
      'lumadb_backup_wal_seqno',
      'Last operation up to which the WAL stream is complete.',
      'gauge',
      () => read().stream?.seqno,
    ),
    optional(
      'lumadb_backup_wal_pieces_total',
      'Objects that the WAL stream has stored.',
      'counter',
      () => read().stream?.pieces,
    ),
    optional(
      'lumadb_backup_wal_bytes_total',
      'Bytes that the WAL stream has stored.',
      'counter',
      () => read().stream?.bytes,
    ),
    optional(
      'lumadb_backup_wal_failures_total',
      'Attempts of the WAL stream that failed.',
      'counter',
      () => read().stream?.failures,
    ),
    optional(
      'lumadb_backup_wal_gaps_total',
      'Gaps of the WAL stream: log that went before it was copied.',
      'counter',
      () => read().stream?.gaps,
    ),
  ];
}
