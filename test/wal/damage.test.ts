import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { encodeRecord, RECORD_HEADER_BYTES, recordSpan, SEGMENT_HEADER_BYTES } from '../../src/wal/format.js';
import { append, commit, doctored, openLog, pathOfSegment, range, recover, seqnosOf } from './support.js';

const LENGTH = 100;
const SPAN = recordSpan(LENGTH);
const BROKEN = SEGMENT_HEADER_BYTES + 3 * SPAN;

/** Segment 1: three groups of three records, seqnos 1 to 9, all synced. Record 4, at BROKEN, has a later witness. */
function threeGroups(): MemoryVfs {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  for (const first of [1, 4, 7]) commit(writer, first, first + 2, LENGTH);
  return vfs;
}

const flipped = (vfs: MemoryVfs, path: string, at: number): MemoryVfs =>
  doctored(vfs, path, (bytes) => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    return undefined;
  });

test('a flipped bit in any field or payload byte of a synced record is a loud error with its place', (t) => {
  const vfs = threeGroups();
  for (let at = BROKEN; at < BROKEN + RECORD_HEADER_BYTES + LENGTH; at++) {
    const image = flipped(vfs, pathOfSegment(1), at);
    const error = t.throws(() => recover(image), { instanceOf: DbError }, `byte ${at - BROKEN}`);
    t.is(error?.code, 'CORRUPT_WAL');
    t.is(error?.details?.['file'], pathOfSegment(1));
    t.is(error?.details?.['offset'], BROKEN);
    t.is(error?.details?.['goodRecordsAfter'], 5, `byte ${at - BROKEN}`);
  }
});

test('salvage delivers everything but the damaged record, keeps a copy and says what is lost', (t) => {
  const vfs = threeGroups();
  for (let at = BROKEN; at < BROKEN + RECORD_HEADER_BYTES + LENGTH; at++) {
    const image = flipped(vfs, pathOfSegment(1), at);
    const recovered = recover(image, { onDamage: 'salvage' });
    t.deepEqual(seqnosOf(recovered), [1, 2, 3, 5, 6, 7, 8, 9]);
    const { damage, quarantined } = recovered.report;
    t.is(damage.length, 1);
    t.like(damage[0], { file: pathOfSegment(1), offset: BROKEN, length: SPAN, goodRecordsAfter: 5 });
    t.like(damage[0], { seqnoBefore: 3, seqnoAfter: 5 });
    t.deepEqual(quarantined, ['/db/shard-0/quarantine/shard-0-00000000000000000001.wal']);
    t.is(Buffer.compare(image.readFile(quarantined[0] ?? ''), image.readFile(pathOfSegment(1))), 0);
  }
});

test('the writer goes on after a salvage and the damage stays visible until the segment is released', (t) => {
  const image = flipped(threeGroups(), pathOfSegment(1), BROKEN + 60);
  const { writer } = openLog(image, { recovery: { onDamage: 'salvage' } });
  commit(writer, 20, 22);
  t.throws(() => recover(image), { instanceOf: DbError });
  t.deepEqual(seqnosOf(recover(image, { onDamage: 'salvage' })), [1, 2, 3, 5, 6, 7, 8, 9, 20, 21, 22]);
  t.is(writer.releaseThrough(recover(image, { onDamage: 'salvage' }).report.lastSeqno), 1);
  t.deepEqual(seqnosOf(recover(image)), [20, 21, 22]);
});

test('a synced page of zeros in the middle is damage, not the end', (t) => {
  const image = doctored(threeGroups(), pathOfSegment(1), (bytes) =>
    bytes.fill(0, BROKEN, BROKEN + 2 * SPAN),
  );
  t.is(t.throws(() => recover(image), { instanceOf: DbError })?.details?.['goodRecordsAfter'], 4);
});

test('damage anywhere in a finished segment is loud, even in its last record or by truncation', (t) => {
  const vfs = threeGroups();
  commit(openLog(vfs).writer, 10, 12);
  const lastRecord = SEGMENT_HEADER_BYTES + 8 * SPAN;
  const images = [
    flipped(vfs, pathOfSegment(1), lastRecord + 70),
    doctored(vfs, pathOfSegment(1), (bytes) => bytes.fill(0, lastRecord)),
    doctored(vfs, pathOfSegment(1), (bytes) => bytes.slice(0, lastRecord + 20)),
    doctored(vfs, pathOfSegment(1), (bytes) => bytes.slice(0, lastRecord)),
  ];
  for (const image of images) {
    const error = t.throws(() => recover(image), { instanceOf: DbError });
    t.like(error?.details, { file: pathOfSegment(1), offset: lastRecord, goodRecordsAfter: 3 });
    t.deepEqual(seqnosOf(recover(image, { onDamage: 'salvage' })), [...range(1, 8), 10, 11, 12]);
  }
});

test('several damaged places are each reported by one salvage', (t) => {
  const once = flipped(threeGroups(), pathOfSegment(1), SEGMENT_HEADER_BYTES + 60);
  const twice = flipped(once, pathOfSegment(1), BROKEN + SPAN + 60);
  const recovered = recover(twice, { onDamage: 'salvage' });
  t.deepEqual(seqnosOf(recovered), [2, 3, 4, 6, 7, 8, 9]);
  t.deepEqual(
    recovered.report.damage.map(({ offset }) => offset),
    [SEGMENT_HEADER_BYTES, BROKEN + SPAN],
  );
  t.is(recovered.report.quarantined.length, 1);
});

test('salvage stops at a torn tail behind the damage', (t) => {
  const vfs = threeGroups();
  const torn = doctored(vfs, pathOfSegment(1), (bytes) => bytes.fill(0, SEGMENT_HEADER_BYTES + 8 * SPAN));
  const recovered = recover(flipped(torn, pathOfSegment(1), BROKEN + 60), { onDamage: 'salvage' });
  t.deepEqual(seqnosOf(recovered), [1, 2, 3, 5, 6, 7, 8]);
});

test('a payload that contains a perfect record is not mistaken for one when its own record is damaged', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  commit(writer, 1);
  const forged = new Uint8Array(recordSpan(6));
  const header = { ...recover(vfs).records[0], segment: 1, firstSeqno: 3, wallClockMs: 0, durableEnd: 4096 };
  encodeRecord(forged, new DataView(forged.buffer), 0, header as never, Buffer.from('forged'));
  writer.append(forged, { firstSeqno: 2 as never, operationCount: 1, wallClockMs: 0 as never });
  writer.write();
  writer.sync();
  commit(writer, 5, 6);
  const damagedAt = SEGMENT_HEADER_BYTES + recordSpan(100) + 30;
  const recovered = recover(flipped(vfs, pathOfSegment(1), damagedAt), { onDamage: 'salvage' });
  t.deepEqual(seqnosOf(recovered), [1, 5, 6]);
});

test('a whole record with fields of a later version is loud even at the end', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  commit(writer, 1);
  append(writer, 2);
  writer.write();
  const at = SEGMENT_HEADER_BYTES + SPAN;
  const image = doctored(vfs, pathOfSegment(1), (bytes) => {
    const view = new DataView(bytes.buffer);
    const payload = bytes.slice(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + LENGTH);
    // A durable end behind the record itself is something this version never writes.
    const header = {
      segment: 1,
      operationCount: 1,
      epoch: 1,
      firstSeqno: 2,
      wallClockMs: 0,
      durableEnd: at + 8,
    };
    encodeRecord(bytes, view, at, header as never, payload);
    return undefined;
  });
  t.is(
    t.throws(() => recover(image), { instanceOf: DbError })?.details?.['reason'],
    'fields of an unknown version',
  );
});
