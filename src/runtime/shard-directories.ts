/** Where a shard keeps its files. */
import { join } from 'node:path';

export interface ShardDirectories {
  /** Segments of the log. */
  readonly wal: string;
  /** Tables and manifest. */
  readonly tables: string;
}

export function shardDirectories(dataDirectory: string, shard: number): ShardDirectories {
  const directory = join(dataDirectory, `shard-${String(shard).padStart(4, '0')}`);
  return { wal: join(directory, 'wal'), tables: join(directory, 'sst') };
}
