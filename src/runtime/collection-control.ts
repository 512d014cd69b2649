/**
 * Creates, changes, drops and lists collections: the catalog, and telling the fronts. Fronts know of a change before it is
 * answered: what a client does next finds it on every front. Main thread only.
 */
import type { Logger } from 'pino';
import { TTL_UNSET } from '../base/expiry.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Collection } from '../catalog/catalog-file.js';
import type { CollectionDescription, CollectionInfo } from '../front/control-plane.js';
import type { DroppedIds } from './dropped-ids.js';
import type { IndexControl } from './index-control.js';
import type { ReadOnlyState } from './read-only-state.js';
import type { Supervisor } from './supervisor.js';

export interface CollectionControlOptions {
  readonly catalog: Catalog;
  readonly supervisor: Pick<Supervisor, 'shards' | 'putCollection' | 'removeCollection' | 'setIndexes'>;
  /** What becomes of the indexes of a collection that is dropped or emptied. */
  readonly indexes: Pick<IndexControl, 'afterDrop'>;
  readonly dropped: Pick<DroppedIds, 'leave' | 'left'>;
  readonly readOnly: Pick<ReadOnlyState, 'requireCatalogChange'>;
  readonly logger: Logger;
}

/** Methods throw the DbError that is the answer. */
export class CollectionControl {
  constructor(private readonly options: CollectionControlOptions) {}

  /** An existing one is returned as it is, or a CONFLICT with `exclusive`. */
  async create(name: string, exclusive: boolean, ttlSeconds: number): Promise<CollectionInfo> {
    const { catalog, supervisor, readOnly, logger } = this.options;
    const existing = catalog.find(name);
    if (existing !== undefined && !exclusive) return collectionInfo(existing, catalog);
    readOnly.requireCatalogChange('create');
    const created = collectionInfo(catalog.create(name, ttlSeconds), catalog);
    await supervisor.putCollection(created);
    logger.info({ collection: name, id: created.id, ttl_seconds: ttlSeconds }, 'collection created');
    return created;
  }

  async setTtl(name: string, ttlSeconds: number): Promise<CollectionInfo> {
    const { catalog, supervisor, readOnly, logger } = this.options;
    readOnly.requireCatalogChange('change');
    const changed = collectionInfo(catalog.setTtl(name, ttlSeconds), catalog);
    await supervisor.putCollection(changed);
    logger.info({ collection: name, id: changed.id, ttl_seconds: ttlSeconds }, 'collection changed');
    return changed;
  }

  async drop(name: string): Promise<CollectionInfo> {
    const { catalog, supervisor, readOnly, logger } = this.options;
    readOnly.requireCatalogChange('drop');
    const dropped = collectionInfo(catalog.existing(name), catalog);
    this.options.dropped.leave([dropped.id]);
    catalog.drop(name);
    await supervisor.removeCollection(dropped);
    this.options.dropped.left([dropped.id]);
    await this.options.indexes.afterDrop(dropped.indexes);
    logger.info({ collection: name, id: dropped.id }, 'collection dropped');
    return dropped;
  }

  /** Takes all documents out of a collection at once. What is written meanwhile may be among them. */
  async truncate(name: string): Promise<CollectionInfo> {
    const { catalog, supervisor, readOnly, indexes, logger } = this.options;
    readOnly.requireCatalogChange('drop');
    const before = collectionInfo(catalog.existing(name), catalog);
    this.options.dropped.leave([before.id]);
    const emptied = collectionInfo(catalog.truncate(name), catalog);
    // Before a front can write under the new number. A shard that ends meanwhile is told when it starts again.
    await supervisor.setIndexes().catch(() => {});
    await supervisor.putCollection(emptied);
    await indexes.afterDrop(before.indexes);
    // It forgets the old number alone.
    await supervisor.removeCollection(before);
    this.options.dropped.left([before.id]);
    logger.info({ collection: name, id: emptied.id }, 'collection emptied');
    return emptied;
  }

  /** Shards that are down are not counted. */
  async list(): Promise<readonly CollectionDescription[]> {
    const figures = new Map<number, { documents: number; bytes: number }>();
    for (const { collection, documents, bytes } of await this.figuresOfShards()) {
      const sum = figures.get(collection) ?? { documents: 0, bytes: 0 };
      figures.set(collection, { documents: sum.documents + documents, bytes: sum.bytes + bytes });
    }
    return this.options.catalog.list().map(({ id, name, createdAt, ttlSeconds }) => ({
      name,
      document_count: figures.get(id)?.documents ?? 0,
      size_bytes: figures.get(id)?.bytes ?? 0,
      indexes: this.options.catalog
        .indexes()
        .filter(({ collectionId, replaces }) => collectionId === id && replaces === undefined)
        .map((index) => index.name),
      ttl: ttlSeconds === TTL_UNSET ? null : ttlSeconds,
      created_at: createdAt,
    }));
  }

  private async figuresOfShards() {
    const perShard = await Promise.all(
      this.options.supervisor.shards.map(async ({ incarnation, state }) =>
        incarnation === undefined || state !== 'ready'
          ? []
          : incarnation.thread.call(incarnation.thread.control.collectionFigures()).catch(() => []),
      ),
    );
    return perShard.flat();
  }
}

export function collectionInfo(
  { id, name, ttlSeconds }: Collection,
  catalog: Pick<Catalog, 'indexes'>,
): CollectionInfo {
  const indexes = catalog.indexes().filter(({ collectionId }) => collectionId === id);
  return { id, name, ttlSeconds, indexes };
}
