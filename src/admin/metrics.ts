/**
 * /metrics: copies the counters of all threads out of shared memory into Prometheus text when it is asked for. Main
 * thread only. prom-client's own counters are not used for these: nothing is counted on this thread.
 */

import prom from 'prom-client';
import {
  FRONT_BODY_BYTES,
  FRONT_CACHE_HITS,
  FRONT_CACHE_REQUESTS,
  FRONT_CONNECTIONS,
  FRONT_LATENCY,
  FRONT_LOOP_DELAY_MS,
  FRONT_PENDING_WRITES,
  FRONT_QUERY_RECORDS_DROPPED,
  FRONT_REQUESTS_ERROR,
  FRONT_REQUESTS_OK,
  FRONT_WEBSOCKET_FRAMES,
  FRONT_WEBSOCKETS,
  HISTOGRAM_BUCKETS,
  HISTOGRAM_CELLS,
  HISTOGRAM_COUNT,
  HISTOGRAM_SUM,
  REQUEST_METHODS,
  SHARD_BATCHES,
  SHARD_COMMITS,
  SHARD_COMPACTION_READ_BYTES,
  SHARD_COMPACTION_WRITTEN_BYTES,
  SHARD_COMPACTIONS,
  SHARD_EXPIRED,
  SHARD_FLUSH_BYTES,
  SHARD_FLUSHES,
  SHARD_FSYNC,
  SHARD_JOB_FAILURES,
  SHARD_L0_RUNS,
  SHARD_MANIFEST_POISONED,
  SHARD_MEMTABLE_BYTES,
  SHARD_MEMTABLES,
  SHARD_OPERATIONS,
  SHARD_POISONED,
  SHARD_PRESSURE,
  SHARD_READ_ERRORS,
  SHARD_REFUSED_DISK,
  SHARD_REFUSED_L0_STOP,
  SHARD_REFUSED_MANIFEST_POISONED,
  SHARD_REFUSED_MEMTABLES_FULL,
  SHARD_REFUSED_READ_ONLY,
  SHARD_REFUSED_WAL_POISONED,
  SHARD_RING_BYTES,
  SHARD_SEQNO,
  SHARD_STALL_MS,
  SHARD_TABLE_BYTES,
  SHARD_TABLES,
  SHARD_WAL_BYTES,
  SHARD_WAL_DISK_BYTES,
  SHARD_WAL_SEGMENTS,
  STALL_NAMES,
} from '../shm/stats-format.js';
import { type BackupFacts, backupMetrics } from './backup-metrics.js';
import { type Labels, type Sample, SampledMetric, single } from './sampled-metric.js';
import type { DiskFacts, SpaceFacts } from './space-report.js';
import type { StorageFacts } from './storage-facts.js';
import { storageMetrics } from './storage-metrics.js';

/** The unit in which Linux counts ru_inblock and ru_oublock, whatever the block size of the disk is. */
const RUSAGE_BLOCK_BYTES = 512;

/** How often, and for how long in all, the event loop of a thread stood still (logging.stall_ms). */
export interface StallCount {
  readonly thread: string;
  readonly stalls: number;
  readonly seconds: number;
}

export interface MetricsSource {
  /** One block per front and per shard, by number. */
  readonly fronts: ReadonlyArray<Float64Array>;
  readonly shards: ReadonlyArray<Float64Array>;
  /** 1 if the shard serves, else 0. */
  shardUp(shard: number): number;
  readonly memoryLimitBytes: number;
  readonly space: () => SpaceFacts;
  readonly storage: () => StorageFacts;
  readonly backups: () => BackupFacts;
  readonly stalls: () => readonly StallCount[];
  readonly uptimeSeconds: () => number;
  readonly version: string;
}

export function createMetrics(source: MetricsSource): prom.Registry {
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1000 });
  // The loop that matters is the front's, which has its own gauge; watching this one every 10 ms, as prom-client does by
  // default, cost an idle server 1.3 % of a core.
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) registry.removeSingleMetric(name);
  }
  for (const metric of [
    ...requestMetrics(source),
    ...frontMetrics(source),
    ...shardMetrics(source),
    ...spaceMetrics(source),
    ...storageMetrics(source.storage),
    ...backupMetrics(source.backups),
    ...processMetrics(source),
  ]) {
    // The registry only calls get(), name and type of what it is given.
    registry.registerMetric(metric as unknown as prom.Metric);
  }
  return registry;
}

function requestMetrics({ fronts }: MetricsSource): SampledMetric[] {
  const total = (cell: number): number => fronts.reduce((sum, cells) => sum + cells[cell], 0);
  return [
    new SampledMetric('lumadb_requests_total', 'Requests answered, by method and outcome.', 'counter', () =>
      REQUEST_METHODS.flatMap((method, index) => [
        { labels: { method, status: 'ok' }, value: total(FRONT_REQUESTS_OK + index) },
        { labels: { method, status: 'error' }, value: total(FRONT_REQUESTS_ERROR + index) },
      ]),
    ),
    new SampledMetric(
      'lumadb_query_duration',
      'Time from a request to its answer, in seconds (request latency).',
      'histogram',
      () =>
        REQUEST_METHODS.flatMap((method, index) =>
          histogram('lumadb_query_duration', fronts, FRONT_LATENCY + index * HISTOGRAM_CELLS, { method }),
        ),
    ),
    single('lumadb_cache_hits', 'Point reads served from shared memory by the front.', 'counter', () =>
      total(FRONT_CACHE_HITS),
    ),
    single('lumadb_cache_requests', 'Point reads that looked in shared memory.', 'counter', () =>
      total(FRONT_CACHE_REQUESTS),
    ),
  ];
}

function frontMetrics({ fronts }: MetricsSource): SampledMetric[] {
  const perFront = (
    name: string,
    help: string,
    type: 'gauge' | 'counter',
    cell: number,
    scale = 1,
  ): SampledMetric =>
    new SampledMetric(name, help, type, () =>
      fronts.map((cells, front) => ({ labels: { front }, value: cells[cell] * scale })),
    );
  return [
    perFront('lumadb_connections', 'Open client connections.', 'gauge', FRONT_CONNECTIONS),
    perFront('lumadb_websockets', 'Open WebSockets.', 'gauge', FRONT_WEBSOCKETS),
    perFront('lumadb_websocket_frames_total', 'Binary frames received.', 'counter', FRONT_WEBSOCKET_FRAMES),
    perFront(
      'lumadb_query_records_dropped_total',
      'Executed statements that are in no log and no history: the main thread did not keep up.',
      'counter',
      FRONT_QUERY_RECORDS_DROPPED,
    ),
    perFront(
      'lumadb_request_body_bytes',
      'Bytes of request bodies being received.',
      'gauge',
      FRONT_BODY_BYTES,
    ),
    perFront(
      'lumadb_write_queue_length',
      'Writes handed to shards and not answered yet.',
      'gauge',
      FRONT_PENDING_WRITES,
    ),
    perFront(
      'lumadb_front_event_loop_delay_seconds',
      'Delay of the front event loop.',
      'gauge',
      FRONT_LOOP_DELAY_MS,
      0.001,
    ),
  ];
}

function shardMetrics(source: MetricsSource): SampledMetric[] {
  const { shards } = source;
  const perShard = (name: string, help: string, type: 'gauge' | 'counter', cell: number): SampledMetric =>
    new SampledMetric(name, help, type, () =>
      shards.map((cells, shard) => ({ labels: { shard }, value: cells[cell] })),
    );
  return [
    new SampledMetric('lumadb_shard_up', '1 while the shard serves.', 'gauge', () =>
      shards.map((_, shard) => ({ labels: { shard }, value: source.shardUp(shard) })),
    ),
    perShard('lumadb_shard_operations_total', 'Write operations applied.', 'counter', SHARD_OPERATIONS),
    perShard('lumadb_shard_batches_total', 'Write batches applied.', 'counter', SHARD_BATCHES),
    perShard('lumadb_shard_commits_total', 'Group commits.', 'counter', SHARD_COMMITS),
    perShard('lumadb_shard_seqno', 'Last applied sequence number.', 'gauge', SHARD_SEQNO),
    perShard(
      'lumadb_shard_queue_bytes',
      'Bytes of batches waiting in the request rings.',
      'gauge',
      SHARD_RING_BYTES,
    ),
    perShard('lumadb_wal_bytes_total', 'Bytes of batches appended to the WAL.', 'counter', SHARD_WAL_BYTES),
    perShard('lumadb_wal_disk_bytes', 'Bytes of WAL segments on disk.', 'gauge', SHARD_WAL_DISK_BYTES),
    perShard('lumadb_wal_segments', 'WAL segments on disk.', 'gauge', SHARD_WAL_SEGMENTS),
    perShard(
      'lumadb_wal_poisoned',
      '1 after a failed write or fsync: the shard takes no writes.',
      'gauge',
      SHARD_POISONED,
    ),
    perShard(
      'lumadb_manifest_poisoned',
      '1 after a failed write or fsync of the manifest: the shard takes no writes.',
      'gauge',
      SHARD_MANIFEST_POISONED,
    ),
    perShard('lumadb_memtable_bytes', 'Bytes used in memtables.', 'gauge', SHARD_MEMTABLE_BYTES),
    perShard('lumadb_memtables', 'Memtables in the chain.', 'gauge', SHARD_MEMTABLES),
    new SampledMetric('lumadb_writes_refused_total', 'Batches refused, by cause.', 'counter', () =>
      shards.flatMap((cells, shard) => [
        { labels: { shard, cause: 'memtables_full' }, value: cells[SHARD_REFUSED_MEMTABLES_FULL] },
        { labels: { shard, cause: 'wal_poisoned' }, value: cells[SHARD_REFUSED_WAL_POISONED] },
        { labels: { shard, cause: 'manifest_poisoned' }, value: cells[SHARD_REFUSED_MANIFEST_POISONED] },
        { labels: { shard, cause: 'disk' }, value: cells[SHARD_REFUSED_DISK] },
        { labels: { shard, cause: 'l0_stop' }, value: cells[SHARD_REFUSED_L0_STOP] },
        { labels: { shard, cause: 'read_only' }, value: cells[SHARD_REFUSED_READ_ONLY] },
      ]),
    ),
    new SampledMetric(
      'lumadb_write_stall_seconds_total',
      'Time that writes have waited, by cause.',
      'counter',
      () =>
        shards.flatMap((cells, shard) =>
          STALL_NAMES.flatMap((cause, index) =>
            cause === null ? [] : [{ labels: { shard, cause }, value: cells[SHARD_STALL_MS + index] / 1000 }],
          ),
        ),
    ),
    perShard('lumadb_l0_files', 'Sorted runs in level 0.', 'gauge', SHARD_L0_RUNS),
    perShard('lumadb_tables', 'SSTables of all levels.', 'gauge', SHARD_TABLES),
    perShard('lumadb_table_bytes', 'Bytes of SSTables.', 'gauge', SHARD_TABLE_BYTES),
    perShard('lumadb_memtable_flushes_total', 'Memtables flushed to SSTables.', 'counter', SHARD_FLUSHES),
    perShard(
      'lumadb_memtable_flush_bytes_total',
      'Bytes of SSTables written by flushes.',
      'counter',
      SHARD_FLUSH_BYTES,
    ),
    perShard(
      'lumadb_compactions_total',
      'Compactions, trivial moves included.',
      'counter',
      SHARD_COMPACTIONS,
    ),
    new SampledMetric(
      'lumadb_compaction_bytes_total',
      'Bytes of SSTables read and written by compactions.',
      'counter',
      () =>
        shards.flatMap((cells, shard) => [
          { labels: { shard, direction: 'read' }, value: cells[SHARD_COMPACTION_READ_BYTES] },
          { labels: { shard, direction: 'written' }, value: cells[SHARD_COMPACTION_WRITTEN_BYTES] },
        ]),
    ),
    perShard(
      'lumadb_write_pressure',
      'How close writes are to a stop, 0 to 1; above 0 they are slowed down.',
      'gauge',
      SHARD_PRESSURE,
    ),
    perShard(
      'lumadb_storage_job_failures_total',
      'Flushes and compactions that failed; each is tried again.',
      'counter',
      SHARD_JOB_FAILURES,
    ),
    perShard('lumadb_expired_documents_total', 'Expired documents removed.', 'counter', SHARD_EXPIRED),
    perShard(
      'lumadb_table_read_errors_total',
      'Reads of SSTables that failed: damage or I/O errors.',
      'counter',
      SHARD_READ_ERRORS,
    ),
    new SampledMetric('lumadb_fsync_latency_seconds', 'Duration of WAL fdatasync calls.', 'histogram', () =>
      shards.flatMap((cells, shard) =>
        histogram('lumadb_fsync_latency_seconds', [cells], SHARD_FSYNC, { shard }),
      ),
    ),
  ];
}

function spaceMetrics({ space }: MetricsSource): SampledMetric[] {
  /** No sample at all while the file system does not say: 0 would look like a full disk. */
  const disk = (name: string, help: string, value: (disk: DiskFacts) => number): SampledMetric =>
    new SampledMetric(name, help, 'gauge', () => {
      const facts = space().disk;
      return facts === undefined ? [] : [{ labels: {}, value: value(facts) }];
    });
  return [
    new SampledMetric('lumadb_read_only', '1 while this cause keeps writes out.', 'gauge', () =>
      space().readOnlyCauses.map(({ cause, holds }) => ({ labels: { cause }, value: holds ? 1 : 0 })),
    ),
    disk('lumadb_disk_free_bytes', 'Free bytes of the file system of the data.', (facts) => facts.freeBytes),
    disk('lumadb_disk_total_bytes', 'Size of the file system of the data.', (facts) => facts.totalBytes),
    disk('lumadb_disk_used_ratio', 'Share of the disk that is not free, 0 to 1.', (facts) => facts.usedRatio),
    new SampledMetric('lumadb_disk_reserve_bytes', 'Bytes held back for a full disk.', 'gauge', () => [
      { labels: {}, value: space().reserve.heldBytes },
    ]),
  ];
}

function processMetrics(source: MetricsSource): SampledMetric[] {
  const gauge = (name: string, help: string, value: () => number): SampledMetric =>
    single(name, help, 'gauge', value);
  return [
    gauge('lumadb_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss()),
    gauge('lumadb_memory_limit_bytes', 'Memory the process may use.', () => source.memoryLimitBytes),
    new SampledMetric(
      'lumadb_disk_io_bytes_total',
      'Bytes that the process has had read from and written to disks; what the page cache answers is in neither.',
      'counter',
      () => {
        const { fsRead, fsWrite } = process.resourceUsage();
        return [
          { labels: { direction: 'read' }, value: fsRead * RUSAGE_BLOCK_BYTES },
          { labels: { direction: 'written' }, value: fsWrite * RUSAGE_BLOCK_BYTES },
        ];
      },
    ),
    new SampledMetric(
      'lumadb_thread_stalls_total',
      'Times that the event loop of a thread stood still for longer than logging.stall_ms or background_stall_ms.',
      'counter',
      () => source.stalls().map(({ thread, stalls }) => ({ labels: { thread }, value: stalls })),
    ),
    new SampledMetric(
      'lumadb_thread_stall_seconds_total',
      'Time that it stood still, of stalls that are over.',
      'counter',
      () => source.stalls().map(({ thread, seconds }) => ({ labels: { thread }, value: seconds })),
    ),
    gauge('lumadb_uptime_seconds', 'Seconds since the server started.', source.uptimeSeconds),
    new SampledMetric('lumadb_build_info', 'Version of the server.', 'gauge', () => [
      { labels: { version: source.version }, value: 1 },
    ]),
  ];
}

/** The histograms that start at cell `base` of all blocks, added up, as cumulative buckets in seconds. */
function histogram(
  name: string,
  blocks: ReadonlyArray<Float64Array>,
  base: number,
  labels: Labels,
): Sample[] {
  const sum = (cell: number): number => blocks.reduce((total, cells) => total + cells[base + cell], 0);
  const samples: Sample[] = [];
  let cumulative = 0;
  for (let bucket = 0; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
    cumulative += sum(bucket);
    samples.push({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: 2 ** bucket / 1e6 },
      value: cumulative,
    });
  }
  cumulative += sum(HISTOGRAM_BUCKETS - 1);
  samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: cumulative });
  samples.push({ metricName: `${name}_sum`, labels, value: sum(HISTOGRAM_SUM) / 1e6 });
  samples.push({ metricName: `${name}_count`, labels, value: sum(HISTOGRAM_COUNT) });
  return samples;
}
