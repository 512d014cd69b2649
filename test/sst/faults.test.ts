import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import type { Entry } from '../../src/iter/entry-cursor.js';
import { temporaryTableName } from '../../src/sst/table-names.js';
import { FaultVfs, failNth, failWhile } from '../../src/vfs/fault.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { randomBytes } from '../support/random.js';
import {
  DIRECTORY,
  described,
  document,
  entryOf,
  everything,
  FILE_NUMBER,
  lookUp,
  memoryVfs,
  openTable,
  PATH,
  writerOf,
  writeTable,
} from './support.js';

/** More than one write buffer, incompressible. */
function megabyte(): Entry[] {
  const prng = createPrng(5);
  return Array.from({ length: 1000 }, (_, i) =>
    entryOf(1, Buffer.from(`key-${10_000 + i}`), 1 + i, randomBytes(prng, 1000)),
  );
}

const TEMPORARY = `${DIRECTORY}/${temporaryTableName(FILE_NUMBER)}`;

for (const [operation, errno] of [
  ['pwrite', 'ENOSPC'],
  ['pwrite', 'EIO'],
  ['fsync', 'EIO'],
  ['close', 'EIO'],
] as const) {
  test(`${errno} of ${operation} is reported as it is, and abandon leaves nothing behind`, (t) => {
    const inner = memoryVfs();
    const failures = operation === 'pwrite' ? [1, 2, 4] : [1];
    for (const nth of failures) {
      const vfs = new FaultVfs(inner, failNth(operation, nth, errno));
      const writer = writerOf(vfs, { path: TEMPORARY });
      const error = t.throws(
        () => {
          for (const entry of megabyte()) writer.add(entry);
          writer.finish();
        },
        { instanceOf: DbError },
      );
      t.true(isIoError(error, errno));
      t.is(error?.details?.['file'], TEMPORARY);
      t.throws(() => writer.finish(), { message: /failed/ }, 'a failure is final');
      writer.abandon();
      t.deepEqual(inner.list(DIRECTORY), []);
    }
  });
}

test('a sync that failed is not tried again', (t) => {
  const vfs = new FaultVfs(
    memoryVfs(),
    failWhile('fsync', 'EIO', () => true),
  );
  const writer = writerOf(vfs);
  writer.add(document(1, 'a', 1, '{}'));
  t.throws(() => writer.finish(), { instanceOf: DbError });
  t.throws(() => writer.finish(), { message: /failed/ });
  t.is(vfs.callCount('fsync'), 1);
});

test('abandon does not hide the first error behind its own', (t) => {
  const vfs = new FaultVfs(
    memoryVfs(),
    failWhile('unlink', 'EROFS', () => true),
  );
  const writer = writerOf(vfs);
  writer.add(document(1, 'a', 1, '{}'));
  t.notThrows(() => writer.abandon());
  t.is(vfs.callCount('unlink'), 1);
});

test('short writes of the device are completed', (t) => {
  const vfs = new FaultVfs(memoryVfs(), (call) =>
    call.operation === 'pwrite' && call.length > 1000 ? { kind: 'short-write', bytes: 1000 } : undefined,
  );
  const entries = megabyte();
  writeTable(vfs, entries);
  const reader = openTable(vfs);
  reader.verify();
  t.deepEqual(everything(reader), entries.map(described));
});

test('a full disk is ENOSPC, and the space is free again after abandon', (t) => {
  const vfs = new MemoryVfs({ capacityBytes: 600_000 });
  vfs.makeDirectory(DIRECTORY);
  const writer = writerOf(vfs);
  const error = t.throws(() => {
    for (const entry of megabyte()) writer.add(entry);
  });
  t.true(isIoError(error, 'ENOSPC'));
  writer.abandon();
  t.is(vfs.freeBytes(DIRECTORY), 600_000);
});

test('without file handles neither writer nor reader opens, and the error says so', (t) => {
  const inner = memoryVfs();
  writeTable(inner, megabyte());
  const vfs = new FaultVfs(
    inner,
    failWhile('open', 'EMFILE', () => true),
  );
  t.true(
    isIoError(
      t.throws(() => openTable(vfs)),
      'EMFILE',
    ),
  );
  t.true(
    isIoError(
      t.throws(() => writerOf(vfs, { path: TEMPORARY })),
      'EMFILE',
    ),
  );
});

test('a name that is taken is not overwritten', (t) => {
  const vfs = memoryVfs();
  writeTable(vfs, megabyte());
  t.true(
    isIoError(
      t.throws(() => writerOf(vfs)),
      'EEXIST',
    ),
  );
  openTable(vfs).verify();
});

test('a read error is an error of that lookup or scan only, and never an empty answer', (t) => {
  const inner = memoryVfs();
  const entries = megabyte();
  writeTable(inner, entries);
  let isFailing = false;
  const vfs = new FaultVfs(
    inner,
    failWhile('pread', 'EIO', () => isFailing),
  );
  const reader = openTable(vfs);
  const cursor = reader.cursor({ fillCache: false });
  cursor.seekToFirst();
  isFailing = true;
  t.true(
    isIoError(
      t.throws(() => lookUp(reader, entries[500], 1000)),
      'EIO',
    ),
  );
  const failure = t.throws(() => {
    while (cursor.isValid) cursor.next();
  });
  t.true(isIoError(failure, 'EIO'));
  t.false(cursor.isValid);
  t.true(
    isIoError(
      t.throws(() => reader.verify()),
      'EIO',
    ),
  );
  isFailing = false;
  t.is(lookUp(reader, entries[500], 1000), described(entries[500]));
  cursor.seekToFirst();
  t.is(described(cursor), described(entries[0]));
  reader.verify();
});

test('opening closes the file again whatever read fails', (t) => {
  const inner = memoryVfs();
  writeTable(inner, megabyte());
  for (let nth = 1; nth <= 4; nth++) {
    const vfs = new FaultVfs(inner, failNth('pread', nth, 'EIO'));
    t.true(
      isIoError(
        t.throws(() => openTable(vfs)),
        'EIO',
      ),
      `read ${nth}`,
    );
    t.is(vfs.callCount('close'), 1);
  }
});

test('a crash while a table is written leaves at most a temporary name', (t) => {
  const vfs = memoryVfs();
  const writer = writerOf(vfs, { path: TEMPORARY });
  for (const entry of megabyte()) writer.add(entry);
  for (const mode of ['lost', 'mixed', 'kept'] as const) {
    const names = vfs.crash(createPrng(1), mode).list(DIRECTORY);
    t.true(
      names.every((name) => name === temporaryTableName(FILE_NUMBER)),
      `${names}`,
    );
  }
});

test('a table that was finished, renamed and whose directory was synced survives any crash whole', (t) => {
  const vfs = memoryVfs();
  const entries = megabyte();
  writeTable(vfs, entries, { path: TEMPORARY });
  vfs.rename(TEMPORARY, PATH);
  vfs.syncDirectory(DIRECTORY);
  for (const mode of ['lost', 'mixed', 'kept'] as const) {
    const reader = openTable(vfs.crash(createPrng(2), mode));
    reader.verify();
    t.is(reader.properties.entries, entries.length);
  }
});
