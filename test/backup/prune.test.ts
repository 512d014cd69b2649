import test from 'ava';
import fc from 'fast-check';
import { PARTIAL_BACKUP } from '../../src/backup/create/partial-backup.js';
import { type FoundBackup, surveyFolder } from '../../src/backup/manifest/backup-folder.js';
import { parseKeep } from '../../src/backup/prune/keep-text.js';
import { pruneBackups } from '../../src/backup/prune/prune-backups.js';
import { pruneStreams } from '../../src/backup/prune/prune-stream.js';
import { decideRetention, RETENTION_DEFAULT, type Verdict } from '../../src/backup/prune/retention.js';
import { catalogName, pieceName } from '../../src/backup/stream/stream-names.js';
import { ManualClock } from '../../src/base/clock.js';
import { MemoryObjectStore } from '../support/memory-object-store.js';
import { testSeed } from '../support/random.js';
import { HookedStore } from './support/hooked-store.js';
import { fileOf, manifestOf, pieceOf, store } from './support/manifests.js';

const DAY_MS = 24 * 3_600_000;
const NOW_MS = Date.parse('2026-06-01T00:00:00Z');

interface Planned {
  readonly ageDays: number;
  /** Of those before it; beyond them: a full one. */
  readonly parent: number;
  readonly instance: number;
  readonly damage: 'none' | 'object' | 'manifest' | 'interrupted';
}

const planned: fc.Arbitrary<Planned> = fc.record({
  ageDays: fc.integer({ min: 0, max: 60 }),
  parent: fc.integer({ min: 0, max: 12 }),
  instance: fc.integer({ min: 0, max: 1 }),
  damage: fc.constantFrom('none', 'none', 'none', 'none', 'object', 'manifest', 'interrupted'),
});

const nameOf = (index: number): string => `b${String(index).padStart(2, '0')}`;

/** A folder with backups of these ages; parents are of the same database and not younger. */
async function folderOf(plans: readonly Planned[]): Promise<MemoryObjectStore> {
  const clock = new ManualClock(NOW_MS);
  const folder = new MemoryObjectStore(clock);
  const byAge = [...plans].sort((a, b) => b.ageDays - a.ageDays);
  const made: { name: string; instance: number; said: Awaited<ReturnType<typeof store>> }[] = [];
  for (const [index, { ageDays, parent, instance, damage }] of byAge.entries()) {
    const name = nameOf(index);
    clock.jumpWall(NOW_MS - ageDays * DAY_MS - clock.wallMs());
    if (damage === 'interrupted') {
      await folder.put(`${name}/${PARTIAL_BACKUP}`, one('{}'));
      continue;
    }
    const upon = made.filter((each) => each.instance === instance)[parent];
    const own = fileOf(index + 1);
    const said = await store(
      folder,
      manifestOf({
        name,
        id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        type: upon === undefined ? 'full' : 'incremental',
        instance_id: `instance-${instance}`,
        taken_at: new Date(NOW_MS - ageDays * DAY_MS).toISOString(),
        parent: upon?.said ?? null,
        files: [own],
        // All of one seqno, with all in tables: chains of any shape are whole.
        log: [pieceOf(100, 100, 'a')],
        shard_states: [{ shard: 0, flushed_seqno: 100 }],
      }),
    );
    if (damage !== 'object') await folder.put(`${name}/${own.object}`, one('x'.repeat(own.object_bytes)));
    await folder.put(`${name}/shard-0000/log`, one('x'.repeat(90)));
    if (damage === 'manifest') {
      const text = Buffer.from(await folder.read(`${name}/backup.json`, 1e6)).toString();
      await folder.put(`${name}/backup.json`, one(text.replace('"seqno": 100', '"seqno": 101')));
    }
    made.push({ name, instance, said });
  }
  clock.jumpWall(NOW_MS - clock.wallMs());
  return folder;
}

async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const survivors = (verdicts: readonly Verdict[]): Set<string> =>
  new Set(verdicts.filter(({ isKept }) => isKept).map(({ name }) => name));

const complete = (found: readonly FoundBackup[]) =>
  found.flatMap((each) => (each.state === 'complete' ? [each] : []));

test('nothing that is kept loses what it builds upon, and what the manual keeps is kept', async (t) => {
  const seed = testSeed();
  t.log(`SEED=${seed}`);
  await fc.assert(
    fc.asyncProperty(fc.array(planned, { minLength: 1, maxLength: 14 }), fc.nat(), async (plans, stopAt) => {
      const folder = await folderOf(plans);
      const found = await surveyFolder(folder);
      const verdicts = decideRetention(found, RETENTION_DEFAULT, NOW_MS);
      if (verdicts.length !== found.length) throw new Error('not each has a verdict');
      const kept = survivors(verdicts);
      for (const { manifest, name } of complete(found)) {
        const ageDays = (NOW_MS - Date.parse(manifest.taken_at)) / DAY_MS;
        if (ageDays <= (manifest.type === 'full' ? 28 : 14) && !kept.has(name))
          throw new Error(`${name} is too young`);
      }
      const newest = new Map<string, number>();
      for (const { manifest } of complete(found))
        newest.set(
          manifest.instance_id,
          Math.max(newest.get(manifest.instance_id) ?? 0, Date.parse(manifest.taken_at)),
        );
      // Interrupted at any call: what is kept is as whole as before, and what is not is whole or no backup at all.
      const hooked = new HookedStore(folder);
      const stop = stopAt % 60;
      hooked.hook = ({ call }) => {
        if (call > stop) throw new Error('interrupted');
      };
      const run = () => pruneBackups({ folder: hooked, found, verdicts, nowMs: NOW_MS, isDry: false });
      await run().catch(() => {});
      const between = await surveyFolder(folder);
      for (const each of complete(found)) {
        const now = between.find(({ name }) => name === each.name);
        if (now !== undefined && now.state !== 'complete' && now.state !== 'interrupted')
          throw new Error(`${each.name} is ${now.state} after an interruption`);
        if (kept.has(each.name) && now?.state !== 'complete')
          throw new Error(`${each.name} was kept, and broke`);
      }
      hooked.hook = () => {};
      // A later run ends it, with a look at what is there now.
      const rest = decideRetention(between, RETENTION_DEFAULT, NOW_MS + 2 * DAY_MS);
      await pruneBackups({ folder, found: between, verdicts: rest, nowMs: NOW_MS, isDry: false });
      await run();
      const after = await surveyFolder(folder);
      for (const { name } of after) if (!kept.has(name)) throw new Error(`${name} is still there`);
      for (const [instance, takenMs] of newest) {
        const left = complete(after).filter(({ manifest }) => manifest.instance_id === instance);
        if (!left.some(({ manifest }) => Date.parse(manifest.taken_at) === takenMs))
          throw new Error(`the newest backup of ${instance} is gone`);
      }
    }),
    { seed, numRuns: 200 },
  );
  t.pass();
});

test('a dry run removes nothing, and says what would be', async (t) => {
  const folder = await folderOf([
    { ageDays: 40, parent: 9, instance: 0, damage: 'none' },
    { ageDays: 1, parent: 9, instance: 0, damage: 'none' },
  ]);
  const before = new Map(folder.objects);
  const found = await surveyFolder(folder);
  const verdicts = decideRetention(found, RETENTION_DEFAULT, NOW_MS);
  const removed = await pruneBackups({ folder, found, verdicts, nowMs: NOW_MS, isDry: true });
  t.deepEqual(removed, [
    { name: 'b00', isKept: false, reason: 'full, 40 days old', objects: 3, bytes: removed[0].bytes },
  ]);
  t.deepEqual(folder.objects, before);
});

test('what somebody else keeps in the folder of a backup is not removed with it', async (t) => {
  const folder = await folderOf([
    { ageDays: 40, parent: 9, instance: 0, damage: 'none' },
    { ageDays: 1, parent: 9, instance: 0, damage: 'none' },
  ]);
  await folder.put('b00/notes.txt', one('mine'));
  const found = await surveyFolder(folder);
  const verdicts = decideRetention(found, RETENTION_DEFAULT, NOW_MS);
  const [removed] = await pruneBackups({ folder, found, verdicts, nowMs: NOW_MS, isDry: false });
  t.is(removed.objects, 3);
  t.deepEqual(
    [...folder.objects.keys()].filter((name) => name.startsWith('b00')),
    ['b00/notes.txt'],
  );
});

test('each is kept for a reason that is told', async (t) => {
  const folder = await folderOf([
    { ageDays: 50, parent: 9, instance: 0, damage: 'none' },
    { ageDays: 40, parent: 9, instance: 0, damage: 'none' },
    { ageDays: 10, parent: 2, instance: 0, damage: 'none' },
    { ageDays: 45, parent: 9, instance: 1, damage: 'none' },
    { ageDays: 3, parent: 9, instance: 0, damage: 'interrupted' },
    { ageDays: 0, parent: 9, instance: 0, damage: 'interrupted' },
    { ageDays: 41, parent: 9, instance: 0, damage: 'manifest' },
  ]);
  const verdicts = decideRetention(await surveyFolder(folder), RETENTION_DEFAULT, NOW_MS);
  const lines = verdicts
    .map(({ name, isKept, reason }) => `${isKept ? 'kept' : 'gone'} ${name}: ${reason}`)
    .sort();
  t.deepEqual(
    lines.filter((line) => !line.includes('cannot be read')),
    [
      'gone b00: full, 50 days old',
      'gone b05: it was interrupted, and nobody went on with it',
      'kept b01: the newest complete one of database instance-1',
      'kept b03: b04 builds upon it',
      'kept b04: incremental, 10 days old',
      'kept b06: it was interrupted less than a day ago: another run may go on with it',
    ],
  );
  t.is(lines.filter((line) => line.startsWith('kept b02: it cannot be read')).length, 1);
});

test('the ages of --keep are read', (t) => {
  t.deepEqual(parseKeep('full=4w,incremental=2w,wal=7d'), RETENTION_DEFAULT);
  t.deepEqual(parseKeep('wal=36h'), { ...RETENTION_DEFAULT, walMs: 36 * 3_600_000 });
  for (const wrong of ['', 'full', 'full=4', 'full=4w,full=5w', 'wal=-1d', 'all=4w', 'full=4w=5', 'full=4y'])
    t.like(
      t.throws(() => parseKeep(wrong)),
      { code: 'VALIDATION' },
      wrong,
    );
});

test('of the streamed log goes what no moment of its retention needs', async (t) => {
  const clock = new ManualClock(NOW_MS);
  const folder = new MemoryObjectStore(clock);
  const backups: { readonly name: string; readonly ageDays: number; readonly seqno: number }[] = [
    { name: 'a', ageDays: 20, seqno: 100 },
    { name: 'b', ageDays: 9, seqno: 300 },
    { name: 'c', ageDays: 2, seqno: 500 },
  ];
  for (const { name, ageDays, seqno } of backups) {
    await store(
      folder,
      manifestOf({
        name,
        seqno,
        taken_at: new Date(NOW_MS - ageDays * DAY_MS).toISOString(),
        files: [],
        log: [],
        shard_states: [{ shard: 0, flushed_seqno: seqno }],
      }),
    );
  }
  const put = async (ageDays: number, name: string): Promise<void> => {
    clock.jumpWall(NOW_MS - ageDays * DAY_MS - clock.wallMs());
    await folder.put(name, one('x'));
  };
  for (let after = 0; after < 600; after += 50)
    await put(21 - after / 25, `instance/${pieceName(0, { after, through: after + 50 })}`);
  await put(21, `instance/${catalogName({ seqno: 0, number: 1, wallClockMs: 5 })}`);
  await put(15, `instance/${catalogName({ seqno: 200, number: 2, wallClockMs: 5 })}`);
  await put(5, `instance/${catalogName({ seqno: 400, number: 3, wallClockMs: 5 })}`);
  await put(30, `unknown/${pieceName(0, { after: 0, through: 1 })}`);
  const kept = await surveyFolder(folder);
  const options = { folder, kept, walMs: 7 * DAY_MS, nowMs: NOW_MS };
  const dry = await pruneStreams({ ...options, isDry: true });
  const wet = await pruneStreams({ ...options, isDry: false });
  t.deepEqual(dry, wet);
  // A restore to 7 days ago begins at b: everything behind 300 stays, and the catalog that held then.
  t.deepEqual(wet, [{ instance: 'instance', objects: 7, bytes: 7, since: 'b' }]);
  const left = [...folder.objects.keys()].filter(
    (name) => name.includes('instance/') || name.includes('unknown'),
  );
  t.deepEqual(
    left.filter((name) => name.endsWith('.log') && name.startsWith('instance')).sort()[0],
    `instance/${pieceName(0, { after: 300, through: 350 })}`,
  );
  t.deepEqual(left.filter((name) => name.endsWith('.json')).length, 2);
  t.true(left.some((name) => name.startsWith('unknown')));
});
