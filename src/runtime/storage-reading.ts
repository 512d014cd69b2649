/** How large the database is and how much is written, for samples of system.storage_stats. Main thread. */
import type { StorageFacts } from '../admin/storage-facts.js';
import {
  SHARD_COMPACTION_WRITTEN_BYTES,
  SHARD_FLUSH_BYTES,
  SHARD_WAL_BYTES,
  SHARD_WAL_SEGMENTS,
} from '../shm/stats-format.js';
import type { StorageReading } from './query/storage-history.js';
import type { ShardSlot } from './shard-slot.js';

export function storageReading(
  { shards: tables, memtableBytes }: StorageFacts,
  slots: readonly Pick<ShardSlot, 'stats'>[],
  { segmentBytes, freeBytes }: { readonly segmentBytes: number; readonly freeBytes: number },
): Omit<StorageReading, 'documents' | 'data_size_bytes'> {
  const shards = slots.map(({ stats }) => new Float64Array(stats));
  const sum = (cell: number): number => shards.reduce((total, cells) => total + cells[cell], 0);
  return {
    bytesWrittenTotal: sum(SHARD_WAL_BYTES) + sum(SHARD_FLUSH_BYTES) + sum(SHARD_COMPACTION_WRITTEN_BYTES),
    table_bytes: tables.reduce(
      (total, { levels }) => total + levels.reduce((bytes, level) => bytes + level.bytes, 0),
      0,
    ),
    wal_bytes: sum(SHARD_WAL_SEGMENTS) * segmentBytes,
    memtable_bytes: memtableBytes,
    disk_free_bytes: freeBytes,
  };
}
