/** Where a shard keeps its files. */
import { join } from 'node:path';
import { shardName } from '../tools/shard-place.js';

export interface ShardDirectories {
  /** Segments of the log. */
  readonly wal: string;
  /** Tables and manifest. */
  readonly tables: string;
}

export function shardDirectories(dataDirectory: string, shard: number): ShardDirectories {
  const directory = join(dataDirectory, shardName(shard));
  return { wal: join(directory, 'wal'), tables: join(directory, 'sst') };
}
