/** A number of shards as people type it. */
import { InvalidArgumentError } from 'commander';
import { SHARDS_MAX } from '../config/shard-count.js';

export function parseShards(text: string): number {
  const shards = Number(text);
  if (!/^\d+$/.test(text) || shards < 1 || shards > SHARDS_MAX)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${SHARDS_MAX}.`);
  return shards;
}
