/**
 * Counters in shared memory. Each front, shard and compactor owns one block of float64 cells which it alone writes, with
 * plain stores; the main thread reads them when /metrics is scraped. A cell only ever grows (gauges say so), a read
 * may be a few counts behind, and doubles count exactly to 2^53. On the platforms Node runs on, an aligned 8-byte
 * store is one piece, so a cell is never read half-written.
 *
 * Cell numbers are private to one build: blocks live in memory only and are never stored.
 */

/** Latency histogram: bucket b counts durations below 2^b microseconds; then their sum in microseconds, and count. */
export const HISTOGRAM_BUCKETS = 25;
export const HISTOGRAM_SUM = HISTOGRAM_BUCKETS;
export const HISTOGRAM_COUNT = HISTOGRAM_BUCKETS + 1;
export const HISTOGRAM_CELLS = HISTOGRAM_BUCKETS + 2;

/** What a front counts by: the `method` label of lumadb_requests_total. */
export const REQUEST_METHODS = [
  'get',
  'put',
  'patch',
  'delete',
  'post',
  'list',
  'bulk',
  'other',
  'query',
] as const;
export type RequestMethod = (typeof REQUEST_METHODS)[number];
export const METHOD_GET = 0;
export const METHOD_PUT = 1;
export const METHOD_PATCH = 2;
export const METHOD_DELETE = 3;
export const METHOD_POST = 4;
export const METHOD_LIST = 5;
export const METHOD_BULK = 6;
export const METHOD_OTHER = 7;
export const METHOD_QUERY = 8;

const METHODS = REQUEST_METHODS.length;

/** Front block. */
export const FRONT_REQUESTS_OK = 0;
export const FRONT_REQUESTS_ERROR = FRONT_REQUESTS_OK + METHODS;
export const FRONT_CACHE_REQUESTS = FRONT_REQUESTS_ERROR + METHODS;
export const FRONT_CACHE_HITS = FRONT_CACHE_REQUESTS + 1;
/** Point reads that no memtable could answer, and those of them that the row cache answered. */
export const FRONT_ROW_CACHE_REQUESTS = FRONT_CACHE_HITS + 1;
export const FRONT_ROW_CACHE_HITS = FRONT_ROW_CACHE_REQUESTS + 1;
/** Gauge. */
export const FRONT_CONNECTIONS = FRONT_ROW_CACHE_HITS + 1;
/** Gauge. */
export const FRONT_WEBSOCKETS = FRONT_CONNECTIONS + 1;
export const FRONT_WEBSOCKET_FRAMES = FRONT_WEBSOCKETS + 1;
/** Gauge: bytes of request bodies being received. */
export const FRONT_BODY_BYTES = FRONT_WEBSOCKET_FRAMES + 1;
/** Gauge: writes handed to shards and not answered yet. */
export const FRONT_PENDING_WRITES = FRONT_BODY_BYTES + 1;
/** Gauge: largest event-loop delay of the last second, in milliseconds. */
export const FRONT_LOOP_DELAY_MS = FRONT_PENDING_WRITES + 1;
/** Gauges: indexes and filters of open SSTables, in bytes, and how many are open. */
export const FRONT_INDEX_BYTES = FRONT_LOOP_DELAY_MS + 1;
export const FRONT_OPEN_TABLES = FRONT_INDEX_BYTES + 1;
/** Gauges of the front's row caches. */
export const FRONT_ROW_CACHE_USED_BYTES = FRONT_OPEN_TABLES + 1;
export const FRONT_ROW_CACHE_CAPACITY_BYTES = FRONT_ROW_CACHE_USED_BYTES + 1;
/** Starts again from 0 when a shard does: its cache is then a new one. */
export const FRONT_ROW_CACHE_EVICTIONS = FRONT_ROW_CACHE_CAPACITY_BYTES + 1;
/** Executions that are in no log and no history, because the main thread did not keep up. */
export const FRONT_QUERY_RECORDS_DROPPED = FRONT_ROW_CACHE_EVICTIONS + 1;
/** One histogram per method. */
export const FRONT_LATENCY = FRONT_QUERY_RECORDS_DROPPED + 1;
export const FRONT_CELLS = FRONT_LATENCY + METHODS * HISTOGRAM_CELLS;

/** Shard block. */
export const SHARD_OPERATIONS = 0;
export const SHARD_BATCHES = 1;
export const SHARD_COMMITS = 2;
export const SHARD_WAL_BYTES = 3;
/** Gauge: bytes used in all memtables. */
export const SHARD_MEMTABLE_BYTES = 4;
/** Gauge: memtables in the chain. */
export const SHARD_MEMTABLES = 5;
/** Gauge: bytes of batches waiting in the request rings, when the shard last looked. */
export const SHARD_RING_BYTES = 6;
/** Gauge: segments of the WAL. */
export const SHARD_WAL_SEGMENTS = 7;
/** Batches refused, by cause. */
export const SHARD_REFUSED_MEMTABLES_FULL = 8;
export const SHARD_REFUSED_WAL_POISONED = 9;
export const SHARD_REFUSED_DISK = 10;
/** Gauge: last applied seqno. */
export const SHARD_SEQNO = 11;
/** Recovery progress, bytes. */
export const SHARD_RECOVERY_BYTES_DONE = 12;
export const SHARD_RECOVERY_BYTES_TOTAL = 13;
/** Gauge: bytes of the WAL's segments on disk. */
export const SHARD_WAL_DISK_BYTES = 15;
/** Gauge: 1 while the WAL is poisoned. */
export const SHARD_POISONED = 14;
/** Gauge: why the last batch had to wait or was refused, one of STALL_*; STALL_NONE after the next that had not. */
export const SHARD_STALL = 16;
export const SHARD_FSYNC = 17;

/** Causes for which writes wait or are refused. */
export const STALL_NONE = 0;
export const STALL_MEMTABLES_FULL = 1;
export const STALL_WAL_POISONED = 2;
export const STALL_DISK = 3;
/** Level 0 has reached compaction.l0_stop. */
export const STALL_L0_STOP = 4;
/** Writes are taken, but slowed down: level 0 or the memtables are on their way to a stop. */
export const STALL_SLOWDOWN = 5;
export const STALL_READ_ONLY = 6;
export const STALL_MANIFEST_POISONED = 7;
/** By STALL_*, as reports name them. */
export const STALL_NAMES = [
  null,
  'memtables_full',
  'wal_poisoned',
  'disk',
  'l0_stop',
  'slowdown',
  'read_only',
  'manifest_poisoned',
] as const;

/** Milliseconds that writes have waited, one cell per STALL_*. */
export const SHARD_STALL_MS = SHARD_FSYNC + HISTOGRAM_CELLS;
/** Batches refused for STALL_L0_STOP, STALL_READ_ONLY and STALL_MANIFEST_POISONED. */
export const SHARD_REFUSED_L0_STOP = SHARD_STALL_MS + STALL_NAMES.length;
export const SHARD_REFUSED_READ_ONLY = SHARD_REFUSED_L0_STOP + 1;
export const SHARD_REFUSED_MANIFEST_POISONED = SHARD_REFUSED_READ_ONLY + 1;
/** Gauge: 1 while the manifest is poisoned. */
export const SHARD_MANIFEST_POISONED = SHARD_REFUSED_MANIFEST_POISONED + 1;
/** Gauge: sorted runs in level 0. */
export const SHARD_L0_RUNS = SHARD_MANIFEST_POISONED + 1;
/** Gauges over all levels. */
export const SHARD_TABLES = SHARD_L0_RUNS + 1;
export const SHARD_TABLE_BYTES = SHARD_TABLES + 1;
export const SHARD_FLUSHES = SHARD_TABLE_BYTES + 1;
/** Bytes of SSTables written by flushes. */
export const SHARD_FLUSH_BYTES = SHARD_FLUSHES + 1;
export const SHARD_COMPACTIONS = SHARD_FLUSH_BYTES + 1;
/** Bytes of SSTables read and written by compactions. */
export const SHARD_COMPACTION_READ_BYTES = SHARD_COMPACTIONS + 1;
export const SHARD_COMPACTION_WRITTEN_BYTES = SHARD_COMPACTION_READ_BYTES + 1;
/** Flushes and compactions that failed; each is tried again. */
export const SHARD_JOB_FAILURES = SHARD_COMPACTION_WRITTEN_BYTES + 1;
/** Expired documents removed. */
export const SHARD_EXPIRED = SHARD_JOB_FAILURES + 1;
/** Reads of SSTables that failed: damage or I/O errors. */
export const SHARD_READ_ERRORS = SHARD_EXPIRED + 1;
/** Gauges: indexes and filters of the SSTables that the shard's thread has open, in bytes, and how many those are. */
export const SHARD_INDEX_BYTES = SHARD_READ_ERRORS + 1;
export const SHARD_OPEN_TABLES = SHARD_INDEX_BYTES + 1;
/** Gauge: how close writes are to a stop, 0 to 1; above 0 they are slowed down. */
export const SHARD_PRESSURE = SHARD_OPEN_TABLES + 1;
/** Bytes of records appended to the WAL: batches, headers and padding. */
export const SHARD_WAL_RECORD_BYTES = SHARD_PRESSURE + 1;
/** Gauge: 1 while the thread is in fdatasync of the WAL. */
export const SHARD_SYNCING = SHARD_WAL_RECORD_BYTES + 1;
export const SHARD_CELLS = SHARD_SYNCING + 1;

/** Compactor block. Gauges: bytes that the compaction under way has read and written; 0 when none is. */
export const COMPACTOR_READ_BYTES = 0;
export const COMPACTOR_WRITTEN_BYTES = 1;
/** Gauge: what the thread is at in one piece, one of JOB_*. */
export const COMPACTOR_JOB = 2;
export const COMPACTOR_CELLS = 3;

export const JOB_NONE = 0;
export const JOB_FLUSH = 1;
export const JOB_COMPACTION = 2;
export const JOB_SPARE = 3;
export const JOB_PAGES = 4;
export const JOB_ARCHIVE = 5;
/** By JOB_*, as the log names them. */
export const COMPACTOR_JOB_NAMES = [
  null,
  'memtable flush',
  'compaction',
  'a spare WAL segment',
  'memory of a memtable',
  'archive of the WAL',
] as const;

export function createStatsBlock(cells: number): SharedArrayBuffer {
  return new SharedArrayBuffer(cells * 8);
}

/** Records a duration in the histogram that starts at `base`. */
export function recordDuration(cells: Float64Array, base: number, durationMs: number): void {
  const us = durationMs * 1000;
  const bucket = us < 1 ? 0 : 32 - Math.clz32(us | 0);
  cells[base + (bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1)]++;
  cells[base + HISTOGRAM_SUM] += us;
  cells[base + HISTOGRAM_COUNT]++;
}
