/** What a shard and its compactor need of the configuration. Plain data, made once on the main thread. */

import type { TableOptions } from '../compaction/job-types.js';
import type { PickerOptions } from '../compaction/picker-state.js';
import type { Config } from '../config/schema.js';
import type { BacklogLimits } from '../engine/write-throttle.js';

export interface ShardTuning {
  readonly picker: PickerOptions;
  readonly tables: TableOptions;
  readonly limits: BacklogLimits;
  readonly sweepIntervalMs: number;
}

/** A table with this share of tombstones is compacted however small its level is. */
const TOMBSTONE_SHARE = 0.5;
/** A table is rewritten without the text of its expired documents when the first of them expired this long ago. */
const EXPIRED_GRACE_SECONDS = 3600;

/** A table may overlap this many tables of the level below its own before it is cut (LevelDB's figure). */
const GRANDPARENT_OVERLAP_TABLES = 10;

export function shardTuning({ storage, memory, compaction }: Config): ShardTuning {
  return {
    picker: {
      l0RunsTrigger: compaction.l0_compact,
      levelBaseBytes: compaction.level_base_size,
      levelMultiplier: compaction.level_multiplier,
      maxJobBytes: compaction.max_job_size,
      tombstoneShare: TOMBSTONE_SHARE,
      expiredGraceSeconds: EXPIRED_GRACE_SECONDS,
    },
    tables: {
      tableSizeBytes: compaction.table_size,
      blockSizeBytes: storage.block_size,
      bloomBitsPerKey: memory.bloom_bits_per_key,
      upperCodec: storage.compression,
      lastCodec: storage.compression_last_level,
      grandparentOverlapBytesMax: GRANDPARENT_OVERLAP_TABLES * compaction.table_size,
    },
    limits: {
      levelZeroSlowdown: compaction.l0_slowdown,
      levelZeroStop: compaction.l0_stop,
      memtablesMax: memory.memtables_max,
    },
    sweepIntervalMs: compaction.expiry_sweep_interval_ms,
  };
}
