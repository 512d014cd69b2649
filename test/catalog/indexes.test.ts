import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { DbError } from '../../src/base/errors.js';
import { INDEXES_PER_COLLECTION_MAX } from '../../src/base/limits.js';
import { Catalog, type CatalogStore } from '../../src/catalog/catalog.js';
import type { NewIndex } from '../../src/indexes/definition.js';
import { definitionText } from '../../src/indexes/definition-text.js';
import { textOf, utf8 } from '../support/text.js';

class MemoryStore implements CatalogStore {
  bytes: Uint8Array | undefined;
  failing = false;
  read(): Uint8Array | undefined {
    return this.bytes;
  }
  write(bytes: Uint8Array): void {
    if (this.failing) throw new DbError('IO', 'no space (ENOSPC)');
    this.bytes = bytes;
  }
}

const open = (store: CatalogStore): Catalog => new Catalog(store, new ManualClock());
const newIndex = (name: string, overrides: Partial<NewIndex> = {}): NewIndex => ({
  name,
  collection: 'users',
  columns: [
    { path: ['address', 'City'], descending: false, nullsFirst: false },
    { path: [], expression: 'lower(name)', descending: true, nullsFirst: false },
  ],
  include: [['age']],
  where: 'age > 3',
  unique: false,
  ...overrides,
});

function opened(): { store: MemoryStore; catalog: Catalog } {
  const store = new MemoryStore();
  const catalog = open(store);
  catalog.create('users');
  return { store, catalog };
}

test('indexes are found again after a restart, with numbers of their own', (t) => {
  const { store, catalog } = opened();
  const made = catalog.createIndex(newIndex('by_city'));
  t.is(made.id, 2);
  t.is(made.collectionId, 1);
  t.is(made.state, 'building');
  const valid = catalog.completeIndex(made.id);
  t.deepEqual(open(store).indexes(), [valid]);
  t.deepEqual(catalog.droppedIds(), []);
  t.is(Number(catalog.create('other').id), 3);
  t.throws(() => catalog.createIndex(newIndex('by_city')), { code: 'CONFLICT' } as never);
  t.throws(() => catalog.createIndex(newIndex('x', { collection: 'none' })), { code: 'NOT_FOUND' } as never);
  catalog.dropIndex('by_city');
  t.throws(() => catalog.dropIndex('by_city'), { code: 'NOT_FOUND' } as never);
  t.deepEqual(open(store).droppedIds(), [2]);
});

test('a replacement takes the place of its index in one step', (t) => {
  const { store, catalog } = opened();
  const old = catalog.completeIndex(catalog.createIndex(newIndex('a')).id);
  if (old === undefined) throw new Error('it was there');
  const next = catalog.createReplacement(old);
  t.throws(() => catalog.createReplacement(old), { code: 'CONFLICT' } as never);
  t.is(open(store).findIndex('a')?.id, old.id);
  store.failing = true;
  t.throws(() => catalog.completeIndex(next.id), { message: /ENOSPC/ });
  store.failing = false;
  t.is(catalog.findIndex('a')?.id, old.id, 'a change that could not be stored has not happened');
  catalog.completeIndex(next.id);
  t.deepEqual(
    open(store)
      .indexes()
      .map(({ id, state, replaces }) => ({ id, state, replaces })),
    [{ id: next.id, state: 'valid', replaces: undefined }],
  );
  t.deepEqual(catalog.droppedIds(), [old.id]);
});

test('builds that a restart finds end: dropped, invalid if CONCURRENTLY, and a rebuilt index stays', (t) => {
  const { store, catalog } = opened();
  catalog.createIndex(newIndex('plain'));
  catalog.createIndex(newIndex('concurrent', { concurrently: true }));
  const valid = catalog.completeIndex(catalog.createIndex(newIndex('rebuilt')).id);
  if (valid === undefined) throw new Error('it was there');
  catalog.createReplacement(valid);
  const again = open(store);
  t.is(again.endBuilds().length, 3);
  t.deepEqual(
    open(store)
      .indexes()
      .map(({ name, state }) => `${name} ${state}`),
    ['concurrent invalid', 'rebuilt valid'],
  );
  const bytes = store.bytes;
  t.is(open(store).endBuilds().length, 0);
  t.is(store.bytes, bytes);
});

test('a collection that is dropped or emptied takes its indexes along', (t) => {
  const { store, catalog } = opened();
  catalog.completeIndex(catalog.createIndex(newIndex('a')).id);
  catalog.createIndex(newIndex('b'));
  const emptied = catalog.truncate('users');
  t.is(Number(emptied.id), 4);
  t.deepEqual(
    open(store)
      .indexes()
      .map(({ name, id, collectionId, state }) => ({ name, id, collectionId, state })),
    [
      { name: 'a', id: 5, collectionId: 4, state: 'valid' },
      { name: 'b', id: 6, collectionId: 4, state: 'valid' },
    ],
  );
  t.deepEqual(catalog.droppedIds(), [1, 2, 3]);
  catalog.drop('users');
  t.deepEqual(open(store).indexes(), []);
  t.is(catalog.droppedIds().length, 6);
});

test('a collection has a limit of indexes', (t) => {
  const { catalog } = opened();
  for (let i = 0; i < INDEXES_PER_COLLECTION_MAX; i++) catalog.createIndex(newIndex(`i${i}`));
  t.throws(() => catalog.createIndex(newIndex('more')), { code: 'CONFLICT', message: /too many/ } as never);
});

test('a catalog without indexes is read, and written in the new format with the next change', (t) => {
  const store = new MemoryStore();
  const collection = { id: 1, name: 'users', created_at: 'x', ttl_seconds: 5 };
  store.bytes = utf8(JSON.stringify({ format_version: 2, next_id: 2, collections: [collection] }));
  const catalog = open(store);
  t.is(catalog.find('users')?.ttlSeconds, 5);
  catalog.createIndex(newIndex('a'));
  t.regex(textOf(store.bytes ?? utf8('')), /"format_version": 4/);
});

test('indexes that do not fit their catalog are damage', (t) => {
  const { store, catalog } = opened();
  catalog.completeIndex(catalog.createIndex(newIndex('a')).id);
  const good = JSON.parse(textOf(store.bytes ?? utf8('')));
  const [index] = good.indexes;
  const bad = [
    [{ ...index, id: 1 }],
    [{ ...index, id: 9 }],
    [{ ...index, collection_id: 2 }],
    [index, { ...index, id: 2 }],
    [{ ...index, columns: [] }],
    [{ ...index, state: 'half' }],
    [{ ...index, extra: 1 }],
    [{ ...index, replaces: 2 }],
  ];
  for (const indexes of bad) {
    store.bytes = utf8(JSON.stringify({ ...good, indexes }));
    t.throws(() => open(store), { code: 'CORRUPT_CATALOG' } as never, JSON.stringify(indexes));
  }
});

test('an index as SQL', (t) => {
  const { catalog } = opened();
  t.is(
    definitionText(catalog.createIndex(newIndex('By City', { unique: true }))),
    'CREATE UNIQUE INDEX "By City" ON users ((address."City"), (lower(name)) DESC NULLS LAST) INCLUDE (age) WHERE age > 3',
  );
});
