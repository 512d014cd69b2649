/**
 * The catalog: which collections and indexes there are, and their numbers. Main thread only. Persisted as a whole before any
 * change is used (catalog-file.ts), so a number that occurs in a WAL is always known.
 *
 * Collections and indexes share their numbers, and numbers are never reused: documents of a dropped collection, and entries
 * of a dropped index, may still be in WAL, memtables and tables, invisible.
 */
import { asCollectionId } from '../base/brand.js';
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { TTL_UNSET } from '../base/expiry.js';
import { COLLECTIONS_MAX, INDEXES_PER_COLLECTION_MAX } from '../base/limits.js';
import type { IndexDefinition, NewIndex } from '../indexes/definition.js';
import { type CatalogContents, type Collection, decodeCatalog, encodeCatalog } from './catalog-file.js';
import type { CollectionSchema } from './collection-schema.js';

/** Where the catalog is kept; the runtime implements it over the vfs. */
export interface CatalogStore {
  /** Undefined when there is none yet. */
  read(): Uint8Array | undefined;
  /** Atomic and durable when it returns. */
  write(bytes: Uint8Array): void;
}

export class Catalog {
  private contents: CatalogContents = { nextId: 1, collections: [], indexes: [] };
  /** Set when the file may have a change that has not happened. */
  private unknown: DbError | undefined;

  /** Throws DbError('CORRUPT_CATALOG') when the file is there but cannot be understood. */
  constructor(
    private readonly store: CatalogStore,
    private readonly clock: Clock,
    /** Told when nobody can say what the next start will find: nothing may be acknowledged that goes by either. */
    private readonly onUnknown: (error: DbError) => void = () => {},
  ) {
    const bytes = store.read();
    if (bytes !== undefined) this.contents = decodeCatalog(bytes);
  }

  /** catalog.json as it is now. */
  bytes(): Uint8Array {
    return encodeCatalog(this.contents);
  }

  list(): Collection[] {
    return [...this.contents.collections].sort(byName);
  }

  /** Indexes of all collections and of every state, replacements under construction included. */
  indexes(): readonly IndexDefinition[] {
    return [...this.contents.indexes].sort(byName);
  }

  /** Above every number that something has or had. */
  get nextId(): number {
    return this.contents.nextId;
  }

  /** Numbers that something had and nothing has any more: what is stored under them may still be on disk, and can be dropped. */
  droppedIds(): number[] {
    const { collections, indexes, nextId } = this.contents;
    const live = new Set([...collections, ...indexes].map(({ id }): number => id));
    const dropped: number[] = [];
    for (let id = 1; id < nextId; id++) if (!live.has(id)) dropped.push(id);
    return dropped;
  }

  find(name: string): Collection | undefined {
    return this.contents.collections.find((collection) => collection.name === name);
  }

  /** Not a replacement under construction. */
  findIndex(name: string): IndexDefinition | undefined {
    return this.contents.indexes.find((index) => index.name === name && index.replaces === undefined);
  }

  indexById(id: number): IndexDefinition | undefined {
    return this.contents.indexes.find((index) => index.id === id);
  }

  /** Throws DbError('CONFLICT') when the name is taken, or when there are too many collections. */
  create(name: string, ttlSeconds = TTL_UNSET, schema?: CollectionSchema): Collection {
    const { collections, nextId } = this.contents;
    if (this.find(name) !== undefined) {
      throw new DbError('CONFLICT', `collection ${JSON.stringify(name)} exists already`, { field: 'name' });
    }
    if (collections.length >= COLLECTIONS_MAX) {
      throw new DbError('CONFLICT', `there are ${COLLECTIONS_MAX} collections already`, {
        limit: COLLECTIONS_MAX,
      });
    }
    const id = asCollectionId(nextId);
    const collection = { id, name, createdAt: this.now(), ttlSeconds, ...(schema && { schema }) };
    this.save({ collections: [...collections, collection], nextId: nextId + 1 });
    return collection;
  }

  /** Changes the default time to live. Throws DbError('NOT_FOUND'). */
  setTtl(name: string, ttlSeconds: number): Collection {
    const before = this.existing(name);
    return this.replace(before, { ...before, ttlSeconds });
  }

  /** Undefined takes it away. Throws DbError('NOT_FOUND'). */
  setSchema(name: string, schema: CollectionSchema | undefined): Collection {
    const before = this.existing(name);
    const { schema: _, ...rest } = before;
    return this.replace(before, schema === undefined ? rest : { ...rest, schema });
  }

  /** With its indexes. Throws DbError('NOT_FOUND'). */
  drop(name: string): Collection {
    const collection = this.existing(name);
    const { collections, indexes } = this.contents;
    this.save({
      collections: collections.filter((other) => other !== collection),
      indexes: indexes.filter(({ collectionId }) => collectionId !== collection.id),
    });
    return collection;
  }

  /**
   * Empties a collection: it gets another number, and so do its indexes, which are complete then. Returns it as it is now.
   * Throws DbError('NOT_FOUND').
   */
  truncate(name: string): Collection {
    const before = this.existing(name);
    const { collections, indexes } = this.contents;
    let { nextId } = this.contents;
    const after: Collection = { ...before, id: asCollectionId(nextId++) };
    const moved = indexes.flatMap((index): IndexDefinition[] => {
      if (index.collectionId !== before.id) return [index];
      // What it would have replaced is as new itself.
      if (index.replaces !== undefined) return [];
      return [{ ...completed(index), id: nextId++, collectionId: after.id }];
    });
    this.save({
      collections: collections.map((other) => (other === before ? after : other)),
      indexes: moved,
      nextId,
    });
    return after;
  }

  /**
   * Adds an index under construction. Throws DbError: NOT_FOUND (the collection), CONFLICT (the name is taken, or the
   * collection has too many).
   */
  createIndex(index: NewIndex): IndexDefinition {
    const collection = this.existing(index.collection);
    if (this.findIndex(index.name) !== undefined) {
      throw new DbError('CONFLICT', `index ${JSON.stringify(index.name)} exists already`, { field: 'name' });
    }
    return this.addIndex({ ...index, collectionId: collection.id });
  }

  /** Adds an index under construction that is to take the place of this one. Throws DbError('CONFLICT'): there is one. */
  createReplacement(index: IndexDefinition): IndexDefinition {
    if (this.contents.indexes.some(({ replaces }) => replaces === index.id)) {
      throw new DbError('CONFLICT', `index ${JSON.stringify(index.name)} is being rebuilt already`);
    }
    return this.addIndex({ ...index, concurrently: true, replaces: index.id });
  }

  /** A build is complete: the index is valid, and the one that it replaces is gone. Undefined when it was dropped meanwhile. */
  completeIndex(id: number): IndexDefinition | undefined {
    const index = this.indexById(id);
    if (index === undefined) return undefined;
    const valid = completed(index);
    this.save({
      indexes: this.contents.indexes
        .filter((other) => other.id !== index.replaces)
        .map((other) => (other === index ? valid : other)),
    });
    return valid;
  }

  /** The entries are not complete, and not maintained any more. */
  invalidateIndex(id: number): void {
    this.save({ indexes: this.contents.indexes.map((other) => (other.id === id ? invalid(other) : other)) });
  }

  /** With its replacement, if one is being built. */
  dropIndexById(id: number): void {
    this.save({
      indexes: this.contents.indexes.filter((other) => other.id !== id && other.replaces !== id),
    });
  }

  /** Throws DbError('NOT_FOUND'). */
  dropIndex(name: string): IndexDefinition {
    const index = this.existingIndex(name);
    this.dropIndexById(index.id);
    return index;
  }

  /**
   * Puts an end to builds that another run of the process began: an index is dropped, or left invalid if it was built
   * CONCURRENTLY; a replacement is dropped. Returns what was changed. Writes nothing when there is nothing to end.
   */
  endBuilds(): readonly IndexDefinition[] {
    const { indexes } = this.contents;
    const cut = indexes.filter(({ state }) => state === 'building');
    if (cut.length === 0) return cut;
    this.save({
      indexes: indexes.flatMap((index) => {
        if (index.state !== 'building') return [index];
        return index.concurrently === true && index.replaces === undefined ? [invalid(index)] : [];
      }),
    });
    return cut;
  }

  /** Throws DbError('NOT_FOUND'). */
  existing(name: string): Collection {
    const collection = this.find(name);
    if (collection === undefined)
      throw new DbError('NOT_FOUND', `collection ${JSON.stringify(name)} does not exist`);
    return collection;
  }

  /** Throws DbError('NOT_FOUND'). */
  existingIndex(name: string): IndexDefinition {
    const index = this.findIndex(name);
    if (index === undefined) throw new DbError('NOT_FOUND', `index ${JSON.stringify(name)} does not exist`);
    return index;
  }

  private replace(before: Collection, after: Collection): Collection {
    this.save({ collections: this.contents.collections.map((other) => (other === before ? after : other)) });
    return after;
  }

  private addIndex(index: NewIndex & Pick<IndexDefinition, 'collectionId' | 'replaces'>): IndexDefinition {
    const { indexes, nextId } = this.contents;
    const siblings = indexes.filter(({ collectionId }) => collectionId === index.collectionId);
    if (siblings.length >= INDEXES_PER_COLLECTION_MAX) {
      throw new DbError('CONFLICT', `collection ${JSON.stringify(index.collection)} has too many indexes`, {
        limit: INDEXES_PER_COLLECTION_MAX,
      });
    }
    const made: IndexDefinition = { ...index, id: nextId, state: 'building', createdAt: this.now() };
    this.save({ indexes: [...indexes, made], nextId: nextId + 1 });
    return made;
  }

  private now(): string {
    return new Date(this.clock.wallMs()).toISOString();
  }

  /** A change that could not be stored has not happened. */
  private save(change: Partial<CatalogContents>): void {
    if (this.unknown !== undefined) throw this.unknown;
    const next = { ...this.contents, ...change };
    try {
      this.store.write(encodeCatalog(next));
    } catch (error) {
      this.undo();
      throw error;
    }
    this.contents = next;
  }

  /** A write may fail after the file has taken its place: the change would come true with the next start. */
  private undo(): void {
    try {
      const bytes = encodeCatalog(this.contents);
      const found = this.store.read();
      if (found === undefined ? this.contents.nextId > 1 : !isSame(found, bytes)) this.store.write(bytes);
    } catch (error) {
      this.unknown = new DbError(
        'IO',
        `the catalog could be changed neither forth nor back (${(error as Error).message}): restart the server`,
      );
      this.onUnknown(this.unknown);
    }
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function completed({ concurrently: _, replaces: __, ...index }: IndexDefinition): IndexDefinition {
  return { ...index, state: 'valid' };
}

function invalid({ concurrently: _, replaces: __, ...index }: IndexDefinition): IndexDefinition {
  return { ...index, state: 'invalid' };
}
