/**
 * A manifest that lost its last edits: cut off behind its snapshot it reads like one after a crash. No start may move a
 * table because of it, and a repair must find everything, also in quarantine, where earlier versions moved such tables.
 */
import test, { type ExecutionContext } from 'ava';
import { DbError } from '../../src/base/errors.js';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { surveyNames } from '../../src/manifest/manifest-survey.js';
import { openManifest } from '../../src/manifest/open-manifest.js';
import { manifestPlace, shardPlace } from '../../src/tools/shard-place.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { pick, seedOf } from '../support/random.js';
import {
  check,
  cut,
  DATA,
  differences,
  documentsOf,
  flip,
  linesOf,
  losesPower,
  type Model,
  mend,
  TestDatabase,
} from './support.js';

const place = (vfs: Vfs) => shardPlace(vfs, DATA, 0);
const look = (vfs: Vfs) => openManifest({ ...manifestPlace(place(vfs)), mode: 'read-only' });
const listOf = (vfs: Vfs, directory: string): string[] => (vfs.exists(directory) ? vfs.list(directory) : []);
const isTable = (name: string): boolean => name.endsWith('.sst');
const tableNames = (vfs: Vfs): string[] => listOf(vfs, place(vfs).tableDirectory).filter(isTable);
const quarantined = (vfs: Vfs): string[] => listOf(vfs, place(vfs).quarantineDirectory).filter(isTable);
const start = (vfs: Vfs): void => new TestDatabase(vfs, 1).close();

function manifestFile(vfs: Vfs): string {
  const { tableDirectory } = place(vfs);
  return `${tableDirectory}/${vfs.list(tableDirectory).find((name) => name.startsWith('MANIFEST'))}`;
}

/** Flushes and, if wanted, compactions, whose operations the log has let go; `flushedAtEnd`: it holds nothing more. */
function database(vfs: Vfs, prng: Prng, { compacts = false, flushedAtEnd = false } = {}): Model {
  const built = new TestDatabase(vfs, 1);
  for (let round = 0; round < 6; round++) {
    built.scribble(prng, 400);
    built.flush();
    if (compacts && round % 2 === 1) built.compact();
  }
  if (flushedAtEnd) built.reopen();
  else built.scribble(prng, 60);
  built.close();
  return new Map(built.model);
}

/** Where the records of the manifest end: behind them are zeros. */
function endOf(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

/** The same device with the manifest cut off at `share` of its length; undefined where the snapshot is hit. */
function withCutManifest(image: MemoryVfs, share: number): MemoryVfs | undefined {
  const vfs = image.kill();
  const file = manifestFile(vfs);
  cut(vfs, file, Math.floor(endOf(vfs.readFile(file)) * share));
  try {
    look(vfs);
  } catch (error) {
    if (error instanceof DbError && !error.message.includes('names this table')) return undefined;
  }
  return vfs;
}

const SHARES = Array.from({ length: 12 }, (_, i) => (i + 1) / 13);

/** What an earlier version did at a start: tables without a name went to quarantine before the log was looked at. */
function setAside(vfs: MemoryVfs): number {
  const { tableDirectory, quarantineDirectory } = place(vfs);
  const named = new Set(
    look(vfs)
      .version.tables()
      .map(({ fileNumber }) => fileNumber),
  );
  const orphans = tableNames(vfs).filter((name) => !named.has(Number.parseInt(name, 10)));
  vfs.makeDirectory(quarantineDirectory);
  for (const name of orphans) vfs.rename(`${tableDirectory}/${name}`, `${quarantineDirectory}/${name}`);
  vfs.syncDirectory(quarantineDirectory);
  vfs.syncDirectory(tableDirectory);
  return orphans.length;
}

function loseManifest(vfs: MemoryVfs): void {
  for (const name of listOf(vfs, place(vfs).tableDirectory))
    if (!isTable(name)) vfs.unlink(`${place(vfs).tableDirectory}/${name}`);
  vfs.syncDirectory(place(vfs).tableDirectory);
}

function isWhole(t: ExecutionContext, vfs: MemoryVfs, model: Model, where: string): void {
  const report = check(vfs, 1);
  t.is(report.errors, 0, `${where}: ${linesOf(report).join('\n')}`);
  t.deepEqual(differences(documentsOf(vfs, 1), model), [], where);
}

for (const compacts of [false, true])
  for (const flushedAtEnd of [false, true])
    test(`a start moves no table, a repair loses no document: compactions ${compacts}, empty log ${flushedAtEnd}`, (t) => {
      const image = new MemoryVfs();
      const model = database(image, createPrng(seedOf(t)), { compacts, flushedAtEnd });
      const names = tableNames(image);
      let loud = 0;
      let advised = 0;
      for (const share of SHARES) {
        const vfs = withCutManifest(image, share);
        if (vfs === undefined) continue;
        const where = `cut at ${share}`;
        let failure: unknown;
        try {
          start(vfs);
        } catch (error) {
          failure = error;
        }
        if (failure === undefined) {
          // The log reaches back: it says all of it again.
          t.deepEqual(differences(documentsOf(vfs, 1), model), [], where);
          continue;
        }
        loud++;
        t.true(failure instanceof DbError, String(failure));
        t.deepEqual([tableNames(vfs), quarantined(vfs)], [names, []], `${where}: nothing is moved`);
        if ((failure as DbError).code === 'CORRUPT_WAL') {
          advised++;
          t.regex((failure as DbError).message, /does not name \d+ tables.*No file was moved.*lumadb repair/);
        }
        t.throws(() => start(vfs), { instanceOf: DbError }, `${where}: nor by a second start`);
        t.deepEqual([tableNames(vfs), quarantined(vfs)], [names, []], where);
        t.true(
          linesOf(check(vfs, 1)).some((line) => line.includes('has lost its last edits')),
          where,
        );
        const report = mend(vfs, 1);
        t.true(report.rebuilt);
        t.true(report.actions.some(({ action }) => action.includes('has lost its last edits')));
        isWhole(t, vfs, model, where);
        t.true(mend(vfs, 1).sound, `${where}: a second repair finds nothing to do`);
      }
      t.true(loud > 2, `${loud} starts failed`);
      if (!compacts) t.is(advised, loud);
    });

test('tables that an earlier start set aside are found in quarantine, with the cut manifest and with none', (t) => {
  for (const flushedAtEnd of [false, true]) {
    const image = new MemoryVfs();
    const model = database(image, createPrng(seedOf(t)), { flushedAtEnd });
    let found = 0;
    for (const share of SHARES) {
      for (const isGone of [false, true]) {
        const vfs = withCutManifest(image, share);
        if (vfs === undefined) continue;
        const moved = setAside(vfs);
        if (isGone) loseManifest(vfs);
        const where = `cut at ${share}, ${moved} moved, manifest gone: ${isGone}`;
        const before = quarantined(vfs);
        const report = mend(vfs, 1);
        found += report.actions.filter(({ action }) => action.startsWith('take it into account')).length;
        isWhole(t, vfs, model, where);
        t.true(
          before.every((name) => quarantined(vfs).includes(name)),
          'they stay there',
        );
      }
    }
    t.true(found > 5, `${found} tables`);
  }
});

test('what was rightly set aside long ago does not come back', (t) => {
  const vfs = new MemoryVfs();
  const { tableDirectory, quarantineDirectory } = place(vfs);
  const first = new TestDatabase(vfs, 1);
  first.put('gone', 'deleted since');
  first.flush();
  const [old] = tableNames(vfs);
  const bytes = vfs.readFile(`${tableDirectory}/${old}`).slice();
  first.remove('gone');
  first.scribble(createPrng(seedOf(t)), 1500);
  first.flush();
  first.compact();
  first
    .shard(0)
    .scheduler.compactManually({ levels: 'all', deleteTombstones: true }, (error) => t.is(error, undefined));
  first.scribble(createPrng(1), 1500);
  first.flush();
  first.close();
  vfs.makeDirectory(quarantineDirectory);
  vfs.writeFileAtomic(`${quarantineDirectory}/${old}`, bytes);
  t.false(tableNames(vfs).includes(old), 'it was compacted away');
  let tried = 0;
  for (const share of SHARES) {
    const damaged = withCutManifest(vfs, share);
    if (damaged === undefined) continue;
    // A manifest that knows of nothing in tables cannot tell that this one is old.
    const known = surveyNames(manifestPlace(place(damaged))).current?.read.contents.state();
    if (known?.flushedSeqno === 0) continue;
    tried++;
    mend(damaged, 1);
    t.deepEqual(differences(documentsOf(damaged, 1), first.model), [], `cut at ${share}`);
  }
  t.true(tried > 2, `${tried} cuts`);
  const without = vfs.kill();
  loseManifest(without);
  mend(without, 1);
  isWhole(t, without, first.model, 'without a manifest');
});

test('what even these tables do not have is said to be missing', (t) => {
  const image = new MemoryVfs();
  database(image, createPrng(seedOf(t)), { flushedAtEnd: true });
  const vfs = withCutManifest(image, 0.6) as MemoryVfs;
  const newest = tableNames(vfs).at(-1);
  vfs.unlink(`${place(vfs).tableDirectory}/${newest}`);
  for (const name of tableNames(vfs).slice(-3)) vfs.unlink(`${place(vfs).tableDirectory}/${name}`);
  const report = mend(vfs, 1, { fix: false });
  t.regex(
    report.actions.map(({ action }) => action).join('\n'),
    /up to \d+, are in no table and may be lost/,
  );
});

test('a start that is cut short at any step has moved nothing, and neither has the next', (t) => {
  const prng = createPrng(seedOf(t));
  const image = new MemoryVfs();
  const model = database(image, prng);
  const names = tableNames(image);
  const cutOff = SHARES.map((share) => withCutManifest(image, share)).find(
    (vfs) => vfs !== undefined && look(vfs).version.tableCount > 0,
  ) as MemoryVfs;
  const durable = cutOff.crash(prng, 'kept');
  let steps = 0;
  for (let step = 1; ; step++) {
    const vfs = durable.kill();
    let isCut = false;
    t.throws(() => {
      isCut = losesPower(vfs, step, start);
      if (isCut) throw new Error('cut short');
    });
    if (!isCut) break;
    steps++;
    for (const mode of ['lost', 'kept', 'mixed'] as const) {
      const after = vfs.crash(prng, mode);
      t.throws(() => start(after), { code: 'CORRUPT_WAL' });
      t.deepEqual([tableNames(after), quarantined(after)], [names, []], `step ${step}, ${mode}`);
      if (step % 3 === 0) {
        mend(after, 1);
        isWhole(t, after, model, `step ${step}, ${mode}`);
      }
    }
  }
  t.true(steps > 3, `${steps} steps`);
});

test('a repair that is cut short at any step loses nothing, wherever the tables are', (t) => {
  const prng = createPrng(seedOf(t));
  for (const variant of ['in sst', 'in quarantine', 'in quarantine, no manifest'] as const) {
    const image = new MemoryVfs();
    const model = database(image, prng, { flushedAtEnd: variant !== 'in sst' });
    const vfs = SHARES.map((share) => withCutManifest(image, share)).find(
      (each) => each !== undefined && look(each).version.tableCount > 0,
    ) as MemoryVfs;
    if (variant !== 'in sst') t.true(setAside(vfs) > 2);
    if (variant === 'in quarantine, no manifest') loseManifest(vfs);
    const durable = vfs.crash(prng, 'kept');
    let steps = 0;
    for (let step = 1; ; step++) {
      const dying = durable.kill();
      if (!losesPower(dying, step, (faulty) => mend(faulty, 1))) break;
      steps++;
      const after = dying.crash(prng, pick(prng, ['lost', 'kept', 'mixed', 'mixed'] as const));
      mend(after, 1);
      t.deepEqual(differences(documentsOf(after, 1), model), [], `${variant}, step ${step}`);
    }
    t.true(steps > 20, `${variant}: ${steps} steps`);
  }
});

test('leftovers of an ordinary crash go once the log has been replayed, and stay while it cannot be', (t) => {
  const vfs = new MemoryVfs();
  const built = new TestDatabase(vfs, 1);
  built.scribble(createPrng(seedOf(t)), 200);
  built.flush();
  built.put('a', 'in the log');
  built.put('b', 'in the log, too');
  built.close();
  const { tableDirectory, walDirectory, quarantineDirectory } = place(vfs);
  const [name] = tableNames(vfs);
  const orphan = '0000000900.sst';
  vfs.writeFileAtomic(`${tableDirectory}/${orphan}`, vfs.readFile(`${tableDirectory}/${name}`));
  vfs.writeFileAtomic(`${tableDirectory}/0000000950.sst.tmp`, Uint8Array.of(1));
  const segment = `${walDirectory}/${listOf(vfs, walDirectory).find((each) => /^\d+\.wal$/.test(each))}`;
  flip(vfs, segment, 4096 + 60);
  const error = t.throws(() => start(vfs), { instanceOf: DbError, code: 'CORRUPT_WAL' });
  t.notRegex(error?.message ?? '', /lost its last edits/, 'this is no gap');
  t.true(vfs.exists(`${tableDirectory}/${orphan}`) && vfs.exists(`${tableDirectory}/0000000950.sst.tmp`));
  const salvaged = vfs.kill();
  new TestDatabase(salvaged, 1, DATA, { onWalDamage: 'salvage' }).close();
  t.true(salvaged.exists(`${tableDirectory}/${orphan}`), 'after a salvage nobody knows what is missing');
  t.false(salvaged.exists(`${tableDirectory}/0000000950.sst.tmp`));
  flip(vfs, segment, 4096 + 60);
  start(vfs);
  t.false(vfs.exists(`${tableDirectory}/${orphan}`) || vfs.exists(`${tableDirectory}/0000000950.sst.tmp`));
  t.true(vfs.exists(`${quarantineDirectory}/${orphan}`));
  t.true(look(vfs).state.nextFileNumber > 950, 'no file of a replay could meet one that was still there');
});
