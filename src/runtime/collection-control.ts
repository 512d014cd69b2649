/**
 * Creates, changes, drops and lists collections: the catalog, and telling the fronts. Fronts know of a change before it is
 * answered: what a client does next finds it on every front. Main thread only.
 */
import type { Logger } from 'pino';
import { DbError, fromWireError, toWireError } from '../base/errors.js';
import { TTL_UNSET } from '../base/expiry.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Collection } from '../catalog/catalog-file.js';
import { alteredSchema, type CollectionSchema, schemaOf, tightens } from '../catalog/collection-schema.js';
import type { Offender } from '../engine/schema-scan.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import type { CollectionDescription, CollectionInfo } from '../front/control-plane.js';
import { describeSchema } from '../front/schema-body.js';
import type { AlterTableAction } from '../sql/algebra/statement.js';
import type { BoundSchema } from './bound-schema.js';
import type { DroppedIds } from './dropped-ids.js';
import type { IndexControl } from './index-control.js';
import type { ReadOnlyState } from './read-only-state.js';
import { boundSchemas, loadSchemaBinder, requireCheckable } from './schemas.js';
import { shardFigures } from './shard-figures.js';
import type { ShardSlot } from './shard-slot.js';
import type { Supervisor } from './supervisor.js';

export interface CollectionControlOptions {
  readonly catalog: Catalog;
  readonly supervisor: Pick<Supervisor, 'shards' | 'putCollection' | 'removeCollection' | 'setDefinitions'>;
  /** What becomes of the indexes of a collection that is dropped or emptied. */
  readonly indexes: Pick<IndexControl, 'afterDrop'>;
  readonly dropped: Pick<DroppedIds, 'leave' | 'left'>;
  readonly readOnly: Pick<ReadOnlyState, 'requireCatalogChange'>;
  readonly logger: Logger;
}

const NO_SCHEMA: CollectionSchema = { columns: [], checks: [] };

/** Methods throw the DbError that is the answer. */
export class CollectionControl {
  /** New collections with a schema that not every shard knows yet. */
  private readonly announcing = new Map<string, Promise<void>>();
  /** One after the other. */
  private altering: Promise<unknown> = Promise.resolve();
  private pending: { readonly id: number; readonly schema: CollectionSchema } | undefined;

  constructor(private readonly options: CollectionControlOptions) {}

  /** An existing one is returned as it is, or a CONFLICT with `exclusive`. */
  async create(
    name: string,
    exclusive: boolean,
    ttlSeconds: number,
    schema?: CollectionSchema,
  ): Promise<CollectionInfo> {
    const { catalog, supervisor, readOnly, logger } = this.options;
    if (schema !== undefined) await this.requireSound(name, schema);
    // Whoever is told of a collection writes to it: not before its documents are checked.
    if (!exclusive) await this.announcing.get(name)?.catch(() => {});
    const existing = catalog.find(name);
    if (existing !== undefined && !exclusive) return collectionInfo(existing, catalog);
    readOnly.requireCatalogChange('create');
    const created = collectionInfo(catalog.create(name, ttlSeconds, schema && schemaOf(schema)), catalog);
    // Before a front can write to it: what is written is checked. Shards without it take nothing for it.
    if (created.schema !== undefined) await this.announce(created);
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

  /**
   * ALTER TABLE. Where that may be more than the documents of now meet, shards check by both schemas first, and then look for a
   * document that the new one does not allow: nothing that only the old one allows comes in behind the search, and nothing that
   * only the new one allows is left when it fails.
   */
  alter(name: string, actions: readonly AlterTableAction[]): Promise<void> {
    const done = this.altering.then(() => this.alterNow(name, actions));
    this.altering = done.catch(() => {});
    return done;
  }

  private async alterNow(name: string, actions: readonly AlterTableAction[]): Promise<void> {
    const { catalog, supervisor, readOnly, logger } = this.options;
    readOnly.requireCatalogChange('change');
    const before = catalog.existing(name);
    const after = alteredSchema(name, before.schema ?? NO_SCHEMA, actions);
    await this.requireSound(name, after);
    try {
      if (tightens(actions)) await this.tryOut(before, after);
      const changed = collectionInfo(catalog.setSchema(name, schemaOf(after)), catalog);
      this.pending = undefined;
      // One that cannot be told now ends, or has the stricter one already; either way it starts with the catalog's.
      await supervisor.setDefinitions().catch(() => {});
      await supervisor.putCollection(changed);
      logger.info({ collection: name, id: changed.id }, 'collection changed');
    } finally {
      await this.withdraw();
    }
  }

  /** Throws the DbError of the first document that is in the way. */
  private async tryOut(collection: Collection, schema: CollectionSchema): Promise<void> {
    const { catalog, supervisor } = this.options;
    const { id, name } = collection;
    this.pending = { id, schema };
    await supervisor.setDefinitions();
    await Promise.all(supervisor.shards.map((slot) => this.requireNoOffender(slot, collection)));
    if (catalog.find(name)?.id !== id)
      throw new DbError('CONFLICT', `collection ${JSON.stringify(name)} was emptied or dropped meanwhile`);
  }

  /** Shards check by the catalog's schema again. */
  private async withdraw(): Promise<void> {
    if (this.pending === undefined) return;
    this.pending = undefined;
    await this.options.supervisor.setDefinitions().catch(() => {});
  }

  private async requireNoOffender(
    { shard, state, incarnation }: ShardSlot,
    { id }: Collection,
  ): Promise<void> {
    if (incarnation === undefined || state !== 'ready')
      throw new DbError('SHARD_UNAVAILABLE', `shard ${shard} is not serving`, { shard });
    const { thread } = incarnation;
    const { result, error } = await thread
      .call<JobOutcome<Offender | undefined>>(thread.control.findOffender(id))
      .catch((cause: unknown) => ({
        result: undefined,
        error: {
          code: 'SHARD_UNAVAILABLE' as const,
          message: `shard ${shard}: ${toWireError(cause).message}`,
        },
      }));
    if (error !== undefined) throw fromWireError(error);
    if (result === undefined) return;
    const { message, details } = result.error;
    throw new DbError('QUERY', `${message} (in document ${JSON.stringify(result.id)})`, {
      ...details,
      id: result.id,
    });
  }

  /** What shards check: the catalog's schemas, and the one that is being tried out. */
  boundSchemas(): BoundSchema[] {
    const { pending } = this;
    const collections = this.options.catalog.list();
    const tried = collections.flatMap((each) =>
      each.id === pending?.id ? [{ ...each, schema: pending.schema }] : [],
    );
    return [
      ...boundSchemas(collections),
      ...boundSchemas(tried).map((schema) => ({ ...schema, isTried: true as const })),
    ];
  }

  /** Throws the DbError of a CHECK that cannot be compiled. */
  private async requireSound(name: string, schema: CollectionSchema): Promise<void> {
    await loadSchemaBinder();
    requireCheckable(name, schema);
  }

  private async announce({ name }: CollectionInfo): Promise<void> {
    const { catalog, supervisor } = this.options;
    const announced = supervisor.setDefinitions().catch((error: unknown) => {
      catalog.drop(name);
      throw error;
    });
    this.announcing.set(name, announced);
    await announced.finally(() => this.announcing.delete(name));
  }

  async drop(name: string): Promise<CollectionInfo> {
    const { catalog, supervisor, readOnly, logger } = this.options;
    readOnly.requireCatalogChange('drop');
    const dropped = collectionInfo(catalog.existing(name), catalog);
    this.options.dropped.leave(idsOf(dropped));
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
    this.options.dropped.leave(idsOf(before));
    const emptied = collectionInfo(catalog.truncate(name), catalog);
    // Before a front can write under the new number. A shard that ends meanwhile is told when it starts again.
    await supervisor.setDefinitions().catch(() => {});
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
    for (const { collection, documents, bytes } of await shardFigures(this.options.supervisor.shards)) {
      const sum = figures.get(collection) ?? { documents: 0, bytes: 0 };
      figures.set(collection, { documents: sum.documents + documents, bytes: sum.bytes + bytes });
    }
    return this.options.catalog.list().map(({ id, name, createdAt, ttlSeconds, schema }) => ({
      name,
      document_count: figures.get(id)?.documents ?? 0,
      size_bytes: figures.get(id)?.bytes ?? 0,
      indexes: this.options.catalog
        .indexes()
        .filter(({ collectionId, replaces }) => collectionId === id && replaces === undefined)
        .map((index) => index.name),
      ttl: ttlSeconds === TTL_UNSET ? null : ttlSeconds,
      ...(schema && { schema: describeSchema(schema) }),
      created_at: createdAt,
    }));
  }
}

/** Its own number and those of its indexes. */
const idsOf = ({ id, indexes }: CollectionInfo): number[] => [
  id,
  ...indexes.map((index): number => index.id),
];

export function collectionInfo(
  { id, name, ttlSeconds, schema }: Collection,
  catalog: Pick<Catalog, 'indexes'>,
): CollectionInfo {
  const indexes = catalog.indexes().filter(({ collectionId }) => collectionId === id);
  return { id, name, ttlSeconds, indexes, ...(schema && { schema }) };
}
