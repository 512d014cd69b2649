import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { FaultVfs, failNth, failWhile } from '../../src/vfs/fault.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import {
  append,
  commit,
  DIRECTORY,
  openLog,
  pathOfSegment,
  range,
  recover,
  SEGMENT_BYTES,
  seqnosOf,
} from './support.js';

test('a failed fdatasync poisons the log for good and is never tried again', (t) => {
  const memory = new MemoryVfs();
  const vfs = new FaultVfs(memory, failNth('fdatasync', 2, 'EIO'));
  const { writer } = openLog(vfs);
  commit(writer, 1, 3);
  t.is(writer.poisonedBy(), undefined);
  const error = t.throws(() => commit(writer, 4, 5), { instanceOf: DbError });
  t.is(error?.code, 'WAL_POISONED');
  t.like(error?.details, { file: pathOfSegment(1), operation: 'fdatasync', errno: 'EIO' });
  t.regex(error?.message ?? '', /fdatasync failed on .*0001\.wal: EIO/);
  for (const act of [
    () => writer.sync(),
    () => writer.write(),
    () => append(writer, 6),
    () => writer.ensureRoom(1),
  ]) {
    t.is(t.throws(act), error, 'every later call throws the first cause');
  }
  t.is(writer.poisonedBy(), error);
  writer.close();
  t.is(vfs.callCount('fdatasync'), 2);
  const acknowledged = seqnosOf(recover(memory.crash(createPrng(1), 'lost')));
  t.deepEqual(acknowledged, [1, 2, 3]);
});

test('a failed or half done pwrite poisons the log, and the half is dropped as a torn tail', (t) => {
  const memory = new MemoryVfs();
  let broken = false;
  let calls = 0;
  const vfs = new FaultVfs(memory, (call) => {
    if (!broken || call.operation !== 'pwrite') return undefined;
    return ++calls === 1 ? { kind: 'short-write', bytes: 70 } : { kind: 'error', errno: 'EIO' };
  });
  const { writer } = openLog(vfs);
  commit(writer, 1, 3);
  broken = true;
  const error = t.throws(() => commit(writer, 4, 5), { instanceOf: DbError });
  t.is(error?.code, 'WAL_POISONED');
  t.is(
    t.throws(() => append(writer, 6)),
    error,
  );
  const recovered = recover(memory);
  t.deepEqual(seqnosOf(recovered), [1, 2, 3]);
  t.true((recovered.report.tornTailBytes ?? 0) > 0);
});

test('no space for a segment refuses writes with the cause and harms nothing; they go on once there is space', (t) => {
  const memory = new MemoryVfs();
  const { writer } = openLog(memory);
  memory.makeDirectory(DIRECTORY);
  memory.setCapacity(SEGMENT_BYTES - 1);
  for (let attempt = 0; attempt < 3; attempt++) {
    const error = t.throws(() => writer.ensureRoom(100), { instanceOf: DbError });
    t.true(isIoError(error, 'ENOSPC'));
    t.regex(error?.message ?? '', /no space for a WAL segment in .*65536 bytes needed, 65535 free/);
  }
  memory.setCapacity(SEGMENT_BYTES);
  let next = 1;
  let refused = 0;
  while (next < 100) {
    try {
      writer.ensureRoom(1000);
    } catch (error) {
      t.true(isIoError(error, 'ENOSPC'));
      t.is(writer.poisonedBy(), undefined);
      refused++;
      // What is staged in the old segment can still be made durable while the disk is full.
      writer.write();
      writer.sync();
      memory.setCapacity(2 * SEGMENT_BYTES);
      continue;
    }
    append(writer, next++, 1000);
  }
  t.is(refused, 1);
  writer.write();
  writer.sync();
  t.deepEqual(seqnosOf(recover(memory)), range(1, 99));
});

test('space that runs out in the middle of an allocation leaves no file behind and no poison', (t) => {
  const memory = new MemoryVfs();
  let full = true;
  const vfs = new FaultVfs(
    memory,
    failWhile('pwrite', 'ENOSPC', () => full),
  );
  const { writer } = openLog(vfs);
  t.true(
    isIoError(
      t.throws(() => writer.ensureRoom(1)),
      'ENOSPC',
    ),
  );
  t.deepEqual(memory.list(DIRECTORY), []);
  full = false;
  commit(writer, 1);
  t.deepEqual(seqnosOf(recover(memory)), [1]);
});

test('running out of file handles is refused like missing space', (t) => {
  const memory = new MemoryVfs();
  let exhausted = true;
  const vfs = new FaultVfs(
    memory,
    failWhile('open', 'EMFILE', () => exhausted),
  );
  const { writer } = openLog(vfs);
  t.true(
    isIoError(
      t.throws(() => append(writer, 1)),
      'EMFILE',
    ),
  );
  t.is(writer.poisonedBy(), undefined);
  exhausted = false;
  commit(writer, 1);
  t.deepEqual(seqnosOf(recover(memory)), [1]);
});

test('a failed sync during rotation poisons, and no later segment claims the lost bytes', (t) => {
  const memory = new MemoryVfs();
  const vfs = new FaultVfs(memory, failNth('fdatasync', 2, 'EIO'));
  const { writer } = openLog(vfs);
  commit(writer, 1, 10, 1000);
  t.throws(
    () => {
      for (const seqno of range(11, 200)) append(writer, seqno, 1000);
    },
    { instanceOf: DbError, message: /takes no more writes/ },
  );
  t.is(memory.exists(pathOfSegment(2)), false);
  t.deepEqual(seqnosOf(recover(memory.crash(createPrng(1), 'lost'))), range(1, 10));
});

test('the end that recovery found is made durable before the writer builds on it', (t) => {
  const memory = new MemoryVfs();
  const { writer } = openLog(memory);
  commit(writer, 1, 3);
  for (const seqno of range(4, 6)) append(writer, seqno);
  writer.write();
  // kill -9: written, never synced; the next run serves it to readers.
  const killed = memory.kill();
  const next = openLog(killed);
  t.deepEqual(seqnosOf(next), range(1, 6));
  const afterPowerCut = killed.crash(createPrng(1), 'lost');
  t.deepEqual(seqnosOf(recover(afterPowerCut)), range(1, 6));
  commit(next.writer, 7);
  t.deepEqual(seqnosOf(recover(killed.crash(createPrng(1), 'lost'))), range(1, 7));
});
