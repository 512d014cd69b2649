/** What a front tells about itself once a second, in its stats block: queues, caches, open tables. Front thread only. */
import { systemClock } from '../base/clock.js';
import type { CacheMeter } from '../cache/cache-stats.js';
import type { ShardReader } from '../engine/shard-reader.js';
import {
  FRONT_INDEX_BYTES,
  FRONT_LOOP_DELAY_MS,
  FRONT_OPEN_TABLES,
  FRONT_PENDING_WRITES,
  FRONT_ROW_CACHE_CAPACITY_BYTES,
  FRONT_ROW_CACHE_EVICTIONS,
  FRONT_ROW_CACHE_HITS,
  FRONT_ROW_CACHE_REQUESTS,
  FRONT_ROW_CACHE_USED_BYTES,
} from '../shm/stats-format.js';

interface WatchedShard {
  readonly reader: ShardReader;
  readonly rows: CacheMeter;
}

export class FrontGauges {
  private readonly shards = new Map<number, WatchedShard>();

  constructor(private readonly cells: Float64Array) {}

  attach(shard: number, reader: ShardReader, rows: CacheMeter): void {
    this.shards.set(shard, { reader, rows });
  }

  detach(shard: number): void {
    this.shards.delete(shard);
  }

  refresh(pendingWrites: number): void {
    const { cells } = this;
    cells[FRONT_PENDING_WRITES] = pendingWrites;
    this.refreshReaders();
    this.refreshRowCaches();
    const started = systemClock.monotonicMs();
    setImmediate(() => {
      cells[FRONT_LOOP_DELAY_MS] = systemClock.monotonicMs() - started;
    });
  }

  private refreshReaders(): void {
    const { cells } = this;
    let indexBytes = 0;
    let openTables = 0;
    for (const { reader } of this.shards.values()) {
      // Also where nobody reads: tables that no version has any more must not stay open, or their space does not come back.
      reader.refresh();
      cells[FRONT_ROW_CACHE_REQUESTS] += reader.rowCacheRequests;
      cells[FRONT_ROW_CACHE_HITS] += reader.rowCacheHits;
      reader.rowCacheRequests = 0;
      reader.rowCacheHits = 0;
      indexBytes += reader.openTables.memoryBytes;
      openTables += reader.openTables.count;
    }
    cells[FRONT_INDEX_BYTES] = indexBytes;
    cells[FRONT_OPEN_TABLES] = openTables;
  }

  private refreshRowCaches(): void {
    const { cells } = this;
    let usedBytes = 0;
    let capacityBytes = 0;
    let evictions = 0;
    for (const { rows } of this.shards.values()) {
      const stats = rows.read();
      usedBytes += stats.usedBytes;
      capacityBytes += stats.capacityBytes;
      evictions += stats.evictions;
    }
    cells[FRONT_ROW_CACHE_USED_BYTES] = usedBytes;
    cells[FRONT_ROW_CACHE_CAPACITY_BYTES] = capacityBytes;
    cells[FRONT_ROW_CACHE_EVICTIONS] = evictions;
  }
}
