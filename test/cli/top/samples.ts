/** Samples of a server for the tests of `lumadb top`, without a server. */
import { readExposition } from '../../../src/cli/top/exposition.js';
import { type Figures, figuresBetween } from '../../../src/cli/top/figures.js';
import type { Sample, ShardAnswer, StatusAnswer } from '../../../src/cli/top/sample.js';

export const shardAnswer = (shard: number, changes: Partial<ShardAnswer> = {}): ShardAnswer => ({
  shard,
  state: 'ready',
  cause: null,
  stall_cause: null,
  writes_refused: null,
  memtable_bytes: 1024,
  wal_bytes: 2048,
  l0_files: 3,
  flush_error: null,
  ...changes,
});

export function sampleOf(atMs: number, metrics: string, changes: Partial<StatusAnswer> = {}): Sample {
  return {
    atMs,
    wallMs: 1_700_000_000_000 + atMs,
    metrics: readExposition(metrics),
    status: {
      version: '1.2.3',
      uptime_seconds: 3725,
      draining: null,
      read_only: false,
      shards: [shardAnswer(0), shardAnswer(1)],
      ...changes,
    },
    cluster: { leader: 'node-1', nodes: [{ status: 'healthy', replication_lag_ms: 0 }] },
  };
}

/** Two texts of /metrics, two seconds apart. */
export const EARLIER = `# HELP lumadb_requests_total Requests.
# TYPE lumadb_requests_total counter
lumadb_requests_total{method="query",status="ok"} 10
lumadb_requests_total{method="query",status="error"} 1
lumadb_requests_total{method="get",status="ok"} 100
lumadb_requests_total{method="list",status="ok"} 5
lumadb_requests_total{method="other",status="ok"} 5
lumadb_shard_operations_total{shard="0"} 1000
lumadb_shard_operations_total{shard="1"} 50
lumadb_query_duration_bucket{method="get",le="0.001"} 0
lumadb_query_duration_bucket{method="get",le="0.002"} 7
lumadb_query_duration_bucket{method="get",le="+Inf"} 7
process_cpu_seconds_total 5
lumadb_disk_io_bytes_total{direction="read"} 0
lumadb_disk_io_bytes_total{direction="written"} 4096
lumadb_cache_hits 10
lumadb_cache_requests 20
lumadb_block_cache_evictions_total 3
lumadb_row_cache_evictions_total 40
lumadb_write_stall_seconds_total{shard="0",cause="slowdown"} 1
lumadb_write_stall_seconds_total{shard="1",cause="slowdown"} 1
`;
export const LATER = `lumadb_requests_total{method="query",status="ok"} 28
lumadb_requests_total{method="query",status="error"} 3
lumadb_requests_total{method="get",status="ok"} 300
lumadb_requests_total{method="list",status="ok"} 9
lumadb_requests_total{method="other",status="ok"} 8
lumadb_shard_operations_total{shard="0"} 3000
lumadb_shard_operations_total{shard="1"} 30
lumadb_query_duration_bucket{method="get",le="0.001"} 50
lumadb_query_duration_bucket{method="get",le="0.002"} 107
lumadb_query_duration_bucket{method="get",le="+Inf"} 107
lumadb_query_duration_bucket{method="other",le="0.001"} 0
lumadb_query_duration_bucket{method="other",le="0.002"} 0
lumadb_query_duration_bucket{method="other",le="+Inf"} 9000
process_cpu_seconds_total 6
lumadb_memory_bytes 1048576
lumadb_memory_limit_bytes 4194304
lumadb_disk_io_bytes_total{direction="read"} 2048
lumadb_disk_io_bytes_total{direction="written"} 8192
lumadb_cache_hits 85
lumadb_cache_requests 120
lumadb_block_cache_used_bytes 1000
lumadb_row_cache_used_bytes 24
lumadb_block_cache_evictions_total 5
lumadb_row_cache_evictions_total 2
lumadb_memtable_bytes{shard="0"} 100
lumadb_memtable_bytes{shard="1"} 200
lumadb_level_bytes{shard="0",level="0"} 30
lumadb_level_bytes{shard="0",level="6"} 4000
lumadb_level_bytes{shard="1",level="1"} 500
lumadb_shard_queue_bytes{shard="0"} 77
lumadb_shard_queue_bytes{shard="1"} 0
lumadb_write_stall_seconds_total{shard="0",cause="slowdown"} 1.25
lumadb_write_stall_seconds_total{shard="1",cause="slowdown"} 1
`;

export const figuresWith = (changes: Partial<StatusAnswer> = {}): Figures =>
  figuresBetween(sampleOf(1000, EARLIER), sampleOf(3000, LATER, changes));
