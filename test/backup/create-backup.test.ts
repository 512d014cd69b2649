import { randomBytes } from 'node:crypto';
import test from 'ava';
import { BACKUP_MANIFEST } from '../../src/backup/manifest/backup-manifest.js';
import { readChain } from '../../src/backup/manifest/chain.js';
import { piecesOf } from '../../src/backup/manifest/log-coverage.js';
import { createPrng } from '../../src/base/prng.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { pick, seededPrng } from '../support/random.js';
import { BackedUpDatabase, linesOf, placeIn, verify } from './support/database.js';

const KEY = randomBytes(32);

test('backups of every kind are whole, and incremental ones copy only what their chain lacks', async (t) => {
  const prng = seededPrng(t);
  for (const compression of ['none', 'lz4', 'zstd'] as const) {
    for (const key of [undefined, KEY]) {
      const living = new BackedUpDatabase(prng);
      const siblings = new MemoryObjectStore();
      living.live(4);
      const full = await living.backUp(siblings, 'a', { compression, key });
      t.like(full, { type: 'full', fullBecause: 'there is no backup beside it yet', filesReused: 0 });
      living.live(2);
      const second = await living.backUp(siblings, 'b', { compression, key });
      t.like(second, { type: 'incremental', parent: 'a', fullBecause: null });
      t.true(second.filesReused > 0);
      living.database.scribble(prng, 30);
      const third = await living.backUp(siblings, 'c', { compression: pick(prng, ['none', 'zstd']), key });
      t.is(third.parent, 'b');
      // Nothing was flushed: the log since b, and the small files.
      const chain = await readChain(placeIn(siblings, 'c'), { key });
      t.deepEqual(
        chain[0].manifest.files.filter((file) => file.path.endsWith('.sst') && file.in === undefined),
        [],
      );
      for (const { after, through } of chain[0].manifest.log) {
        t.true(after >= second.seqno);
        t.is(through, third.seqno);
      }
      for (const name of ['a', 'b', 'c']) {
        const report = await verify(siblings, name, { key });
        t.deepEqual(linesOf(report), []);
        t.true(report.objects > 0);
      }
      living.close();
    }
  }
});

test('a full backup depends on nothing, also where one could be built upon', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t), 3);
  const siblings = new MemoryObjectStore();
  living.live();
  await living.backUp(siblings, 'a');
  const report = await living.backUp(siblings, 'b', { type: 'full' });
  t.like(report, { type: 'full', parent: null, fullBecause: null, filesReused: 0 });
  for (const name of [...siblings.objects.keys()]) if (name.startsWith('a/')) siblings.objects.delete(name);
  t.deepEqual(linesOf(await verify(siblings, 'b')), []);
});

test('an empty database and one that stands still are backed up', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const siblings = new MemoryObjectStore();
  t.like(await living.backUp(siblings, 'a'), { seqno: 0, type: 'full' });
  t.like(await living.backUp(siblings, 'b'), { seqno: 0, type: 'incremental' });
  living.live();
  living.database.flush();
  const c = await living.backUp(siblings, 'c');
  const d = await living.backUp(siblings, 'd');
  t.is(d.seqno, c.seqno);
  t.is(d.parent, 'c');
  for (const name of ['a', 'b', 'c', 'd']) t.deepEqual(linesOf(await verify(siblings, name)), []);
});

test('the log goes from what is in tables to the seqno, over all backups of a chain', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const siblings = new MemoryObjectStore();
  living.live(3);
  for (const name of ['a', 'b', 'c']) {
    living.database.scribble(createPrng(name.charCodeAt(0)), 20);
    await living.backUp(siblings, name);
  }
  const chain = await readChain(placeIn(siblings, 'c'));
  const pieces = piecesOf(chain, 0);
  t.deepEqual(
    pieces.map(({ member }) => member.name),
    ['a', 'b', 'c'],
  );
  t.is(pieces[0].piece.after, chain[0].manifest.shard_states[0].flushed_seqno);
  t.true(pieces.every(({ piece }) => piece.records > 0));
  living.database.flush();
  await living.backUp(siblings, 'd');
  t.is(piecesOf(await readChain(placeIn(siblings, 'd')), 0).length, 0, 'all is in tables');
});

test('a database that has other batches under the seqnos of a backup builds upon none of them', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t), 2);
  const siblings = new MemoryObjectStore();
  living.live();
  await living.backUp(siblings, 'a');
  // The shards of tools count for themselves: the one that is behind gives seqnos that are in the backup already.
  living.database.scribble(createPrng(1), 50);
  const report = await living.backUp(siblings, 'b');
  t.is(report.type, 'full');
  t.regex(report.fullBecause ?? '', /the database lost writes/);
  t.deepEqual(linesOf(await verify(siblings, 'b')), []);
});

test('a place that holds a backup, or what is not ours, is left alone', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const siblings = new MemoryObjectStore();
  living.live();
  await living.backUp(siblings, 'a');
  const before = new Map(siblings.objects);
  const again = await t.throwsAsync(living.backUp(siblings, 'a'));
  t.like(again, { code: 'CONFLICT' });
  t.regex(again.message, /no backup can be made in memory:\/a: it holds a backup already/);
  t.deepEqual(siblings.objects, before);
  for (const name of ['b/letter.txt', 'c/catalog']) {
    siblings.objects.set(name, { bytes: Buffer.from('mine'), modifiedMs: 1 });
    const error = await t.throwsAsync(living.backUp(siblings, name[0]));
    t.regex(error.message, /it is not empty \((letter.txt|catalog)\) and holds no backup/);
    t.deepEqual(
      [...siblings.objects.keys()].filter((each) => each.startsWith(name[0])),
      [name],
    );
  }
});

test('a name that no backup can have is refused', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const error = await t.throwsAsync(living.backUp(new MemoryObjectStore(), 'with space'));
  t.like(error, { code: 'VALIDATION' });
});

test('two at once in one place: one of them is the backup', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const siblings = new MemoryObjectStore();
  living.live();
  const checkpointDirectory = living.checkpoint();
  const results = await Promise.allSettled(
    [1, 2].map(() => living.backUp(siblings, 'a', { checkpointDirectory })),
  );
  const failed = results.filter(({ status }) => status === 'rejected');
  t.is(failed.length, 1);
  t.regex(String((failed[0] as PromiseRejectedResult).reason), /another run makes a backup there now/);
  t.true(siblings.objects.has(`a/${BACKUP_MANIFEST}`));
  t.deepEqual(linesOf(await verify(siblings, 'a')), []);
});

test('collections that were asked for, and the tables that have any of them', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const siblings = new MemoryObjectStore();
  living.live(4);
  const catalog = Buffer.from('{"only":"orders"}');
  const selection = { names: ['orders'], select: () => ({ numbers: [2], catalog }) };
  const none = { names: ['nothing'], select: () => ({ numbers: [3], catalog }) };
  await living.backUp(siblings, 'a', { selection });
  t.is((await living.backUp(siblings, 'b', { selection })).parent, 'a');
  t.like(await living.backUp(siblings, 'c'), { type: 'full', fullBecause: 'b: it is of other collections' });
  await living.backUp(siblings, 'd', { selection: none });
  for (const name of ['a', 'b', 'c', 'd']) t.deepEqual(linesOf(await verify(siblings, name)), []);
  const [{ manifest }] = await readChain(placeIn(siblings, 'd'));
  t.deepEqual(
    manifest.files.map(({ path }) => path).filter((path) => path.endsWith('.sst')),
    [],
  );
  t.deepEqual(manifest.collections, ['nothing']);
  t.is(manifest.files.find(({ path }) => path === 'catalog.json')?.size_bytes, catalog.length);
});
