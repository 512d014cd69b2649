/**
 * Cache segment: a piece of shared memory that keeps entries of any size and throws the least useful ones out. The row
 * cache is one segment; the block cache is many, each behind its own lock. A segment is private to whoever holds its
 * lock (or owns it): all fields are plain, except those named "Atomics".
 *
 * Layout (int32 words from the start of the segment, little endian; rings and entries count in words as well)
 *
 *   word   field               how
 *   0      LOCK                Atomics; 0 = free, else the owner id of the thread inside (segment-lock.ts)
 *   1      CONTENDED_READS     Atomics; reads that did not get the lock
 *   2      CONTENDED_INSERTS   Atomics; inserts that did not get the lock
 *   16     SEGMENT_BYTES       constant
 *   17     INDEX_SIZE          constant; slots of the index, a power of two
 *   18     GHOSTS              constant; words of the ghost list, a power of two
 *   19     ENTRIES             live entries
 *   20     SMALL               ring of 5 words, below
 *   28     MAIN                ring of 5 words
 *   36     counters            CELLS_COUNT float64 cells: REQUESTS HITS STALE INSERTS EVICTIONS DECLINED
 *   64     index               INDEX_SIZE slots of 2 words: hash, entry (0 = empty)
 *   ...    ghost list          hashes of entries that left the small ring unread; 0 = none
 *   ...    small ring          1/8 of the rest
 *   ...    main ring           7/8 of the rest, to the end of the segment
 *
 * Ring: START, END (constant), HEAD (where the next entry goes), TAIL (the oldest entry), USED (words between the two,
 * fillers included). HEAD = TAIL means full or empty, USED tells which. Entries never wrap around END: a filler takes the
 * rest.
 *
 * Entry: an even number of words at an even word, and so 8-byte aligned, which is what makes copies out of it fast.
 *
 *   +0  SIZE    words, this header included
 *   +1  STATE   bits 0..1 times read since it was last looked at (0 to 3), bit 2 in the main ring, bit 3 live
 *               0 = dead: a filler, or an entry that was removed; of a filler only SIZE and STATE exist
 *   +2  HASH    of its key
 *   +3  ...     up to the cache: its key and value
 *
 * Example: a block cache entry of 24 bytes payload is 14 words. As the first one of its segment, never read, with hash
 * 0x0000abcd, it starts with
 *
 *   0e 00 00 00  08 00 00 00  cd ab 00 00  ...
 *
 * Who stays is decided as in S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023): see
 * segment.ts.
 */
import { assert } from '../base/assert.js';

export const SEGMENT_LOCK = 0;
export const SEGMENT_CONTENDED_READS = 1;
export const SEGMENT_CONTENDED_INSERTS = 2;
export const SEGMENT_BYTES = 16;
export const SEGMENT_INDEX_SIZE = 17;
export const SEGMENT_GHOSTS = 18;
export const SEGMENT_ENTRIES = 19;
export const SEGMENT_SMALL = 20;
export const SEGMENT_MAIN = 28;
const SEGMENT_CELLS = 36;
export const SEGMENT_INDEX = 64;

export const RING_START = 0;
export const RING_END = 1;
export const RING_HEAD = 2;
export const RING_TAIL = 3;
export const RING_USED = 4;
const RING_WORDS = 5;

/** In float64 cells from the start of the segment: plain stores by whoever is inside, read by anyone at any time. */
export const CELL_REQUESTS = SEGMENT_CELLS / 2;
export const CELL_HITS = CELL_REQUESTS + 1;
/** Row cache: found, but with another stamp. */
export const CELL_STALE = CELL_REQUESTS + 2;
export const CELL_INSERTS = CELL_REQUESTS + 3;
/** Entries that had to go to make room. */
export const CELL_EVICTIONS = CELL_REQUESTS + 4;
/** Entries too large to be taken. */
export const CELL_DECLINED = CELL_REQUESTS + 5;
const CELLS_COUNT = 6;

export const ENTRY_SIZE = 0;
export const ENTRY_STATE = 1;
export const ENTRY_HASH = 2;
/** Words before a cache's own fields. */
export const ENTRY_HEADER_WORDS = 3;

/** An entry's reads; counted to no more than this. */
export const STATE_READS_MAX = 3;
export const STATE_IN_MAIN = 1 << 2;
export const STATE_LIVE = 1 << 3;

/** Smallest segment that is worth having. */
export const SEGMENT_BYTES_MIN = 16 * 1024;
/** Word numbers and byte offsets in a segment are int32. */
export const SEGMENT_BYTES_MAX = 1 << 30;

/** Fullest the index may get: above it linear probing grows long, and entries go although there is room for them. */
const INDEX_LOAD_MAX = 0.75;
/** The small ring is this part of both rings together. */
const SMALL_SHARE = 1 / 8;

assert(SEGMENT_CELLS % 2 === 0, 'counters are 8-byte aligned');
assert(SEGMENT_MAIN >= SEGMENT_SMALL + RING_WORDS, 'the rings do not overlap');
assert(SEGMENT_CELLS >= SEGMENT_MAIN + RING_WORDS, 'rings and counters do not overlap');
assert(SEGMENT_INDEX >= SEGMENT_CELLS + CELLS_COUNT * 2, 'counters and index do not overlap');

/** Live entries that a segment with this index can hold. */
export function entriesMax(indexSize: number): number {
  return Math.floor(indexSize * INDEX_LOAD_MAX);
}

/**
 * Writes the constants of an empty segment into zeroed memory. `byteLength`: a multiple of 8 in range;
 * `bytesPerSlot`: how much cache there is to one index slot. Average entries of less than 4/3 of it do not fill the cache.
 */
export function formatSegment(
  sab: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number,
  bytesPerSlot: number,
): void {
  assert(
    byteLength % 8 === 0 && byteLength >= SEGMENT_BYTES_MIN && byteLength <= SEGMENT_BYTES_MAX,
    () => `a cache segment of ${byteLength} bytes`,
  );
  const words = new Int32Array(sab, byteOffset, byteLength / 4);
  const indexSize = 2 ** Math.floor(Math.log2(byteLength / bytesPerSlot));
  const ghosts = indexSize / 2;
  const ringsStart = SEGMENT_INDEX + indexSize * 2 + ghosts;
  const mainStart = ringsStart + 2 * Math.floor(((words.length - ringsStart) * SMALL_SHARE) / 2);
  assert(ghosts >= 2 && ringsStart % 2 === 0, 'entries are 8-byte aligned');
  words[SEGMENT_BYTES] = byteLength;
  words[SEGMENT_INDEX_SIZE] = indexSize;
  words[SEGMENT_GHOSTS] = ghosts;
  formatRing(words, SEGMENT_SMALL, ringsStart, mainStart);
  formatRing(words, SEGMENT_MAIN, mainStart, words.length);
}

function formatRing(words: Int32Array, ring: number, start: number, end: number): void {
  words[ring + RING_START] = start;
  words[ring + RING_END] = end;
  words[ring + RING_HEAD] = start;
  words[ring + RING_TAIL] = start;
}
