import test, { type ExecutionContext } from 'ava';
import { asSegmentNumber, asSeqno } from '../../src/base/brand.js';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { shardPlace } from '../../src/tools/shard-place.js';
import { archivableSegments, archiveWal, removeSegment } from '../../src/tools/wal-archive.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { RealVfs } from '../../src/vfs/real.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { recoverWal } from '../../src/wal/recovery.js';
import { temporaryDirectory } from '../cli/run-cli.js';
import { pick, seedOf } from '../support/random.js';
import { check, DATA, differences, documentsOf, flip, linesOf, losesPower, TestDatabase } from './support.js';

const DAY_MS = 24 * 3600 * 1000;
const DESTINATION = '/archive';

interface Logged {
  readonly database: TestDatabase;
  /** Wall clock after the last segment was begun. */
  readonly nowMs: number;
}

/** Six segments, begun a day apart; the first `flushed` operations of 60 are in tables. Closed. */
function logged(vfs: Vfs, flushed: number, dataDirectory = DATA): Logged {
  const database = new TestDatabase(vfs, 1, dataDirectory, { keepReleasedBytes: 1024 * 1024 });
  for (let i = 0; i < 60; i++) {
    if (i % 10 === 0) database.reopen();
    if (i % 10 === 0) database.clock.advance(DAY_MS);
    database.put(`key${i % 25}`, `text ${i}`);
    if (i + 1 === flushed) database.flush();
  }
  database.close();
  return { database, nowMs: database.clock.wallMs() };
}

function archive(vfs: Vfs, nowMs: number, days: number, flushedSeqno: number, dataDirectory = DATA) {
  const place = shardPlace(vfs, dataDirectory, 0);
  const destination = dataDirectory === DATA ? DESTINATION : `${dataDirectory}-archive`;
  return archiveWal({
    place,
    destination,
    olderThanMs: days * DAY_MS,
    nowMs,
    flushedSeqno,
    remove: (segment) => removeSegment(place, segment),
  });
}

const segmentsOf = (vfs: Vfs, dataDirectory = DATA): string[] =>
  vfs.list(`${dataDirectory}/shard-0000/wal`).filter((name) => /^\d+\.wal$/.test(name));

function seqnosIn(vfs: Vfs, directory: string): number[] {
  const { shard } = shardPlace(vfs, DATA, 0);
  const seqnos: number[] = [];
  const onRecord = ({ firstSeqno }: { firstSeqno: number }): void => {
    seqnos.push(firstSeqno);
  };
  recoverWal({ vfs, directory, shard, onDamage: 'stop', onRecord });
  return seqnos;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('segments that are old and in tables move to the archive, and recovery misses nothing', (t) => {
  const vfs = new MemoryVfs();
  const { database, nowMs } = logged(vfs, 40);
  t.is(segmentsOf(vfs).length, 6);
  const archived = archive(vfs, nowMs, 3, 40);
  t.deepEqual(
    archived.map(({ number, firstSeqno, lastSeqno }) => [number as number, firstSeqno, lastSeqno]),
    [
      [1, 1, 10],
      [2, 11, 20],
    ],
    'segments 3 and younger were finished less than three days ago',
  );
  t.is(segmentsOf(vfs).length, 4);
  t.deepEqual(seqnosIn(vfs, `${DESTINATION}/shard-0000`), range(1, 20), 'the archive reads like a log');
  t.deepEqual(linesOf(check(vfs, 1)), []);
  t.deepEqual(differences(documentsOf(vfs, 1), database.model), []);
});

test('what is not in tables stays, however old it is', (t) => {
  const vfs = new MemoryVfs();
  const { nowMs } = logged(vfs, 25);
  t.deepEqual(
    archive(vfs, nowMs + 100 * DAY_MS, 3, 25).map(({ number }) => number as number),
    [1, 2],
  );
  t.is(segmentsOf(vfs).length, 4);
});

test('the last segment stays, even when all of it is in tables', (t) => {
  const vfs = new MemoryVfs();
  const { nowMs } = logged(vfs, 60);
  t.is(archive(vfs, nowMs + 100 * DAY_MS, 3, 60).length, 5);
  t.is(segmentsOf(vfs).length, 1);
  t.deepEqual(archive(vfs, nowMs + 100 * DAY_MS, 3, 60), [], 'a second time there is nothing to do');
});

test('a damaged segment is not archived and stays', (t) => {
  const vfs = new MemoryVfs();
  const { nowMs } = logged(vfs, 60);
  const { walDirectory } = shardPlace(vfs, DATA, 0);
  flip(vfs, `${walDirectory}/${segmentsOf(vfs)[1]}`, 4096 + 60);
  const error = t.throws(() => archive(vfs, nowMs, 0, 60), { instanceOf: DbError });
  t.is(error?.code, 'CORRUPT_WAL');
  t.is(error?.details?.['offset'], 4096);
  t.is(segmentsOf(vfs).length, 5, 'the one in front of it went');
  t.deepEqual(vfs.list(`${DESTINATION}/shard-0000`), ['00000000000000000001.wal']);
});

test('another file under the name of a copy is a conflict, a whole copy is used', (t) => {
  const vfs = new MemoryVfs();
  const { nowMs } = logged(vfs, 60);
  const directory = `${DESTINATION}/shard-0000`;
  vfs.makeDirectory(directory);
  vfs.writeFileAtomic(`${directory}/00000000000000000001.wal`, new Uint8Array(100));
  t.is(t.throws(() => archive(vfs, nowMs, 0, 60), { instanceOf: DbError })?.code, 'CONFLICT');
  t.is(segmentsOf(vfs).length, 6);
  const place = shardPlace(vfs, DATA, 0);
  const [first] = archivableSegments({ place, olderThanMs: 0, nowMs, flushedSeqno: 60 });
  vfs.writeFileAtomic(
    `${directory}/00000000000000000001.wal`,
    vfs.readFile(first.path).slice(0, first.endOffset),
  );
  t.is(archive(vfs, nowMs, 0, 60).length, 5);
});

test('killed at any step, every record is in the log or in the archive', (t) => {
  const prng = createPrng(seedOf(t));
  const image = new MemoryVfs();
  const { nowMs, database } = logged(image, 50);
  let steps = 0;
  for (let step = 1; ; step++) {
    const vfs = image.kill();
    if (!losesPower(vfs, step, (faulty) => archive(faulty, nowMs, 1, 50))) break;
    steps++;
    const left = vfs.crash(prng, pick(prng, ['lost', 'kept', 'mixed'] as const));
    t.is(check(left, 1).errors, 0, `step ${step}`);
    archive(left, nowMs, 1, 50);
    t.deepEqual(seqnosIn(left, `${DESTINATION}/shard-0000`), range(1, 40), `step ${step}`);
    t.deepEqual(differences(documentsOf(left, 1), database.model), []);
  }
  t.true(steps > 15);
});

test('it works on a real file system', (t) => {
  const vfs = new RealVfs();
  const data = `${temporaryDirectory(t)}/data`;
  const { nowMs } = logged(vfs, 60, data);
  t.is(archive(vfs, nowMs, 0, 60, data).length, 5);
  t.is(vfs.list(`${data}-archive/shard-0000`).length, 5);
});

function keeping(t: ExecutionContext, segments: number): string[] {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1, DATA, { keepReleasedBytes: segments * 64 * 1024 });
  for (let i = 0; i < 60; i++) {
    if (i % 10 === 0) database.reopen();
    database.put(`key${i}`, 'x');
  }
  database.reopen();
  database.flush();
  t.is(database.shard(0).store.flushedSeqno, 60);
  database.close();
  return segmentsOf(vfs);
}

test('the newest released segments are kept, as many as the bytes to keep have room for', (t) => {
  t.deepEqual(keeping(t, 0), []);
  t.deepEqual(keeping(t, 2), ['00000000000000000005.wal', '00000000000000000006.wal']);
  t.is(keeping(t, 100).length, 6);
});

test('a running log gives up only its oldest segment, and only when that is in tables', (t) => {
  const vfs = new MemoryVfs();
  const database = new TestDatabase(vfs, 1, DATA, { keepReleasedBytes: 1024 * 1024 });
  for (let i = 0; i < 30; i++) {
    if (i % 10 === 0) database.reopen();
    database.put(`key${i}`, 'x');
  }
  const { log } = database.shard(0);
  t.throws(() => log.releaseOldest(asSegmentNumber(2), asSeqno(30)), { message: /cannot be released/ });
  t.throws(() => log.releaseOldest(asSegmentNumber(1), asSeqno(5)), { message: /cannot be released/ });
  log.releaseOldest(asSegmentNumber(1), asSeqno(10));
  t.deepEqual(segmentsOf(vfs), ['00000000000000000002.wal', '00000000000000000003.wal']);
  database.close();
});

test('a copy of a run that was killed before its syncs is made durable before the segment goes', (t) => {
  const source = new MemoryVfs();
  const { nowMs } = logged(source, 60);
  const [segment] = archivableSegments({
    place: shardPlace(source, DATA, 0),
    olderThanMs: 0,
    nowMs,
    flushedSeqno: 60,
  });
  const copyName = `${DESTINATION}/shard-0000/00000000000000000001.wal`;
  source.makeDirectory(`${DESTINATION}/shard-0000`);
  const unsynced = source.open(copyName, 'create');
  unsynced.pwrite(source.readFile(segment.path), 0, segment.endOffset, 0);
  unsynced.close();
  t.true(archive(source, nowMs, 0, 60).length > 0);
  const after = source.crash(createPrng(1), 'lost');
  t.is(after.sizeOf(copyName), segment.endOffset);
  t.deepEqual(seqnosIn(after, `${DESTINATION}/shard-0000`).slice(0, 10), range(1, 10));
});
