/**
 * Where the files of one shard are, for tools that work on a data directory as a whole. Pure; any thread.
 */
import { asShardId, type ShardId } from '../base/brand.js';
import type { ManifestDirectory } from '../manifest/manifest-file.js';
import type { Vfs } from '../vfs/vfs.js';

export interface ShardPlace {
  readonly vfs: Vfs;
  readonly shard: ShardId;
  /** `<data>/shard-NNNN`. */
  readonly directory: string;
  readonly tableDirectory: string;
  readonly walDirectory: string;
  readonly quarantineDirectory: string;
}

export function shardName(shard: number): string {
  return `shard-${String(shard).padStart(4, '0')}`;
}

export function shardPlace(vfs: Vfs, dataDirectory: string, shard: number): ShardPlace {
  const directory = `${dataDirectory}/${shardName(shard)}`;
  return {
    vfs,
    shard: asShardId(shard),
    directory,
    tableDirectory: `${directory}/sst`,
    walDirectory: `${directory}/wal`,
    quarantineDirectory: `${directory}/quarantine`,
  };
}

export function shardPlaces(vfs: Vfs, dataDirectory: string, shards: number): ShardPlace[] {
  return Array.from({ length: shards }, (_, shard) => shardPlace(vfs, dataDirectory, shard));
}

export function manifestPlace({
  vfs,
  tableDirectory,
  shard,
}: Pick<ShardPlace, 'vfs' | 'tableDirectory' | 'shard'>): ManifestDirectory {
  return { vfs, directory: tableDirectory, shard };
}
