/**
 * What the offline tools (src/tools) work on, put together from a data directory and a configuration: the lock, the
 * number of shards, the catalog, and how tables are written. Main thread of a command; the server does not use it.
 */
import { assert } from '../base/assert.js';
import { type Clock, systemClock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { Catalog } from '../catalog/catalog.js';
import type { Config } from '../config/schema.js';
import type { KnownCollections } from '../tools/collections.js';
import type { OfflineTuning } from '../tools/offline-shard.js';
import type { Layout } from '../tools/reshard.js';
import { RealVfs } from '../vfs/real.js';
import type { Vfs } from '../vfs/vfs.js';
import {
  type DataDirectory,
  openDataDirectory,
  readShardCount,
  removeTree,
  setShardCount,
} from './data-directory.js';
import { extractorOf, loadExtractors } from './index-extractors.js';
import { shardTuning } from './shard-tuning.js';

export interface Maintained {
  readonly vfs: Vfs;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly shards: number;
  readonly collections: KnownCollections;
  /** Beside whoever holds the directory it must not be changed. */
  readonly catalog: Catalog;
  readonly invalidateIndexes: (ids: readonly number[]) => void;
  readonly tuning: OfflineTuning;
  readonly layout: Layout;
  readonly clock: typeof systemClock;
  /** Gives the directory up. */
  close(): void;
}

export interface MaintenanceOptions {
  readonly mayBeResharding?: boolean;
}

/**
 * Holds the directory until close(). Throws DbError: DATA_DIRECTORY_LOCKED (a server runs), CONFIG (no database here, or a
 * reshard is unfinished), CORRUPT_CATALOG, IO.
 */
export async function openOffline(config: Config, options: MaintenanceOptions = {}): Promise<Maintained> {
  const directory = openDataDirectory(config.storage.data_dir, { shards: 0, mustExist: true, ...options });
  try {
    return await maintained(config, directory, true);
  } catch (error) {
    directory.release();
    throw error;
  }
}

/** The same beside whoever holds the directory, to look at it and change nothing. */
export function openBeside(config: Config, path: string): Promise<Maintained> {
  return maintained(config, { path, shards: readShardCount(path), release: () => {} }, false);
}

/** The number of a collection. Throws DbError('NOT_FOUND'). */
export function collectionNumber({ names }: KnownCollections, name: string): number {
  for (const [id, known] of names) if (known === name) return id;
  throw new DbError('NOT_FOUND', `collection ${JSON.stringify(name)} does not exist`);
}

async function maintained(
  config: Config,
  { path, shards, release }: Pick<DataDirectory, 'path' | 'shards' | 'release'>,
  isOurs: boolean,
): Promise<Maintained> {
  const vfs = new RealVfs();
  const catalog = openCatalog(vfs, path, isOurs);
  await loadExtractors(catalog.indexes(), { parser: true });
  return {
    vfs,
    dataDirectory: path,
    shards,
    collections: knownCollections(catalog),
    catalog,
    invalidateIndexes: (ids) => {
      for (const id of ids) catalog.invalidateIndex(id);
    },
    tuning: offlineTuning(config),
    layout: { setShardCount: (count) => setShardCount(path, count), removeTree },
    clock: systemClock,
    close: release,
  };
}

export interface OfflineEnvironment {
  readonly vfs: Vfs;
  readonly tuning: OfflineTuning;
  readonly clock: Clock;
}

/** What a tool works with that makes a data directory instead of opening one. */
export function offlineEnvironment(config: Config): OfflineEnvironment {
  return { vfs: new RealVfs(), tuning: offlineTuning(config), clock: systemClock };
}

/** How tools write tables and logs. */
function offlineTuning(config: Config): OfflineTuning {
  const { tables, picker, limits } = shardTuning(config);
  return {
    tables,
    picker,
    limits,
    memtableBytes: config.memory.memtable_size,
    walSegmentBytes: config.wal.segment_size,
  };
}

/** `isOurs`: false beside whoever holds the directory, whose catalog it is. */
function openCatalog(vfs: Vfs, dataDirectory: string, isOurs: boolean): Catalog {
  const file = `${dataDirectory}/catalog.json`;
  const store = {
    read: () => (vfs.exists(file) ? vfs.readFile(file) : undefined),
    write: (bytes: Uint8Array) => {
      assert(isOurs, 'the catalog is changed by whoever holds the directory');
      vfs.writeFileAtomic(file, bytes);
    },
  };
  return new Catalog(store, systemClock);
}

export function knownCollections(catalog: Catalog): KnownCollections {
  return {
    names: new Map(catalog.list().map(({ id, name }) => [id, name])),
    nextId: catalog.nextId,
    indexes: catalog.indexes(),
    extractorOf,
  };
}
