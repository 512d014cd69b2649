/**
 * What the offline tools (src/tools) work on, put together from a data directory and a configuration: the lock, the
 * number of shards, the catalog, and how tables are written. Main thread of a command; the server does not use it.
 */
import { assert } from '../base/assert.js';
import { systemClock } from '../base/clock.js';
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
import { shardTuning } from './shard-tuning.js';

export interface Maintained {
  readonly vfs: Vfs;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly shards: number;
  readonly collections: KnownCollections;
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
export function openOffline(config: Config, options: MaintenanceOptions = {}): Maintained {
  const directory = openDataDirectory(config.storage.data_dir, { shards: 0, mustExist: true, ...options });
  try {
    return maintained(config, directory);
  } catch (error) {
    directory.release();
    throw error;
  }
}

/** The same beside whoever holds the directory, to look at it and change nothing. */
export function openBeside(config: Config, path: string): Maintained {
  return maintained(config, { path, shards: readShardCount(path), release: () => {} });
}

/** The number of a collection. Throws DbError('NOT_FOUND'). */
export function collectionNumber({ names }: KnownCollections, name: string): number {
  for (const [id, known] of names) if (known === name) return id;
  throw new DbError('NOT_FOUND', `collection ${JSON.stringify(name)} does not exist`);
}

function maintained(
  config: Config,
  { path, shards, release }: Pick<DataDirectory, 'path' | 'shards' | 'release'>,
): Maintained {
  const vfs = new RealVfs();
  const { tables, picker, limits } = shardTuning(config);
  return {
    vfs,
    dataDirectory: path,
    shards,
    collections: knownCollections(vfs, path),
    tuning: {
      tables,
      picker,
      limits,
      memtableBytes: config.memory.memtable_size,
      walSegmentBytes: config.wal.segment_size,
    },
    layout: { setShardCount: (count) => setShardCount(path, count), removeTree },
    clock: systemClock,
    close: release,
  };
}

function knownCollections(vfs: Vfs, dataDirectory: string): KnownCollections {
  const file = `${dataDirectory}/catalog.json`;
  const store = {
    read: () => (vfs.exists(file) ? vfs.readFile(file) : undefined),
    write: () => assert(false, 'tools do not change the catalog'),
  };
  const catalog = new Catalog(store, systemClock);
  const collections = catalog.list();
  return {
    names: new Map(collections.map(({ id, name }) => [id, name])),
    // Every number below it is that of a collection there is or of one there was.
    nextId: collections.length + catalog.droppedIds().length + 1,
  };
}
