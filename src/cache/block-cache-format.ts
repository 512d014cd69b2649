/**
 * Block cache: blocks of SSTables, shared by all threads of the process. A block belongs to one of many segments
 * (segment-format.ts) by its hash; a segment is locked for each read and insert, and everything is copied in or out under
 * the lock.
 *
 * The memory is a list of slabs (SharedArrayBuffers), since one is limited to 4 GiB and offsets in it to int32. A slab is a
 * whole number of segments of equal size, one behind the other, nothing else. Segments are numbered through all slabs:
 *
 *   segment of a block = floor(hash * segments / 2^32)
 *
 * Segments are powers of two, 256 to 511 of them where the cache is large enough for segments of 256 KiB: threads rarely
 * meet in one then. The last, incomplete segment's worth of memory is not allocated.
 *
 * Entry (words; behind SIZE, STATE and HASH; HASH = hashBlock of the four words below)
 *
 *   +3  SHARD          number of the shard
 *   +4  FILE           number of the table's file, uint32
 *   +5  OFFSET         of the block in the file, bytes; 2 words, low first
 *   +7  BLOCK_LENGTH   bytes
 *   +8  the block's bytes
 *
 * Blocks never change and file numbers are never reused in a shard, so an entry is right for as long as it is there.
 */
import { assert } from '../base/assert.js';
import { highWord, lowWord } from '../base/bytes.js';
import { DbError } from '../base/errors.js';
import {
  ENTRY_HEADER_WORDS,
  formatSegment,
  SEGMENT_BYTES,
  SEGMENT_BYTES_MAX,
  SEGMENT_BYTES_MIN,
} from './segment-format.js';

export const BLOCK_SHARD = ENTRY_HEADER_WORDS;
export const BLOCK_FILE = ENTRY_HEADER_WORDS + 1;
export const BLOCK_OFFSET = ENTRY_HEADER_WORDS + 2;
export const BLOCK_LENGTH = ENTRY_HEADER_WORDS + 4;
export const BLOCK_DATA = ENTRY_HEADER_WORDS + 5;

const SLAB_BYTES_MAX = SEGMENT_BYTES_MAX;
/** Segments are halved until there are this many, or until they are this small. */
const SEGMENTS_WANTED = 256;
const SEGMENT_BYTES_WANTED = 256 * 1024;
/** A slot per 512 bytes: 1/64 of the memory, and blocks of 700 bytes or more fill the rest. */
const BYTES_PER_SLOT = 512;

/** Below this a block cache keeps nothing, and has no memory. */
export const BLOCK_CACHE_BYTES_MIN = 64 * 1024;
/** Largest block cache, in bytes: 256 segments of the largest kind. */
export const BLOCK_CACHE_BYTES_MAX = SEGMENTS_WANTED * SEGMENT_BYTES_MAX;

assert(BLOCK_DATA % 2 === 0, 'blocks are 8-byte aligned');
assert(BLOCK_CACHE_BYTES_MIN >= SEGMENT_BYTES_MIN, 'the smallest cache is a segment');

/** The shared memory of a block cache: slabs. Structured-cloneable, so that it can be handed to other threads. */
export type BlockCacheBuffers = readonly SharedArrayBuffer[];

/** Where a segment is. */
export interface SegmentPlace {
  readonly slab: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/**
 * Allocates a block cache of at most `bytes` bytes, everything included; pages cost memory when they are first written. An
 * empty list when `bytes` is below BLOCK_CACHE_BYTES_MIN. Throws DbError('CONFIG') when it is above BLOCK_CACHE_BYTES_MAX or
 * the system does not give that much address space.
 */
export function createSharedBlockCache(bytes: number): BlockCacheBuffers {
  if (!(bytes >= 0 && bytes <= BLOCK_CACHE_BYTES_MAX)) {
    throw new DbError('CONFIG', `a block cache of ${bytes} bytes: the limit is ${BLOCK_CACHE_BYTES_MAX}`, {
      bytes,
      limit: BLOCK_CACHE_BYTES_MAX,
    });
  }
  if (bytes < BLOCK_CACHE_BYTES_MIN) return [];
  const segmentBytes = segmentBytesFor(bytes);
  const segmentsPerSlab = Math.floor(SLAB_BYTES_MAX / segmentBytes);
  const slabs: SharedArrayBuffer[] = [];
  let segmentsLeft = Math.floor(bytes / segmentBytes);
  while (segmentsLeft > 0) {
    const segments = Math.min(segmentsLeft, segmentsPerSlab);
    const slab = allocate(segments * segmentBytes, bytes);
    for (let i = 0; i < segments; i++) formatSegment(slab, i * segmentBytes, segmentBytes, BYTES_PER_SLOT);
    slabs.push(slab);
    segmentsLeft -= segments;
  }
  return slabs;
}

/** All segments, by number. */
export function segmentPlaces(buffers: BlockCacheBuffers): SegmentPlace[] {
  return buffers.flatMap((slab) => {
    const byteLength = new Int32Array(slab)[SEGMENT_BYTES];
    return Array.from({ length: slab.byteLength / byteLength }, (_, i) => ({
      slab,
      byteOffset: i * byteLength,
      byteLength,
    }));
  });
}

/** The segment of a block. Uses the high bits of the hash; the index of a segment mixes them again. */
export function segmentOfBlock(hash: number, segments: number): number {
  return Math.floor(((hash >>> 0) * segments) / 4294967296);
}

/** Hash of a block's name, as an int32: the mixing steps of MurmurHash3 over its words. */
export function hashBlock(shard: number, fileNumber: number, blockOffset: number): number {
  let h = mixWord(shard, fileNumber);
  h = mixWord(h, lowWord(blockOffset));
  h = mixWord(h, highWord(blockOffset));
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function mixWord(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const mixed = h ^ Math.imul(k, 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function segmentBytesFor(bytes: number): number {
  if (bytes < SEGMENT_BYTES_WANTED) return Math.floor(bytes / 64) * 64;
  let segmentBytes = SEGMENT_BYTES_WANTED;
  while (segmentBytes * 2 * SEGMENTS_WANTED <= bytes) segmentBytes *= 2;
  return segmentBytes;
}

function allocate(slabBytes: number, bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(slabBytes);
  } catch (cause) {
    throw new DbError('CONFIG', `no address space for a block cache of ${bytes} bytes`, { bytes }, { cause });
  }
}
