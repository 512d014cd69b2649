/**
 * Opens the shards of a restored directory for the first time: their logs are replayed, with the indexes of the catalog, and
 * everything goes into tables. What comes out is what the database has. Main thread of a command.
 */
import type { Clock } from '../../base/clock.js';
import type { Catalog } from '../../catalog/catalog.js';
import { droppedCollections, validIndexes } from '../../tools/collections.js';
import { type OfflineTuning, openOfflineShard } from '../../tools/offline-shard.js';
import { shardPlaces } from '../../tools/shard-place.js';
import type { Vfs } from '../../vfs/vfs.js';
import { loadExtractors } from '../index-extractors.js';
import { knownCollections } from '../maintenance.js';

export interface OpenRestoredOptions {
  readonly vfs: Vfs;
  readonly target: string;
  readonly shards: number;
  readonly catalog: Catalog;
  readonly tuning: OfflineTuning;
  readonly clock: Clock;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface RestoredCollection {
  readonly collection: string;
  readonly documents: number;
  readonly bytes: number;
}

export interface OpenedRestored {
  readonly lastSeqno: number;
  /** By name. */
  readonly collections: readonly RestoredCollection[];
}

/** Throws CORRUPT_*, IO. The same call goes on where it was interrupted. */
export async function openRestored(options: OpenRestoredOptions): Promise<OpenedRestored> {
  const { vfs, target, shards, catalog } = options;
  await loadExtractors(catalog.indexes(), { parser: true });
  const known = knownCollections(catalog);
  const counted = new Map<number, { documents: number; bytes: number }>();
  let lastSeqno = 0;
  for (const place of shardPlaces(vfs, target, shards)) {
    const shard = openOfflineShard({
      ...options,
      place,
      onProgress: undefined,
      // Nothing expires because a wall clock says so now: the server's database time does that.
      nowSeconds: 0,
      droppedCollections: droppedCollections(known),
      indexes: validIndexes(known),
      onWalDamage: 'stop',
    });
    try {
      shard.flushAll();
      lastSeqno = Math.max(lastSeqno, shard.lastSeqno);
      for (const { collection, documents, bytes } of shard.engine.stats.snapshot()) {
        const sum = counted.get(collection) ?? { documents: 0, bytes: 0 };
        counted.set(collection, { documents: sum.documents + documents, bytes: sum.bytes + bytes });
      }
    } finally {
      shard.close();
    }
    options.onProgress?.(place.shard + 1, shards);
  }
  const collections = [...known.names].map(([id, collection]) => ({
    collection,
    ...(counted.get(id) ?? { documents: 0, bytes: 0 }),
  }));
  return { lastSeqno, collections: collections.sort((a, b) => (a.collection < b.collection ? -1 : 1)) };
}
