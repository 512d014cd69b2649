/**
 * The catalog: which collections there are, and their numbers. Main thread only. Persisted as a whole before any change
 * is used, so a number that occurs in a WAL is always known.
 *
 * File `catalog.json` in the data directory:
 *   {"format_version":2,"next_id":3,"collections":[{"id":1,"name":"users","created_at":"2026-...","ttl_seconds":null}]}
 * Version 1 had no ttl_seconds; it is read as null everywhere and written as version 2 with the next change.
 * Numbers are never reused: documents of a dropped collection may still be in WAL and memtables, invisible.
 */
import { z } from 'zod';
import { asCollectionId, type CollectionId } from '../base/brand.js';
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { TTL_UNSET } from '../base/expiry.js';
import { COLLECTIONS_MAX, TTL_SECONDS_MAX } from '../base/limits.js';

export interface Collection {
  readonly id: CollectionId;
  readonly name: string;
  readonly createdAt: string;
  /** Default time to live of documents written to it, in seconds; TTL_UNSET (base/expiry.ts) = none. */
  readonly ttlSeconds: number;
}

/** Where the catalog is kept; the runtime implements it over the vfs. */
export interface CatalogStore {
  /** Undefined when there is none yet. */
  read(): Uint8Array | undefined;
  /** Atomic and durable when it returns. */
  write(bytes: Uint8Array): void;
}

const FORMAT_VERSION = 2;

const collectionV1 = z.strictObject({
  id: z.int().min(1),
  name: z.string().min(1),
  created_at: z.string(),
});
const collectionV2 = collectionV1.extend({ ttl_seconds: z.int().min(1).max(TTL_SECONDS_MAX).nullable() });
const catalogFileV1 = z.strictObject({
  format_version: z.literal(1),
  next_id: z.int().min(1),
  collections: z.array(collectionV1),
});
const catalogFileV2 = z.strictObject({
  format_version: z.literal(FORMAT_VERSION),
  next_id: z.int().min(1),
  collections: z.array(collectionV2),
});
type CatalogFile = z.infer<typeof catalogFileV2>;
const catalogFile = z.discriminatedUnion('format_version', [
  catalogFileV1.transform(
    (file): CatalogFile => ({
      ...file,
      format_version: FORMAT_VERSION,
      collections: file.collections.map((collection) => ({ ...collection, ttl_seconds: null })),
    }),
  ),
  catalogFileV2,
]);

export class Catalog {
  private readonly byName = new Map<string, Collection>();
  private nextId = 1;

  /** Throws DbError('CORRUPT_CATALOG') when the file is there but cannot be understood. */
  constructor(
    private readonly store: CatalogStore,
    private readonly clock: Clock,
  ) {
    const bytes = store.read();
    if (bytes !== undefined) this.load(bytes);
  }

  list(): Collection[] {
    return [...this.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Numbers that collections had and none has any more: their documents may still be on disk, and can be dropped. */
  droppedIds(): number[] {
    const live = new Set([...this.byName.values()].map(({ id }): number => id));
    const dropped: number[] = [];
    for (let id = 1; id < this.nextId; id++) if (!live.has(id)) dropped.push(id);
    return dropped;
  }

  find(name: string): Collection | undefined {
    return this.byName.get(name);
  }

  /** Throws DbError('CONFLICT') when the name is taken, or when there are too many collections. */
  create(name: string, ttlSeconds = TTL_UNSET): Collection {
    if (this.byName.has(name)) {
      throw new DbError('CONFLICT', `collection ${JSON.stringify(name)} exists already`, { field: 'name' });
    }
    if (this.byName.size >= COLLECTIONS_MAX) {
      throw new DbError('CONFLICT', `there are ${COLLECTIONS_MAX} collections already`, {
        limit: COLLECTIONS_MAX,
      });
    }
    const createdAt = new Date(this.clock.wallMs()).toISOString();
    const collection: Collection = { id: asCollectionId(this.nextId), name, createdAt, ttlSeconds };
    this.save([...this.byName.values(), collection], this.nextId + 1);
    this.byName.set(name, collection);
    this.nextId++;
    return collection;
  }

  /** Changes the default time to live. Throws DbError('NOT_FOUND'). */
  setTtl(name: string, ttlSeconds: number): Collection {
    const before = this.existing(name);
    const after: Collection = { ...before, ttlSeconds };
    this.save(
      [...this.byName.values()].map((other) => (other === before ? after : other)),
      this.nextId,
    );
    this.byName.set(name, after);
    return after;
  }

  /** Throws DbError('NOT_FOUND'). */
  drop(name: string): Collection {
    const collection = this.existing(name);
    this.save(
      [...this.byName.values()].filter((other) => other !== collection),
      this.nextId,
    );
    this.byName.delete(name);
    return collection;
  }

  /** Throws DbError('NOT_FOUND'). */
  existing(name: string): Collection {
    const collection = this.byName.get(name);
    if (collection === undefined)
      throw new DbError('NOT_FOUND', `collection ${JSON.stringify(name)} does not exist`);
    return collection;
  }

  private save(collections: readonly Collection[], nextId: number): void {
    const file: CatalogFile = {
      format_version: FORMAT_VERSION,
      next_id: nextId,
      collections: collections.map(({ id, name, createdAt, ttlSeconds }) => ({
        id,
        name,
        created_at: createdAt,
        ttl_seconds: ttlSeconds === TTL_UNSET ? null : ttlSeconds,
      })),
    };
    this.store.write(new TextEncoder().encode(`${JSON.stringify(file, null, 1)}\n`));
  }

  private load(bytes: Uint8Array): void {
    const file = parse(bytes);
    const ids = new Set<number>();
    for (const { id, name, created_at, ttl_seconds } of file.collections) {
      if (id >= file.next_id || ids.has(id) || this.byName.has(name))
        throw corrupt(`collection ${JSON.stringify(name)} is inconsistent`);
      ids.add(id);
      this.byName.set(name, {
        id: asCollectionId(id),
        name,
        createdAt: created_at,
        ttlSeconds: ttl_seconds ?? TTL_UNSET,
      });
    }
    this.nextId = file.next_id;
  }
}

function parse(bytes: Uint8Array): CatalogFile {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw corrupt((error as Error).message);
  }
  const result = catalogFile.safeParse(value);
  if (!result.success) throw corrupt(z.prettifyError(result.error));
  return result.data;
}

function corrupt(reason: string): DbError {
  return new DbError('CORRUPT_CATALOG', `catalog.json cannot be read: ${reason}`, { file: 'catalog.json' });
}
