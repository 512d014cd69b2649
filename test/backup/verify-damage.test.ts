import { randomBytes } from 'node:crypto';
import test from 'ava';
import { surveyFolder } from '../../src/backup/manifest/backup-folder.js';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { pick, seededPrng } from '../support/random.js';
import { BackedUpDatabase, verify } from './support/database.js';

interface Chain {
  readonly objects: MemoryObjectStore;
  readonly key: Uint8Array | undefined;
}

/** Three backups that build upon each other. */
async function chainOf(prng: Prng, key?: Uint8Array): Promise<Chain> {
  const living = new BackedUpDatabase(prng);
  const objects = new MemoryObjectStore();
  for (const name of ['a', 'b', 'c']) {
    living.live(2);
    await living.backUp(objects, name, { key, compression: pick(prng, ['none', 'lz4', 'zstd']) });
  }
  living.close();
  return { objects, key };
}

type Damage = 'missing' | 'cut' | 'flipped' | 'emptied' | 'exchanged';

function spoil(objects: MemoryObjectStore, name: string, damage: Damage, other: string, prng: Prng): void {
  const bytes = Buffer.from(objects.objects.get(name)?.bytes ?? []);
  const changed = spoiled(bytes, damage, objects.objects.get(other)?.bytes ?? Buffer.alloc(0), prng);
  if (changed === undefined) objects.objects.delete(name);
  else objects.objects.set(name, { bytes: changed, modifiedMs: 0 });
}

function spoiled(bytes: Buffer, damage: Damage, other: Uint8Array, prng: Prng): Uint8Array | undefined {
  switch (damage) {
    case 'missing':
      return undefined;
    case 'cut':
      return bytes.subarray(0, prng.nextBelow(bytes.length));
    case 'emptied':
      return Buffer.alloc(0);
    case 'flipped':
      bytes[prng.nextBelow(bytes.length)] ^= 1 << prng.nextBelow(8);
      return bytes;
    case 'exchanged':
      return other;
  }
}

/** Small files are the same in all backups: another one of the same name is no damage. */
const holdsOther = (name: string, object: string): boolean =>
  !/(current|clock|catalog)$/.test(object) || !name.endsWith(object);

test('damage of any object of a chain is found and named, by a full look; by a quick one when it shows', async (t) => {
  const prng = seededPrng(t);
  for (const key of [undefined, randomBytes(32)]) {
    const { objects } = await chainOf(prng, key);
    const whole = new Map(objects.objects);
    const names = [...whole.keys()];
    t.true(names.length > 20);
    for (const name of names) {
      const [backup, ...rest] = name.split('/');
      const object = rest.join('/');
      const damage = pick(prng, ['missing', 'cut', 'flipped', 'emptied', 'exchanged'] as const);
      const other = pick(
        prng,
        names.filter((each) => each !== name && holdsOther(each, object)),
      );
      const damaged = new MemoryObjectStore(undefined, new Map(whole));
      spoil(damaged, name, damage, other, prng);
      const about = `${damage} ${name} (by ${other})`;
      if (name === 'c/backup.json' && damage === 'missing') {
        t.like(await t.throwsAsync(verify(damaged, 'c', { key })), { code: 'NOT_FOUND' }, about);
        continue;
      }
      const { findings } = await verify(damaged, 'c', { key });
      t.true(findings.length > 0, about);
      if (object !== 'backup.json')
        t.true(
          findings.some((each) => each.backup === backup && each.object === object),
          about,
        );
      // Whatever builds upon it, directly or not, suffers; the others do not.
      if (backup !== 'a') t.deepEqual((await verify(damaged, 'a', { key })).findings, [], about);
      const sameSize = damaged.objects.get(name)?.bytes.length === whole.get(name)?.bytes.length;
      if (!sameSize) t.true((await verify(damaged, 'c', { key, isQuick: true })).findings.length > 0, about);
      if (!sameSize || object === 'backup.json') {
        const states = await surveyFolder(damaged, { key });
        t.true(
          states.filter(({ name: each }) => each >= backup).every(({ state }) => state !== 'complete'),
          about,
        );
      }
    }
    t.deepEqual((await verify(new MemoryObjectStore(undefined, whole), 'c', { key })).findings, []);
  }
});

test('several damages are all listed', async (t) => {
  const prng = createPrng(5);
  const { objects } = await chainOf(prng);
  const names = [...objects.objects.keys()].filter((name) => name.includes('.sst.') || name.endsWith('/log'));
  for (const name of names) spoil(objects, name, 'flipped', '', prng);
  const { findings } = await verify(objects, 'c');
  t.deepEqual(
    [...new Set(findings.map(({ backup, object }) => `${backup}/${object}`))].sort(),
    [...names].sort(),
  );
});

test('a parent that was replaced by another backup of the same name is found', async (t) => {
  const prng = seededPrng(t);
  const living = new BackedUpDatabase(prng);
  living.live();
  const objects = new MemoryObjectStore();
  await living.backUp(objects, 'a');
  await living.backUp(objects, 'b');
  for (const name of [...objects.objects.keys()]) if (name.startsWith('a/')) objects.objects.delete(name);
  await living.backUp(objects, 'a', { type: 'full' });
  const { findings } = await verify(objects, 'b');
  t.regex(findings[0].reason, /builds upon a, and another backup has that name now/);
  const b = (await surveyFolder(objects)).find(({ name }) => name === 'b');
  t.like(b, { state: 'broken', isOwn: false });
});

test('without the key, or with another, nothing is called damaged', async (t) => {
  const { objects } = await chainOf(seededPrng(t), randomBytes(32));
  for (const key of [undefined, randomBytes(32)])
    t.like(await t.throwsAsync(verify(objects, 'c', { key })), { code: 'BACKUP_KEY' });
  const found = await surveyFolder(objects);
  t.deepEqual(
    found.map(({ name, state }) => [name, state]),
    [
      ['a', 'unreadable'],
      ['b', 'unreadable'],
      ['c', 'unreadable'],
    ],
  );
  t.like(found[2], { parent: 'b' });
});
