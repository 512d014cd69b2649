/**
 * The catalog: which collections there are, and their numbers. Main thread only. Persisted as a whole before any change
 * is used, so a number that occurs in a WAL is always known.
 *
 * File `catalog.json` in the data directory:
 *   {"format_version":1,"next_id":3,"collections":[{"id":1,"name":"users","created_at":"2026-..."}]}
 * Numbers are never reused: documents of a dropped collection may still be in WAL and memtables, invisible.
 */
import { z } from 'zod';
import { asCollectionId, type CollectionId } from '../base/brand.js';
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { COLLECTIONS_MAX } from '../base/limits.js';

export interface Collection {
  readonly id: CollectionId;
  readonly name: string;
  readonly createdAt: string;
}

/** Where the catalog is kept; the runtime implements it over the vfs. */
export interface CatalogStore {
  /** Undefined when there is none yet. */
  read(): Uint8Array | undefined;
  /** Atomic and durable when it returns. */
  write(bytes: Uint8Array): void;
}

const FORMAT_VERSION = 1;

const catalogFile = z.strictObject({
  format_version: z.literal(FORMAT_VERSION),
  next_id: z.int().min(1),
  collections: z.array(
    z.strictObject({ id: z.int().min(1), name: z.string().min(1), created_at: z.string() }),
  ),
});

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

  find(name: string): Collection | undefined {
    return this.byName.get(name);
  }

  /** Throws DbError('CONFLICT') when the name is taken, or when there are too many collections. */
  create(name: string): Collection {
    if (this.byName.has(name)) {
      throw new DbError('CONFLICT', `collection ${JSON.stringify(name)} exists already`, { field: 'name' });
    }
    if (this.byName.size >= COLLECTIONS_MAX) {
      throw new DbError('CONFLICT', `there are ${COLLECTIONS_MAX} collections already`, {
        limit: COLLECTIONS_MAX,
      });
    }
    const createdAt = new Date(this.clock.wallMs()).toISOString();
    const collection: Collection = { id: asCollectionId(this.nextId), name, createdAt };
    this.save([...this.byName.values(), collection], this.nextId + 1);
    this.byName.set(name, collection);
    this.nextId++;
    return collection;
  }

  /** Throws DbError('NOT_FOUND'). */
  drop(name: string): Collection {
    const collection = this.byName.get(name);
    if (collection === undefined)
      throw new DbError('NOT_FOUND', `collection ${JSON.stringify(name)} does not exist`);
    this.save(
      [...this.byName.values()].filter((other) => other !== collection),
      this.nextId,
    );
    this.byName.delete(name);
    return collection;
  }

  private save(collections: readonly Collection[], nextId: number): void {
    const file: z.infer<typeof catalogFile> = {
      format_version: FORMAT_VERSION,
      next_id: nextId,
      collections: collections.map(({ id, name, createdAt }) => ({ id, name, created_at: createdAt })),
    };
    this.store.write(new TextEncoder().encode(`${JSON.stringify(file, null, 1)}\n`));
  }

  private load(bytes: Uint8Array): void {
    const file = parse(bytes);
    const ids = new Set<number>();
    for (const { id, name, created_at } of file.collections) {
      if (id >= file.next_id || ids.has(id) || this.byName.has(name))
        throw corrupt(`collection ${JSON.stringify(name)} is inconsistent`);
      ids.add(id);
      this.byName.set(name, { id: asCollectionId(id), name, createdAt: created_at });
    }
    this.nextId = file.next_id;
  }
}

function parse(bytes: Uint8Array): z.infer<typeof catalogFile> {
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
