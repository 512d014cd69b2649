import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { DbError } from '../../src/base/errors.js';
import { hashKey, shardOfHash } from '../../src/base/hash.js';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { Catalog } from '../../src/catalog/catalog.js';
import type { NewIndex } from '../../src/indexes/definition.js';
import { pathExtractor } from '../../src/indexes/extractor.js';
import { IndexEntry, IndexInUse } from '../../src/indexes/index-entry.js';
import { droppedCollections, type KnownCollections, validIndexes } from '../../src/tools/collections.js';
import { type OfflineShard, openOfflineShard } from '../../src/tools/offline-shard.js';
import { rebuildIndexes } from '../../src/tools/rebuild-indexes.js';
import { shardPlace } from '../../src/tools/shard-place.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { batchOf, type Operation, put, remove } from '../support/batches.js';
import { oneIn, pick, seededPrng } from '../support/random.js';
import { utf8 } from '../support/text.js';
import { check, DATA, flip, linesOf, losesPower, mend, NOW_SECONDS, TUNING } from './support.js';

const SHARDS = 2;
const FILE = `${DATA}/catalog.json`;
const BY_CITY: NewIndex = {
  name: 'by_city',
  collection: 'users',
  columns: [{ path: ['city'], descending: false, nullsFirst: false }],
  include: [['n']],
  unique: false,
};
const BY_N: NewIndex = {
  ...BY_CITY,
  name: 'by_n',
  columns: [{ path: ['n'], descending: true, nullsFirst: true }],
};

function openCatalog(vfs: Vfs): Catalog {
  const store = {
    read: () => (vfs.exists(FILE) ? vfs.readFile(FILE) : undefined),
    write: (bytes: Uint8Array) => vfs.writeFileAtomic(FILE, bytes),
  };
  return new Catalog(store, new ManualClock());
}

function known(catalog: Catalog): KnownCollections {
  return {
    names: new Map(catalog.list().map(({ id, name }) => [id, name])),
    nextId: catalog.nextId,
    indexes: catalog.indexes(),
  };
}

const inUse = (catalog: Catalog): IndexInUse[] =>
  catalog
    .indexes()
    .filter(({ state }) => state !== 'invalid')
    .map((definition) => new IndexInUse(definition, pathExtractor(definition)));

function openShards(vfs: Vfs, catalog: Catalog, indexes = validIndexes(known(catalog))): OfflineShard[] {
  return Array.from({ length: SHARDS }, (_, shard) =>
    openOfflineShard({
      place: shardPlace(vfs, DATA, shard),
      tuning: TUNING,
      clock: new ManualClock(),
      nowSeconds: NOW_SECONDS,
      droppedCollections: droppedCollections(known(catalog)),
      indexes,
      onWalDamage: 'stop',
    }),
  );
}

function write(shards: readonly OfflineShard[], operation: Operation, routedBy = operation.key): void {
  const shard = shards[shardOfHash(hashKey(1, routedBy, 0, routedBy.length), SHARDS)];
  while (shard.scheduler.flushNow());
  shard.engine.writeNow(batchOf([operation], { writtenAt: NOW_SECONDS }));
}

function scribble(shards: readonly OfflineShard[], prng: Prng, count: number): void {
  for (let i = 0; i < count; i++) {
    const key = `key${prng.nextBelow(40)}`;
    const text = JSON.stringify({ _id: key, city: pick(prng, ['Bonn', 'Köln', null]), n: prng.nextBelow(9) });
    write(shards, oneIn(prng, 4) ? remove(key) : put(key, text));
  }
}

/** A database with a valid index, flushed in part. */
function built(vfs: Vfs, prng: Prng): void {
  vfs.makeDirectory(DATA);
  const catalog = openCatalog(vfs);
  catalog.create('users');
  catalog.completeIndex(catalog.createIndex(BY_CITY).id);
  const shards = openShards(vfs, catalog);
  scribble(shards, prng, 30);
  for (const shard of shards) shard.flushAll();
  scribble(shards, prng, 20);
  for (const shard of shards) shard.close();
}

/** What a start finds: ended builds, replayed logs, all in tables. Findings of fsck are returned. */
function recovered(vfs: Vfs): string[] {
  const catalog = openCatalog(vfs);
  catalog.endBuilds();
  for (const shard of openShards(vfs, catalog)) {
    shard.flushAll();
    shard.close();
  }
  return linesOf(check(vfs, SHARDS, { collections: known(catalog) }));
}

function rebuild(vfs: Vfs): number {
  const catalog = openCatalog(vfs);
  catalog.endBuilds();
  const rebuilt = rebuildIndexes({
    vfs,
    dataDirectory: DATA,
    shards: SHARDS,
    collections: known(catalog),
    catalog,
    tuning: TUNING,
    clock: new ManualClock(),
  });
  return rebuilt.length;
}

test('a rebuild that is killed at any step leaves the old index, and the next one completes', (t) => {
  const prng = seededPrng(t);
  const image = new MemoryVfs();
  built(image, prng);
  let step = 1;
  for (; ; step += 1 + prng.nextBelow(3)) {
    const vfs = image.kill();
    if (!losesPower(vfs, step, (faulty) => rebuild(faulty))) break;
    const left = vfs.crash(prng, pick(prng, ['lost', 'kept', 'mixed'] as const));
    t.deepEqual(recovered(left), [], `step ${step}`);
    t.is(openCatalog(left).findIndex('by_city')?.state, 'valid', `step ${step}`);
    if (!oneIn(prng, 6)) continue;
    t.is(rebuild(left), 1);
    t.deepEqual(recovered(left), [], `step ${step}, rebuilt`);
  }
  t.true(step > 10, `${step} steps`);
});

test('killed at any step of creating, building, using and dropping an index, what is valid agrees with the documents', (t) => {
  const prng = seededPrng(t);
  const seed = prng.nextUint32();
  const image = new MemoryVfs();
  built(image, prng);
  for (const isConcurrent of [true, false]) {
    const run = (vfs: Vfs): void => {
      const own = createPrng(seed);
      const catalog = openCatalog(vfs);
      const shards = openShards(vfs, catalog);
      scribble(shards, own, 10);
      const index = catalog.createIndex({ ...BY_N, concurrently: isConcurrent });
      const tell = (): void => {
        for (const shard of shards) shard.engine.setIndexes(inUse(catalog));
      };
      tell();
      scribble(shards, own, 10);
      for (const shard of shards) {
        shard.buildIndex(new IndexInUse(index, pathExtractor(index)));
        scribble(shards, own, 4);
        shard.flushAll();
      }
      catalog.completeIndex(index.id);
      tell();
      scribble(shards, own, 10);
      catalog.dropIndex('by_n');
      tell();
      scribble(shards, own, 10);
      catalog.createIndex({ ...BY_N, concurrently: isConcurrent });
      for (const shard of shards) shard.close();
    };
    const states = new Set<string>();
    for (let step = 1; ; step += 1 + prng.nextBelow(3)) {
      const vfs = image.kill();
      const hasDied = losesPower(vfs, step, run);
      const left = vfs.crash(prng, pick(prng, ['lost', 'kept', 'mixed'] as const));
      t.deepEqual(recovered(left), [], `step ${step}`);
      const state = openCatalog(left).findIndex('by_n')?.state ?? 'none';
      states.add(state);
      if (oneIn(prng, 6)) {
        t.is(rebuild(left), state === 'none' ? 1 : 2);
        t.deepEqual(recovered(left), [], `step ${step}, rebuilt`);
      }
      if (!hasDied) break;
    }
    t.deepEqual([...states].sort(), isConcurrent ? ['invalid', 'none', 'valid'] : ['none', 'valid']);
  }
});

/** The key of a document's entry, made as the index makes it. */
function entryKey(catalog: Catalog, id: string, document: unknown): Uint8Array {
  const [index] = validIndexes(known(catalog));
  const entry = new IndexEntry();
  const text = utf8(JSON.stringify(document));
  const key = utf8(id);
  index.entryOf(text, 0, text.length, key, 0, key.length, entry);
  return entry.key.finish();
}

test('fsck names missing and stray entries, a repair makes the index invalid, a rebuild makes it right', (t) => {
  const prng = seededPrng(t);
  const vfs = new MemoryVfs();
  built(vfs, prng);
  const catalog = openCatalog(vfs);
  const index = catalog.findIndex('by_city');
  t.truthy(index);
  const sound = openShards(vfs, catalog);
  const document = { _id: 'here', city: 'Ulm', n: 1 };
  write(sound, put('here', JSON.stringify(document)));
  for (const shard of sound) shard.close();
  // Written behind the back of the index.
  const shards = openShards(vfs, catalog, []);
  const collection = index?.id ?? 0;
  const at = utf8('here');
  const missing = entryKey(catalog, 'here', document);
  const stray = entryKey(catalog, 'here', { ...document, city: 'Jena' });
  write(shards, { ...remove('', { collection }), key: missing }, at);
  write(shards, { ...put('', '[1]', { collection }), key: stray }, at);
  for (const shard of shards) {
    shard.flushAll();
    shard.close();
  }
  const report = check(vfs, SHARDS, { collections: known(catalog) });
  const reasons = report.findings.map(({ reason }) => reason.replace(/seqno \d+/, 'seqno N'));
  t.true(
    reasons.includes('key "here", seqno N: the index has no such entry of this document'),
    reasons.join('\n'),
  );
  t.true(
    reasons.includes(
      `entry of "here", seqno N, key ${Buffer.from(stray).toString('hex')}: no document has it`,
    ),
  );
  t.true(report.findings.every(({ file }) => /shard-\d{4}/.test(file)));

  const invalidate = (ids: readonly number[]): void => {
    for (const id of ids) catalog.invalidateIndex(id);
  };
  const dry = mend(vfs, SHARDS, { collections: known(catalog), fix: false, invalidateIndexes: invalidate });
  t.deepEqual(dry.invalidatedIndexes, ['by_city']);
  t.is(catalog.findIndex('by_city')?.state, 'valid', 'a dry run changes nothing');
  const fixed = mend(vfs, SHARDS, { collections: known(catalog), invalidateIndexes: invalidate });
  t.deepEqual(fixed.invalidatedIndexes, ['by_city']);
  t.is(openCatalog(vfs).findIndex('by_city')?.state, 'invalid');
  t.deepEqual(recovered(vfs), []);
  t.is(rebuild(vfs), 1);
  t.is(openCatalog(vfs).findIndex('by_city')?.state, 'valid');
  t.deepEqual(recovered(vfs), []);
});

test('a repair of a damaged table makes all indexes invalid: entries may be lost, or the documents they are of', (t) => {
  const prng = seededPrng(t);
  const vfs = new MemoryVfs();
  built(vfs, prng);
  t.deepEqual(recovered(vfs), []);
  const { tableDirectory } = shardPlace(vfs, DATA, 0);
  const table = vfs.list(tableDirectory).find((name) => name.endsWith('.sst'));
  flip(vfs, `${tableDirectory}/${table}`, 40);
  const catalog = openCatalog(vfs);
  const fixed = mend(vfs, SHARDS, {
    collections: known(catalog),
    invalidateIndexes: (ids) => {
      for (const id of ids) catalog.invalidateIndex(id);
    },
  });
  t.deepEqual(fixed.invalidatedIndexes, ['by_city']);
  t.is(rebuild(vfs), 1);
  t.deepEqual(recovered(vfs), []);
});

test('a rebuild on a device that fails ends with the error and leaves what was valid', (t) => {
  const prng = seededPrng(t);
  const image = new MemoryVfs();
  built(image, prng);
  for (let step = 1; ; step += 3) {
    const vfs = image.kill();
    let hasFailed = false;
    const faulty = new FaultVfs(vfs, ({ mutation, isMutation }) => {
      if (!isMutation || mutation !== step) return undefined;
      hasFailed = true;
      return { kind: 'error', errno: 'EIO' };
    });
    try {
      rebuild(faulty);
    } catch (error) {
      t.true(error instanceof DbError, String(error));
    }
    if (!hasFailed) break;
    const left = vfs.kill();
    t.deepEqual(recovered(left), [], `step ${step}`);
    t.is(openCatalog(left).findIndex('by_city')?.state, 'valid');
  }
});
