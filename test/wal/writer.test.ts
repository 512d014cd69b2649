import test from 'ava';
import { asSegmentNumber, asSeqno } from '../../src/base/brand.js';
import { DbError } from '../../src/base/errors.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { asSegmentOffset, comparePositions } from '../../src/wal/commit-log.js';
import { recordSpan } from '../../src/wal/format.js';
import {
  append,
  commit,
  openLog,
  pathOfSegment,
  payloadText,
  range,
  recover,
  SEGMENT_BYTES,
  seqnosOf,
} from './support.js';

test('a group of records is one write and one sync', (t) => {
  const memory = new MemoryVfs();
  const vfs = new FaultVfs(memory);
  const { writer } = openLog(vfs);
  writer.ensureRoom(1);
  const writes = vfs.callCount('pwrite');
  for (const seqno of range(1, 64)) append(writer, seqno);
  t.is(vfs.callCount('pwrite'), writes);
  writer.write();
  t.is(vfs.callCount('pwrite'), writes + 1);
  t.is(vfs.callCount('fdatasync'), 0);
  writer.sync();
  writer.sync();
  writer.write();
  t.is(vfs.callCount('fdatasync'), 1, 'there is nothing to sync twice');
  t.is(vfs.callCount('pwrite'), writes + 1);
  t.like(writer.counters(), {
    recordsAppended: 64,
    syncs: 1,
    segmentsOpened: 1,
    bytesAppended: 64 * recordSpan(100),
  });
});

test('payload bytes come back exactly, whatever their length and position', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  const lengths = [...range(0, 40), 511, 512, 513, 5000, 20_000, 40_000];
  for (const [index, length] of lengths.entries()) append(writer, index + 1, length);
  writer.write();
  t.deepEqual(
    recover(vfs).records.map(({ text }) => text),
    lengths.map((length, index) => payloadText(index + 1, length)),
  );
});

test('a full segment is synced before the next one is used', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  let seqno = 1;
  while (append(writer, seqno, 1000).segment === 1) seqno++;
  // Nothing was written or synced by the caller, yet the first segment is durable.
  const left = vfs.crash({ nextUint32: () => 0, nextFloat: () => 0, nextBelow: () => 0 }, 'lost');
  t.deepEqual(seqnosOf(recover(left)), range(1, seqno - 1));
  t.is(writer.counters().segmentsOpened, 2);
});

test('a record larger than a segment gets one of its own size', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  commit(writer, 1);
  commit(writer, 2, 2, 3 * SEGMENT_BYTES);
  commit(writer, 3, 3, 5000);
  t.deepEqual(
    recover(vfs).records.map(({ position, text }) => [position.segment as number, text.length]),
    [
      [1, 100],
      [2, 3 * SEGMENT_BYTES],
      [3, 5000],
    ],
  );
  t.is(vfs.readFile(pathOfSegment(2)).length % 4096, 0);
  t.is(writer.releaseThrough(asSeqno(2)), 2);
  t.deepEqual(vfs.list('/db/shard-0/wal'), ['00000000000000000003.wal', 'recycled-00000000000000000001.wal']);
});

test('read gives the durable records from a position on, across segments', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  const positions = range(1, 200).map((seqno) => append(writer, seqno, 1000));
  t.true(comparePositions(positions[0] ?? never(), positions[199] ?? never()) < 0);
  writer.write();
  writer.sync();
  append(writer, 201, 1000);
  writer.write();
  for (const from of [0, 1, 60, 199]) {
    const seqnos = [...writer.read(positions[from] ?? never())].map(({ firstSeqno }) => firstSeqno as number);
    t.deepEqual(seqnos, range(from + 1, 200));
  }
  writer.sync();
  const durable = writer.durablePosition() ?? never();
  t.deepEqual([...writer.read(durable)], []);
  const first = [...writer.read(writer.firstPosition() ?? never())];
  t.is(first.length, 201);
  writer.releaseThrough(asSeqno(70));
  t.throws(() => [...writer.read(positions[0] ?? never())], {
    instanceOf: DbError,
    message: /no longer has segment 1/,
  });
  const wrong = { segment: asSegmentNumber(3), offset: asSegmentOffset(4104) };
  t.like(
    t.throws(() => [...writer.read(wrong)], { instanceOf: DbError }),
    { code: 'CORRUPT_WAL' },
  );
});

test('a reopened log can be read from before the restart', (t) => {
  const vfs = new MemoryVfs();
  const first = openLog(vfs);
  const [position] = commit(first.writer, 1, 3);
  first.writer.close();
  const { writer } = openLog(vfs);
  t.is([...writer.read(position ?? never())].length, 3);
  commit(writer, 4, 5);
  t.deepEqual(
    [...writer.read(position ?? never())].map(({ epoch }) => epoch as number),
    [1, 1, 1, 2, 2],
  );
});

test('close makes staged records durable and refuses what comes later', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  append(writer, 1);
  writer.close();
  t.deepEqual(seqnosOf(recover(vfs)), [1]);
  t.like(
    t.throws(() => append(writer, 2), { instanceOf: DbError }),
    { code: 'WAL_POISONED' },
  );
});

function never(): never {
  throw new Error('a position is missing');
}
