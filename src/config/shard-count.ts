/** How many shards a database has when nobody says, and at most. */
import { availableParallelism } from 'node:os';

export const SHARDS_MAX = 256;

/** The shard count that `sharding.shards = 0` stands for on this machine. */
export const defaultShardCount = (cores: number = availableParallelism()): number =>
  Math.min(SHARDS_MAX, Math.max(1, cores - 1));
