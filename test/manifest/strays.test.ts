import test from 'ava';
import { createPrng } from '../../src/base/prng.js';
import { manifestName, tableFileName } from '../../src/manifest/manifest-names.js';
import { FaultVfs, failNth } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { DIRECTORY, edit, install, look, open, pathOf, QUARANTINE, table } from './support.js';

function shardWithTwoTables(): MemoryVfs {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  install(opened, vfs, edit({ addedTables: [table(1, 'a', 'c'), table(2, 'd', 'f')] }));
  opened.writer.close();
  return vfs;
}

const put = (vfs: MemoryVfs, name: string, byte = 1): void =>
  vfs.writeFileAtomic(pathOf(name), Uint8Array.of(byte));

test('orphans, strange files and other manifests go to quarantine, durably, and are reported', (t) => {
  const vfs = shardWithTwoTables();
  for (const name of ['0000000009.sst', 'core.1234', manifestName(0), manifestName(7)]) put(vfs, name);
  vfs.makeDirectory(pathOf('lost+found'));
  const { report, version } = open(vfs);
  t.is(version.tableCount, 2);
  t.deepEqual(
    report.strays.map(({ name, kind, action, path }) => [
      name,
      kind,
      action,
      path === `${QUARANTINE}/${name}`,
    ]),
    [
      ['0000000009.sst', 'orphan table', 'quarantined', true],
      [manifestName(0), 'other manifest', 'quarantined', true],
      [manifestName(7), 'other manifest', 'quarantined', true],
      ['core.1234', 'unknown file', 'quarantined', true],
      ['lost+found', 'unknown file', 'quarantined', true],
    ],
  );
  const left = vfs.crash(createPrng(1), 'lost');
  t.deepEqual(left.list(DIRECTORY), ['0000000001.sst', '0000000002.sst', 'CURRENT', manifestName(1)]);
  t.deepEqual(left.list(QUARANTINE).length, 5);
  t.deepEqual(
    open(left).report.strays.filter(({ action }) => action === 'quarantined'),
    [],
  );
});

test('what is in quarantine is never overwritten', (t) => {
  const vfs = shardWithTwoTables();
  for (let byte = 1; byte <= 3; byte++) {
    put(vfs, 'notes.txt', byte);
    open(vfs).writer.close();
  }
  t.deepEqual(vfs.list(QUARANTINE), ['notes.txt', 'notes.txt.1', 'notes.txt.2']);
  t.deepEqual(
    vfs.list(QUARANTINE).map((name) => vfs.readFile(`${QUARANTINE}/${name}`)[0]),
    [1, 2, 3],
  );
});

test('files that were being written are removed, and do not stand in the way of new ones', (t) => {
  const vfs = shardWithTwoTables();
  const names = ['0000000003.sst.tmp', 'CURRENT.0.tmp', `${manifestName(2)}.tmp`];
  for (const name of names) put(vfs, name);
  const { report, writer } = open(vfs, 200);
  t.deepEqual(report.strays.map(({ name, kind, action }) => [name, kind, action]).sort(), [
    ['0000000003.sst.tmp', 'incomplete file', 'removed'],
    ['CURRENT.0.tmp', 'incomplete file', 'removed'],
    [`${manifestName(2)}.tmp`, 'incomplete file', 'removed'],
  ]);
  t.true(names.every((name) => !vfs.exists(pathOf(name))));
  for (let index = 0; index < 60; index++) writer.append(edit({ nextRun: 10 + index }));
  t.true(writer.manifestNumber >= 3);
  t.is(look(vfs).state.nextRun, 69);
});

test('a table that an edit removed and that is still there was about to be deleted: it is', (t) => {
  const vfs = shardWithTwoTables();
  const opened = open(vfs);
  install(
    opened,
    vfs,
    edit({ removedTables: [1, 2], addedTables: [table(3, 'a', 'f'), table(2, 'g', 'h', { level: 2 })] }),
  );
  opened.writer.close();
  const { report } = open(vfs);
  t.deepEqual(
    report.strays.map(({ name, kind, action }) => [name, kind, action]),
    [[tableFileName(1), 'obsolete table', 'removed']],
  );
  t.true(vfs.exists(pathOf(tableFileName(2))), 'it moved to another level');
});

test('the number of an orphan is not given to another table, also after a second start', (t) => {
  const vfs = shardWithTwoTables();
  put(vfs, '0000000050.sst');
  open(vfs).writer.close();
  t.is(open(vfs).state.nextFileNumber, 51);
});

test('an unsealed manifest is followed by a new one that says the same', (t) => {
  const vfs = shardWithTwoTables();
  const { writer } = open(vfs);
  writer.close();
  // As a kill between the sync of the record and the write of the seal leaves it.
  const file = vfs.open(pathOf(manifestName(1)), 'readwrite');
  file.pwrite(new Uint8Array(24), 0, 24, writer.sizeBytes);
  file.close();
  const { report, version } = open(vfs);
  t.is(version.tableCount, 2);
  t.true(report.rewritten);
  t.is(report.manifestNumber, 2);
  t.is(report.tornTailBytes, 0);
  t.deepEqual(
    report.strays.map(({ name, kind, action }) => [name, kind, action]),
    [[manifestName(1), 'superseded manifest', 'removed']],
  );
  t.false(open(vfs).report.rewritten);
});

test('an edit that only the page cache holds is made durable before files are judged by it', (t) => {
  const vfs = shardWithTwoTables();
  const dying = new FaultVfs(vfs, failNth('fdatasync', 1, 'EIO'));
  const opened = open(dying);
  t.throws(() => opened.writer.append(edit({ removedTables: [1] })));
  // The process dies, the machine does not: the record is readable and not durable.
  const killed = vfs.kill();
  const { report, version } = open(killed);
  t.is(version.tableCount, 1);
  t.like(report.strays[0], { name: tableFileName(1), action: 'removed' });
  t.is(open(killed.crash(createPrng(1), 'lost')).version.tableCount, 1);
});

test('tables that were removed before the manifest was rewritten are still known as such after it', (t) => {
  const vfs = shardWithTwoTables();
  const opened = open(vfs, 100);
  const { manifestNumber } = opened.writer;
  opened.writer.append(edit({ removedTables: [1] }));
  for (let i = 0; i < 3 || opened.writer.manifestNumber < manifestNumber + 2; i++)
    opened.writer.append(edit({ databaseSeconds: i }));
  opened.writer.close();
  const strays = look(vfs).report.strays.map(({ name, kind }) => [name, kind]);
  t.deepEqual(strays, [[tableFileName(1), 'obsolete table']]);
  open(vfs).writer.close();
  t.deepEqual(look(vfs).report.strays, []);
});

test('a table that a start with an unsealed manifest was to delete is deleted by the next start', (t) => {
  const vfs = shardWithTwoTables();
  const opened = open(vfs);
  const path = pathOf(manifestName(opened.writer.manifestNumber));
  opened.writer.append(edit({ removedTables: [1] }));
  const end = opened.writer.sizeBytes;
  opened.writer.close();
  vfs.writeFileAtomic(path, vfs.readFile(path).slice(0, end));
  const faulty = new FaultVfs(vfs, ({ operation, path: at }) =>
    operation === 'unlink' && at.endsWith('.sst') ? { kind: 'error', errno: 'EIO' } : undefined,
  );
  t.throws(() => open(faulty));
  t.deepEqual(
    open(vfs).report.strays.map(({ kind }) => kind),
    ['other manifest', 'obsolete table'].sort(),
  );
  t.false(vfs.exists(QUARANTINE) && vfs.list(QUARANTINE).some((name) => name.endsWith('.sst')));
});
