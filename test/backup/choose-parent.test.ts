import { randomBytes } from 'node:crypto';
import test from 'ava';
import { CHAIN_LENGTH_MAX } from '../../src/backup/create/choose-parent.js';
import { readChain } from '../../src/backup/manifest/chain.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { seededPrng } from '../support/random.js';
import { BackedUpDatabase, linesOf, placeIn, verify } from './support/database.js';

const DAY_MS = 24 * 3_600_000;

test('the newest whole backup is built upon; one that is damaged is passed over', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const objects = new MemoryObjectStore();
  for (const name of ['a', 'b', 'c']) {
    living.live();
    await living.backUp(objects, name);
  }
  // The log of c is gone: nothing can be built upon c, but upon b.
  objects.objects.delete('c/shard-0000/log');
  t.like(await living.backUp(objects, 'd'), { parent: 'b', fullBecause: null });
  t.deepEqual(linesOf(await verify(objects, 'd')), []);
  // Now all of them are.
  objects.objects.delete('a/shard-0000/log');
  const full = await living.backUp(objects, 'e');
  t.is(full.type, 'full');
  t.regex(full.fullBecause ?? '', /^d: shard-0000\/log \(log of shard 0\) in a is missing/);
  t.deepEqual(linesOf(await verify(objects, 'e')), []);
});

test('folders beside it that are no backups, or of other databases, do not matter', async (t) => {
  const prng = seededPrng(t);
  const living = new BackedUpDatabase(prng);
  const other = new BackedUpDatabase(prng, 1, undefined, undefined, 'another');
  const objects = new MemoryObjectStore();
  living.live();
  other.live();
  await other.backUp(objects, 'other');
  objects.objects.set('stream/shard-0000/x.log', { bytes: Buffer.from('x'), modifiedMs: 0 });
  objects.objects.set('odd name/backup.json', { bytes: Buffer.from('{}'), modifiedMs: 0 });
  const first = await living.backUp(objects, 'a');
  t.is(first.fullBecause, 'the backups beside it are of other databases');
  await other.backUp(objects, 'newer');
  t.is((await living.backUp(objects, 'b')).parent, 'a');
});

test('one with another key, or without, is not built upon', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const objects = new MemoryObjectStore();
  living.live();
  const key = randomBytes(32);
  await living.backUp(objects, 'plain');
  t.is((await living.backUp(objects, 'a', { key })).fullBecause, 'plain: it is not encrypted');
  t.is((await living.backUp(objects, 'b', { key })).parent, 'a');
  t.is((await living.backUp(objects, 'c')).parent, 'plain', 'the others cannot even be read');
  t.regex((await living.backUp(objects, 'd', { key: randomBytes(32) })).fullBecause ?? '', /another key/);
});

test('a chain ends after so many backups, and when its full one is older than six days', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const objects = new MemoryObjectStore();
  living.live();
  const checkpointDirectory = living.checkpoint();
  for (let n = 0; n < CHAIN_LENGTH_MAX; n++) {
    const report = await living.backUp(objects, `n${String(n).padStart(2, '0')}`, { checkpointDirectory });
    t.is(report.type, n === 0 ? 'full' : 'incremental');
    living.clock.advance(1000);
  }
  t.is((await readChain(placeIn(objects, 'n29'))).length, CHAIN_LENGTH_MAX);
  const next = await living.backUp(objects, 'n30', { checkpointDirectory });
  t.is(next.fullBecause, `${CHAIN_LENGTH_MAX} backups build upon each other already`);
  living.clock.advance(5 * DAY_MS);
  const after = await living.backUp(objects, 'n31');
  t.is(after.parent, 'n30');
  living.clock.advance(1.1 * DAY_MS);
  const late = await living.backUp(objects, 'n32');
  t.is(late.fullBecause, 'the last full backup (n30) is older than 6 days');
  living.clock.advance(6.5 * DAY_MS);
  t.is((await living.backUp(objects, 'n33', { parent: 'n32' })).parent, 'n32', 'who names one knows why');
});

test('a parent that was named does or the backup fails', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const objects = new MemoryObjectStore();
  living.live();
  for (const name of ['a', 'b', 'c']) await living.backUp(objects, name);
  t.is((await living.backUp(objects, 'd', { parent: 'b' })).parent, 'b');
  objects.objects.delete('c/catalog');
  for (const [parent, reason] of [
    ['c', /catalog .* is missing/],
    ['none', /holds no finished backup/],
    ['e', /not beside this one/],
  ] as const) {
    const error = await t.throwsAsync(living.backUp(objects, 'e', { parent }));
    t.like(error, { code: 'CONFLICT' });
    t.regex(error.message, reason);
  }
  t.false(
    [...objects.objects.keys()].some((name) => name.startsWith('e/')),
    'nothing is left behind',
  );
});

test('a database that has fewer writes than its backup builds upon an older one', async (t) => {
  const prng = seededPrng(t);
  const living = new BackedUpDatabase(prng);
  const objects = new MemoryObjectStore();
  living.live();
  await living.backUp(objects, 'a');
  const before = living.checkpoint();
  living.live();
  await living.backUp(objects, 'b');
  // As a crash with writes that were never synced leaves it.
  const report = await living.backUp(objects, 'c', { checkpointDirectory: before });
  t.is(report.parent, 'a');
  t.deepEqual(linesOf(await verify(objects, 'c')), []);
});

test('in the root of a bucket every backup is a full one', async (t) => {
  const living = new BackedUpDatabase(seededPrng(t));
  const store = new MemoryObjectStore();
  living.live();
  const destination = { name: 'bucket', store, siblings: undefined };
  const report = await living.backUp(store, 'unused', { destination });
  t.is(report.fullBecause, 'nothing can be beside a backup that fills a whole store');
  t.true(store.objects.has('backup.json'));
});
