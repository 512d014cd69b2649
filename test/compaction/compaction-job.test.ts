import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { NO_BLOCK_CACHE } from '../../src/cache/block-cache.js';
import { Compaction } from '../../src/compaction/compaction-job.js';
import type { CompactionJob } from '../../src/compaction/job-types.js';
import { chooseLevelZero } from '../../src/compaction/level-zero.js';
import { pickCompaction } from '../../src/compaction/picker.js';
import type { CompactionChoice } from '../../src/compaction/picker-state.js';
import { tableName, temporaryTableName } from '../../src/sst/table-names.js';
import { TableReader } from '../../src/sst/table-reader.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { hardText, LSM_DIRECTORY, LsmShard } from '../support/lsm-shard.js';

const NEWEST = Number.MAX_SAFE_INTEGER;
const keyOf = (i: number): string => `key-${String(i).padStart(5, '0')}`;

function newShard(): { vfs: MemoryVfs; shard: LsmShard } {
  const vfs = new MemoryVfs();
  vfs.makeDirectory(LSM_DIRECTORY);
  return { vfs, shard: new LsmShard(vfs) };
}

/** One run of 200 documents, and a newer one that overwrites every second and deletes every fifth. */
function twoRuns(): { vfs: MemoryVfs; shard: LsmShard; choice: CompactionChoice } {
  const { vfs, shard } = newShard();
  for (let i = 0; i < 200; i++) shard.put(1, keyOf(i), hardText(i));
  shard.flush();
  for (let i = 0; i < 200; i++) {
    if (i % 5 === 0) shard.put(1, keyOf(i), undefined);
    else if (i % 2 === 0) shard.put(1, keyOf(i), hardText(i + 1000));
  }
  shard.flush();
  const choice = chooseLevelZero(shard.state(), 'manual', () => true);
  if (choice === undefined) throw new Error('two overlapping runs make a choice');
  return { vfs, shard, choice };
}

const compactionOf = (vfs: MemoryVfs, job: CompactionJob): Compaction =>
  new Compaction(job, { vfs, clock: new ManualClock() });

test('a merge keeps the newest version of each key and says what it dropped', (t) => {
  const { shard, choice } = twoRuns();
  const expected = shard.expected(1, NEWEST);
  const result = shard.compact(choice);
  t.deepEqual(shard.read(1, NEWEST), expected);
  t.like(result, { entriesRead: 320, entriesWritten: 160, droppedTombstones: 40, droppedVersions: 120 });
  t.is(shard.version.levels[0].length, 0);
  t.is(shard.version.totals.entries, 160);
  t.is(shard.version.totals.tombstones, 0, 'nothing is below level 1');
});

test('the last level is written with zstd, upper ones with LZ4', (t) => {
  const { vfs, shard, choice } = twoRuns();
  const codecs = (isLastLevel: boolean): string[] => {
    const { added } = shard.run({ ...shard.compactionJob(choice), isLastLevel });
    return added.map(({ fileNumber }) => {
      const path = `${LSM_DIRECTORY}/${temporaryTableName(fileNumber)}`;
      const reader = TableReader.open({ vfs, path, shard: 0, fileNumber, cache: NO_BLOCK_CACHE });
      reader.close();
      return reader.properties.codec;
    });
  };
  t.deepEqual([...new Set(codecs(true))], ['zstd']);
  t.deepEqual([...new Set(codecs(false))], ['lz4']);
});

test('deletions stay while a deeper table covers their keys', (t) => {
  const { shard, choice } = twoRuns();
  const job = shard.compactionJob(choice);
  const bound = (i: number) => ({ collection: 1, key: new TextEncoder().encode(keyOf(i)) });
  const covering = { smallest: bound(0), largest: bound(99), sizeBytes: 1 };
  const kept = shard.run({ ...job, isLastLevel: false, deeper: [[], [covering]] });
  t.is(kept.droppedTombstones, 20, 'those of the upper half');
});

test('a snapshot keeps the versions it reads through a compaction', (t) => {
  const { vfs, shard } = newShard();
  shard.put(1, 'a', 'one');
  const snapshot = shard.seqno;
  shard.snapshots.add(snapshot);
  shard.flush();
  shard.put(1, 'a', undefined);
  shard.flush();
  const choice = chooseLevelZero(shard.state(), 'manual', () => true);
  if (choice === undefined) return t.fail();
  shard.compact(choice);
  t.deepEqual(shard.read(1, snapshot), ['a=one@1']);
  t.deepEqual(shard.read(1, NEWEST), []);
  t.is(vfs.list(LSM_DIRECTORY).length, 1);
  return undefined;
});

test('tables end where they overlap too much of the level below', (t) => {
  const { shard, choice } = twoRuns();
  const job = shard.compactionJob(choice);
  const bound = (i: number) => ({ collection: 1, key: new TextEncoder().encode(keyOf(i)) });
  const below = Array.from({ length: 20 }, (_, i) => ({
    smallest: bound(i * 10),
    largest: bound(i * 10 + 8),
    sizeBytes: 1000,
  }));
  const options = { ...job.options, tableSizeBytes: 1e9, grandparentOverlapBytesMax: 4500 };
  const { added } = shard.run({ ...job, deeper: [below], isLastLevel: false, options });
  t.deepEqual(
    added.map(({ smallest }) => Buffer.from(smallest.key).toString()),
    [0, 49, 99, 149, 199].map(keyOf),
    'each covers five of the twenty tables below',
  );
});

test('a step does no more than a slice when it has no time, and the job goes on from there', (t) => {
  const { vfs, shard, choice } = twoRuns();
  const compaction = compactionOf(vfs, shard.compactionJob(choice));
  t.false(compaction.step(0));
  t.throws(() => compaction.result(), { message: /not done/ });
  let steps = 1;
  while (!compaction.step(0)) steps++;
  t.true(steps >= 1);
  t.is(compaction.result().entriesRead, 320);
  t.throws(() => compaction.step(0), { message: /step of a compaction that is done/ });
});

test('a flush between two steps of a compaction disturbs neither', (t) => {
  const { shard, choice } = twoRuns();
  const job = shard.compactionJob(choice);
  let flushes = 0;
  const result = shard.run(job, () => {
    shard.put(1, keyOf(7), `newer ${flushes++}`);
    shard.flush();
  });
  shard.install(result.added, result.removed);
  t.true(flushes > 0);
  t.deepEqual(shard.read(1, NEWEST), shard.expected(1, NEWEST));
});

test('a cancelled job leaves no file and its inputs as they were, at whatever step', (t) => {
  for (let steps = 0; ; steps++) {
    const { vfs, shard, choice } = twoRuns();
    const before = vfs.list(LSM_DIRECTORY);
    const compaction = compactionOf(vfs, shard.compactionJob(choice));
    let isDone = false;
    for (let i = 0; i < steps && !isDone; i++) isDone = compaction.step(0);
    compaction.cancel();
    t.deepEqual(vfs.list(LSM_DIRECTORY), before);
    t.deepEqual(shard.read(1, NEWEST), shard.expected(1, NEWEST));
    t.throws(() => compaction.step(0), { message: /ended/ });
    if (isDone) break;
  }
});

test('a damaged input stops the job, names file and offset, and everything stays as it was', (t) => {
  const { vfs, shard, choice } = twoRuns();
  const before = vfs.list(LSM_DIRECTORY);
  const { fileNumber, sizeBytes } = choice.inputs[0].tables[0];
  const path = `${LSM_DIRECTORY}/${tableName(fileNumber)}`;
  let found = 0;
  for (let offset = 0; offset < sizeBytes; offset += 41) {
    flipByte(vfs, path, offset);
    const error = t.throws(() => shard.run(shard.compactionJob(choice)), { code: 'CORRUPT_TABLE' });
    t.true(error?.message.includes(tableName(fileNumber)), error?.message);
    flipByte(vfs, path, offset);
    t.deepEqual(vfs.list(LSM_DIRECTORY), before);
    found++;
  }
  t.true(found > 50);
  shard.compact(choice);
  t.deepEqual(shard.read(1, NEWEST), shard.expected(1, NEWEST));
});

function flipByte(vfs: MemoryVfs, path: string, offset: number): void {
  const file = vfs.open(path, 'readwrite');
  const byte = new Uint8Array(1);
  file.pread(byte, 0, 1, offset);
  byte[0] ^= 0x40;
  file.pwrite(byte, 0, 1, offset);
  file.close();
}

test('an input with fewer entries than the manifest says is damage', (t) => {
  const { vfs, shard, choice } = twoRuns();
  const before = vfs.list(LSM_DIRECTORY);
  const job = shard.compactionJob(choice);
  const [first, ...rest] = job.inputs;
  const [table, ...others] = first.tables;
  const claimed = { ...first, tables: [{ ...table, entries: table.entries + 1 }, ...others] };
  const error = t.throws(() => shard.run({ ...job, inputs: [claimed, ...rest] }), { code: 'CORRUPT_TABLE' });
  t.regex(error?.message ?? '', /320 entries, 321 in the manifest/);
  t.deepEqual(vfs.list(LSM_DIRECTORY), before);
});

test('two runs that hold the same versions, as after a repair, become one', (t) => {
  const { vfs, shard } = newShard();
  for (let i = 0; i < 30; i++) shard.put(1, keyOf(i), hardText(i));
  const full = shard.memtable;
  shard.flush();
  shard.memtable = full;
  shard.flush();
  const choice = chooseLevelZero(shard.state(), 'manual', () => true);
  if (choice === undefined) return t.fail();
  const result = shard.compact(choice);
  t.is(result?.entriesWritten, 30);
  t.deepEqual(shard.read(1, NEWEST), shard.expected(1, NEWEST));
  t.true(vfs.list(LSM_DIRECTORY).length > 0);
  return undefined;
});

test('a job of which nothing is left adds no table and removes its inputs', (t) => {
  const { vfs, shard } = newShard();
  for (let run = 0; run < 4; run++) {
    for (let i = 0; i < 20; i++) shard.put(1, keyOf(i), run === 3 ? undefined : hardText(i));
    shard.flush();
  }
  const choice = pickCompaction(shard.state());
  if (choice === undefined) return t.fail();
  const result = shard.compact(choice);
  t.deepEqual(result?.added, []);
  t.is(shard.version.tableCount, 0);
  t.deepEqual(vfs.list(LSM_DIRECTORY), []);
  return undefined;
});

test('a step over large documents stops at its budget and not after a number of them', (t) => {
  const { vfs, shard } = newShard();
  for (let run = 0; run < 5; run++) {
    for (let i = 0; i < 7; i++) shard.put(1, keyOf(i), hardText(i).repeat(350));
    shard.flush();
  }
  const choice = chooseLevelZero(shard.state(), 'manual', () => true);
  if (choice === undefined) throw new Error('overlapping runs make a choice');
  const compaction = compactionOf(vfs, shard.compactionJob(choice));
  let steps = 1;
  while (!compaction.step(0)) steps++;
  t.true(steps >= 3, `${steps} steps`);
});
