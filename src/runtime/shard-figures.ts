/** What the collections and indexes have in each shard that has recovered. Main thread only. */
import type { ShardSlot } from './shard-slot.js';
import type { CollectionFigures } from './shard-thread.js';

/**
 * Shards that are down have none. One that has recovered counts, whatever its state says: fronts serve it a moment before it is
 * called ready, and whoever has read a document there must not be told that there are none.
 */
export async function shardFigures(
  shards: readonly Pick<ShardSlot, 'incarnation'>[],
): Promise<readonly CollectionFigures[]> {
  const perShard = await Promise.all(
    shards.map(async ({ incarnation }) =>
      incarnation?.isOpen
        ? incarnation.thread.call(incarnation.thread.control.collectionFigures()).catch(() => [])
        : [],
    ),
  );
  return perShard.flat();
}
