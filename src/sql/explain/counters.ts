/**
 * What EXPLAIN ANALYZE knows of a node after it ran. The executor fills one set per node of a plan, on each thread that runs
 * a part of it; sets of several threads are merged. Plain data: it travels by postMessage. Pure.
 */

/** What a scan did in one shard. */
export interface ShardCounters {
  shard: number;
  /** Documents or index entries that were read there, before the filter. */
  rows: number;
  micros: number;
  /** Blocks found in the block cache, and read from files. */
  blocksHit: number;
  blocksRead: number;
}

export type SortMethod = 'quicksort' | 'top-N heapsort' | 'external merge' | 'merge';

/** Times and counts are sums over all loops. */
export interface NodeCounters {
  /** Rows that the node gave to the one above. */
  rows: number;
  /** How often it was started. */
  loops: number;
  /** Until the first row of each loop, and until the last; includes the nodes below. */
  startupMicros: number;
  totalMicros: number;
  rowsRemovedByFilter: number;
  rowsRemovedByJoinFilter: number;
  /** Of an index scan: entries that were cut short and whose document said that they do not belong to the range. */
  rowsRemovedByRecheck: number;
  /** Of an index-only scan: documents that had to be read nevertheless. */
  heapFetches: number;
  /** Most memory that the node held at once: hash tables, sorted rows, kept results. */
  memoryBytes?: number;
  sortMethod?: SortMethod;
  /** Of a hash join and a hash aggregate: distinct keys in the table. */
  hashEntries?: number;
  /** Of a gather: threads that ran its input, the coordinating one counted too. */
  workers?: number;
  shards?: ShardCounters[];
}

/** Of a whole statement. `nodes[id]` belongs to the node with that number; undefined or no loops: it was never started. */
export interface QueryCounters {
  nodes: (NodeCounters | undefined)[];
  planningMicros: number;
  executionMicros: number;
}

export function emptyNodeCounters(): NodeCounters {
  return {
    rows: 0,
    loops: 0,
    startupMicros: 0,
    totalMicros: 0,
    rowsRemovedByFilter: 0,
    rowsRemovedByJoinFilter: 0,
    rowsRemovedByRecheck: 0,
    heapFetches: 0,
  };
}

/** Adds `from`, of another thread, to `into`. */
export function mergeNodeCounters(into: NodeCounters, from: NodeCounters): void {
  into.rows += from.rows;
  into.loops += from.loops;
  into.startupMicros += from.startupMicros;
  into.totalMicros += from.totalMicros;
  into.rowsRemovedByFilter += from.rowsRemovedByFilter;
  into.rowsRemovedByJoinFilter += from.rowsRemovedByJoinFilter;
  into.rowsRemovedByRecheck += from.rowsRemovedByRecheck;
  into.heapFetches += from.heapFetches;
  // Threads hold their memory at the same time.
  if (from.memoryBytes !== undefined) into.memoryBytes = (into.memoryBytes ?? 0) + from.memoryBytes;
  if (from.hashEntries !== undefined) into.hashEntries = (into.hashEntries ?? 0) + from.hashEntries;
  if (from.workers !== undefined) into.workers = Math.max(into.workers ?? 0, from.workers);
  into.sortMethod ??= from.sortMethod;
  if (from.shards !== undefined) into.shards = mergedShards(into.shards ?? [], from.shards);
}

/** Adds the counters of another thread, node by node. The times of the statement stay those of `into`. */
export function mergeQueryCounters(into: QueryCounters, from: QueryCounters): void {
  for (const [id, counters] of from.nodes.entries()) {
    if (counters === undefined) continue;
    const own = into.nodes[id];
    if (own === undefined) into.nodes[id] = { ...counters, shards: counters.shards?.map((s) => ({ ...s })) };
    else mergeNodeCounters(own, counters);
  }
}

/** By the number of the shard, ascending. */
function mergedShards(left: readonly ShardCounters[], right: readonly ShardCounters[]): ShardCounters[] {
  const byShard = new Map<number, ShardCounters>();
  for (const counters of [...left, ...right]) {
    const sum = byShard.get(counters.shard);
    if (sum === undefined) {
      byShard.set(counters.shard, { ...counters });
      continue;
    }
    sum.rows += counters.rows;
    sum.micros += counters.micros;
    sum.blocksHit += counters.blocksHit;
    sum.blocksRead += counters.blocksRead;
  }
  return [...byShard.values()].sort((a, b) => a.shard - b.shard);
}
