import test from 'ava';
import { asSegmentNumber, asSeqno, asShardId } from '../../src/base/brand.js';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { SegmentPool } from '../../src/wal/segments.js';
import {
  append,
  commit,
  DIRECTORY,
  doctored,
  filesOf,
  imageOf,
  openLog,
  pathOfSegment,
  range,
  recover,
  SEGMENT_BYTES,
  seqnosOf,
} from './support.js';

/** Segments 1 to 4 from four runs, with seqnos 1-2, 11-12, 21-22 and 31-32. */
function fourSegments(): MemoryVfs {
  const vfs = new MemoryVfs();
  for (const first of [1, 11, 21, 31]) {
    const { writer } = openLog(vfs);
    commit(writer, first, first + 1);
    writer.close();
  }
  return vfs;
}

function without(vfs: MemoryVfs, number: number): MemoryVfs {
  const files = filesOf(vfs);
  files.delete(pathOfSegment(number));
  return imageOf(files);
}

function newPool(vfs: MemoryVfs | FaultVfs, sparesMax = 2): SegmentPool {
  const pool = new SegmentPool({ vfs, directory: DIRECTORY, segmentBytes: SEGMENT_BYTES, sparesMax });
  pool.prepareDirectory();
  return pool;
}

test('a missing segment is loud and named, salvage delivers the others', (t) => {
  const image = without(fourSegments(), 3);
  const error = t.throws(() => recover(image), { instanceOf: DbError });
  t.like(error, { code: 'CORRUPT_WAL' });
  t.like(error?.details, { file: pathOfSegment(3), reason: 'the segment is missing', goodRecordsAfter: 2 });
  const salvaged = recover(image, { onDamage: 'salvage' });
  t.deepEqual(seqnosOf(salvaged), [1, 2, 11, 12, 31, 32]);
  t.like(salvaged.report.damage[0], { seqnoBefore: 12, seqnoAfter: 31 });
});

test('a segment that is missing at the beginning matters only if it may hold needed operations', (t) => {
  const image = without(fourSegments(), 1);
  t.deepEqual(seqnosOf(recover(image)), [11, 12, 21, 22, 31, 32]);
  t.deepEqual(seqnosOf(recover(image, { fromSeqno: asSeqno(3) })), [11, 12, 21, 22, 31, 32]);
  const error = t.throws(() => recover(image, { fromSeqno: asSeqno(2) }), { instanceOf: DbError });
  t.is(error?.details?.['file'], pathOfSegment(1));
});

test('segments below fromSeqno are not read, and gaps between them are of no importance', (t) => {
  const image = without(fourSegments(), 2);
  const recovered = recover(image, { fromSeqno: asSeqno(22) });
  t.deepEqual(seqnosOf(recovered), [22, 31, 32]);
  t.is(recovered.report.bytes, 2 * SEGMENT_BYTES);
  t.deepEqual(
    recovered.report.continuation.segments.map(({ number, lastSeqno }) => [number, lastSeqno] as number[]),
    [
      [1, 12],
      [3, 22],
      [4, 32],
    ],
  );
});

test('a copy of a segment under another number is loud and its records are not delivered twice', (t) => {
  const files = filesOf(fourSegments());
  files.set(pathOfSegment(3), files.get(pathOfSegment(2)) ?? new Uint8Array());
  const error = t.throws(() => recover(imageOf(files)), { instanceOf: DbError });
  t.is(error?.details?.['file'], pathOfSegment(3));
  t.regex(error?.message ?? '', /duplicate of segment 2/);
  t.deepEqual(seqnosOf(recover(imageOf(files), { onDamage: 'salvage' })), [1, 2, 11, 12, 31, 32]);
  const appended = filesOf(fourSegments());
  appended.set(pathOfSegment(5), appended.get(pathOfSegment(2)) ?? new Uint8Array());
  t.throws(() => recover(imageOf(appended)), { message: /duplicate of segment 2/ });
});

test('a segment of another shard is loud and none of it is delivered', (t) => {
  const vfs = fourSegments();
  t.throws(() => recover(vfs, { shard: asShardId(1) }), { message: /belongs to shard 0, not to shard 1/ });
  const salvaged = recover(vfs, { shard: asShardId(1), onDamage: 'salvage' });
  t.deepEqual(salvaged.records, []);
  t.is(salvaged.report.quarantined.length, 4);
});

test('a damaged segment header is loud, and salvage still reads the records behind it', (t) => {
  for (const number of [1, 2, 4]) {
    for (const at of [0, 9, 17, 33, 4095]) {
      const image = doctored(fourSegments(), pathOfSegment(number), (bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ 0x10;
        return undefined;
      });
      const error = t.throws(() => recover(image), { instanceOf: DbError });
      t.like(error?.details, { file: pathOfSegment(number), offset: 0 });
      t.deepEqual(seqnosOf(recover(image, { onDamage: 'salvage' })), [1, 2, 11, 12, 21, 22, 31, 32]);
    }
  }
});

test('a blank header is clean only in a last segment that holds no records', (t) => {
  for (const number of [2, 4]) {
    const image = doctored(fourSegments(), pathOfSegment(number), (bytes) => bytes.fill(0, 0, 4096));
    t.throws(() => recover(image), { message: /segment header is blank/ });
    t.deepEqual(seqnosOf(recover(image, { onDamage: 'salvage' })), [1, 2, 11, 12, 21, 22, 31, 32]);
  }
});

test('unknown files are reported and left alone, our own leftovers are removed', (t) => {
  const vfs = fourSegments();
  const strangers = ['notes.txt', 'spare-1.tmp.bak', 'x.tmp', '5.wal'];
  for (const name of [...strangers, 'spare-3.tmp'])
    vfs.writeFileAtomic(`${DIRECTORY}/${name}`, new Uint8Array(3));
  vfs.writeFileAtomic(`${DIRECTORY}/spare-9.wal`, new Uint8Array(100));
  const { report } = openLog(vfs);
  t.deepEqual([...report.unknownFiles], [...strangers].sort());
  for (const name of strangers) t.true(vfs.exists(`${DIRECTORY}/${name}`));
  t.false(vfs.exists(`${DIRECTORY}/spare-3.tmp`));
  t.false(vfs.exists(`${DIRECTORY}/spare-9.wal`), 'a spare of another size is of no use');
});

test('a directory without segments never hands out a number that a recycled file had', (t) => {
  const vfs = fourSegments();
  const files = filesOf(vfs);
  const image = imageOf(
    new Map([
      [`${DIRECTORY}/recycled-00000000000000000004.wal`, files.get(pathOfSegment(4)) ?? new Uint8Array()],
    ]),
  );
  const { writer, report } = openLog(image);
  t.is(report.continuation.nextSegment as number, 5);
  commit(writer, 100);
  t.deepEqual(seqnosOf(recover(image)), [100]);
});

test('a log that was released whole knows what was in tables, and who has forgotten it is told', (t) => {
  const vfs = fourSegments();
  const { writer } = openLog(vfs);
  writer.releaseThrough(asSeqno(32));
  writer.close();
  t.deepEqual(seqnosOf(recover(vfs, { fromSeqno: asSeqno(33) })), []);
  for (const fromSeqno of [1, 30, 32].map(asSeqno)) {
    const error = t.throws(() => recover(vfs, { fromSeqno }), { instanceOf: DbError, code: 'CORRUPT_WAL' });
    t.like(error?.details, { file: pathOfSegment(4), reason: 'the segment is missing' });
    t.is(recover(vfs, { fromSeqno, onDamage: 'report' }).report.damage.length, 1);
  }
});

test('the first segment of a log that holds none says where the tables ended', (t) => {
  const vfs = fourSegments();
  openLog(vfs).writer.releaseThrough(asSeqno(32));
  const next = openLog(vfs, { recovery: { fromSeqno: asSeqno(33) } });
  commit(next.writer, 50);
  next.writer.close();
  t.deepEqual(seqnosOf(recover(vfs, { fromSeqno: asSeqno(33) })), [50]);
  t.throws(() => recover(vfs, { fromSeqno: asSeqno(32) }), { code: 'CORRUPT_WAL' });
  t.throws(() => recover(vfs, { fromSeqno: asSeqno(1) }), { code: 'CORRUPT_WAL' });
});

test('spares are allocated up to the limit, used before new space, and refilled by releases', (t) => {
  const vfs = new MemoryVfs();
  const pool = newPool(vfs);
  t.deepEqual([pool.prepareSpare(), pool.prepareSpare(), pool.prepareSpare()], [true, true, false]);
  t.deepEqual(pool.spares(), ['spare-0.wal', 'spare-1.wal']);
  const { writer } = openLog(vfs);
  commit(writer, 1);
  t.deepEqual(pool.spares(), ['spare-1.wal']);
  writer.close();
  const next = openLog(vfs);
  commit(next.writer, 2);
  t.is(next.writer.releaseThrough(asSeqno(0)), 0, 'seqno 1 is still needed');
  t.is(next.writer.releaseThrough(asSeqno(5)), 1, 'the active segment stays');
  t.deepEqual(pool.spares(), ['recycled-00000000000000000001.wal']);
  t.true(pool.prepareSpare());
  t.deepEqual(pool.spares(), ['recycled-00000000000000000001.wal', 'spare-0.wal']);
  next.writer.close();
  const third = openLog(vfs, { sparesMax: 1 });
  commit(third.writer, 3);
  t.true(third.pool.prepareSpare());
  third.writer.releaseThrough(asSeqno(2));
  t.deepEqual(pool.spares(), ['spare-0.wal'], 'enough spares: the released segment is unlinked');
});

test('a log that is released whole at a start leaves no more spares than the limit, and never forgets its numbers', (t) => {
  const image = new MemoryVfs();
  const { writer, pool } = openLog(image);
  commit(writer, 1);
  writer.close();
  while (pool.prepareSpare());
  t.is(pool.spares().length, 2);
  const release = (vfs: Vfs): void => {
    const next = openLog(vfs);
    // As a shard does at start when all of its log is in tables.
    next.writer.releaseThrough(asSeqno(1));
    next.writer.close();
  };
  for (let step = 1; ; step++) {
    const vfs = image.kill();
    let isCut = false;
    const dying = new FaultVfs(vfs, ({ isMutation, mutation }) => {
      if (!isMutation || mutation < step) return undefined;
      isCut = true;
      throw new Error('power cut');
    });
    try {
      release(dying);
    } catch (error) {
      if (!isCut) throw error;
    }
    for (const mode of ['lost', 'kept', 'mixed'] as const) {
      const after = vfs.crash(createPrng(step), mode);
      release(after);
      const names = after.list(DIRECTORY);
      t.is(names.length, 2, `step ${step}, ${mode}: ${names.join(' ')}`);
      t.true(names.includes('recycled-00000000000000000001.wal'));
      const { report } = openLog(after.crash(createPrng(step), 'lost'));
      t.is(report.continuation.nextSegment as number, 2, `step ${step}, ${mode}`);
    }
    if (!isCut) break;
    t.true(step < 100);
  }
});

test('spares beyond the limit, from whenever, go at a start', (t) => {
  const vfs = fourSegments();
  const pool = newPool(vfs, 10);
  for (let i = 0; i < 5; i++) pool.prepareSpare();
  openLog(vfs);
  t.deepEqual(pool.spares(), ['spare-3.wal', 'spare-4.wal']);
});

test('a spare that is ready when releases have made enough is given up', (t) => {
  const memory = new MemoryVfs();
  memory.makeDirectory(DIRECTORY);
  let isFirst = true;
  const vfs = new FaultVfs(memory, ({ operation, path }) => {
    if (operation === 'fsync' && path.endsWith('.tmp') && isFirst) {
      isFirst = false;
      for (const number of [1, 2])
        memory.writeFileAtomic(
          `${DIRECTORY}/recycled-0000000000000000000${number}.wal`,
          new Uint8Array(SEGMENT_BYTES),
        );
    }
    return undefined;
  });
  t.false(newPool(vfs).prepareSpare());
  t.deepEqual(
    memory.list(DIRECTORY),
    [1, 2].map((n) => `recycled-0000000000000000000${n}.wal`),
  );
});

test('two threads that allocate at the same moment never share a name', (t) => {
  const memory = new MemoryVfs();
  memory.makeDirectory(DIRECTORY);
  const other = newPool(memory, 10);
  let interfere = 3;
  // Between any two steps of one thread the other one finishes a whole allocation.
  const vfs = new FaultVfs(memory, (call) => {
    if (
      interfere > 0 &&
      (call.operation === 'exists' || call.operation === 'open') &&
      call.path.includes('spare')
    ) {
      interfere--;
      other.prepareSpare();
    }
    return undefined;
  });
  t.true(newPool(vfs, 10).prepareSpare());
  t.deepEqual(memory.list(DIRECTORY), ['spare-0.wal', 'spare-1.wal', 'spare-2.wal', 'spare-3.wal']);
});

test('a recycled file never comes back under its old name with a new header, whenever the power fails', (t) => {
  const memory = new MemoryVfs();
  let images: MemoryVfs[] | undefined;
  const vfs = new FaultVfs(memory, (call) => {
    if (call.isMutation) images?.push(memory.crash(createPrng(1), 'lost'));
    return undefined;
  });
  const { writer } = openLog(vfs);
  let next = 1;
  while (append(writer, next, 1000).segment < 2) next++;
  writer.write();
  writer.sync();
  images = [];
  writer.releaseThrough(asSeqno(next - 1));
  do next++;
  while (append(writer, next, 1000).segment < 3);
  t.true(images.length >= 8);
  // No fromSeqno: every segment with a segment's name is looked at.
  for (const image of images) t.notThrows(() => recover(image));
});

test('an existing segment is never replaced by a new one', (t) => {
  const vfs = fourSegments();
  const pool = newPool(vfs);
  const header = {
    shard: asShardId(0),
    number: asSegmentNumber(4),
    epoch: 9 as never,
    firstSeqno: asSeqno(50),
    previousSegment: asSegmentNumber(3),
    previousEnd: 4096 as never,
    createdWallMs: 0 as never,
  };
  t.throws(() => pool.take(header), { message: /already exists/ });
  t.deepEqual(seqnosOf(recover(vfs)), [1, 2, 11, 12, 21, 22, 31, 32]);
});

test('no space is refused before a byte is written', (t) => {
  const vfs = new MemoryVfs({ capacityBytes: SEGMENT_BYTES - 1 });
  const fault = new FaultVfs(vfs);
  const pool = newPool(fault);
  t.true(
    isIoError(
      t.throws(() => pool.prepareSpare()),
      'ENOSPC',
    ),
  );
  t.is(fault.callCount('pwrite'), 0);
  t.deepEqual(range(1, 0), vfs.list(DIRECTORY).map(Number));
});

test('a number is not used again when all segments were given back and nothing was written since', (t) => {
  for (const length of [100, 2 * SEGMENT_BYTES]) {
    const vfs = new MemoryVfs();
    const first = openLog(vfs, { sparesMax: 0 });
    commit(first.writer, 1, 1, length);
    first.writer.close();
    const second = openLog(vfs, { sparesMax: 0 });
    t.is(second.writer.releaseThrough(asSeqno(1)), 1);
    second.writer.close();
    openLog(vfs, { sparesMax: 0 }).writer.close();
    const { writer, report } = openLog(vfs, { sparesMax: 0 });
    t.is(report.continuation.nextSegment as number, 2);
    commit(writer, 2);
    writer.close();
    openLog(vfs, { sparesMax: 0 }).writer.close();
    t.deepEqual(seqnosOf(recover(vfs)), [2]);
  }
});

test('what is kept for archiving is counted in bytes, also when segments are large', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs, { keepReleasedBytes: 2 * SEGMENT_BYTES });
  commit(writer, 1);
  commit(writer, 2, 2, 2 * SEGMENT_BYTES);
  commit(writer, 3, 3, SEGMENT_BYTES - 5000);
  commit(writer, 4, 4, SEGMENT_BYTES - 5000);
  t.is(writer.releaseThrough(asSeqno(3)), 2, 'segment 2 alone is larger than what is to be kept');
});

test('a salvage never takes another file of its name in quarantine for its copy', (t) => {
  const vfs = fourSegments();
  const damaged = doctored(vfs, pathOfSegment(2), (bytes) => {
    bytes[4096 + 40] = (bytes[4096 + 40] ?? 0) ^ 1;
    return undefined;
  });
  const other = '/db/shard-0/quarantine/shard-0-00000000000000000002.wal';
  damaged.makeDirectory('/db/shard-0/quarantine');
  damaged.writeFileAtomic(other, new Uint8Array(10));
  for (let attempt = 0; attempt < 2; attempt++) {
    const { report } = recover(damaged, { onDamage: 'salvage' });
    t.deepEqual(report.quarantined, [`${other}.1`], 'the second salvage finds the copy of the first');
  }
  t.is(damaged.sizeOf(other), 10);
  t.deepEqual(damaged.readFile(`${other}.1`), damaged.readFile(pathOfSegment(2)));
});

test('a segment that somebody has linked is never written over, and goes as others do', (t) => {
  const vfs = new MemoryVfs();
  const { writer, pool } = openLog(vfs);
  const payload = 30 * 1024;
  for (let seqno = 1; seqno <= 6; seqno++) commit(writer, seqno, seqno, payload);
  const first = pathOfSegment(1);
  vfs.makeDirectory('/kept');
  vfs.link(first, '/kept/1');
  const before = Buffer.from(vfs.readFile('/kept/1'));
  t.true(writer.releaseThrough(asSeqno(6)) >= 2);
  t.false(vfs.exists(first));
  t.false(
    pool.spares().some((name) => vfs.linkCount(`${DIRECTORY}/${name}`) > 1),
    'it is no spare',
  );
  for (let seqno = 7; seqno <= 20; seqno++) commit(writer, seqno, seqno, payload);
  writer.releaseThrough(asSeqno(20));
  t.true(before.equals(vfs.readFile('/kept/1')));
});

test('the newest segment keeps its name when it was linked, but its bytes are not used again', (t) => {
  const vfs = new MemoryVfs();
  const first = openLog(vfs);
  commit(first.writer, 1, 2);
  first.writer.close();
  vfs.makeDirectory('/kept');
  vfs.link(pathOfSegment(1), '/kept/1');
  const before = Buffer.from(vfs.readFile('/kept/1'));
  const second = openLog(vfs, { recovery: { fromSeqno: asSeqno(3) } });
  second.writer.releaseThrough(asSeqno(2));
  commit(second.writer, 3, 4);
  t.true(before.equals(vfs.readFile('/kept/1')));
  t.true(vfs.exists(pathOfSegment(2)), 'its number is not given out again');
});

test('a log that is held lets nothing go until all have let go of it', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  for (let seqno = 1; seqno <= 6; seqno++) commit(writer, seqno, seqno, 30 * 1024);
  const [release, other] = [writer.hold(), writer.hold()];
  t.is(writer.releaseThrough(asSeqno(6)), 0);
  const refused = t.throws(() => writer.releaseOldest(asSegmentNumber(1), asSeqno(6)), {
    instanceOf: DbError,
  });
  t.is(refused?.code, 'CONFLICT');
  t.like(writer.intervalAbove(asSeqno(0)), { first: 1 });
  t.is(writer.intervalAbove(asSeqno(6)), undefined, 'nothing lies above');
  release();
  release();
  t.is(writer.releaseThrough(asSeqno(6)), 0, 'the other one holds it still');
  other();
  t.true(writer.releaseThrough(asSeqno(6)) > 0);
});
