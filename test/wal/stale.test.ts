import test from 'ava';
import { asSeqno } from '../../src/base/brand.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { encodeRecord, recordSpan, SEGMENT_HEADER_BYTES } from '../../src/wal/format.js';
import { append, commit, DIRECTORY, doctored, openLog, pathOfSegment, recover, seqnosOf } from './support.js';

/** A log whose active segment, number 3, is segment 1 recycled: full of old records of `oldLength` bytes. */
function recycledLog(oldLength: number): { vfs: MemoryVfs; next: number; log: ReturnType<typeof openLog> } {
  const vfs = new MemoryVfs();
  const log = openLog(vfs);
  let next = 1;
  while (append(log.writer, next, oldLength).segment < 2) next++;
  log.writer.write();
  log.writer.sync();
  releaseFirst(log, next - 1);
  do next++;
  while (append(log.writer, next, oldLength).segment < 3);
  log.writer.write();
  log.writer.sync();
  return { vfs, next: next + 1, log };
}

function releaseFirst(log: ReturnType<typeof openLog>, through: number): void {
  if (log.writer.releaseThrough(asSeqno(through)) !== 1)
    throw new Error('segment 1 should have been released');
}

for (const [what, newLength] of [
  ['at the same places as new ones', 100],
  ['at other places than new ones', 61],
] as const) {
  test(`old records in a recycled segment, ${what}, are never delivered`, (t) => {
    const { vfs, next, log } = recycledLog(100);
    t.false(
      vfs.list(DIRECTORY).some((name) => name.startsWith('recycled')),
      'the recycled file is in use',
    );
    const bytes = Buffer.from(vfs.readFile(pathOfSegment(3)));
    t.true(bytes.includes('record 100;'), 'old records are still inside');
    commit(log.writer, next, next + 2, newLength);
    const recovered = recover(vfs);
    const seqnos = seqnosOf(recovered);
    t.is(seqnos.at(-1), next + 2);
    t.deepEqual(
      seqnos,
      [...seqnos].sort((a, b) => a - b),
    );
    t.true((seqnos[0] ?? 0) > 100);
    t.is(recovered.report.tornTailBytes, undefined, 'stale bytes are not a torn tail');
    // And torn, with old bytes directly behind the tear.
    append(log.writer, next + 3, newLength);
    log.writer.write();
    const tearAt = SEGMENT_HEADER_BYTES + recordSpan(100) + 3 * recordSpan(newLength) + 64;
    const old = bytes.subarray(tearAt);
    const torn = doctored(vfs, pathOfSegment(3), (image) => {
      image.set(old, tearAt);
      return undefined;
    });
    t.deepEqual(seqnosOf(recover(torn)), seqnos);
  });
}

test('a record of this segment with an older seqno or epoch ends the log', (t) => {
  const vfs = new MemoryVfs();
  const first = openLog(vfs);
  commit(first.writer, 1, 2);
  first.writer.close();
  const { writer } = openLog(vfs);
  commit(writer, 10, 12);
  const end = SEGMENT_HEADER_BYTES + 3 * recordSpan(100);
  for (const stale of [
    { epoch: 2, firstSeqno: 12 },
    { epoch: 2, firstSeqno: 3 },
    { epoch: 1, firstSeqno: 13 },
  ]) {
    const image = doctored(vfs, pathOfSegment(2), (bytes) => {
      const header = { segment: 2, operationCount: 1, wallClockMs: 0, durableEnd: 4096, ...stale };
      encodeRecord(bytes, new DataView(bytes.buffer), end, header as never, Buffer.from('stale'));
      return undefined;
    });
    t.deepEqual(seqnosOf(recover(image)), [1, 2, 10, 11, 12]);
  }
});

test('gaps between seqnos are normal, overlaps are not', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  append(writer, 5, 20, 10);
  t.throws(() => append(writer, 14, 20), { message: /seqno 14/ });
  append(writer, 15, 20, 0);
  append(writer, 1000, 20, 3);
  writer.write();
  t.deepEqual(seqnosOf(recover(vfs)), [5, 15, 1000]);
  t.is(recover(vfs).report.lastSeqno as number, 1002);
});
