import test from 'ava';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { RECORD_HEADER_BYTES, recordSpan, SEGMENT_HEADER_BYTES } from '../../src/wal/format.js';
import { append, commit, doctored, openLog, pathOfSegment, range, recover, seqnosOf } from './support.js';

const FIRST = pathOfSegment(1);
const LENGTHS = [1, 8, 40, 17, 100, 64];

/**
 * Six records of different lengths in segment 1, each its own group; `ends` are the offsets behind each with its
 * padding, `wholeAt` those behind the last byte that matters.
 */
function smallLog(): { vfs: MemoryVfs; ends: number[]; wholeAt: number[] } {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  LENGTHS.forEach((length, index) => {
    commit(writer, index + 1, index + 1, length);
  });
  const ends: number[] = [];
  const wholeAt: number[] = [];
  let end = SEGMENT_HEADER_BYTES;
  for (const length of LENGTHS) {
    wholeAt.push(end + RECORD_HEADER_BYTES + length);
    end += recordSpan(length);
    ends.push(end);
  }
  return { vfs, ends, wholeAt };
}

/** Checks the image, appends to it as the next run would, and checks again. */
function survives(image: MemoryVfs, expected: number): string | undefined {
  const { writer, report, ...log } = openLog(image);
  if (seqnosOf({ report, ...log }).length !== expected)
    return `recovered ${log.records.length}, not ${expected}`;
  if (report.damage.length > 0) return 'reported as damage';
  commit(writer, 100, 101);
  writer.close();
  const after = seqnosOf(recover(image)).join();
  const wanted = [...range(1, expected), 100, 101].join();
  return after === wanted ? undefined : `after the next run: ${after}, not ${wanted}`;
}

test('a file cut off at any byte gives the whole records in front of the cut', (t) => {
  const { vfs, ends, wholeAt } = smallLog();
  const total = ends.at(-1) ?? 0;
  for (let cut = 0; cut <= total; cut++) {
    if (cut > 16 && cut < SEGMENT_HEADER_BYTES - 8) continue;
    const image = doctored(vfs, FIRST, (bytes) => bytes.slice(0, cut));
    const expected = wholeAt.filter((end) => end <= cut).length;
    const problem = survives(image, expected);
    if (problem !== undefined) t.fail(`cut at ${cut}: ${problem}`);
  }
  t.pass();
});

test('a tail of zeros from any byte on gives the whole records in front of it', (t) => {
  const { vfs, ends } = smallLog();
  const total = ends.at(-1) ?? 0;
  for (let cut = SEGMENT_HEADER_BYTES; cut <= total; cut++) {
    const image = doctored(vfs, FIRST, (bytes) => bytes.fill(0, cut));
    // Zeros written over zeros, the padding or high bytes at a record's end, change nothing.
    const original = vfs.readFile(FIRST);
    const expected = ends.filter(
      (end) => end <= cut || original.subarray(cut, end).every((byte) => byte === 0),
    ).length;
    const problem = survives(image, expected);
    if (problem !== undefined) t.fail(`zeros from ${cut}: ${problem}`);
  }
  t.pass();
});

test('a torn tail is reported with its size, a clean end is not', (t) => {
  const { vfs, ends } = smallLog();
  t.is(recover(vfs).report.tornTailBytes, undefined);
  const lastStart = ends.at(-2) ?? 0;
  const torn = doctored(vfs, FIRST, (bytes) => bytes.fill(0, lastStart + 60));
  t.is(recover(torn).report.tornTailBytes, recordSpan(64));
  t.is(recover(torn).report.tornTailRecords, 0);
});

test('behind a hole in a group that was never synced, whole records are dropped too', (t) => {
  const vfs = new MemoryVfs();
  const { writer } = openLog(vfs);
  commit(writer, 1, 3);
  for (const seqno of range(4, 9)) append(writer, seqno);
  writer.write();
  const holeAt = SEGMENT_HEADER_BYTES + 4 * recordSpan(100);
  const torn = doctored(vfs, FIRST, (bytes) => bytes.fill(0, holeAt, holeAt + 16));
  const recovered = recover(torn);
  t.deepEqual(seqnosOf(recovered), [1, 2, 3, 4]);
  t.is(recovered.report.tornTailRecords, 4);
  t.is(recovered.report.tornTailBytes, 5 * recordSpan(100));
  // The next run gives their seqnos to others, and they must not come back.
  const next = openLog(torn);
  commit(next.writer, 5, 6, 30);
  const again = recover(torn);
  t.deepEqual(seqnosOf(again), range(1, 6));
  t.deepEqual(
    again.records.map(({ epoch }) => epoch),
    [1, 1, 1, 1, 2, 2],
  );
});

test('a last segment without a header is clean and its number is used again', (t) => {
  for (const size of [0, 100, 4096, 65536]) {
    const { vfs } = smallLog();
    vfs.writeFileAtomic(pathOfSegment(2), new Uint8Array(size));
    const { writer, records, report } = openLog(vfs);
    t.is(records.length, 6);
    t.is(report.damage.length, 0);
    t.is(report.continuation.nextSegment as number, 2);
    const [position] = commit(writer, 50);
    t.is(position?.segment as number, 2);
    t.deepEqual(seqnosOf(recover(vfs)), [...range(1, 6), 50]);
  }
});

test('starting again and again without writing takes no space', (t) => {
  const { vfs } = smallLog();
  for (let start = 0; start < 5; start++) openLog(vfs).writer.close();
  t.deepEqual(vfs.list('/db/shard-0/wal'), ['00000000000000000001.wal']);
});
