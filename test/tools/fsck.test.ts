import test, { type ExecutionContext } from 'ava';
import { openManifest } from '../../src/manifest/open-manifest.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import { openReader, tablePath } from '../../src/tools/check-table.js';
import { manifestPlace, shardPlace } from '../../src/tools/shard-place.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { WalPosition, WalRecord } from '../../src/wal/commit-log.js';
import { recoverWal } from '../../src/wal/recovery.js';
import { segmentName } from '../../src/wal/segment-names.js';
import { seededPrng } from '../support/random.js';
import { builtDatabase, check, cut, DATA, flip, linesOf, snapshotOf, TestDatabase } from './support.js';

interface Built {
  readonly vfs: MemoryVfs;
  readonly tables: readonly TableInfo[];
  /** The largest table, which has several blocks. */
  readonly table: TableInfo;
  readonly path: string;
}

function built(t: ExecutionContext, shards = 1): Built {
  const vfs = new MemoryVfs();
  builtDatabase(vfs, seededPrng(t), shards);
  const place = shardPlace(vfs, DATA, 0);
  const tables = openManifest({ ...manifestPlace(place), mode: 'read-only' }).version.tables();
  const [table] = [...tables].sort((a, b) => b.sizeBytes - a.sizeBytes);
  return { vfs, tables, table, path: tablePath(place, table.fileNumber) };
}

/** Damages the file, and expects an error about it at this offset (or without one). */
function found(
  t: ExecutionContext,
  vfs: MemoryVfs,
  file: string,
  offset: number | null,
  reason: RegExp,
): void {
  const report = check(vfs, 1);
  const hit = report.findings.find(
    (finding) => finding.file === file && finding.offset === offset && reason.test(finding.reason),
  );
  t.truthy(hit, `${file}@${offset} ${reason} among\n${linesOf(report).join('\n')}`);
  t.true(report.errors > 0);
}

for (const shards of [1, 3]) {
  test(`a database of ${shards} shards with tables on several levels and an unflushed log is clean`, (t) => {
    const { vfs, tables } = built(t, shards);
    const before = snapshotOf(vfs, DATA);
    const report = check(vfs, shards);
    t.deepEqual(linesOf(report), []);
    t.deepEqual(report.notes, []);
    t.true(new Set(tables.map(({ level }) => level)).size >= 2, 'the tables are on more than one level');
    t.true(report.totals.tables >= tables.length);
    t.true(report.totals.blocks > report.totals.tables);
    t.true(report.totals.walRecords > 0);
    t.deepEqual(snapshotOf(vfs, DATA), before, 'fsck changes nothing');
  });
}

test('bit rot in a data block is found with file and offset, and every damaged block is listed', (t) => {
  const { vfs, table, path } = built(t);
  const reader = openReader(shardPlace(vfs, DATA, 0), table.fileNumber);
  const { index } = reader;
  t.true(index.blockCount > 4, 'the table has enough blocks');
  const offsets = [1, 3].map((block) => index.offsetOf(block));
  reader.close();
  for (const offset of offsets) flip(vfs, path, offset + 30);
  for (const offset of offsets) found(t, vfs, path, offset, /checksum/);
  t.true(check(vfs, 1).notes.some((note) => note.includes('statistics not verified')));
});

test('bit rot in index, filter, properties and footer is found where it is', (t) => {
  const { vfs, table, path } = built(t);
  const reader = openReader(shardPlace(vfs, DATA, 0), table.fileNumber);
  const { dataEnd, indexAt, propertiesAt } = reader.file.footer;
  const footerAt = reader.file.footerAt;
  reader.close();
  for (const offset of [dataEnd, indexAt, propertiesAt, footerAt]) {
    flip(vfs, path, offset + 30);
    found(t, vfs, path, offset, /./);
    flip(vfs, path, offset + 30);
  }
  t.is(check(vfs, 1).errors, 0);
});

test('a table that is cut off and one that is missing are found', (t) => {
  const { vfs, table, path } = built(t);
  const bytes = vfs.readFile(path);
  cut(vfs, path, table.sizeBytes - 100);
  found(t, vfs, path, table.sizeBytes - 100, /bytes, the manifest says/);
  vfs.unlink(path);
  found(t, vfs, path, null, /missing/);
  vfs.writeFileAtomic(path, bytes);
  t.is(check(vfs, 1).errors, 0);
});

test('a table in the place of another is found', (t) => {
  const { vfs, tables, path } = built(t);
  const other = tables.find(({ fileNumber }) => !path.endsWith(`${fileNumber}.sst`)) as TableInfo;
  vfs.writeFileAtomic(path, vfs.readFile(tablePath(shardPlace(vfs, DATA, 0), other.fileNumber)));
  t.true(check(vfs, 1).errors > 0);
});

test('an orphan, an unfinished file, an unknown file and a second manifest are warnings', (t) => {
  const { vfs, path } = built(t);
  const { tableDirectory } = shardPlace(vfs, DATA, 0);
  const names = ['0000009999.sst', '0000009998.sst.tmp', 'notes.txt', 'MANIFEST-0000009999'];
  for (const name of names) vfs.writeFileAtomic(`${tableDirectory}/${name}`, vfs.readFile(path));
  const report = check(vfs, 1);
  t.is(report.errors, 0);
  t.deepEqual(
    report.findings.map(({ file }) => file).sort(),
    names.map((name) => `${tableDirectory}/${name}`).sort(),
  );
});

test('a damaged manifest and a damaged CURRENT are found, and the tables are checked all the same', (t) => {
  const { vfs, tables, table, path } = built(t);
  const { tableDirectory } = shardPlace(vfs, DATA, 0);
  const name = vfs.list(tableDirectory).find((each) => each.startsWith('MANIFEST')) as string;
  flip(vfs, `${tableDirectory}/${name}`, 80);
  found(t, vfs, `${tableDirectory}/${name}`, 32, /checksum|version/);
  flip(vfs, `${tableDirectory}/${name}`, 80);
  flip(vfs, `${tableDirectory}/CURRENT`, 3);
  found(t, vfs, `${tableDirectory}/CURRENT`, 0, /does not name a manifest/);
  t.true(check(vfs, 1).totals.tables >= tables.length);
  flip(vfs, path, table.sizeBytes - 20);
  found(t, vfs, path, table.sizeBytes - 48, /footer/);
});

test('damage in synced records of the log is an error if they are not in tables, a torn tail is none', (t) => {
  const { vfs } = built(t);
  const records = recordsOf(vfs);
  const [flushed] = records;
  const [needed] = records.slice(-5);
  const [last] = records.slice(-1);
  const damage = (position: WalPosition): string => {
    const path = `${shardPlace(vfs, DATA, 0).walDirectory}/${segmentName(position.segment)}`;
    flip(vfs, path, position.offset + 60);
    return path;
  };
  found(t, vfs, damage(needed), needed.offset, /checksum mismatch.*may be lost/);
  damage(needed);
  damage(last);
  t.deepEqual(linesOf(check(vfs, 1)), [], 'nobody was told that the last record was written');
  damage(flushed);
  const report = check(vfs, 1);
  t.is(report.errors, 0);
  t.true(linesOf(report).some((line) => /warning.*all of which are in tables/.test(line)));
});

test('a missing segment that is needed is found', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  for (let i = 0; i < 500; i++) {
    if (i % 50 === 0) database.reopen();
    database.put(`key${i}`, 'x'.repeat(20));
  }
  database.close();
  const { walDirectory } = shardPlace(vfs, DATA, 0);
  const segments = vfs.list(walDirectory).filter((name) => /^\d+\.wal$/.test(name));
  t.true(segments.length > 4);
  t.is(check(vfs, 1).errors, 0);
  const bytes = vfs.readFile(`${walDirectory}/${segments[0]}`);
  vfs.unlink(`${walDirectory}/${segments[0]}`);
  found(t, vfs, walDirectory, null, /segment 1 is missing/);
  vfs.writeFileAtomic(`${walDirectory}/${segments[0]}`, bytes);
  vfs.unlink(`${walDirectory}/${segments[2]}`);
  found(t, vfs, `${walDirectory}/${segments[2]}`, 0, /segment is missing/);
});

function recordsOf(vfs: MemoryVfs): WalPosition[] {
  const { walDirectory, shard } = shardPlace(vfs, DATA, 0);
  const positions: WalPosition[] = [];
  const onRecord = ({ position }: WalRecord): void => {
    positions.push(position);
  };
  recoverWal({ vfs, directory: walDirectory, shard, onDamage: 'report', onRecord });
  return positions;
}

test('documents in a shard that their keys do not hash to are errors', (t) => {
  const { vfs } = built(t);
  const report = check(vfs, 2);
  t.true(linesOf(report).some((line) => /the key belongs to shard 1/.test(line)));
  t.true(
    linesOf(report).some((line) => /operation \d+ belongs to shard 1/.test(line)),
    'also in the log',
  );
});

test('a shard directory beyond the last shard is a warning', (t) => {
  const { vfs } = built(t, 2);
  vfs.makeDirectory(`${DATA}/shard-0007`);
  t.true(linesOf(check(vfs, 2)).some((line) => /shard-0007.*nothing reads this directory/.test(line)));
});

test('text that is no document, or the document of another key, and an unknown collection are errors', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  const { engine } = database.shard(0);
  t.is(engine.appliedSeqno, 0);
  database.put('good', 'x');
  database.writeRaw('bad', '{"_id":"bad"');
  database.writeRaw('a', '{"_id":"b"}');
  database.writeRaw('c', '{"_id":"c"}', 77);
  database.flush();
  database.close();
  const lines = linesOf(check(vfs, 1));
  t.true(lines.some((line) => /key "bad".*no valid document/.test(line)));
  t.true(lines.some((line) => /key "a".*_id in its text is not its key/.test(line)));
  t.true(lines.some((line) => /collection 77 was never in the catalog/.test(line)));
  t.is(lines.length, 3);
});

test('only the collection that was asked for is looked into', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  database.put('good', 'x', 1);
  database.writeRaw('bad', 'no document', 2);
  database.flush();
  database.close();
  t.is(check(vfs, 1, { only: 1 }).errors, 0);
  t.is(check(vfs, 1, { only: 1 }).totals.entries, 1);
  t.is(check(vfs, 1, { only: 2 }).errors, 1);
});

test('statistics that do not add up are an error', (t) => {
  const { vfs } = built(t);
  const place = shardPlace(vfs, DATA, 0);
  const opened = openManifest({ ...manifestPlace(place), mode: 'strict' });
  const collectionStats = opened.state.collectionStats.map((figures) => ({
    ...figures,
    documents: figures.documents + 1,
  }));
  opened.writer.append({ addedTables: [], removedTables: [], collectionStats });
  opened.writer.close();
  t.is(linesOf(check(vfs, 1)).filter((line) => /statistics in the manifest/.test(line)).length, 2);
});

test('an older version above a newer one is an error', (t) => {
  const { vfs } = built(t);
  const place = shardPlace(vfs, DATA, 0);
  const opened = openManifest({ ...manifestPlace(place), mode: 'strict' });
  // Level 0's runs change places: the first becomes the newest.
  const runs = opened.version.levels[0];
  t.true(runs.length >= 2);
  const moved = runs[runs.length - 1].tables;
  opened.writer.append({
    addedTables: moved.map((table) => ({ ...table, run: opened.state.nextRun })),
    removedTables: moved.map(({ fileNumber }) => fileNumber),
  });
  opened.writer.close();
  t.true(linesOf(check(vfs, 1)).some((line) => /older version is in a newer run/.test(line)));
});

test('beside a server, tables that a compaction replaces under the check are no finding', (t) => {
  const vfs = new MemoryVfs();
  const prng = seededPrng(t);
  const database = new TestDatabase(vfs, 1);
  for (let round = 0; round < 5; round++) {
    database.scribble(prng, 150);
    database.flush();
  }
  let opened = 0;
  const watched = new FaultVfs(vfs, ({ operation, path }) => {
    if (operation === 'open' && path.endsWith('.sst') && ++opened === 3) {
      database.compact();
      database.shard(0).store.reclaim();
    }
    return undefined;
  });
  const before = vfs.list(shardPlace(vfs, DATA, 0).tableDirectory);
  const report = check(watched, 1, { isLive: true });
  t.notDeepEqual(vfs.list(shardPlace(vfs, DATA, 0).tableDirectory), before, 'tables did change');
  t.deepEqual(linesOf(report), []);
  t.true(report.totals.entries > 0);
  t.regex(report.notes[0], /up to its last finished segment/);
  database.close();
});

test('beside a server, damage that stays is found, in tables and in finished segments', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1);
  database.put('first', 'x');
  database.flush();
  for (let i = 0; i < 30; i++) {
    if (i % 10 === 0) database.reopen();
    database.put(`key${i}`, 'x');
  }
  const place = shardPlace(vfs, DATA, 0);
  const [table] = database.shard(0).store.version.tables();
  const records = recordsOf(vfs);
  const [first] = records;
  const [last] = records.slice(-1);
  t.true(last.segment > first.segment);
  const segment = `${place.walDirectory}/${segmentName(first.segment)}`;
  flip(vfs, tablePath(place, table.fileNumber), 40);
  flip(vfs, segment, first.offset + 60);
  // The segment that is being written is not looked at: what is not synced yet is no damage.
  flip(vfs, `${place.walDirectory}/${segmentName(last.segment)}`, last.offset + 60);
  const { findings } = check(vfs, 1, { isLive: true });
  t.deepEqual(
    findings.map(({ file, offset }) => [file, offset]),
    [
      [segment, first.offset],
      [tablePath(place, table.fileNumber), 0],
    ],
  );
});

test('progress ends at its total', (t) => {
  const { vfs } = built(t, 2);
  const seen: Array<[number, number]> = [];
  check(vfs, 2, { onProgress: (done, total) => seen.push([done, total]) });
  const last = seen.at(-1) as [number, number];
  t.is(last[0], last[1]);
  t.true(last[1] > 0);
});
