/**
 * Row cache: the documents of SSTables that one front thread has read lately, in shared memory so that sockets can be
 * given views of it. One cache segment (segment-format.ts) from the start of the buffer; its lock is not used, because one
 * thread reads and writes it. Other threads read the counters only.
 *
 * Entry (words; behind SIZE, STATE and HASH; HASH = hashKey(collection, key))
 *
 *   +3   COLLECTION     CollectionId
 *   +4   KEY_LENGTH     bytes
 *   +5   VALUE_LENGTH   bytes
 *   +6   STAMP          of the key's bucket, loaded before the memtables were looked into (write-stamps.ts)
 *   +7   VALUE_AT       byte offset of the value in the entry
 *   +8   SEQNO          2 words, low first
 *   +10  EXPIRES_AT     2 words, low first; database time in seconds, 0 = never
 *   +12  key bytes, and at VALUE_AT the value's: JSON text
 *
 * The value is placed so that its address and the address it is copied from are equal modulo 8: copies between shared and
 * private memory go by words then, else by bytes (1000 bytes: 170 ns against 810 ns).
 */
import { DbError } from '../base/errors.js';
import { ENTRY_HEADER_WORDS, formatSegment, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN } from './segment-format.js';

export const ROW_COLLECTION = ENTRY_HEADER_WORDS;
export const ROW_KEY_LENGTH = ENTRY_HEADER_WORDS + 1;
export const ROW_VALUE_LENGTH = ENTRY_HEADER_WORDS + 2;
export const ROW_STAMP = ENTRY_HEADER_WORDS + 3;
export const ROW_VALUE_AT = ENTRY_HEADER_WORDS + 4;
export const ROW_SEQNO = ENTRY_HEADER_WORDS + 5;
export const ROW_EXPIRES_AT = ENTRY_HEADER_WORDS + 7;
export const ROW_KEY_OFFSET = (ENTRY_HEADER_WORDS + 9) * 4;

/** No value larger than this part of the cache is kept: it would push out too much at once. */
const VALUE_SHARE_MAX = 1 / 64;
/** A slot per 128 bytes: 1/16 of the memory, and documents of 100 bytes or more fill the rest. */
const BYTES_PER_SLOT = 128;

/** Largest row cache of one front, in bytes. */
export const ROW_CACHE_BYTES_MAX = SEGMENT_BYTES_MAX;
/** Below this a row cache keeps nothing. */
export const ROW_CACHE_BYTES_MIN = SEGMENT_BYTES_MIN;

/** Largest value, in bytes, that a cache of this size keeps. */
export function rowValueBytesMax(cacheBytes: number): number {
  return Math.floor(cacheBytes * VALUE_SHARE_MAX);
}

/**
 * Allocates a row cache of at most `bytes` bytes, everything included. Fewer than ROW_CACHE_BYTES_MIN give a cache that
 * keeps nothing. Throws DbError('CONFIG') above ROW_CACHE_BYTES_MAX.
 */
export function createRowCache(bytes: number): SharedArrayBuffer {
  if (!(bytes >= 0 && bytes <= ROW_CACHE_BYTES_MAX)) {
    throw new DbError(
      'CONFIG',
      `a row cache of ${bytes} bytes: the limit is ${ROW_CACHE_BYTES_MAX} per front`,
      {
        bytes,
        limit: ROW_CACHE_BYTES_MAX,
      },
    );
  }
  if (bytes < ROW_CACHE_BYTES_MIN) return new SharedArrayBuffer(0);
  const byteLength = Math.floor(bytes / 8) * 8;
  const sab = new SharedArrayBuffer(byteLength);
  formatSegment(sab, 0, byteLength, BYTES_PER_SLOT);
  return sab;
}
