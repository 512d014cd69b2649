/**
 * `lumadb rebuild-indexes` on a stopped server: builds indexes anew, one after the other. Each gets a successor under another
 * number, with entries made from the documents of every shard; when that is complete it takes the place of the old
 * one in the catalog. A crash leaves the old one, and the next start drops what was built.
 */
import type { Clock } from '../base/clock.js';
import type { IndexDefinition } from '../indexes/definition.js';
import { pathExtractor } from '../indexes/extractor.js';
import { IndexInUse } from '../indexes/index-entry.js';
import type { Vfs } from '../vfs/vfs.js';
import { droppedCollections, type KnownCollections, validIndexes } from './collections.js';
import { type OfflineTuning, openOfflineShard } from './offline-shard.js';
import { shardPlaces } from './shard-place.js';

/** What must be written down; durable when a call returns. */
export interface RebuildCatalog {
  /** The successor, under construction. */
  createReplacement(index: IndexDefinition): IndexDefinition;
  completeIndex(id: number): unknown;
  /** Everything there is now. */
  indexes(): readonly IndexDefinition[];
}

export interface RebuildIndexesOptions {
  readonly vfs: Vfs;
  readonly dataDirectory: string;
  readonly shards: number;
  readonly collections: KnownCollections;
  readonly catalog: RebuildCatalog;
  readonly tuning: OfflineTuning;
  readonly clock: Clock;
  /** Only those of one collection. */
  readonly only?: number;
  /** Steps are a shard of an index each. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface RebuiltIndex {
  readonly index: string;
  readonly collection: string;
  readonly documents: number;
}

/** Throws DbError: CORRUPT_* (repair first), DISK_FULL, IO. What was rebuilt before stays so. */
export function rebuildIndexes(options: RebuildIndexesOptions): RebuiltIndex[] {
  const { catalog, collections, shards, only, onProgress } = options;
  const wanted = catalog
    .indexes()
    .filter(
      ({ state, collectionId }) => state !== 'building' && (only === undefined || collectionId === only),
    );
  const rebuilt: RebuiltIndex[] = [];
  let steps = 0;
  for (const index of wanted) {
    const successor = catalog.createReplacement(index);
    const { extractorOf = pathExtractor } = collections;
    const building = new IndexInUse(successor, extractorOf(successor));
    let documents = 0;
    for (const place of shardPlaces(options.vfs, options.dataDirectory, shards)) {
      const known = { ...collections, indexes: catalog.indexes(), nextId: successor.id + 1 };
      const shard = openOfflineShard({
        ...options,
        place,
        onProgress: undefined,
        // No document is dropped because of what a wall clock says now.
        nowSeconds: 0,
        droppedCollections: droppedCollections(known),
        indexes: [...validIndexes(known), building],
        onWalDamage: 'stop',
      });
      try {
        documents += shard.buildIndex(building);
        shard.flushAll();
      } finally {
        shard.close();
      }
      steps++;
      onProgress?.(steps, wanted.length * shards);
    }
    catalog.completeIndex(successor.id);
    rebuilt.push({ index: index.name, collection: index.collection, documents });
  }
  return rebuilt;
}
