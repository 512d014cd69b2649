import test from 'ava';
import { PARTIAL_BACKUP } from '../../src/backup/create/partial-backup.js';
import { surveyFolder } from '../../src/backup/manifest/backup-folder.js';
import { BACKUP_MANIFEST } from '../../src/backup/manifest/backup-manifest.js';
import { ioErrorFromErrno } from '../../src/vfs/io-error.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { seededPrng } from '../support/random.js';
import { BackedUpDatabase, linesOf, verify } from './support/database.js';
import { HookedStore, type StoreHook } from './support/hooked-store.js';

const failFrom =
  (n: number): StoreHook =>
  ({ call }) => {
    if (call >= n) throw new Error('the process has ended');
  };

/** Runs of createBackup that end at one call after the other, until one gets through. */
test('a backup that ends at any call of the store is none, and the next run goes on with it', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  living.live(3);
  const parents = new MemoryObjectStore();
  await living.backUp(parents, 'a');
  living.live(2);
  const checkpointDirectory = living.checkpoint();
  let calls = 0;
  for (let n = 1; ; n++) {
    const objects = new MemoryObjectStore(living.clock, new Map(parents.objects));
    const hooked = new HookedStore(objects, failFrom(n));
    const run = () => living.backUp(hooked, 'b', { checkpointDirectory });
    const failed = await run().then(
      () => undefined,
      (error: Error) => error,
    );
    if (failed === undefined && hooked.calls < n) {
      calls = n - 1;
      break;
    }
    const isThere = objects.objects.has(`b/${BACKUP_MANIFEST}`);
    if (failed !== undefined && !isThere) {
      t.regex(failed.message, /the process has ended/);
      const [, b] = await surveyFolder(objects);
      if (objects.objects.has(`b/${PARTIAL_BACKUP}`)) t.is(b.state, 'interrupted', `call ${n}`);
      hooked.hook = () => {};
      const report = await run();
      t.is(report.parent, 'a');
    }
    // Whether it failed late or was made by the second run: it is whole now, and nothing is left beside it.
    t.deepEqual(linesOf(await verify(objects, 'b')), [], `call ${n}`);
    const named = new Set([...objects.objects.keys()].filter((name) => name.startsWith('b/')));
    if (!isThere) t.false(named.has(`b/${PARTIAL_BACKUP}`));
  }
  t.true(calls > 15, `${calls} calls`);
});

test('tables that were copied are not copied again, and those that changed are', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  living.live(6);
  const objects = new MemoryObjectStore();
  let tables = 0;
  const hooked = new HookedStore(objects, ({ operation, name }) => {
    if (operation === 'put' && name.includes('.sst.') && ++tables > 3) throw new Error('enough');
  });
  const checkpointDirectory = living.checkpoint();
  await t.throwsAsync(living.backUp(hooked, 'a', { checkpointDirectory }), { message: 'enough' });
  hooked.hook = () => {};
  const copied = [...objects.objects.keys()].filter((name) => name.includes('.sst.'));
  t.is(copied.length, 3);
  // One of them is not what was written: it is copied once more.
  const { bytes } = objects.objects.get(copied[0]) ?? { bytes: Buffer.alloc(0) };
  objects.objects.set(copied[0], { bytes: bytes.subarray(1), modifiedMs: 0 });
  const report = await living.backUp(hooked, 'a');
  t.is(report.filesResumed, 2);
  t.deepEqual(linesOf(await verify(objects, 'a')), []);
  t.deepEqual(
    [...objects.objects.keys()].filter((name) => name === `a/${PARTIAL_BACKUP}`),
    [],
  );
});

test('what an interrupted run has left is not used for another database, key or compression', async (t) => {
  const prng = seededPrng(t);
  const living = new BackedUpDatabase(prng);
  living.live(4);
  const other = new BackedUpDatabase(prng, 1, undefined, undefined, 'another-instance');
  other.live(3);
  const changes = [
    { by: living, options: { compression: 'zstd' as const } },
    { by: living, options: { key: Buffer.alloc(32, 7) } },
    { by: other, options: {} },
  ];
  for (const { by, options } of changes) {
    const objects = new MemoryObjectStore();
    const hooked = new HookedStore(objects, ({ operation, name }) => {
      if (operation === 'put' && name.endsWith('/log')) throw new Error('enough');
    });
    await t.throwsAsync(living.backUp(hooked, 'a'), { message: 'enough' });
    hooked.hook = () => {};
    const report = await by.backUp(hooked, 'a', options);
    t.is(report.filesResumed, 0);
    t.deepEqual(linesOf(await verify(objects, 'a', { key: options.key })), []);
    const [found] = await surveyFolder(objects, { key: options.key });
    t.is(found.state, 'complete');
    const stored = [...objects.objects.keys()].filter((name) => name.includes('.sst.')).length;
    if (found.state === 'complete')
      t.is(stored, found.manifest.files.filter(({ path }) => path.endsWith('.sst')).length, 'no leftovers');
  }
});

test('a signal ends it at any object, with its reason, and nothing is taken for good', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  living.live(4);
  const checkpointDirectory = living.checkpoint();
  for (const when of ['.sst.', '/log', '/catalog', PARTIAL_BACKUP]) {
    const objects = new MemoryObjectStore();
    const controller = new AbortController();
    const hooked = new HookedStore(objects, ({ operation, name }) => {
      if (operation === 'put' && name.includes(when)) controller.abort(new Error('Ctrl+C'));
    });
    const error = await t.throwsAsync(
      living.backUp(hooked, 'a', { checkpointDirectory, signal: controller.signal }),
    );
    t.is(error.message, 'Ctrl+C');
    const [found] = await surveyFolder(objects);
    t.is(found.state, 'interrupted');
  }
});

test('a full or forbidden destination is named, and the backup goes on when there is room', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  living.live(4);
  const checkpointDirectory = living.checkpoint();
  for (const errno of ['ENOSPC', 'EACCES', 'EIO', 'EROFS']) {
    const objects = new MemoryObjectStore();
    let puts = 0;
    const hooked = new HookedStore(objects, ({ operation, name }) => {
      if (operation === 'put' && ++puts >= 3) throw ioErrorFromErrno('pwrite', `/backups/${name}`, errno);
    });
    const error = await t.throwsAsync(living.backUp(hooked, 'a', { checkpointDirectory }));
    t.like(error, { code: 'IO', details: { errno } });
    t.regex(error.message, /\/backups\/a\//);
    hooked.hook = () => {};
    const report = await living.backUp(hooked, 'a', { checkpointDirectory });
    t.is(report.filesResumed, 0, 'what was copied could not be written down either');
    t.deepEqual(linesOf(await verify(objects, 'a')), []);
  }
});

test('a checkpoint that expires, and a table that vanishes or changes, are told apart', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  living.live(4);
  const { vfs } = living;
  const objects = new MemoryObjectStore();
  const missing = await t.throwsAsync(
    living.backUp(objects, 'a', { checkpointDirectory: '/data/checkpoints/none' }),
  );
  t.like(missing, { code: 'NOT_FOUND' });
  t.regex(missing.message, /is not there: it was deleted, or nobody renewed it/);

  const expiring = living.checkpoint();
  const tables = vfs.list(`${expiring}/shard-0000/sst`).filter((name) => name.endsWith('.sst'));
  const expire = new HookedStore(objects, ({ operation, name }) => {
    if (operation !== 'put' || !name.includes(PARTIAL_BACKUP)) return;
    for (const table of tables)
      if (vfs.exists(`${expiring}/shard-0000/sst/${table}`))
        vfs.unlink(`${expiring}/shard-0000/sst/${table}`);
    if (vfs.exists(`${expiring}/checkpoint.json`)) vfs.unlink(`${expiring}/checkpoint.json`);
  });
  const expired = await t.throwsAsync(living.backUp(expire, 'b', { checkpointDirectory: expiring }));
  t.like(expired, { code: 'NOT_FOUND' });
  t.regex(expired.message, /nobody renewed it in time/);

  const spoiled = living.checkpoint();
  const lose = new HookedStore(objects, ({ operation, name }) => {
    const path = `${spoiled}/shard-0000/sst/${tables[0]}`;
    if (operation === 'put' && name.includes(PARTIAL_BACKUP) && vfs.exists(path)) vfs.unlink(path);
  });
  const lost = await t.throwsAsync(living.backUp(lose, 'c', { checkpointDirectory: spoiled }));
  t.like(lost, { code: 'IO', details: { errno: 'ENOENT' } });
  t.regex(lost.message, new RegExp(tables[0]));
  // Found before anything is copied.
  const before = await t.throwsAsync(living.backUp(objects, 'd', { checkpointDirectory: spoiled }));
  t.like(before, { code: 'CORRUPT_MANIFEST' });
  t.false([...objects.objects.keys()].some((name) => name.startsWith('d/')));
});
