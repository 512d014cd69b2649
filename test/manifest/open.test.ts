import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { AssertionError } from '../../src/base/assert.js';
import { asShardId } from '../../src/base/brand.js';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { OPERATION_IDS_MAX } from '../../src/engine/operation-ids.js';
import { OPERATION_IDS_KEPT } from '../../src/manifest/manifest-contents.js';
import { openManifest, type WritableManifest } from '../../src/manifest/open-manifest.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { RealVfs } from '../../src/vfs/real.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { seedOf } from '../support/random.js';
import {
  bound,
  contentsOf,
  DIRECTORY,
  edit,
  install,
  look,
  open,
  pathOf,
  randomEdit,
  table,
} from './support.js';

const temporary = mkdtempSync(join(tmpdir(), 'luma-manifest-'));
test.after.always(() => rmSync(temporary, { recursive: true, force: true }));

const systems: Record<string, () => { vfs: Vfs; directory: string }> = {
  real: () => ({
    vfs: new RealVfs(),
    directory: join(mkdtempSync(join(temporary, 'd-')), 'shard-0000', 'sst'),
  }),
  memory: () => ({ vfs: new MemoryVfs(), directory: DIRECTORY }),
  'fault with short writes': () => ({
    vfs: new FaultVfs(new MemoryVfs(), (call) =>
      call.operation === 'pwrite' ? { kind: 'short-write', bytes: 7 } : undefined,
    ),
    directory: DIRECTORY,
  }),
};

for (const [name, create] of Object.entries(systems)) {
  test(`${name}: what was appended is there after a reopen, and after the manifest was rewritten`, (t) => {
    const { vfs, directory } = create();
    const prng = createPrng(seedOf(t));
    const shard = asShardId(0);
    const reopen = (rewriteBytesMin: number): WritableManifest =>
      openManifest({ vfs, directory, shard, mode: 'strict', rewriteBytesMin });
    let opened = reopen(4000);
    t.true(opened.report.isNew);
    let rewrites = 0;
    for (let round = 0; round < 5; round++) {
      for (let index = 0; index < 8; index++) {
        const before = opened.writer.manifestNumber;
        install(opened, vfs, randomEdit(prng, opened.writer), directory);
        if (opened.writer.manifestNumber !== before) rewrites++;
      }
      const expected = contentsOf(opened.writer);
      opened.writer.close();
      opened = reopen(4000);
      t.is(contentsOf(opened), expected);
      t.false(opened.report.isNew || opened.report.rewritten);
      t.is(opened.report.tornTailBytes, 0);
    }
    t.true(rewrites > 0);
    opened.writer.close();
  });
}

test('a new shard is durable before it is used', (t) => {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  t.true(opened.report.isNew);
  t.is(opened.version.tableCount, 0);
  t.like(opened.state, { flushedSeqno: 0, nextFileNumber: 1, nextRun: 1, databaseSeconds: 0 });
  const again = open(vfs.crash(createPrng(1), 'lost'));
  t.false(again.report.isNew);
  t.is(again.report.manifestNumber, 1);
});

test('read-only mode of a new shard reports it and creates nothing', (t) => {
  const vfs = new MemoryVfs();
  const { report, version, writer } = look(vfs);
  t.true(report.isNew);
  t.is(report.manifestNumber, 0);
  t.is(version.tableCount, 0);
  t.is(writer, undefined);
  t.false(vfs.exists(DIRECTORY));
});

test('read-only mode changes nothing where there is much to tidy, and says what it found', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = open(vfs);
  writer.append(edit({ nextRun: 9 }));
  writer.close();
  for (const name of ['0000000005.sst', '0000000006.sst.tmp', 'MANIFEST-0000000009', 'notes.txt'])
    vfs.writeFileAtomic(pathOf(name), Uint8Array.of(1));
  const fault = new FaultVfs(vfs);
  const { report, state } = look(fault);
  t.is(fault.mutationCount(), 0);
  t.is(state.nextRun, 9);
  t.deepEqual(
    report.strays.map(({ name, kind, action }) => `${name}: ${kind}, ${action}`),
    [
      '0000000005.sst: orphan table, none',
      'MANIFEST-0000000009: other manifest, none',
      '0000000006.sst.tmp: incomplete file, none',
      'notes.txt: unknown file, none',
    ],
  );
});

test('an edit that does not fit the version is an assertion, and neither file nor version change', (t) => {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  install(opened, vfs, edit({ addedTables: [table(1, 'a', 'b')], flushedSeqno: 10 }));
  const before = contentsOf(opened.writer);
  for (const wrong of [edit({ removedTables: [9] }), edit({ flushedSeqno: 9 }), edit({ nextRun: 1.5 })]) {
    t.throws(() => opened.writer.append(wrong), { instanceOf: AssertionError });
  }
  t.is(contentsOf(opened.writer), before);
  install(opened, vfs, edit({ addedTables: [table(2, 'c', 'd')] }));
  t.is(contentsOf(look(vfs)), contentsOf(opened.writer));
});

test('numbers move past the tables and runs that are added, told or not', (t) => {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  install(opened, vfs, edit({ addedTables: [table(7, 'a', 'b', { level: 0, run: 4 })] }));
  t.like(opened.writer.state, { nextFileNumber: 8, nextRun: 5 });
  opened.writer.append(edit({ nextFileNumber: 20, nextRun: 3 }));
  t.like(opened.writer.state, { nextFileNumber: 20, nextRun: 5 });
});

test('figures are replaced, cursors are replaced by level, operations are added', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = open(vfs);
  const operation = (seqno: number) => ({ identity: seqno, fingerprint: 1, status: 1, seqno });
  writer.append(
    edit({
      collectionStats: [{ collection: 1, documents: 5, bytes: 50 }],
      compactionCursors: [
        { level: 2, bound: bound('k') },
        { level: 1, bound: bound('c') },
      ],
      operationIds: [operation(1), operation(2)],
      databaseSeconds: 50,
    }),
  );
  writer.append(
    edit({
      collectionStats: [{ collection: 2, documents: 7, bytes: 70 }],
      compactionCursors: [{ level: 2, bound: bound('p') }],
      operationIds: [operation(3)],
      databaseSeconds: 40,
    }),
  );
  const { state } = look(vfs);
  t.deepEqual(state.collectionStats, [{ collection: 2, documents: 7, bytes: 70 }]);
  t.deepEqual(state.compactionCursors, [
    { level: 1, bound: bound('c') },
    { level: 2, bound: bound('p') },
  ]);
  t.deepEqual(state.operationIds, [operation(1), operation(2), operation(3)]);
  t.is(state.databaseSeconds, 50, 'time does not go backwards');
});

test('only the last operations are remembered, in their order, also across a rewrite', (t) => {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  const size = 30_000;
  let seqno = 0;
  for (let round = 0; round < 6; round++) {
    const operationIds = Array.from({ length: size }, () => {
      seqno++;
      return { identity: 2 ** 52 + seqno, fingerprint: seqno, status: 1, seqno };
    });
    opened.writer.append(edit({ operationIds }));
  }
  t.true(opened.writer.manifestNumber > 1, 'it was rewritten');
  t.true(opened.writer.sizeBytes < 4 * 1024 * 1024);
  const { operationIds } = look(vfs).state;
  t.is(operationIds.length, OPERATION_IDS_KEPT);
  t.is(operationIds[0]?.seqno, 6 * size - OPERATION_IDS_KEPT + 1);
  t.is(operationIds.at(-1)?.seqno, 6 * size);
});

test('a manifest keeps as many operations as the engine remembers', (t) => {
  t.is(OPERATION_IDS_KEPT, OPERATION_IDS_MAX);
});

test('a closed writer refuses', (t) => {
  const { writer } = open(new MemoryVfs());
  writer.close();
  const error = t.throws(() => writer.append(edit({ nextRun: 2 })), { instanceOf: DbError });
  t.regex(error?.message ?? '', /the manifest of shard 3 is closed/);
});
