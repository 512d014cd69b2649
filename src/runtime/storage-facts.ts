/** Gathers what is in shared memory about tables, caches and snapshots. Asks no other thread. Main thread only. */
import type { CacheFacts, ShardStorageFacts, StorageFacts } from '../admin/storage-facts.js';
import type { BlockCacheBuffers } from '../cache/block-cache-format.js';
import { CacheMeter } from '../cache/cache-stats.js';
import { type LevelBacklog, levelBacklog, readAmplification } from '../compaction/backlog.js';
import type { PickerOptions } from '../compaction/picker-state.js';
import {
  FRONT_INDEX_BYTES,
  FRONT_ROW_CACHE_CAPACITY_BYTES,
  FRONT_ROW_CACHE_EVICTIONS,
  FRONT_ROW_CACHE_HITS,
  FRONT_ROW_CACHE_REQUESTS,
  FRONT_ROW_CACHE_USED_BYTES,
  SHARD_INDEX_BYTES,
  SHARD_MEMTABLE_BYTES,
} from '../shm/stats-format.js';
import type { FrontSlot } from './front-slot.js';
import type { ShardSlot } from './shard-slot.js';
import { ShardVersions } from './shard-versions.js';
import type { SnapshotWatch } from './snapshot-watch.js';

export interface StorageFactsOptions {
  readonly shards: readonly ShardSlot[];
  readonly fronts: readonly FrontSlot[];
  readonly blockCache: BlockCacheBuffers;
  readonly picker: PickerOptions;
  readonly snapshots: SnapshotWatch;
}

export class StorageFactsReader {
  readonly versions = new ShardVersions();
  private readonly blockCacheMeter: CacheMeter;

  constructor(private readonly options: StorageFactsOptions) {
    this.blockCacheMeter = CacheMeter.ofBlockCache(options.blockCache);
  }

  /** All levels of a shard, empty ones included. */
  backlog(slot: ShardSlot): LevelBacklog[] {
    return levelBacklog(this.versions.current(slot).version, this.options.picker);
  }

  shard(slot: ShardSlot): ShardStorageFacts {
    const levels = this.backlog(slot);
    return {
      shard: slot.shard,
      levels: levels
        .filter(({ tables }) => tables > 0)
        .map(({ level, tables, runs, bytes }) => ({ level, tables, runs, bytes })),
      pendingCompactionBytes: levels.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0),
      readAmplification: readAmplification(this.versions.current(slot).version),
    };
  }

  read(): StorageFacts {
    const { shards } = this.options;
    const inShards = (cell: number): number => sumOver(shards, cell);
    const held = this.options.snapshots.held();
    return {
      shards: shards.map((slot) => this.shard(slot)),
      blockCache: this.blockCache(),
      rowCache: this.rowCache(),
      snapshots: {
        held: held.length,
        oldestAgeSeconds: held.reduce((max, { ageSeconds }) => Math.max(max, ageSeconds), 0),
      },
      indexBytes: inShards(SHARD_INDEX_BYTES) + this.inFronts(FRONT_INDEX_BYTES),
      memtableBytes: inShards(SHARD_MEMTABLE_BYTES),
    };
  }

  private blockCache(): CacheFacts {
    const { requests, hits, evictions, usedBytes, capacityBytes } = this.blockCacheMeter.read();
    return { requests, hits, evictions, usedBytes, capacityBytes };
  }

  private rowCache(): CacheFacts {
    return {
      requests: this.inFronts(FRONT_ROW_CACHE_REQUESTS),
      hits: this.inFronts(FRONT_ROW_CACHE_HITS),
      evictions: this.inFronts(FRONT_ROW_CACHE_EVICTIONS),
      usedBytes: this.inFronts(FRONT_ROW_CACHE_USED_BYTES),
      capacityBytes: this.inFronts(FRONT_ROW_CACHE_CAPACITY_BYTES),
    };
  }

  private inFronts(cell: number): number {
    return sumOver(this.options.fronts, cell);
  }
}

function sumOver(slots: ReadonlyArray<{ readonly stats: SharedArrayBuffer }>, cell: number): number {
  return slots.reduce((sum, { stats }) => sum + new Float64Array(stats)[cell], 0);
}
