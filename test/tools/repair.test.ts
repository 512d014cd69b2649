import test, { type ExecutionContext } from 'ava';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { openManifest } from '../../src/manifest/open-manifest.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import { openReader, tablePath } from '../../src/tools/check-table.js';
import { manifestPlace, shardPlace } from '../../src/tools/shard-place.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { OpenMode, Vfs, VfsFile } from '../../src/vfs/vfs.js';
import { batchOf, put } from '../support/batches.js';
import { AnswerBook } from '../support/engines.js';
import { oneIn, pick, seedOf } from '../support/random.js';
import {
  builtDatabase,
  check,
  cut,
  DATA,
  differences,
  documentOf,
  documentsOf,
  flip,
  linesOf,
  losesPower,
  type Model,
  mend,
  NOW_SECONDS,
  snapshotOf,
  TestDatabase,
} from './support.js';

const place = (vfs: MemoryVfs) => shardPlace(vfs, DATA, 0);
const tablesOf = (vfs: MemoryVfs): TableInfo[] =>
  openManifest({ ...manifestPlace(place(vfs)), mode: 'read-only' }).version.tables();

/** Errors that are left; warnings about the files of a killed repair are not. */
function isClean(t: ExecutionContext, vfs: MemoryVfs, shards = 1): void {
  const report = check(vfs, shards);
  t.is(report.errors, 0, linesOf(report).join('\n'));
}

/** What was there before or has an older version is all that may be seen; everything outside the damage is. */
function isPartOf(
  t: ExecutionContext,
  found: Model,
  model: Model,
  history: ReadonlyMap<string, Set<string>>,
): void {
  for (const [name, text] of found) t.true(history.get(name)?.has(text) === true, `${name} is ${text}`);
  t.true(model.size > 0);
}

function manifestFile(vfs: MemoryVfs): string {
  const { tableDirectory } = place(vfs);
  return `${tableDirectory}/${vfs.list(tableDirectory).find((name) => name.startsWith('MANIFEST'))}`;
}

test('a sound database is left exactly as it is', (t) => {
  const vfs = new MemoryVfs();
  builtDatabase(vfs, createPrng(seedOf(t)), 2);
  const before = snapshotOf(vfs, DATA);
  const report = mend(vfs, 2);
  t.true(report.sound);
  t.deepEqual(report.actions, []);
  t.deepEqual(snapshotOf(vfs, DATA), before);
});

test('a dry run says what a repair would do, and changes nothing', (t) => {
  const vfs = new MemoryVfs();
  builtDatabase(vfs, createPrng(seedOf(t)));
  const [table] = tablesOf(vfs);
  flip(vfs, tablePath(place(vfs), table.fileNumber), 40);
  const before = snapshotOf(vfs, DATA);
  const report = mend(vfs, 1, { fix: false });
  t.false(report.sound);
  t.deepEqual(snapshotOf(vfs, DATA), before);
  t.regex(report.actions[0].action, /replace it by a new table with the \d+ of \d+ entries/);
  t.true(report.losses.length > 0);
  const fixed = mend(vfs, 1);
  t.deepEqual(fixed.losses, report.losses);
  t.deepEqual(fixed.actions, report.actions);
});

test('a damaged block costs its own entries: the report names their keys, the rest is there', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  const keys = Array.from({ length: 300 }, (_, i) => `key${String(i).padStart(3, '0')}`);
  for (const key of keys) database.put(key, 'text '.repeat(3));
  database.flush();
  database.close();
  const [table] = tablesOf(vfs);
  const path = tablePath(place(vfs), table.fileNumber);
  const reader = openReader(place(vfs), table.fileNumber);
  const [from, to] = [reader.index.offsetOf(2), reader.index.offsetOf(3)];
  reader.close();
  flip(vfs, path, from + 30);
  const report = mend(vfs, 1);
  isClean(t, vfs);
  const found = documentsOf(vfs, 1);
  const lost = keys.filter((key) => !found.has(`1/${key}`));
  t.true(lost.length > 0);
  t.is(report.entriesLost, lost.length);
  t.is(report.losses.length, 1);
  const [loss] = report.losses;
  t.like(loss, { file: path, offset: from, bytes: to - from, shard: 0 });
  t.is(loss.from?.collection, 'users');
  t.true((loss.from?.key ?? 'z') < lost[0] && (loss.to?.key ?? '') > lost[lost.length - 1]);
  t.is(keys[keys.indexOf(loss.from?.key ?? '') + 1], lost[0], 'the bounds are the neighbours');
  for (const [name, text] of database.model) {
    if (!lost.includes(name.slice(2))) t.is(found.get(name), text);
  }
  t.is(report.quarantined.length, 2, 'the table and the old manifest');
  t.true(report.quarantined.every((file) => vfs.exists(file)));
});

test('a damaged index, filter, footer or properties cost nothing', (t) => {
  for (const part of ['dataEnd', 'indexAt', 'propertiesAt', 'footer'] as const) {
    const vfs = new MemoryVfs();
    const database = builtDatabase(vfs, createPrng(seedOf(t)));
    const [table] = tablesOf(vfs);
    const reader = openReader(place(vfs), table.fileNumber);
    const at = part === 'footer' ? reader.file.footerAt : reader.file.footer[part];
    reader.close();
    flip(vfs, tablePath(place(vfs), table.fileNumber), at + 30);
    const report = mend(vfs, 1);
    t.is(report.entriesLost, 0, part);
    isClean(t, vfs);
    t.deepEqual(differences(documentsOf(vfs, 1), database.model), []);
  }
});

test('a missing table is left out, and all of it is reported as lost', (t) => {
  const vfs = new MemoryVfs();
  builtDatabase(vfs, createPrng(seedOf(t)));
  const [table] = tablesOf(vfs);
  vfs.unlink(tablePath(place(vfs), table.fileNumber));
  const report = mend(vfs, 1);
  t.is(report.entriesLost, table.entries);
  t.is(report.losses[0].from?.key, Buffer.from(table.smallest.key).toString());
  t.is(report.losses[0].to?.key, Buffer.from(table.largest.key).toString());
  isClean(t, vfs);
});

test('a damaged or missing manifest is built anew from the tables, and no document is lost', (t) => {
  const harm: Record<string, (vfs: MemoryVfs) => void> = {
    'bit rot in the manifest': (vfs) => flip(vfs, manifestFile(vfs), 80),
    'a missing manifest': (vfs) => vfs.unlink(manifestFile(vfs)),
    'everything but tables gone': (vfs) => {
      vfs.unlink(manifestFile(vfs));
      vfs.unlink(`${place(vfs).tableDirectory}/CURRENT`);
    },
  };
  for (const [name, damage] of Object.entries(harm)) {
    const vfs = new MemoryVfs();
    const database = builtDatabase(vfs, createPrng(seedOf(t)));
    damage(vfs);
    const report = mend(vfs, 1);
    t.regex(report.actions[0].action, /build a new manifest/, name);
    t.true(report.rebuilt, 'so that what may come back is told');
    isClean(t, vfs);
    t.deepEqual(differences(documentsOf(vfs, 1), database.model), [], name);
    isClean(t, vfs);
  }
});

/** Leaves nothing that says which tables there are. */
function loseManifest(vfs: MemoryVfs): void {
  vfs.unlink(manifestFile(vfs));
  vfs.unlink(`${place(vfs).tableDirectory}/CURRENT`);
}

/** The same files; `open` has the paths of the tables that are open for reading. */
function countingOpenTables(vfs: MemoryVfs, open: Set<string>, changed: () => void): Vfs {
  return new Proxy<Vfs>(vfs, {
    get(target, name) {
      if (name !== 'open') {
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return (path: string, mode: OpenMode): VfsFile => {
        const file = target.open(path, mode);
        if (mode !== 'read' || !path.endsWith('.sst')) return file;
        open.add(path);
        changed();
        const close = file.close.bind(file);
        file.close = () => {
          open.delete(path);
          close();
        };
        return file;
      };
    },
  });
}

test('without a manifest, operations that are in tables are not applied once more', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  const insert = { condition: ConditionKind.IfAbsent };
  database.apply(put('k', documentOf('k', 'first'), insert));
  database.remove('k');
  const both = [put('k', documentOf('k', 'second'), insert), put('j', documentOf('j', 'only'), insert)];
  const { engine } = database.shard(0);
  t.is(
    engine.stage(batchOf(both, { allOrNothing: true, writtenAt: NOW_SECONDS }), new AnswerBook()),
    'staged',
  );
  engine.commit();
  database.flush();
  const third = documentOf('k', 'third');
  database.apply(put('k', third, { condition: ConditionKind.IfMatchSeqno, expectedSeqno: 3 }));
  database.close();
  loseManifest(vfs);
  mend(vfs, 1);
  isClean(t, vfs);
  const found = documentsOf(vfs, 1);
  t.is(found.get('1/k'), third, 'it was acknowledged when the second text was there');
  t.is(found.get('1/j'), documentOf('j', 'only'));
});

test('a flush that is cut short at any step loses nothing when the manifest is lost too', (t) => {
  const prng = createPrng(seedOf(t));
  const image = new MemoryVfs();
  const database = new TestDatabase(image, 1);
  database.scribble(prng, 300);
  database.flush();
  database.scribble(prng, 300);
  database.close();
  let halfNamed = 0;
  for (let step = 1; ; step++) {
    const vfs = image.kill();
    const isCut = losesPower(vfs, step, (faulty) => {
      new TestDatabase(faulty, 1).flush();
    });
    if (!isCut) break;
    const names = vfs.list(place(vfs).tableDirectory);
    if (!names.includes('CURRENT')) continue;
    loseManifest(vfs);
    const report = mend(vfs, 1);
    if (report.actions.some(({ action }) => action.includes('cut short'))) halfNamed++;
    isClean(t, vfs);
    t.deepEqual(differences(documentsOf(vfs, 1), database.model), [], `step ${step}: ${names.join(' ')}`);
  }
  t.true(halfNamed > 0, 'a flush of several tables');
});

test('when only CURRENT is damaged, the newest whole manifest goes on', (t) => {
  for (const harm of ['flip', 'remove']) {
    const vfs = new MemoryVfs();
    const database = builtDatabase(vfs, createPrng(seedOf(t)));
    const levels = tablesOf(vfs).map(({ level }) => level);
    const current = `${place(vfs).tableDirectory}/CURRENT`;
    if (harm === 'flip') flip(vfs, current, 4);
    else vfs.unlink(current);
    t.regex(mend(vfs, 1).actions[0].action, /point CURRENT at/);
    t.deepEqual(
      tablesOf(vfs).map(({ level }) => level),
      levels,
      'tables stay in their levels',
    );
    isClean(t, vfs);
    t.deepEqual(differences(documentsOf(vfs, 1), database.model), []);
  }
});

test('wrong statistics are counted again', (t) => {
  const vfs = new MemoryVfs();
  builtDatabase(vfs, createPrng(seedOf(t)));
  const opened = openManifest({ ...manifestPlace(place(vfs)), mode: 'strict' });
  opened.writer.append({ addedTables: [], removedTables: [], collectionStats: [] });
  opened.writer.close();
  t.true(check(vfs, 1).errors > 0);
  t.regex(mend(vfs, 1).actions[0].action, /count the documents again/);
  isClean(t, vfs);
});

test('a damaged log is replayed without what is damaged, and the damaged segment kept', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  for (let i = 0; i < 200; i++) database.put(`key${i}`, 'text');
  database.close();
  const path = `${place(vfs).walDirectory}/00000000000000000001.wal`;
  flip(vfs, path, 4096 + 60);
  t.true(check(vfs, 1).errors > 0);
  const report = mend(vfs, 1);
  t.regex(report.actions[0].action, /replay the log/);
  t.is(report.quarantined.length, 1);
  isClean(t, vfs);
  const found = documentsOf(vfs, 1);
  t.is(found.size, 199);
  t.false(found.has('1/key0'));
});

test('with a collection named, only tables that hold it are touched', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  database.put('a', 'x', 1);
  database.flush();
  database.put('b', 'x', 2);
  database.flush();
  database.close();
  for (const { fileNumber } of tablesOf(vfs)) flip(vfs, tablePath(place(vfs), fileNumber), 40);
  const report = mend(vfs, 1, { only: 2 });
  t.is(report.actions.length, 1);
  t.is(report.damageLeft.length, 1, 'and said to be damaged');
  t.is(report.losses[0].from?.collection, 'orders');
  t.is(tablesOf(vfs).length, 1, 'the table without it is still there, damaged');
  t.true(check(vfs, 1).errors > 0);
  mend(vfs, 1);
  isClean(t, vfs);
});

test('when no other table is damaged, repairing a collection leaves a clean database', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  for (let i = 0; i < 100; i++) database.put(`key${i}`, 'x', 2);
  database.flush();
  for (let i = 0; i < 100; i++) database.put(`key${i}`, 'x', 1);
  database.flush();
  database.close();
  const table = tablesOf(vfs).find(({ smallest }) => smallest.collection === 2) as TableInfo;
  flip(vfs, tablePath(place(vfs), table.fileNumber), 40);
  t.true((mend(vfs, 1, { only: 2 }).entriesLost ?? 0) > 0);
  isClean(t, vfs);
});

/** Damage of all kinds, as the generator likes. */
function ruin(vfs: MemoryVfs, prng: Prng): void {
  const tables = tablesOf(vfs);
  for (let i = 1 + prng.nextBelow(3); i > 0; i--) {
    const { fileNumber, sizeBytes } = pick(prng, tables);
    const path = tablePath(place(vfs), fileNumber);
    if (!vfs.exists(path)) continue;
    if (oneIn(prng, 6)) vfs.unlink(path);
    else if (oneIn(prng, 5)) cut(vfs, path, prng.nextBelow(sizeBytes));
    else if (vfs.sizeOf(path) > 0) flip(vfs, path, prng.nextBelow(vfs.sizeOf(path)));
  }
  if (oneIn(prng, 3)) flip(vfs, manifestFile(vfs), prng.nextBelow(vfs.sizeOf(manifestFile(vfs))));
  const { walDirectory } = place(vfs);
  const segment = vfs.list(walDirectory).find((name) => /^\d+\.wal$/.test(name));
  if (segment !== undefined && oneIn(prng, 3))
    flip(vfs, `${walDirectory}/${segment}`, 4096 + prng.nextBelow(2000));
}

/** A small database in which every text that a key ever had is known. */
function smallDatabase(vfs: MemoryVfs, prng: Prng): { model: Model; history: Map<string, Set<string>> } {
  const database = new TestDatabase(vfs, 1);
  const history = new Map<string, Set<string>>();
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 60; i++) {
      const key = `key${prng.nextBelow(80)}`;
      if (oneIn(prng, 5)) database.remove(key);
      else database.put(key, `${round}.${i} ${'x'.repeat(prng.nextBelow(60))}`);
      const text = database.model.get(`1/${key}`);
      const texts = history.get(`1/${key}`) ?? new Set<string>();
      history.set(`1/${key}`, texts);
      if (text !== undefined) texts.add(text);
    }
    if (round < 3) database.flush();
    if (round === 1) database.compact();
  }
  database.close();
  return { model: database.model, history };
}

test('after any damage a repair ends in a clean database that holds nothing but what was written', (t) => {
  const seed = seedOf(t);
  for (let round = 0; round < 40; round++) {
    const prng = createPrng(seed + round);
    const vfs = new MemoryVfs();
    const { model, history } = smallDatabase(vfs, prng);
    ruin(vfs, prng);
    mend(vfs, 1);
    isClean(t, vfs);
    t.true(mend(vfs, 1).sound, `round ${round}: a second repair finds nothing to do`);
    isPartOf(t, documentsOf(vfs, 1), model, history);
  }
});

test('a repair that is killed at any step can be run again, and loses no more than the first would have', (t) => {
  const seed = seedOf(t);
  let steps = 0;
  for (let round = 0; round < 3; round++) {
    const prng = createPrng(seed + round);
    const built = new MemoryVfs();
    smallDatabase(built, prng);
    ruin(built, prng);
    // All of it durable: otherwise a power cut can bring back tables that were removed, and more is saved, not less.
    const image = built.crash(prng, 'kept');
    const undisturbed = image.kill();
    mend(undisturbed, 1);
    const wanted = documentsOf(undisturbed, 1);
    for (let step = 1; ; step++) {
      const vfs = image.kill();
      if (!losesPower(vfs, step, (faulty) => mend(faulty, 1))) break;
      steps++;
      const after = vfs.crash(prng, pick(prng, ['lost', 'kept', 'mixed'] as const));
      mend(after, 1);
      isClean(t, after);
      t.deepEqual(differences(documentsOf(after, 1), wanted), [], `round ${round}, step ${step}`);
    }
  }
  t.true(steps > 20);
});

test('a device that fails in the middle of a repair is an error, and the next repair succeeds', (t) => {
  const image = new MemoryVfs();
  const prng = createPrng(seedOf(t));
  smallDatabase(image, prng);
  const [table] = tablesOf(image);
  flip(image, tablePath(place(image), table.fileNumber), 40);
  for (const errno of ['ENOSPC', 'EIO']) {
    for (let step = 1; step < 60; step += 3) {
      const vfs = image.kill();
      const faulty = new FaultVfs(vfs, ({ mutation, isMutation }) =>
        isMutation && mutation === step ? { kind: 'error', errno } : undefined,
      );
      try {
        mend(faulty, 1);
      } catch (error) {
        t.is((error as { code?: string }).code, 'IO');
      }
      mend(vfs, 1);
      isClean(t, vfs);
    }
  }
});

test('without a manifest, fsck and repair keep no more tables open than lie over each other', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  for (let run = 0; run < 12; run++) {
    for (let i = 0; i < 10; i++) database.put(`run${String(run).padStart(2, '0')}/${i}`, 'text');
    database.flush();
  }
  database.close();
  t.is(tablesOf(vfs).length, 12);
  loseManifest(vfs);
  const open = new Set<string>();
  let most = 0;
  const counting = countingOpenTables(vfs, open, () => {
    most = Math.max(most, open.size);
  });
  check(counting, 1);
  mend(counting, 1);
  t.true(most <= 3, `${most} tables were open at once`);
  t.is(open.size, 0);
  t.deepEqual(differences(documentsOf(vfs, 1), database.model), []);
});
