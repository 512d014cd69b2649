import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { type RepairManifestReport, repairManifest } from '../../src/manifest/repair-manifest.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import {
  bound,
  DIRECTORY,
  edit,
  install,
  look,
  open,
  pathOf,
  SHARD,
  table,
  writeTableFile,
} from './support.js';

const seqnos = (minSeqno: number, maxSeqno: number): Partial<TableInfo> => ({ minSeqno, maxSeqno });

function repair(vfs: Vfs, tables: readonly TableInfo[], flushedSeqno = 0): RepairManifestReport {
  const surviving = tables.map(({ fileNumber, level: _level, run: _run, ...info }) => ({ fileNumber, info }));
  return repairManifest({ vfs, directory: DIRECTORY, shard: SHARD, tables: surviving, flushedSeqno });
}

/** A directory with the files of these tables and whatever manifest `damage` leaves. */
function damagedShard(tables: readonly TableInfo[], damage: (vfs: MemoryVfs) => void): MemoryVfs {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  const inLevels = tables.map((info, index) => ({ ...info, level: 0, run: index + 1 }));
  install(opened, vfs, edit({ addedTables: inLevels }));
  opened.writer.close();
  damage(vfs);
  return vfs;
}

const mergeGroups = (tables: readonly TableInfo[]): number[][] => {
  const vfs = new MemoryVfs();
  vfs.makeDirectory(DIRECTORY);
  return repair(vfs, tables).mergeFirst.map((group) => [...group].sort((a, b) => a - b));
};

test('a shard without a usable manifest opens again after the repair, newest table first', (t) => {
  const tables = [
    table(5, 'a', 'm', seqnos(1, 10)),
    table(2, 'c', 'z', seqnos(21, 30)),
    table(9, 'b', 'd', seqnos(11, 20)),
  ];
  const damages: Array<(vfs: MemoryVfs) => void> = [
    (vfs) => vfs.unlink(pathOf('CURRENT')),
    (vfs) => vfs.unlink(pathOf('MANIFEST-0000000001')),
    (vfs) => vfs.writeFileAtomic(pathOf('MANIFEST-0000000001'), Uint8Array.of(1, 2, 3)),
    (vfs) => vfs.writeFileAtomic(pathOf('CURRENT'), Uint8Array.of(1)),
  ];
  for (const damage of damages) {
    const vfs = damagedShard(tables, damage);
    t.throws(() => open(vfs), { instanceOf: DbError });
    const report = repair(vfs, tables, 30);
    t.deepEqual(report.mergeFirst, []);
    const opened = open(vfs.crash(createPrng(1), 'lost'));
    t.deepEqual(
      opened.version.runsNewestFirst().map((run) => run.tables.map(({ fileNumber }) => fileNumber)),
      [[2], [9], [5]],
    );
    t.true(opened.version.tables().every(({ level }) => level === 0));
    t.like(opened.state, { flushedSeqno: 30, nextFileNumber: 10, nextRun: 4 });
  }
});

test('old manifests are kept in quarantine', (t) => {
  const tables = [table(1, 'a', 'b')];
  const vfs = damagedShard(tables, (each) => each.writeFileAtomic(pathOf('CURRENT'), Uint8Array.of(1)));
  const report = repair(vfs, tables);
  t.deepEqual(
    report.strays.map(({ path }) => path),
    ['/db/shard-0000/quarantine/MANIFEST-0000000001', '/db/shard-0000/quarantine/CURRENT'],
  );
  t.is(report.manifestNumber, 2);
});

test('tables that the repair leaves out are not deleted: the next open moves them to quarantine', (t) => {
  const tables = [table(1, 'a', 'b'), table(2, 'c', 'd')];
  const vfs = damagedShard(tables, (each) => each.unlink(pathOf('CURRENT')));
  repair(vfs, tables.slice(0, 1));
  const { report } = open(vfs);
  t.like(report.strays[0], { name: '0000000002.sst', action: 'quarantined' });
  t.is(look(vfs).state.nextFileNumber, 3);
});

test('figures and time that are known from elsewhere are taken over', (t) => {
  const vfs = new MemoryVfs();
  vfs.makeDirectory(DIRECTORY);
  const collectionStats = [{ collection: 4, documents: 5, bytes: 6 }];
  const place = { vfs, directory: DIRECTORY, shard: SHARD };
  repairManifest({ ...place, tables: [], flushedSeqno: 0, collectionStats, databaseSeconds: 99 });
  t.like(look(vfs).state, { collectionStats, databaseSeconds: 99 });
});

test('tables whose keys and seqnos overlap are to be merged before point lookups', (t) => {
  t.deepEqual(mergeGroups([table(1, 'a', 'm', seqnos(1, 10)), table(2, 'c', 'z', seqnos(11, 20))]), []);
  t.deepEqual(mergeGroups([table(1, 'a', 'm', seqnos(1, 10)), table(2, 'n', 'z', seqnos(5, 20))]), []);
  // What a compaction of level 0 into level 1 leaves: table 1 has an old `k` and a new `z`, table 2 a `k` in between.
  t.deepEqual(
    mergeGroups([
      table(1, 'a', 'z', seqnos(5, 100)),
      table(2, 'k', 'k', seqnos(80, 90)),
      table(3, 'a', 'b', seqnos(1, 4)),
    ]),
    [[1, 2]],
  );
});

test('a group takes in tables that only its merged table would be in conflict with', (t) => {
  // 1 and 2 conflict. 3 is newer than 1 throughout and has no key in common with 2, but is older than the merged table.
  const tables = [
    table(1, 'a', 'm', seqnos(1, 3)),
    table(2, 'l', 'r', seqnos(2, 10)),
    table(3, 'b', 'c', seqnos(5, 8)),
    table(4, 'a', 'z', seqnos(11, 12)),
  ];
  t.deepEqual(mergeGroups(tables), [[1, 2, 3]]);
});

test('a key without collection overlap is no conflict', (t) => {
  const other = { smallest: bound('a', 2), largest: bound('z', 2) };
  t.deepEqual(
    mergeGroups([table(1, 'a', 'z', seqnos(1, 10)), table(2, 'a', 'z', { ...seqnos(5, 6), ...other })]),
    [],
  );
});

class PowerCut extends Error {}

test('a power cut at any step of a repair leaves a shard that is loud or repaired, and can be repaired again', (t) => {
  const tables = [table(1, 'a', 'm', seqnos(1, 10)), table(2, 'c', 'z', seqnos(11, 20))];
  let steps = 0;
  for (let crashAt = 1, crashed = true; crashed; crashAt++) {
    const vfs = damagedShard(tables, (each) => each.writeFileAtomic(pathOf('CURRENT'), Uint8Array.of(1)));
    for (const info of tables) writeTableFile(vfs, info);
    crashed = false;
    try {
      repair(
        new FaultVfs(vfs, ({ isMutation, mutation }) => {
          if (isMutation && mutation >= crashAt) throw new PowerCut();
          return undefined;
        }),
        tables,
      );
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      crashed = true;
      steps++;
    }
    for (let chaos = 0; chaos < 6; chaos++) {
      const left = vfs.crash(createPrng(chaos + 100 * crashAt), 'mixed');
      let count = -1;
      try {
        count = look(left).version.tableCount;
      } catch (error) {
        t.is(error instanceof DbError && error.code, 'CORRUPT_MANIFEST');
      }
      t.true(count === -1 || count === 2, `crash at ${crashAt}: ${count} tables`);
      repair(left, tables);
      t.is(open(left).version.tableCount, 2);
    }
  }
  t.true(steps > 8);
});
