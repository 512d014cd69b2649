/** What /status says about one shard. Main thread only; asks no other thread. */
import type { ShardReport } from '../admin/reports.js';
import type { ShardStorageFacts } from '../admin/storage-facts.js';
import {
  SHARD_MEMTABLE_BYTES,
  SHARD_MEMTABLES,
  SHARD_PRESSURE,
  SHARD_SEQNO,
  SHARD_STALL,
  SHARD_WAL_DISK_BYTES,
  SHARD_WAL_SEGMENTS,
  STALL_NAMES,
  STALL_SLOWDOWN,
} from '../shm/stats-format.js';
import type { ShardSlot } from './shard-slot.js';

export function shardReport(slot: ShardSlot, facts: ShardStorageFacts, memtablesMax: number): ShardReport {
  const { shard, state, cause, poison, flushError, stats, restarts } = slot;
  const cells = new Float64Array(stats);
  const slowdown = cells[SHARD_PRESSURE] > 0 ? STALL_NAMES[STALL_SLOWDOWN] : null;
  return {
    shard,
    state,
    cause: cause?.message ?? null,
    stall_cause: STALL_NAMES[cells[SHARD_STALL]] ?? slowdown,
    writes_refused: poison === undefined ? null : `shard ${shard} takes no writes: ${poison.message}`,
    seqno: cells[SHARD_SEQNO],
    memtables: cells[SHARD_MEMTABLES],
    memtables_max: memtablesMax,
    memtable_bytes: cells[SHARD_MEMTABLE_BYTES],
    wal_bytes: cells[SHARD_WAL_DISK_BYTES],
    wal_segments: cells[SHARD_WAL_SEGMENTS],
    // Out of the same version as the levels: the cells are refreshed a little later.
    l0_files: facts.levels.find(({ level }) => level === 0)?.runs ?? 0,
    tables: facts.levels.reduce((sum, { tables }) => sum + tables, 0),
    table_bytes: facts.levels.reduce((sum, { bytes }) => sum + bytes, 0),
    levels: facts.levels,
    pending_compaction_bytes: facts.pendingCompactionBytes,
    flush_error: flushError?.message ?? null,
    restarts,
  };
}
