/**
 * The alert rules of Prometheus for LumaDB, as data; write.ts makes deploy/prometheus/lumadb-alerts.yml of them. `page` wakes
 * somebody, `warn` can wait for the morning. Every rule says what to look at first.
 */

export interface AlertRule {
  readonly name: string;
  /** PromQL; the alert holds while it gives anything. */
  readonly expression: string;
  /** How long it must hold first, as Prometheus writes durations. */
  readonly holdsFor: string;
  readonly severity: 'page' | 'warn';
  /** One line, with the labels and the value of the series. */
  readonly summary: string;
  /** What to do first. */
  readonly description: string;
}

const job = 'job="lumadb"';

const server: readonly AlertRule[] = [
  {
    name: 'ClusterNodeDown',
    expression: `up{${job}} == 0`,
    holdsFor: '1m',
    severity: 'page',
    summary: 'LumaDB on {{ $labels.instance }} does not answer',
    description: 'Look at systemctl status lumadb and the end of server.log; restart it if it has ended.',
  },
  {
    name: 'ShardDown',
    expression: 'lumadb_shard_up == 0',
    holdsFor: '1m',
    severity: 'page',
    summary: 'Shard {{ $labels.shard }} on {{ $labels.instance }} does not serve',
    description: '/status has the cause. A damaged log or manifest needs somebody who looks at the disk.',
  },
  {
    name: 'HighQueryLatency',
    expression:
      'histogram_quantile(0.99, sum(rate(lumadb_query_duration_bucket[5m])) by (le, instance)) > 0.1',
    holdsFor: '5m',
    severity: 'warn',
    summary: 'p99 latency on {{ $labels.instance }} is {{ $value | humanizeDuration }}',
    description: 'Read slow-query.log, look for Seq Scan in query.log and at the cache hit rate.',
  },
  {
    name: 'ErrorRate',
    expression:
      'sum(rate(lumadb_requests_total{status="error"}[5m])) by (instance) / ' +
      'sum(rate(lumadb_requests_total[5m])) by (instance) > 0.05',
    holdsFor: '5m',
    severity: 'page',
    summary: '{{ $value | humanizePercentage }} of the requests to {{ $labels.instance }} fail',
    description: 'error.log and /health say why. Many 404 or 409 by themselves are the clients own doing.',
  },
  {
    name: 'EventLoopSlow',
    expression: 'lumadb_front_event_loop_delay_seconds > 0.1',
    holdsFor: '5m',
    severity: 'warn',
    summary: 'Front {{ $labels.front }} on {{ $labels.instance }} is {{ $value | humanizeDuration }} late',
    description:
      'The thread with the sockets has too much to do: more fronts, or fewer large lists and answers.',
  },
  {
    name: 'ThreadStalled',
    expression: 'increase(lumadb_thread_stalls_total{thread!~"query.*|compactor.*"}[10m]) > 0',
    holdsFor: '0m',
    severity: 'warn',
    summary: 'Thread {{ $labels.thread }} of {{ $labels.instance }} has stood still',
    description:
      'error.log has how long and why (grep "stands still"): a slow disk, too few cores, or a bug.',
  },
  {
    name: 'MemoryHigh',
    expression: 'lumadb_memory_bytes / lumadb_memory_limit_bytes > 0.9',
    holdsFor: '10m',
    severity: 'warn',
    summary: 'LumaDB on {{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory limit',
    description:
      '/admin/memory says where it is. Lower block_cache_size or memtables_max, or raise the limit.',
  },
];

const storage: readonly AlertRule[] = [
  {
    name: 'DiskSpaceNotice',
    expression: 'lumadb_disk_used_ratio > 0.7 and lumadb_disk_used_ratio <= 0.8',
    holdsFor: '15m',
    severity: 'warn',
    summary: 'The disk of {{ $labels.instance }} is {{ $value | humanizePercentage }} full',
    description: 'Plan for more: archive old log segments, let old documents expire, enlarge the disk.',
  },
  {
    name: 'DiskSpaceWarning',
    expression: 'lumadb_disk_used_ratio > 0.8 and lumadb_disk_used_ratio <= 0.9',
    holdsFor: '5m',
    severity: 'warn',
    summary: 'The disk of {{ $labels.instance }} is {{ $value | humanizePercentage }} full',
    description: 'Enlarge the disk or delete documents soon; writes stop when space runs out.',
  },
  {
    name: 'DiskSpaceCritical',
    expression: 'lumadb_disk_used_ratio > 0.9',
    holdsFor: '1m',
    severity: 'page',
    summary: 'The disk of {{ $labels.instance }} is {{ $value | humanizePercentage }} full',
    description: 'Runbook "Disk Space Emergency": docs/operations.md, "The disk fills up".',
  },
  {
    name: 'ReadOnly',
    expression: 'max(lumadb_read_only) by (instance, cause) == 1',
    holdsFor: '1m',
    severity: 'page',
    summary: 'LumaDB on {{ $labels.instance }} takes no writes ({{ $labels.cause }})',
    description: 'GET /admin/read-only has the reason.',
  },
  {
    name: 'WriteStalled',
    expression:
      'rate(lumadb_write_stall_seconds_total[5m]) > 0.1 or rate(lumadb_writes_refused_total[5m]) > 0',
    holdsFor: '5m',
    severity: 'page',
    summary:
      'Writes to shard {{ $labels.shard }} of {{ $labels.instance }} wait or are refused: {{ $labels.cause }}',
    description: 'Flushes or compactions do not keep up. Look at /admin/compaction, the disk and error.log.',
  },
  {
    name: 'LogPoisoned',
    expression: 'lumadb_wal_poisoned == 1 or lumadb_manifest_poisoned == 1',
    holdsFor: '0m',
    severity: 'page',
    summary: 'Shard {{ $labels.shard }} of {{ $labels.instance }} takes no writes after a disk error',
    description: 'Look at the disk and the kernel log, then restart: nothing that was acknowledged is lost.',
  },
  {
    name: 'StorageJobsFailing',
    expression: 'increase(lumadb_storage_job_failures_total[10m]) > 0',
    holdsFor: '0m',
    severity: 'warn',
    summary: 'Flushes or compactions of shard {{ $labels.shard }} on {{ $labels.instance }} fail',
    description: 'error.log has the cause; they are tried again by themselves.',
  },
  {
    name: 'StoredDataUnreadable',
    expression: 'increase(lumadb_table_read_errors_total[10m]) > 0',
    holdsFor: '0m',
    severity: 'page',
    summary: 'Stored documents of shard {{ $labels.shard }} on {{ $labels.instance }} cannot be read',
    description: 'Run lumadb fsck. error.log names file and offset.',
  },
  {
    name: 'SnapshotHeldLong',
    expression: 'lumadb_oldest_snapshot_age_seconds > 3600',
    holdsFor: '5m',
    severity: 'warn',
    summary: 'A snapshot on {{ $labels.instance }} is {{ $value | humanizeDuration }} old',
    description: 'What it pins cannot be dropped from the disk. lumadb query list shows statements that run.',
  },
];

/** Quiet where nobody has made a backup yet: what is expected is not known then. */
const backup: readonly AlertRule[] = [
  {
    name: 'BackupTooOld',
    expression:
      'time() - max by (instance) (lumadb_backup_last_success_timestamp{type=~"full|incremental"}) > 26 * 3600',
    holdsFor: '10m',
    severity: 'page',
    summary: 'The last backup of {{ $labels.instance }} is {{ $value | humanizeDuration }} old',
    description:
      'GET /admin/backups says how the last ones ended. Look at the space of the destination and at server.log.',
  },
  {
    name: 'BackupFailed',
    expression: 'increase(lumadb_backup_runs_total{outcome="failed"}[6h]) > 0',
    holdsFor: '0m',
    severity: 'warn',
    summary: 'A {{ $labels.job }} of {{ $labels.instance }} has failed',
    description: 'GET /admin/backups has its message. An interrupted backup goes on when it is made again.',
  },
  {
    name: 'BackupNotVerified',
    expression: 'time() - lumadb_backup_last_verified_timestamp > 8 * 86400',
    holdsFor: '1h',
    severity: 'warn',
    summary: 'No backup of {{ $labels.instance }} was verified for {{ $value | humanizeDuration }}',
    description: 'lumadb backup verify --source reads one whole; with --restore-test it also restores it.',
  },
  {
    name: 'WalStreamLags',
    expression: 'lumadb_backup_wal_lag_seconds > 300',
    holdsFor: '5m',
    severity: 'page',
    summary: 'Writes of {{ $labels.instance }} have not left the machine for {{ $value | humanizeDuration }}',
    description:
      'The destination of the WAL stream cannot be reached or is too slow. Beyond backup.wal_stream.lag_max there will be a gap.',
  },
  {
    name: 'WalStreamGap',
    expression: 'increase(lumadb_backup_wal_gaps_total[1d]) > 0',
    holdsFor: '0m',
    severity: 'page',
    summary: 'The WAL stream of {{ $labels.instance }} has a gap',
    description: 'No point-in-time restore can cross it. Take a full backup now; it is good from then on.',
  },
];

/** Group → rules. */
export const ALERT_RULES: Readonly<Record<string, readonly AlertRule[]>> = {
  'lumadb-server': server,
  'lumadb-storage': storage,
  'lumadb-backup': backup,
};

/** Metrics that a server has only once there is a backup or a WAL stream. */
export const LATER_METRICS: readonly string[] = [
  'lumadb_backup_last_success_timestamp',
  'lumadb_backup_last_verified_timestamp',
  'lumadb_backup_runs_total',
  'lumadb_backup_wal_lag_seconds',
  'lumadb_backup_wal_gaps_total',
];
