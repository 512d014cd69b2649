import test from 'ava';
import { asEpoch, asMillis, asSegmentNumber, asSeqno, asShardId } from '../../src/base/brand.js';
import { asSegmentOffset } from '../../src/wal/commit-log.js';
import { decodeSegmentHeader, encodeRecord, encodeSegmentHeader, recordSpan } from '../../src/wal/format.js';
import {
  classifyName,
  recycledName,
  segmentName,
  spareName,
  temporaryName,
} from '../../src/wal/segment-names.js';

const HEADER = {
  shard: asShardId(2),
  number: asSegmentNumber(7),
  epoch: asEpoch(3),
  firstSeqno: asSeqno(42),
  previousSegment: asSegmentNumber(6),
  previousEnd: asSegmentOffset(8192),
  createdWallMs: asMillis(1_700_000_000_000),
};

test('a record has the bytes of the worked example in format.ts', (t) => {
  const bytes = new Uint8Array(recordSpan(4)).fill(0xff);
  const view = new DataView(bytes.buffer);
  const header = {
    segment: asSegmentNumber(7),
    operationCount: 1,
    epoch: asEpoch(3),
    firstSeqno: asSeqno(42),
    wallClockMs: asMillis(1_700_000_000_000),
    durableEnd: asSegmentOffset(4096),
  };
  t.is(encodeRecord(bytes, view, 0, header, new TextEncoder().encode('luma')), 64);
  t.is(
    Buffer.from(bytes).toString('hex'),
    '0bb6e1c2040000000700000001000000' +
      '03000000000000002a00000000000000' +
      '0068e5cf8b0100000010000000000000' +
      '00000000000000006c756d6100000000',
  );
});

test('a segment header has the bytes it has had since version 1', (t) => {
  const bytes = Buffer.from(encodeSegmentHeader(HEADER));
  t.is(bytes.length, 4096);
  t.is(
    bytes.subarray(0, 64).toString('hex'),
    '4c756d6157414c000100000002000000' +
      '07000000000000000300000000000000' +
      '2a000000000000000600000000000000' +
      '00200000000000000068e5cf8b010000',
  );
  t.true(bytes.subarray(64, 4092).every((byte) => byte === 0));
  t.is(bytes.subarray(4092).toString('hex'), '2a019d37');
  t.deepEqual(decodeSegmentHeader(bytes), { kind: 'valid', header: HEADER });
});

test('fields hold numbers up to 2^53 - 1', (t) => {
  const header = {
    ...HEADER,
    firstSeqno: asSeqno(Number.MAX_SAFE_INTEGER),
    number: asSegmentNumber(2 ** 40 + 5),
  };
  t.deepEqual(decodeSegmentHeader(encodeSegmentHeader(header)), { kind: 'valid', header });
  t.throws(() => encodeSegmentHeader({ ...HEADER, epoch: asEpoch(2 ** 53) }));
  t.throws(() => encodeSegmentHeader({ ...HEADER, createdWallMs: asMillis(1.5) }));
});

test('every single flipped bit in a segment header is noticed', (t) => {
  const bytes = encodeSegmentHeader(HEADER);
  for (let at = 0; at < bytes.length; at += at < 80 ? 1 : 61) {
    const copy = bytes.slice();
    copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
    t.is(decodeSegmentHeader(copy).kind, 'damaged', `byte ${at}`);
  }
});

test('a header of zeros or a file too short for one is blank', (t) => {
  t.is(decodeSegmentHeader(new Uint8Array(4096)).kind, 'blank');
  t.is(decodeSegmentHeader(new Uint8Array(0)).kind, 'blank');
  t.is(decodeSegmentHeader(encodeSegmentHeader(HEADER).subarray(0, 4095)).kind, 'blank');
});

test('a newer format version is refused by name', (t) => {
  const bytes = encodeSegmentHeader(HEADER);
  bytes[8] = 2;
  const decoded = decodeSegmentHeader(bytes);
  t.is(decoded.kind, 'damaged');
});

test('file names are recognised exactly', (t) => {
  const number = asSegmentNumber(12);
  t.deepEqual(classifyName(segmentName(number)), { kind: 'segment', number });
  t.deepEqual(classifyName(recycledName(number)), { kind: 'recycled', number });
  t.is(classifyName(spareName(0)).kind, 'spare');
  t.is(classifyName(temporaryName(10)).kind, 'temporary');
  for (const name of [
    '12.wal',
    '00000000000000000000.wal',
    'spare-01.tmp',
    'spare-.tmp',
    'spare-1.tmp.bak',
    'x.tmp',
  ]) {
    t.is(classifyName(name).kind, 'unknown', name);
  }
});
