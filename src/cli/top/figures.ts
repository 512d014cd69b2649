/** The figures of the dashboard out of two samples. Pure. The shape is what `lumadb top --json` prints. */
import { type Exposition, increase, increases, total, type Where } from './exposition.js';
import { bucketsOf, quantile } from './quantile.js';
import type { Sample, ShardAnswer, StatusAnswer } from './sample.js';

/** A rate or a share is null when there was nothing to count, or the server does not tell. */
type Figure = number | null;

export interface Figures {
  /** Of the later sample, ISO 8601, by the clock of this machine. */
  readonly time: string;
  readonly version: string;
  readonly uptime_seconds: number;
  /** Between the two samples. */
  readonly interval_ms: number;
  readonly throughput: {
    readonly queries_per_second: Figure;
    /** Write operations that shards have applied: bulk and SQL are counted by document. */
    readonly inserts_per_second: Figure;
    readonly reads_per_second: Figure;
  };
  readonly latency: { readonly p50_ms: Figure; readonly p95_ms: Figure; readonly p99_ms: Figure };
  readonly resources: {
    /** One busy core is 100. */
    readonly cpu_percent: Figure;
    readonly memory_bytes: Figure;
    readonly memory_limit_bytes: Figure;
    readonly disk_read_bytes_per_second: Figure;
    readonly disk_written_bytes_per_second: Figure;
  };
  readonly cache: {
    /** Share of point reads that shared memory answered, 0 to 1. */
    readonly hit_rate: Figure;
    /** Of the block cache and the row caches. */
    readonly size_bytes: Figure;
    readonly evictions_per_minute: Figure;
  };
  readonly storage: {
    readonly total_bytes: Figure;
    /** Memtables and level 0. */
    readonly hot_bytes: Figure;
    /** The levels below. */
    readonly warm_bytes: Figure;
  };
  readonly cluster: {
    readonly nodes: number;
    readonly nodes_healthy: number;
    readonly leader: string;
    /** Of the node that is furthest behind. */
    readonly replication_lag_ms: number;
  };
  readonly shards: readonly ShardFigures[];
  readonly read_only: StatusAnswer['read_only'];
  readonly draining: string | null;
}

export interface ShardFigures {
  readonly shard: number;
  readonly state: string;
  readonly operations_per_second: Figure;
  readonly memtable_bytes: number;
  /** On disk. */
  readonly wal_bytes: number;
  readonly l0_files: number;
  /** Bytes of batches that wait for the shard. */
  readonly queue_bytes: Figure;
  readonly stall_cause: string | null;
  /** Seconds that writes have waited in the interval, by cause; only causes that made any wait. */
  readonly stalled_seconds: Readonly<Record<string, number>>;
  /** In words, why the shard does not serve, takes no writes or cannot flush. */
  readonly problem: string | null;
}

export function figuresBetween(before: Sample, after: Sample): Figures {
  const { status } = after;
  const intervalMs = after.atMs - before.atMs;
  const grown = (name: string, where?: Where): Figure => increase(before.metrics, after.metrics, name, where);
  const rate = (name: string, where?: Where): Figure => per(grown(name, where), intervalMs / 1000);
  const now = (name: string): Figure => total(after.metrics, name);
  return {
    time: new Date(after.wallMs).toISOString(),
    version: status.version,
    uptime_seconds: status.uptime_seconds,
    interval_ms: rounded(intervalMs, 0),
    throughput: {
      queries_per_second: rate('lumadb_requests_total', ({ method }) => method === 'query'),
      inserts_per_second: rate('lumadb_shard_operations_total'),
      reads_per_second: rate('lumadb_requests_total', ({ method }) => method === 'get' || method === 'list'),
    },
    latency: latency(before.metrics, after.metrics),
    resources: {
      cpu_percent: per(grown('process_cpu_seconds_total'), intervalMs / 1000 / 100),
      memory_bytes: now('lumadb_memory_bytes'),
      memory_limit_bytes: now('lumadb_memory_limit_bytes'),
      disk_read_bytes_per_second: rate('lumadb_disk_io_bytes_total', ({ direction }) => direction === 'read'),
      disk_written_bytes_per_second: rate(
        'lumadb_disk_io_bytes_total',
        ({ direction }) => direction === 'written',
      ),
    },
    cache: {
      hit_rate: share(grown('lumadb_cache_hits'), grown('lumadb_cache_requests')),
      size_bytes: sum(now('lumadb_block_cache_used_bytes'), now('lumadb_row_cache_used_bytes')),
      evictions_per_minute: per(
        sum(grown('lumadb_block_cache_evictions_total'), grown('lumadb_row_cache_evictions_total')),
        intervalMs / 60_000,
      ),
    },
    storage: storage(after.metrics),
    cluster: {
      nodes: after.cluster.nodes.length,
      nodes_healthy: after.cluster.nodes.filter((node) => node.status === 'healthy').length,
      leader: after.cluster.leader,
      replication_lag_ms: Math.max(0, ...after.cluster.nodes.map((node) => node.replication_lag_ms)),
    },
    shards: status.shards.map((shard) => shardFigures(shard, before, after)),
    read_only: status.read_only,
    draining: status.draining,
  };
}

/** `other` is left out: it holds the requests of this command, which would be the latency of a server at rest. */
function latency(before: Exposition, after: Exposition): Figures['latency'] {
  const isWork: Where = ({ method }) => method !== 'other';
  const buckets = bucketsOf(increases(before, after, 'lumadb_query_duration_bucket', isWork));
  const ms = (part: number): Figure => {
    const seconds = quantile(part, buckets);
    return seconds === null ? null : rounded(seconds * 1000, 3);
  };
  return { p50_ms: ms(0.5), p95_ms: ms(0.95), p99_ms: ms(0.99) };
}

function storage(metrics: Exposition): Figures['storage'] {
  const memtables = total(metrics, 'lumadb_memtable_bytes');
  // A shard names the levels that have tables; without any there is no series at all.
  const levelZero = total(metrics, 'lumadb_level_bytes', ({ level }) => level === '0') ?? 0;
  const below = total(metrics, 'lumadb_level_bytes', ({ level }) => level !== '0') ?? 0;
  if (memtables === null) return { total_bytes: null, hot_bytes: null, warm_bytes: null };
  const hot = memtables + levelZero;
  return { total_bytes: hot + below, hot_bytes: hot, warm_bytes: below };
}

function shardFigures(shard: ShardAnswer, before: Sample, after: Sample): ShardFigures {
  const isMine: Where = (labels) => labels['shard'] === String(shard.shard);
  const operations = increase(before.metrics, after.metrics, 'lumadb_shard_operations_total', isMine);
  const stalls = increases(before.metrics, after.metrics, 'lumadb_write_stall_seconds_total', isMine);
  return {
    shard: shard.shard,
    state: shard.state,
    operations_per_second: per(operations, (after.atMs - before.atMs) / 1000),
    memtable_bytes: shard.memtable_bytes,
    wal_bytes: shard.wal_bytes,
    l0_files: shard.l0_files,
    queue_bytes: total(after.metrics, 'lumadb_shard_queue_bytes', isMine),
    stall_cause: shard.stall_cause,
    stalled_seconds: Object.fromEntries(
      stalls
        .filter(({ value }) => value > 0)
        .map(({ labels, value }) => [labels['cause'], rounded(value, 3)]),
    ),
    problem: shard.cause ?? shard.writes_refused ?? shard.flush_error,
  };
}

/** Digits beyond these are noise of floating point. */
const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

const per = (count: Figure, units: number): Figure =>
  count === null || units <= 0 ? null : rounded(count / units, 2);

const share = (part: Figure, whole: Figure): Figure =>
  part === null || whole === null || whole === 0 ? null : rounded(part / whole, 4);

/** Of what is known. */
const sum = (a: Figure, b: Figure): Figure => (a === null ? b : b === null ? a : a + b);
