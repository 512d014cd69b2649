/** What /status and /metrics say about tables, caches and snapshots: plain data, put together by the runtime. Types only. */

export interface LevelFacts {
  readonly level: number;
  readonly tables: number;
  /** Sorted runs: one at most, except in level 0. */
  readonly runs: number;
  readonly bytes: number;
}

export interface ShardStorageFacts {
  readonly shard: number;
  /** Those that have tables. */
  readonly levels: readonly LevelFacts[];
  /** Bytes that compactions have still to take out of levels that are too full; an estimate. */
  readonly pendingCompactionBytes: number;
  /** Sorted runs that a point read may have to look into, at most. */
  readonly readAmplification: number;
}

export interface CacheFacts {
  readonly requests: number;
  readonly hits: number;
  readonly evictions: number;
  readonly usedBytes: number;
  readonly capacityBytes: number;
}

export interface StorageFacts {
  readonly shards: readonly ShardStorageFacts[];
  readonly blockCache: CacheFacts;
  /** Of all fronts together. */
  readonly rowCache: CacheFacts;
  readonly snapshots: {
    /** Different seqnos that are held. */
    readonly held: number;
    /** 0 when none is held. */
    readonly oldestAgeSeconds: number;
  };
  /** Bytes of indexes and filters of open tables, over all threads. */
  readonly indexBytes: number;
  /** Bytes in use in memtables. */
  readonly memtableBytes: number;
}
