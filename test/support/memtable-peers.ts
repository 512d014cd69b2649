/** What the threads of the memtable hammer agree on: keys, and values that say what they are. */

import { fromWords, highWord, lowWord } from '../../src/base/bytes.js';
import { hashKey } from '../../src/base/hash.js';
import type { MemtablePoolBuffers } from '../../src/memtable/pool-format.js';
import { utf8 } from './text.js';

export const HAMMER_COLLECTIONS = [1, 2] as const;
/** Body bytes of a value, at most. */
export const BODY_BYTES_MAX = 2048;

export interface MemtablePeerData {
  readonly buffers: MemtablePoolBuffers;
  /** One int32: 1 = stop. */
  readonly stop: SharedArrayBuffer;
  /** An int32 each: 1 once that thread has done enough for a run to mean something. 0 is the writer, others are readers. */
  readonly reached: SharedArrayBuffer;
  /** That is enough for the writer. */
  readonly rotationsMin: number;
  readonly seed: number;
  readonly readerIndex: number;
  /** False: the reader looks without pinning, which must go wrong. */
  readonly pins: boolean;
}

export interface MemtableWriterResult {
  readonly writes: number;
  readonly rotations: number;
  readonly waits: number;
}

export interface MemtableReaderResult {
  readonly gets: number;
  readonly found: number;
  readonly deleted: number;
  readonly scanned: number;
  readonly scans: number;
  readonly fault?: string;
}

/** Whether a reader has met all there is to meet, often. */
export const hasReadEnough = ({ found, deleted, scanned }: MemtableReaderResult): boolean =>
  found > 1000 && deleted > 10 && scanned > 1000;

/** 600 keys of 1 to 60 bytes, many with a shared prefix longer than the skiplist's inline one. */
export const HAMMER_KEYS: readonly Uint8Array[] = Array.from({ length: 600 }, (_, i) => {
  const stem =
    i % 3 === 0 ? '' : i % 3 === 1 ? 'shared-prefix-' : 'shared-prefix-that-is-longer-than-the-others-';
  return utf8(`${stem}${i}`);
}).sort((a, b) => Buffer.compare(a, b));

/**
 * A value, little endian: 0 key index, 4 collection, 8 seqno (2 words), 16 value bytes, 20 checksum of the rest;
 * 24 body.
 */
export const VALUE_HEADER_BYTES = 24;
const CHECKSUM_AT = 20;

/** Fills `value` and returns its length. */
export function encodeValue(
  value: Uint8Array,
  key: number,
  collection: number,
  seqno: number,
  body: number,
): number {
  const length = VALUE_HEADER_BYTES + body;
  const view = new DataView(value.buffer, value.byteOffset);
  view.setUint32(0, key, true);
  view.setUint32(4, collection, true);
  view.setUint32(8, lowWord(seqno), true);
  view.setUint32(12, highWord(seqno), true);
  view.setUint32(16, length, true);
  for (let i = VALUE_HEADER_BYTES; i < length; i++) value[i] = seqno + i * 7;
  view.setInt32(CHECKSUM_AT, checksumOf(value, 0, length), true);
  return length;
}

/** What is wrong with a value that should be one of `key` in `collection`; undefined if nothing is. */
export function faultOfValue(
  bytes: Uint8Array,
  offset: number,
  length: number,
  key: number,
  collection: number,
  seqno: number,
): string | undefined {
  if (length < VALUE_HEADER_BYTES || offset + length > bytes.length)
    return `a value of ${length} bytes at ${offset}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  const inside = fromWords(view.getUint32(8, true), view.getUint32(12, true));
  if (view.getUint32(0, true) !== key) return `key ${view.getUint32(0, true)} under key ${key}`;
  if (view.getUint32(4, true) !== collection) return `collection ${view.getUint32(4, true)} in ${collection}`;
  if (inside !== seqno) return `value of seqno ${inside} in version ${seqno}`;
  if (view.getUint32(16, true) !== length)
    return `length ${length} of a value of ${view.getUint32(16, true)}`;
  if (view.getInt32(CHECKSUM_AT, true) !== checksumOf(bytes, offset, length)) return `checksum of key ${key}`;
  return undefined;
}

function checksumOf(bytes: Uint8Array, offset: number, length: number): number {
  return (
    hashKey(1, bytes, offset, CHECKSUM_AT) ^
    hashKey(2, bytes, offset + VALUE_HEADER_BYTES, length - VALUE_HEADER_BYTES)
  );
}
