import test, { type ExecutionContext } from 'ava';
import type { BackupManifest } from '../../src/backup/manifest/backup-manifest.js';
import { holderOf, readChain, surveyChain } from '../../src/backup/manifest/chain.js';
import { piecesOf } from '../../src/backup/manifest/log-coverage.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { fileOf, hex32, manifestOf, pieceOf, store } from './support/manifests.js';

/** A full backup and two that build upon it; the last one can be told apart from what it should be. */
async function threeBackups(changes: {
  readonly full?: Partial<BackupManifest>;
  readonly middle?: Partial<BackupManifest>;
  readonly last?: Partial<BackupManifest>;
}): Promise<MemoryObjectStore> {
  const siblings = new MemoryObjectStore();
  const parent = await store(siblings, manifestOf(changes.full));
  const middle = await store(
    siblings,
    manifestOf({
      name: 'middle',
      id: '22222222-2222-4222-8222-222222222222',
      type: 'incremental',
      seqno: 200,
      parent,
      files: [fileOf(1, { in: 'full' }), fileOf(2)],
      log: [pieceOf(100, 200, 'b', 'a')],
      ...changes.middle,
    }),
  );
  await store(
    siblings,
    manifestOf({
      name: 'last',
      id: '33333333-3333-4333-8333-333333333333',
      type: 'incremental',
      seqno: 300,
      parent: middle,
      files: [fileOf(1, { in: 'full' }), fileOf(2, { in: 'middle' }), fileOf(3)],
      log: [pieceOf(200, 300, 'c', 'b')],
      ...changes.last,
    }),
  );
  return siblings;
}

const placeIn = (siblings: MemoryObjectStore, name = 'last') => ({
  name,
  store: siblings.below(name),
  siblings,
});

async function refused(t: ExecutionContext, siblings: MemoryObjectStore, reason: RegExp): Promise<void> {
  const error = await t.throwsAsync(readChain(placeIn(siblings)));
  t.like(error, { code: 'CORRUPT_BACKUP' });
  t.regex(error.message, reason);
  const { problems } = await surveyChain(placeIn(siblings));
  t.true(problems.some((problem) => reason.test(problem.reason)));
}

test('a chain is read from the newest backup to the full one, with who holds what', async (t) => {
  const siblings = await threeBackups({});
  const chain = await readChain(placeIn(siblings));
  t.deepEqual(
    chain.map(({ name }) => name),
    ['last', 'middle', 'full'],
  );
  t.deepEqual(
    chain[0].manifest.files.map((file) => holderOf(chain, file).name),
    ['full', 'middle', 'last'],
  );
  t.deepEqual(
    piecesOf(chain, 0).map(({ member, piece }) => [member.name, piece.after, piece.through]),
    [
      ['full', 50, 100],
      ['middle', 100, 200],
      ['last', 200, 300],
    ],
  );
});

test('pieces in front of what is in tables are not needed', async (t) => {
  const siblings = await threeBackups({
    last: { shard_states: [{ shard: 0, flushed_seqno: 250 }], log: [pieceOf(250, 300, 'd')] },
  });
  const chain = await readChain(placeIn(siblings));
  t.deepEqual(
    piecesOf(chain, 0).map(({ piece }) => piece.after),
    [250],
  );
});

test('a backup that was never finished is not there', async (t) => {
  const siblings = await threeBackups({});
  const error = await t.throwsAsync(readChain(placeIn(siblings, 'nowhere')));
  t.like(error, { code: 'NOT_FOUND' });
  t.regex(error.message, /no finished backup in memory:\/nowhere/);
});

test('a parent that is missing, exchanged, damaged or of another database is named', async (t) => {
  const missing = await threeBackups({});
  missing.objects.delete('middle/backup.json');
  await refused(t, missing, /builds upon middle, which is missing/);

  const exchanged = await threeBackups({});
  await store(exchanged, manifestOf({ name: 'middle', id: '44444444-4444-4444-8444-444444444444' }));
  await refused(t, exchanged, /another backup has that name/);

  const damaged = await threeBackups({});
  const bytes = Buffer.from(await damaged.read('full/backup.json', 1e6));
  bytes[bytes.indexOf('"seqno": 100') + 11] ^= 1;
  damaged.objects.set('full/backup.json', { bytes, modifiedMs: 0 });
  await refused(t, damaged, /full, which is damaged: .*digest/);

  await refused(
    t,
    await threeBackups({ full: { instance_id: 'other' } }),
    /of database instance, its parent full of other/,
  );
  await refused(t, await threeBackups({ full: { seqno: 1000 } }), /before its parent/);
  await refused(t, await threeBackups({ last: { collections: ['a'] } }), /other collections/);
  await refused(t, await threeBackups({ middle: { type: 'full' } }), /full and has a parent/);
});

test('a file that nobody holds is named', async (t) => {
  const of = (file: BackupManifest['files'][number]) => threeBackups({ last: { files: [file] } });
  await refused(
    t,
    await of(fileOf(1, { in: 'elsewhere' })),
    /should be in elsewhere, which does not have it/,
  );
  // The middle one has table 1 from the full one: it does not hold it.
  await refused(t, await of(fileOf(1, { in: 'middle' })), /should be in middle, which does not have it/);
  await refused(
    t,
    await of(fileOf(1, { in: 'full', sha256: hex32('2') })),
    /should be in full, which has another/,
  );
});

test('a gap in the log and a log that is another one are named', async (t) => {
  await refused(t, await threeBackups({ last: { log: [] } }), /gap between 200 and 300/);
  await refused(
    t,
    await threeBackups({ last: { log: [pieceOf(210, 300, 'c')] } }),
    /gap between 200 and 210/,
  );
  await refused(
    t,
    await threeBackups({ last: { log: [pieceOf(200, 300, 'c', 'f')] } }),
    /not the one that goes on/,
  );
  await refused(
    t,
    await threeBackups({ last: { log: [pieceOf(200, 300, 'c')] } }),
    /not the one that goes on/,
  );
  await refused(t, await threeBackups({ full: { log: [pieceOf(60, 100, 'a')] } }), /begins behind 60/);
});

test('nothing beside a backup, and it needs a parent', async (t) => {
  const siblings = await threeBackups({});
  const place = { ...placeIn(siblings), siblings: undefined };
  await t.throwsAsync(readChain(place), { message: /nothing is beside it/ });
  t.is((await readChain({ ...placeIn(siblings, 'full'), siblings: undefined })).length, 1);
});
