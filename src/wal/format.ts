/**
 * WAL segment format, version 1. This file is the specification; writer.ts and reader.ts follow it.
 *
 * A segment is one file, `<number, 20 decimal digits>.wal`, of a fixed size (64 MiB unless one record needs more),
 * allocated and zero-filled before use. All integers are little-endian. A u64 is below 2^53 and stored as two u32,
 * low word first. Magic, field meanings and numbers are never reused; a change gets a new format version.
 *
 * Segment header, 4096 bytes, written and synced before the file gets its `.wal` name:
 *
 *   offset size field
 *        0    8 magic "LumaWAL\0"
 *        8    4 format version (1)
 *       12    4 shard
 *       16    8 segment number, 1-based; equals the number in the file name
 *       24    8 epoch in which the segment was opened
 *       32    8 first seqno: no record in this segment has a lower one, all earlier records have lower ones
 *       40    8 number of the segment before this one, 0 if there was none
 *       48    8 end offset of that segment: every byte below it was synced before this header was written
 *       56    8 wall clock at creation, ms since 1970 (a label)
 *       64 4028 zero
 *     4092    4 crc32 of bytes [0, 4092)
 *
 * Records follow from offset 4096. Each starts at a multiple of 8 and is zero-padded to the next multiple of 8:
 *
 *        0    4 crc32 of bytes [4, 56 + payload length); the padding is not covered
 *        4    4 payload length
 *        8    4 low 32 bits of the segment number
 *       12    4 operation count
 *       16    8 epoch; never lower than in the record or segment header before
 *       24    8 first seqno; at least the previous record's first seqno + max(1, its operation count)
 *       32    8 wall clock, ms since 1970 (a label)
 *       40    8 durable end: bytes below this offset of this segment were synced when this record was staged
 *       48    8 zero (kind and flags of later versions; 0 is reserved for "plain batch")
 *       56      payload: the FlatBuffers batch exactly as it came
 *
 * The log ends at the first place P where no valid record of this segment starts. Valid means: the crc matches,
 * the segment word is ours (recycled files hold old records that are otherwise perfect), and epoch and seqno do
 * not go backwards. What P is depends on what else knows of it:
 *
 * - the next segment's header gives this segment's exact end: P below it is damage;
 * - a later valid record whose durable end is above P is a witness that P was synced: damage;
 * - otherwise P begins the torn tail of a group whose sync never returned, so nobody was told that it was written.
 *   All from P on is dropped, valid later records of the group included: a hole must not be jumped over.
 *
 * Worked example: segment 7, epoch 3, one operation with seqno 42, wall clock 1700000000000 ms, durable end 4096,
 * payload "luma" (6c 75 6d 61), span 64 bytes (60 and 4 of padding):
 *
 *   0b b6 e1 c2 04 00 00 00 07 00 00 00 01 00 00 00
 *   03 00 00 00 00 00 00 00 2a 00 00 00 00 00 00 00
 *   00 68 e5 cf 8b 01 00 00 00 10 00 00 00 00 00 00
 *   00 00 00 00 00 00 00 00 6c 75 6d 61 00 00 00 00
 */
import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.js';
import type { Epoch, Millis, SegmentNumber, Seqno, ShardId } from '../base/brand.js';
import type { SegmentOffset } from './commit-log.js';

export const SEGMENT_MAGIC = 'LumaWAL\0';
export const SEGMENT_FORMAT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 4096;
export const SEGMENT_BYTES_DEFAULT = 64 * 1024 * 1024;
/** Smaller segments would be mostly header and rotation. */
export const SEGMENT_BYTES_MIN = 64 * 1024;

const SEGMENT_VERSION_AT = 8;
const SEGMENT_SHARD_AT = 12;
const SEGMENT_NUMBER_AT = 16;
const SEGMENT_EPOCH_AT = 24;
const SEGMENT_FIRST_SEQNO_AT = 32;
const SEGMENT_PREVIOUS_AT = 40;
const SEGMENT_PREVIOUS_END_AT = 48;
const SEGMENT_CREATED_AT = 56;
const SEGMENT_CRC_AT = 4092;

export const RECORD_HEADER_BYTES = 56;
export const RECORD_ALIGNMENT = 8;
/** Largest payload of one record. The largest request (32 MiB) encodes to about 34 MiB. */
export const RECORD_PAYLOAD_BYTES_MAX = 256 * 1024 * 1024;

const RECORD_CRC_AT = 0;
export const RECORD_LENGTH_AT = 4;
export const RECORD_SEGMENT_AT = 8;
export const RECORD_COUNT_AT = 12;
export const RECORD_EPOCH_AT = 16;
export const RECORD_SEQNO_AT = 24;
export const RECORD_WALL_AT = 32;
export const RECORD_DURABLE_END_AT = 40;
export const RECORD_FLAGS_AT = 48;

const CRC_BYTES = 4;
const TWO_32 = 4294967296;

assert(SEGMENT_HEADER_BYTES % RECORD_ALIGNMENT === 0, 'the first record must be aligned');
assert(RECORD_HEADER_BYTES % RECORD_ALIGNMENT === 0, 'payloads must be aligned');

export interface SegmentHeader {
  readonly shard: ShardId;
  readonly number: SegmentNumber;
  readonly epoch: Epoch;
  readonly firstSeqno: Seqno;
  /** 0 if there was none. */
  readonly previousSegment: SegmentNumber;
  readonly previousEnd: SegmentOffset;
  readonly createdWallMs: Millis;
}

export type DecodedSegmentHeader =
  | { readonly kind: 'valid'; readonly header: SegmentHeader }
  /** Nothing but zeros, or fewer bytes than a header has. */
  | { readonly kind: 'blank' }
  | { readonly kind: 'damaged'; readonly reason: string };

export interface RecordHeader {
  readonly segment: SegmentNumber;
  readonly operationCount: number;
  readonly epoch: Epoch;
  readonly firstSeqno: Seqno;
  readonly wallClockMs: Millis;
  readonly durableEnd: SegmentOffset;
}

/** Bytes a record takes in the file: header, payload, padding. */
export function recordSpan(payloadLength: number): number {
  return (RECORD_HEADER_BYTES + payloadLength + RECORD_ALIGNMENT - 1) & -RECORD_ALIGNMENT;
}

/** Seqnos a record takes: a record without operations still takes one, so that seqnos strictly grow. */
export function seqnosTaken(operationCount: number): number {
  return operationCount === 0 ? 1 : operationCount;
}

/** The segment word of a record. */
export function segmentWord(segment: SegmentNumber): number {
  return segment >>> 0;
}

export function readU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

function writeU64(view: DataView, at: number, value: number): void {
  // Five times per record: no closure for a message that is hardly ever needed, and >>> instead of a slow %.
  if (!Number.isSafeInteger(value) || value < 0) assert(false, `${value} does not fit a WAL field`);
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, (value / TWO_32) >>> 0, true);
}

/** Writes a whole record at `at`; `bytes` and `view` cover the same buffer. Returns its span. */
export function encodeRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  header: RecordHeader,
  payload: Uint8Array,
): number {
  const end = at + RECORD_HEADER_BYTES + payload.length;
  const span = recordSpan(payload.length);
  view.setUint32(at + RECORD_LENGTH_AT, payload.length, true);
  view.setUint32(at + RECORD_SEGMENT_AT, segmentWord(header.segment), true);
  view.setUint32(at + RECORD_COUNT_AT, header.operationCount, true);
  writeU64(view, at + RECORD_EPOCH_AT, header.epoch);
  writeU64(view, at + RECORD_SEQNO_AT, header.firstSeqno);
  writeU64(view, at + RECORD_WALL_AT, header.wallClockMs);
  writeU64(view, at + RECORD_DURABLE_END_AT, header.durableEnd);
  writeU64(view, at + RECORD_FLAGS_AT, 0);
  bytes.set(payload, at + RECORD_HEADER_BYTES);
  if (end < at + span) bytes.fill(0, end, at + span);
  view.setUint32(at + RECORD_CRC_AT, crc32(bytes.subarray(at + CRC_BYTES, end)), true);
  return span;
}

/** True if the bytes of the record at `at` match its crc. The caller has checked that all of them are there. */
export function recordChecksumMatches(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  payloadLength: number,
): boolean {
  const covered = bytes.subarray(at + CRC_BYTES, at + RECORD_HEADER_BYTES + payloadLength);
  return view.getUint32(at + RECORD_CRC_AT, true) === crc32(covered);
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < SEGMENT_MAGIC.length; i++) bytes[i] = SEGMENT_MAGIC.charCodeAt(i);
  view.setUint32(SEGMENT_VERSION_AT, SEGMENT_FORMAT_VERSION, true);
  view.setUint32(SEGMENT_SHARD_AT, header.shard, true);
  writeU64(view, SEGMENT_NUMBER_AT, header.number);
  writeU64(view, SEGMENT_EPOCH_AT, header.epoch);
  writeU64(view, SEGMENT_FIRST_SEQNO_AT, header.firstSeqno);
  writeU64(view, SEGMENT_PREVIOUS_AT, header.previousSegment);
  writeU64(view, SEGMENT_PREVIOUS_END_AT, header.previousEnd);
  writeU64(view, SEGMENT_CREATED_AT, header.createdWallMs);
  view.setUint32(SEGMENT_CRC_AT, crc32(bytes.subarray(0, SEGMENT_CRC_AT)), true);
  return bytes;
}

/** `bytes` are the first SEGMENT_HEADER_BYTES of the file, or all of a shorter one. */
export function decodeSegmentHeader(bytes: Uint8Array): DecodedSegmentHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.every((byte) => byte === 0)) return { kind: 'blank' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES);
  for (let i = 0; i < SEGMENT_MAGIC.length; i++) {
    if (bytes[i] !== SEGMENT_MAGIC.charCodeAt(i))
      return { kind: 'damaged', reason: 'not a WAL segment (magic)' };
  }
  if (view.getUint32(SEGMENT_CRC_AT, true) !== crc32(bytes.subarray(0, SEGMENT_CRC_AT))) {
    return { kind: 'damaged', reason: 'the segment header does not match its checksum' };
  }
  const version = view.getUint32(SEGMENT_VERSION_AT, true);
  if (version !== SEGMENT_FORMAT_VERSION) {
    return {
      kind: 'damaged',
      reason: `format version ${version}, this program knows ${SEGMENT_FORMAT_VERSION}`,
    };
  }
  return {
    kind: 'valid',
    header: {
      shard: view.getUint32(SEGMENT_SHARD_AT, true) as ShardId,
      number: readU64(view, SEGMENT_NUMBER_AT) as SegmentNumber,
      epoch: readU64(view, SEGMENT_EPOCH_AT) as Epoch,
      firstSeqno: readU64(view, SEGMENT_FIRST_SEQNO_AT) as Seqno,
      previousSegment: readU64(view, SEGMENT_PREVIOUS_AT) as SegmentNumber,
      previousEnd: readU64(view, SEGMENT_PREVIOUS_END_AT) as SegmentOffset,
      createdWallMs: readU64(view, SEGMENT_CREATED_AT) as Millis,
    },
  };
}
