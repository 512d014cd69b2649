import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { NO_BLOCK_CACHE } from '../../src/cache/block-cache.js';
import { flushFileNumbers, runFlush } from '../../src/compaction/flush-job.js';
import type { FlushJob, FlushResult } from '../../src/compaction/job-types.js';
import { ENTRY_DOCUMENT, ENTRY_EXPIRED, type Entry } from '../../src/iter/entry-cursor.js';
import { MemtableCursor } from '../../src/memtable/memtable-cursor.js';
import type { MemtableWriter } from '../../src/memtable/writer.js';
import { temporaryTableName } from '../../src/sst/table-names.js';
import { TableReader } from '../../src/sst/table-reader.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { RealVfs } from '../../src/vfs/real.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { allOf, describe } from '../support/entries.js';
import { hardText, LSM_DIRECTORY, SMALL_TABLES } from '../support/lsm-shard.js';
import { putBytes, putText, singleMemtable } from '../support/memtables.js';
import { utf8 } from '../support/text.js';

const temporary = mkdtempSync(join(tmpdir(), 'luma-flush-'));
test.after.always(() => rmSync(temporary, { recursive: true, force: true }));

function memoryVfs(): MemoryVfs {
  const vfs = new MemoryVfs();
  vfs.makeDirectory(LSM_DIRECTORY);
  return vfs;
}

function flushJob(memtable: MemtableWriter, fields: Partial<FlushJob> = {}): FlushJob {
  const count = flushFileNumbers(memtable.reader.arenaUsedBytes(), SMALL_TABLES.tableSizeBytes);
  return {
    kind: 'flush',
    memtable: memtable.reader.buffer,
    directory: LSM_DIRECTORY,
    fileNumbers: { first: 11, count },
    run: 5,
    options: SMALL_TABLES,
    snapshots: [],
    nowSeconds: 1000,
    droppedCollections: [],
    ...fields,
  };
}

const flush = (vfs: Vfs, job: FlushJob): FlushResult => runFlush(job, { vfs, clock: new ManualClock() });

/** What the files of a result hold, under their temporary names. */
function entriesOf(vfs: Vfs, { tables }: FlushResult, directory = LSM_DIRECTORY): Entry[] {
  return tables.flatMap(({ fileNumber }) => {
    const path = `${directory}/${temporaryTableName(fileNumber)}`;
    const reader = TableReader.open({ vfs, path, shard: 0, fileNumber, cache: NO_BLOCK_CACHE });
    const entries = allOf(reader.cursor({ fillCache: false }));
    reader.close();
    return entries;
  });
}

function filledMemtable(keys = 500): MemtableWriter {
  const memtable = singleMemtable(256 * 1024);
  for (let i = 0; i < keys; i++) {
    const key = `key-${String((i * 7919) % keys).padStart(5, '0')}`;
    putText(memtable, key, i + 1, i % 10 === 0 ? undefined : hardText(i));
  }
  return memtable;
}

const places: ReadonlyArray<[string, () => { vfs: Vfs; directory: string }]> = [
  ['memory', () => ({ vfs: memoryVfs(), directory: LSM_DIRECTORY })],
  ['real', () => ({ vfs: new RealVfs(), directory: mkdtempSync(join(temporary, 'd-')) })],
  [
    'short writes',
    () => {
      const shorten = new FaultVfs(memoryVfs(), ({ operation }) =>
        operation === 'pwrite' ? { kind: 'short-write', bytes: 100 } : undefined,
      );
      return { vfs: shorten, directory: LSM_DIRECTORY };
    },
  ],
];

for (const [name, makePlace] of places) {
  test(`${name}: a flush writes what the memtable holds, in tables of one run that do not overlap`, (t) => {
    const { vfs, directory } = makePlace();
    const memtable = filledMemtable();
    const result = flush(vfs, flushJob(memtable, { directory }));
    const expected = allOf(new MemtableCursor(memtable.reader));
    t.deepEqual(entriesOf(vfs, result, directory).map(describe), expected.map(describe));
    t.true(result.tables.length > 2);
    t.is(result.entries, expected.length);
    t.deepEqual(
      vfs.list(directory),
      result.tables.map(({ fileNumber }) => temporaryTableName(fileNumber)),
    );
    for (const { level, run, sizeBytes, fileNumber } of result.tables) {
      t.deepEqual({ level, run }, { level: 0, run: 5 });
      t.is(vfs.readFile(`${directory}/${temporaryTableName(fileNumber)}`).length, sizeBytes);
    }
    const sizes = result.tables.map(({ sizeBytes }) => sizeBytes);
    t.is(
      result.bytesWritten,
      sizes.reduce((sum, size) => sum + size, 0),
    );
  });
}

test('files and names of a flush survive a power cut', (t) => {
  const vfs = memoryVfs();
  const memtable = filledMemtable();
  const result = flush(vfs, flushJob(memtable));
  const left = vfs.crash({ nextBelow: () => 0, nextFloat: () => 0, nextUint32: () => 0 }, 'lost');
  t.is(entriesOf(left, result).length, result.entries);
});

test('old versions are dropped unless a snapshot reads them, and deletions are kept', (t) => {
  const memtable = singleMemtable(64 * 1024);
  for (const seqno of [1, 2, 3, 4]) putText(memtable, 'a', seqno, `v${seqno}`);
  putText(memtable, 'b', 5, 'text');
  putText(memtable, 'b', 6, undefined);
  const vfs = memoryVfs();
  const result = flush(vfs, flushJob(memtable, { snapshots: [2] }));
  t.deepEqual(
    entriesOf(vfs, result).map((entry) => describe(entry).split(' ')[0]),
    ['1/a@4', '1/a@2', '1/b@6'],
  );
});

test('a document that has expired is flushed as a husk that knows its length', (t) => {
  const memtable = singleMemtable(64 * 1024);
  putBytes(memtable, 1, utf8('gone'), 1, utf8('text'), 1000);
  putBytes(memtable, 1, utf8('here'), 2, utf8('text'), 1001);
  const vfs = memoryVfs();
  const [gone, here] = entriesOf(vfs, flush(vfs, flushJob(memtable)));
  t.deepEqual(
    [gone.kind, gone.valueLength, gone.originalLength, gone.expiresAt],
    [ENTRY_EXPIRED, 0, 4, 1000],
  );
  t.deepEqual([here.kind, here.valueLength, here.expiresAt], [ENTRY_DOCUMENT, 4, 1001]);
});

test('versions of one key are never cut apart, however many they are', (t) => {
  const memtable = singleMemtable(256 * 1024);
  const snapshots = Array.from({ length: 200 }, (_, i) => i + 1);
  for (const seqno of snapshots) putText(memtable, 'hot', seqno, `${'x'.repeat(100)}${seqno * 7919}`);
  putText(memtable, 'next', 201, 'text');
  const vfs = memoryVfs();
  const { tables } = flush(vfs, flushJob(memtable, { snapshots }));
  t.deepEqual(
    tables.map(({ entries }) => entries),
    [200, 1],
  );
});

test('a memtable of which nothing is kept makes no table and no file', (t) => {
  const memtable = filledMemtable(20);
  const vfs = memoryVfs();
  const result = flush(vfs, flushJob(memtable, { droppedCollections: [1] }));
  t.deepEqual(result.tables, []);
  t.deepEqual(vfs.list(LSM_DIRECTORY), []);
});

test('when the reserved numbers run out, the last table grows', (t) => {
  const vfs = memoryVfs();
  const result = flush(vfs, flushJob(filledMemtable(), { fileNumbers: { first: 3, count: 2 } }));
  t.deepEqual(
    result.tables.map(({ fileNumber }) => fileNumber),
    [3, 4],
  );
  t.true(result.tables[1].sizeBytes > 2 * SMALL_TABLES.tableSizeBytes);
  t.is(entriesOf(vfs, result).length, 500);
});
