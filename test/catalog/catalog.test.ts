import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { DbError } from '../../src/base/errors.js';
import { TTL_UNSET } from '../../src/base/expiry.js';
import { COLLECTIONS_MAX, TTL_SECONDS_MAX } from '../../src/base/limits.js';
import { Catalog, type CatalogStore } from '../../src/catalog/catalog.js';
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
const names = (catalog: Catalog): string[] => catalog.list().map(({ name }) => name);

test('collections are found again after a restart, with their numbers', (t) => {
  const store = new MemoryStore();
  const catalog = open(store);
  const b = catalog.create('b');
  const a = catalog.create('a');
  const again = open(store);
  t.deepEqual(names(again), ['a', 'b']);
  t.deepEqual(again.find('a'), a);
  t.deepEqual(again.find('b'), b);
  t.not(a.id, b.id);
});

test('a number is never used twice, not even after a drop and a restart', (t) => {
  const store = new MemoryStore();
  const catalog = open(store);
  const seen: number[] = [catalog.create('a').id];
  catalog.drop('a');
  seen.push(catalog.create('a').id);
  catalog.drop('a');
  seen.push(open(store).create('a').id);
  t.is(new Set(seen).size, 3);
});

test('a change that could not be stored has not happened', (t) => {
  const store = new MemoryStore();
  const catalog = open(store);
  const a = catalog.create('a');
  store.failing = true;
  t.throws(() => catalog.create('b'), { message: /ENOSPC/ });
  t.throws(() => catalog.drop('a'), { message: /ENOSPC/ });
  t.deepEqual(names(catalog), ['a']);
  t.deepEqual(names(open(store)), ['a']);
  store.failing = false;
  t.is(Number(catalog.create('b').id), a.id + 1);
});

test('a change whose file took its place before it failed is taken back, or nothing is changed any more', (t) => {
  const store = new MemoryStore();
  const told: string[] = [];
  const catalog = new Catalog(store, new ManualClock(), ({ message }) => told.push(message));
  catalog.create('a');
  const { write } = store;
  let failures = 1;
  store.write = (bytes) => {
    write.call(store, bytes);
    if (failures-- > 0) throw new DbError('IO', 'EIO after the rename');
  };
  t.throws(() => catalog.drop('a'), { message: /EIO/ });
  t.deepEqual(names(open(store)), ['a'], 'taken back');
  t.deepEqual(told, []);
  failures = 2;
  t.throws(() => catalog.drop('a'), { message: /EIO/ });
  t.is(told.length, 1);
  store.write = write;
  t.throws(() => catalog.create('b'), { message: /neither forth nor back.*restart the server/ });
});

test('a name is taken once and missed once', (t) => {
  const catalog = open(new MemoryStore());
  catalog.create('a');
  t.throws(() => catalog.create('a'), { code: 'CONFLICT' } as never);
  t.throws(() => catalog.drop('b'), { code: 'NOT_FOUND' } as never);
});

test('there is a limit, and dropped collections free their place', (t) => {
  const store = new MemoryStore();
  const collections = Array.from({ length: COLLECTIONS_MAX }, (_, i) => ({
    id: i + 1,
    name: `c${i}`,
    created_at: '2026-01-01T00:00:00.000Z',
  }));
  store.bytes = utf8(JSON.stringify({ format_version: 1, next_id: COLLECTIONS_MAX + 1, collections }));
  const catalog = open(store);
  t.throws(() => catalog.create('more'), { code: 'CONFLICT', message: /4096/ } as never);
  catalog.drop('c7');
  t.is(catalog.create('more').name, 'more');
});

test('a damaged file is never taken for an empty catalog', (t) => {
  const good = { format_version: 1, next_id: 3, collections: [{ id: 1, name: 'a', created_at: 'x' }] };
  const bad: (string | Uint8Array)[] = [
    '',
    '{',
    '[]',
    'null',
    Uint8Array.from([0xff, 0xfe]),
    JSON.stringify({ ...good, format_version: 2 }), // without ttl_seconds
    JSON.stringify({ ...good, format_version: 3 }),
    JSON.stringify({ ...good, collections: [{ ...good.collections[0], ttl_seconds: 5 }] }),
    ...[0, -1, 1.5, TTL_SECONDS_MAX + 1, '5'].map((ttl_seconds) =>
      JSON.stringify({ ...good, format_version: 2, collections: [{ ...good.collections[0], ttl_seconds }] }),
    ),
    JSON.stringify({ ...good, next_id: 1 }),
    JSON.stringify({ ...good, next_id: 0 }),
    JSON.stringify({ ...good, extra: 1 }),
    JSON.stringify({ ...good, collections: [...good.collections, { id: 2, name: 'a', created_at: 'x' }] }),
    JSON.stringify({ ...good, collections: [{ id: -1, name: 'a', created_at: 'x' }] }),
    JSON.stringify({ ...good, collections: [{ id: 1, name: '', created_at: 'x' }] }),
  ];
  for (const content of bad) {
    const store = new MemoryStore();
    store.bytes = typeof content === 'string' ? utf8(content) : content;
    t.throws(
      () => open(store),
      { code: 'CORRUPT_CATALOG', message: /catalog\.json/ } as never,
      String(content),
    );
  }
});

test('two collections with one number are damage: their documents would be mixed up', (t) => {
  const store = new MemoryStore();
  const entry = (name: string) => ({ id: 1, name, created_at: 'x' });
  store.bytes = utf8(
    JSON.stringify({ format_version: 1, next_id: 2, collections: [entry('a'), entry('b')] }),
  );
  t.throws(() => open(store), { code: 'CORRUPT_CATALOG' } as never);
});

test('the file is text that a person can read', (t) => {
  const store = new MemoryStore();
  open(store).create('users');
  t.regex(textOf(store.bytes ?? new Uint8Array(0)), /"name": "users"/);
});

test('a default time to live is stored, changed and taken away', (t) => {
  const store = new MemoryStore();
  const catalog = open(store);
  const made = catalog.create('sessions', 3600);
  t.is(open(store).find('sessions')?.ttlSeconds, 3600);
  t.deepEqual(catalog.setTtl('sessions', 60), { ...made, ttlSeconds: 60 });
  t.is(open(store).find('sessions')?.ttlSeconds, 60);
  catalog.setTtl('sessions', TTL_UNSET);
  t.is(open(store).find('sessions')?.ttlSeconds, TTL_UNSET);
  t.throws(() => catalog.setTtl('other', 1), { code: 'NOT_FOUND' } as never);
  store.failing = true;
  t.throws(() => catalog.setTtl('sessions', 1), { message: /ENOSPC/ });
  t.is(catalog.find('sessions')?.ttlSeconds, TTL_UNSET, 'a change that could not be stored has not happened');
});

test('a catalog of the format before times to live is read, and rewritten with the next change', (t) => {
  const store = new MemoryStore();
  const entry = { id: 1, name: 'old', created_at: '2026-01-01T00:00:00.000Z' };
  store.bytes = utf8(JSON.stringify({ format_version: 1, next_id: 2, collections: [entry] }));
  const catalog = open(store);
  t.like(catalog.find('old'), { id: 1, ttlSeconds: TTL_UNSET, createdAt: entry.created_at });
  catalog.create('new', 5);
  t.regex(textOf(store.bytes), /"format_version": 4/);
  t.is(open(store).find('new')?.ttlSeconds, 5);
  t.is(open(store).find('old')?.ttlSeconds, TTL_UNSET);
});

test('a schema is stored, changed and taken away; a catalog of the format before schemas is read', (t) => {
  const store = new MemoryStore();
  const entry = { id: 1, name: 'old', created_at: '2026-01-01T00:00:00.000Z', ttl_seconds: 5 };
  store.bytes = utf8(JSON.stringify({ format_version: 3, next_id: 2, collections: [entry], indexes: [] }));
  const catalog = open(store);
  t.like(catalog.find('old'), { id: 1, ttlSeconds: 5 });
  t.is(catalog.find('old')?.schema, undefined);
  const column = { name: 'price', type: 'numeric', notNull: true, primaryKey: false } as const;
  const schema = {
    columns: [
      { ...column, modifiers: [10, 2], default: '0' },
      { ...column, name: 'tags', type: 'text[]' as const },
    ],
    checks: [{ name: 'c', expression: 'price > 0' }],
  };
  catalog.create('new', TTL_UNSET, schema);
  t.deepEqual(open(store).find('new')?.schema, schema);
  t.deepEqual(catalog.truncate('new').schema, schema, 'an emptied collection keeps it');
  catalog.setTtl('new', 7);
  t.like(open(store).find('new'), { schema, ttlSeconds: 7 });
  catalog.setSchema('new', undefined);
  t.is(open(store).find('new')?.schema, undefined);
  t.is(open(store).find('new')?.ttlSeconds, 7);
});

test('a schema with a type that nobody knows is damage', (t) => {
  const store = new MemoryStore();
  const columns = [{ name: 'a', type: 'texts', not_null: false }];
  const entry = { id: 1, name: 'a', created_at: 'x', ttl_seconds: null, schema: { columns, checks: [] } };
  store.bytes = utf8(JSON.stringify({ format_version: 4, next_id: 2, collections: [entry], indexes: [] }));
  t.throws(() => open(store), { code: 'CORRUPT_CATALOG', message: /type/ });
});
