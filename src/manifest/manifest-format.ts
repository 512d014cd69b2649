/**
 * Manifest files, format version 1. This file is the specification; manifest-writer.ts and manifest-reader.ts follow it.
 *
 * A manifest is one file, `MANIFEST-<number, 10 decimal digits>`: a header, then records, each a version edit
 * (version-edit.ts). The first record is a snapshot: an edit that leads from nothing to a whole version. All integers are
 * little-endian; a u64 is below 2^53 and stored as two u32, low word first.
 *
 * Header, 32 bytes:
 *
 *   offset size field
 *        0    8 magic "LumaMft\0"
 *        8    4 format version (1)
 *       12    4 shard
 *       16    4 manifest number; equals the number in the file name
 *       20    8 zero
 *       28    4 crc32 of bytes [0, 28)
 *
 * Records follow from offset 32. Each starts at a multiple of 8 and is zero-padded to the next multiple of 8:
 *
 *        0    4 crc32 of bytes [4, 32 + payload length); the padding is not covered
 *        4    4 payload length, at most 2^31 - 1
 *        8    8 sequence number: one more than that of the record before; goes on from one manifest to the next
 *       16    8 offset of this record in its file. Every byte below it was synced before this record was written
 *       24    4 manifest number
 *       28    4 zero
 *       32      payload: a version edit
 *
 * Behind the last record stands a seal, 24 bytes. It is written after the sync of that record returned, is not synced
 * itself, and the next record overwrites it:
 *
 *        0    4 crc32 of bytes [4, 24)
 *        4    4 0xffffffff, a length that no record has
 *        8    8 offset of this seal: every byte below it was synced
 *       16    4 manifest number
 *       20    4 zero
 *
 * Behind the seal the file is zero: space allocated ahead, so that a full disk is noticed before a record is begun.
 *
 * The manifest ends at the first place P where no valid record starts: its crc matches, offset and manifest number are its
 * own, and its sequence number follows. What P is depends on what else knows of it:
 *
 * - the header or the first record is bad: damage, for a file gets its name after both were synced;
 * - a valid record or a valid seal stands behind P: it is a witness that P was synced: damage;
 * - P holds a seal and then only zeros to the end of the file: the clean end. The next record goes to P;
 * - P holds only zeros to the end of the file: all is there, but nothing says that the last record was synced;
 * - otherwise P begins a record whose sync never returned, so nobody was told that it was written. It is dropped.
 *
 * In the last two cases the file is never appended to again: the next open writes a new manifest.
 *
 * A bad last record without a seal behind it is thus taken for a torn one. That takes both a crash between the sync of
 * the record and the write of its seal (or a power cut before the operating system wrote the seal back), and rot.
 *
 * `CURRENT` names the manifest that counts: `MANIFEST-<10 digits> <crc32 of that name, 8 hex digits>\n`, 29 bytes,
 * replaced atomically. A manifest is written as `MANIFEST-<10 digits>.tmp`, synced and then renamed.
 *
 * Worked example: shard 2, manifest 5, and its first record with sequence number 9, which says that the next file number is
 * 3, then its seal:
 *
 *   4c 75 6d 61 4d 66 74 00 01 00 00 00 02 00 00 00
 *   05 00 00 00 00 00 00 00 00 00 00 00 46 de 57 ef
 *   85 f8 f1 f2 0d 00 00 00 09 00 00 00 00 00 00 00
 *   20 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00
 *   04 08 00 00 00 03 00 00 00 00 00 00 00 00 00 00
 *   ff 39 46 7f ff ff ff ff 50 00 00 00 00 00 00 00
 *   05 00 00 00 00 00 00 00
 */
import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.js';
import type { ShardId } from '../base/brand.js';
import { fromWords, highWord, lowWord } from '../base/bytes.js';
import { MANIFEST_FORMAT_VERSION } from './version-edit.js';

export const MANIFEST_MAGIC = 'LumaMft\0';
export const MANIFEST_HEADER_BYTES = 32;
export const RECORD_HEADER_BYTES = 32;
export const RECORD_ALIGNMENT = 8;
export const RECORD_PAYLOAD_BYTES_MAX = 2 ** 31 - 1;
export const SEAL_BYTES = 24;

const HEADER_VERSION_AT = 8;
const HEADER_SHARD_AT = 12;
const HEADER_NUMBER_AT = 16;
const HEADER_CRC_AT = 28;

/** Records and seals share the place of crc and length. */
const CRC_AT = 0;
const LENGTH_AT = 4;
const CRC_BYTES = 4;
const RECORD_SEQUENCE_AT = 8;
const RECORD_OFFSET_AT = 16;
const RECORD_NUMBER_AT = 24;

const SEAL_LENGTH_WORD = 0xffffffff;
const SEAL_OFFSET_AT = 8;
const SEAL_NUMBER_AT = 16;

assert(MANIFEST_HEADER_BYTES % RECORD_ALIGNMENT === 0, 'the first record must be aligned');
assert(SEAL_LENGTH_WORD > RECORD_PAYLOAD_BYTES_MAX, 'no record may look like a seal');

/** What tells a record of one manifest from every other. */
export interface RecordPlace {
  /** Number of the manifest. */
  readonly manifest: number;
  /** Offset in its file. */
  readonly offset: number;
}

export interface RecordHeader {
  readonly payloadLength: number;
  readonly sequence: number;
}

/** Bytes a record takes in the file: header, payload, padding. */
export function recordSpan(payloadLength: number): number {
  return Math.ceil((RECORD_HEADER_BYTES + payloadLength) / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
}

export function encodeHeader(shard: ShardId, manifest: number): Uint8Array {
  const bytes = new Uint8Array(MANIFEST_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MANIFEST_MAGIC.length; i++) bytes[i] = MANIFEST_MAGIC.charCodeAt(i);
  view.setUint32(HEADER_VERSION_AT, MANIFEST_FORMAT_VERSION, true);
  view.setUint32(HEADER_SHARD_AT, shard, true);
  view.setUint32(HEADER_NUMBER_AT, manifest, true);
  view.setUint32(HEADER_CRC_AT, crc32(bytes.subarray(0, HEADER_CRC_AT)), true);
  return bytes;
}

/** A whole record, padding included. */
export function encodeRecord(place: RecordPlace, sequence: number, payload: Uint8Array): Uint8Array {
  assert(payload.length <= RECORD_PAYLOAD_BYTES_MAX, 'a version edit is larger than a record can be');
  const bytes = new Uint8Array(recordSpan(payload.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(LENGTH_AT, payload.length, true);
  writeU64(view, RECORD_SEQUENCE_AT, sequence);
  writeU64(view, RECORD_OFFSET_AT, place.offset);
  view.setUint32(RECORD_NUMBER_AT, place.manifest, true);
  bytes.set(payload, RECORD_HEADER_BYTES);
  const covered = bytes.subarray(CRC_BYTES, RECORD_HEADER_BYTES + payload.length);
  view.setUint32(CRC_AT, crc32(covered), true);
  return bytes;
}

export function encodeSeal(place: RecordPlace): Uint8Array {
  const bytes = new Uint8Array(SEAL_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(LENGTH_AT, SEAL_LENGTH_WORD, true);
  writeU64(view, SEAL_OFFSET_AT, place.offset);
  view.setUint32(SEAL_NUMBER_AT, place.manifest, true);
  view.setUint32(CRC_AT, crc32(bytes.subarray(CRC_BYTES)), true);
  return bytes;
}

/** Why the header of a manifest is not what it should be; undefined if it is. */
export interface HeaderProblem {
  readonly offset: number;
  readonly reason: string;
  readonly expected: string | number;
  readonly got: string | number;
}

/** `bytes` is the whole file. */
export function problemOfHeader(
  bytes: Uint8Array,
  shard: ShardId,
  manifest: number,
): HeaderProblem | undefined {
  if (bytes.length < MANIFEST_HEADER_BYTES)
    return problem(bytes.length, 'the header is cut off', `${MANIFEST_HEADER_BYTES} bytes`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, MANIFEST_HEADER_BYTES);
  const magic = String.fromCharCode(...bytes.subarray(0, MANIFEST_MAGIC.length));
  if (magic !== MANIFEST_MAGIC) return problem(0, 'not a manifest', hex(MANIFEST_MAGIC), hex(magic));
  const stored = view.getUint32(HEADER_CRC_AT, true);
  const computed = crc32(bytes.subarray(0, HEADER_CRC_AT));
  if (stored !== computed)
    return problem(HEADER_CRC_AT, 'the header does not match its checksum', computed, stored);
  const version = view.getUint32(HEADER_VERSION_AT, true);
  if (version !== MANIFEST_FORMAT_VERSION)
    return problem(HEADER_VERSION_AT, 'unknown format version', MANIFEST_FORMAT_VERSION, version);
  const ofShard = view.getUint32(HEADER_SHARD_AT, true);
  if (ofShard !== shard) return problem(HEADER_SHARD_AT, 'it belongs to another shard', shard, ofShard);
  const number = view.getUint32(HEADER_NUMBER_AT, true);
  if (number !== manifest) return problem(HEADER_NUMBER_AT, 'it has another number', manifest, number);
  return undefined;
}

/** The header of the record at `place`, if a whole one is there; whether its sequence fits is for the caller to say. */
export function recordAt(bytes: Uint8Array, view: DataView, place: RecordPlace): RecordHeader | undefined {
  const { offset } = place;
  if (offset + RECORD_HEADER_BYTES > bytes.length) return undefined;
  // The cheap comparisons first: a search behind damage asks for every eighth byte of the file.
  if (view.getUint32(offset + RECORD_NUMBER_AT, true) !== place.manifest) return undefined;
  if (readU64(view, offset + RECORD_OFFSET_AT) !== offset) return undefined;
  const payloadLength = view.getUint32(offset + LENGTH_AT, true);
  if (payloadLength > bytes.length - offset - RECORD_HEADER_BYTES) return undefined;
  const covered = bytes.subarray(offset + CRC_BYTES, offset + RECORD_HEADER_BYTES + payloadLength);
  if (view.getUint32(offset + CRC_AT, true) !== crc32(covered)) return undefined;
  return { payloadLength, sequence: readU64(view, offset + RECORD_SEQUENCE_AT) };
}

/** The checksum that the bytes at `offset` claim, and the one they have; as far as a record header is there. */
export function checksumsAt(bytes: Uint8Array, view: DataView, offset: number): HeaderProblem {
  if (offset + RECORD_HEADER_BYTES > bytes.length)
    return problem(offset, 'a record is cut off', `${RECORD_HEADER_BYTES} bytes`, bytes.length - offset);
  const payloadLength = view.getUint32(offset + LENGTH_AT, true);
  const room = bytes.length - offset - RECORD_HEADER_BYTES;
  if (payloadLength > room)
    return problem(offset, 'a record is longer than the file', `at most ${room} bytes`, payloadLength);
  const covered = bytes.subarray(offset + CRC_BYTES, offset + RECORD_HEADER_BYTES + payloadLength);
  return problem(
    offset,
    'a record does not match its checksum, place or order',
    crc32(covered),
    view.getUint32(offset + CRC_AT, true),
  );
}

export function isSealAt(bytes: Uint8Array, view: DataView, place: RecordPlace): boolean {
  const { offset } = place;
  if (offset + SEAL_BYTES > bytes.length) return false;
  if (view.getUint32(offset + LENGTH_AT, true) !== SEAL_LENGTH_WORD) return false;
  if (view.getUint32(offset + SEAL_NUMBER_AT, true) !== place.manifest) return false;
  if (readU64(view, offset + SEAL_OFFSET_AT) !== offset) return false;
  return (
    view.getUint32(offset + CRC_AT, true) === crc32(bytes.subarray(offset + CRC_BYTES, offset + SEAL_BYTES))
  );
}

function readU64(view: DataView, at: number): number {
  return fromWords(view.getUint32(at, true), view.getUint32(at + 4, true));
}

function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, lowWord(value), true);
  view.setUint32(at + 4, highWord(value), true);
}

function problem(
  offset: number,
  reason: string,
  expected: string | number,
  got: string | number,
): HeaderProblem {
  return { offset, reason, expected, got };
}

function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}
