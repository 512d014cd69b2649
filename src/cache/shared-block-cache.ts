/**
 * The block cache that all threads of the process share. Each thread opens it once with an id of its own. Nothing here
 * waits: a segment that another thread stays in is a miss (segment-lock.ts). Layout in block-cache-format.ts.
 */
import { assert } from '../base/assert.js';
import { highWord, lowWord } from '../base/bytes.js';
import { type BlockCache, NO_BLOCK_CACHE } from './block-cache.js';
import {
  BLOCK_DATA,
  BLOCK_FILE,
  BLOCK_LENGTH,
  BLOCK_OFFSET,
  BLOCK_SHARD,
  type BlockCacheBuffers,
  hashBlock,
  segmentOfBlock,
  segmentPlaces,
} from './block-cache-format.js';
import { CacheSegment } from './segment.js';
import {
  CELL_DECLINED,
  CELL_HITS,
  CELL_INSERTS,
  CELL_REQUESTS,
  SEGMENT_CONTENDED_INSERTS,
  SEGMENT_CONTENDED_READS,
} from './segment-format.js';
import { lockOwner, NO_OWNER, tryLock, unlock } from './segment-lock.js';

const ABSENT = -1;

/**
 * Opens the cache for the calling thread. `owner`: an id that no other thread of the process has or had, 1 or more
 * (worker_threads' threadId + 1). Buffers without memory give NO_BLOCK_CACHE.
 */
export function openSharedBlockCache(buffers: BlockCacheBuffers, owner: number): BlockCache {
  return buffers.length === 0 ? NO_BLOCK_CACHE : new SharedBlockCache(buffers, owner);
}

/**
 * Frees what a dead thread held. Its segments are emptied first: it may have died in the middle of a change. Only when the
 * thread has really ended (its 'exit' event). Returns the number of segments, 0 or 1 unless ids were reused.
 */
export function releaseLocksOf(buffers: BlockCacheBuffers, owner: number): number {
  let released = 0;
  for (const { slab, byteOffset, byteLength } of segmentPlaces(buffers)) {
    const words = new Int32Array(slab, byteOffset, byteLength / 4);
    if (lockOwner(words) !== owner) continue;
    new CacheSegment(slab, byteOffset, byteLength).clear();
    unlock(words);
    released++;
  }
  return released;
}

export class SharedBlockCache implements BlockCache {
  /** Largest block that is taken, in bytes. */
  readonly blockBytesMax: number;
  private readonly segments: readonly CacheSegment[];

  /** See openSharedBlockCache(). The buffers must not be empty. */
  constructor(
    buffers: BlockCacheBuffers,
    private readonly owner: number,
  ) {
    assert(
      Number.isInteger(owner) && owner > NO_OWNER && owner <= 0x7fffffff,
      () => `block cache owner ${owner}`,
    );
    this.segments = segmentPlaces(buffers).map(
      ({ slab, byteOffset, byteLength }) => new CacheSegment(slab, byteOffset, byteLength),
    );
    this.blockBytesMax = (this.segments[0].entryWordsMax - BLOCK_DATA) * 4;
  }

  read(shard: number, fileNumber: number, blockOffset: number, into: Uint8Array): number {
    const hash = hashBlock(shard, fileNumber, blockOffset);
    const segment = this.segments[segmentOfBlock(hash, this.segments.length)];
    const { words, cells } = segment;
    if (!tryLock(words, this.owner)) {
      Atomics.add(words, SEGMENT_CONTENDED_READS, 1);
      return ABSENT;
    }
    cells[CELL_REQUESTS]++;
    const entry = entryOf(segment, hash, shard, fileNumber, blockOffset);
    let length = ABSENT;
    if (entry !== ABSENT) {
      cells[CELL_HITS]++;
      segment.touch(entry);
      length = words[entry + BLOCK_LENGTH];
      if (length <= into.length) {
        // Made by the constructor, which takes less time than subarray().
        const { buffer, byteOffset } = segment.bytes;
        into.set(new Uint8Array(buffer, byteOffset + (entry + BLOCK_DATA) * 4, length));
      }
    }
    unlock(words);
    return length;
  }

  insert(shard: number, fileNumber: number, blockOffset: number, bytes: Uint8Array, length: number): void {
    assert(
      length >= 0 && length <= bytes.length,
      () => `a block of ${length} bytes in an array of ${bytes.length}`,
    );
    const hash = hashBlock(shard, fileNumber, blockOffset);
    const segment = this.segments[segmentOfBlock(hash, this.segments.length)];
    const { words, cells } = segment;
    // Made before the lock is taken: what can throw or collect garbage has no place inside.
    const block = bytes.length === length ? bytes : bytes.subarray(0, length);
    if (!tryLock(words, this.owner)) {
      Atomics.add(words, SEGMENT_CONTENDED_INSERTS, 1);
      return;
    }
    if (length > this.blockBytesMax) cells[CELL_DECLINED]++;
    else if (entryOf(segment, hash, shard, fileNumber, blockOffset) === ABSENT) {
      const entry = segment.admit(hash, BLOCK_DATA + ((length + 7) >> 3) * 2, false);
      words[entry + BLOCK_SHARD] = shard;
      words[entry + BLOCK_FILE] = fileNumber;
      words[entry + BLOCK_OFFSET] = lowWord(blockOffset);
      words[entry + BLOCK_OFFSET + 1] = highWord(blockOffset);
      words[entry + BLOCK_LENGTH] = length;
      segment.bytes.set(block, (entry + BLOCK_DATA) * 4);
      cells[CELL_INSERTS]++;
    }
    unlock(words);
  }
}

/** The entry of a block, or ABSENT. The segment is locked. */
function entryOf(
  segment: CacheSegment,
  hash: number,
  shard: number,
  fileNumber: number,
  blockOffset: number,
): number {
  const { index, words } = segment;
  const low = lowWord(blockOffset) | 0;
  const high = highWord(blockOffset) | 0;
  for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) {
    const entry = index.entryAt(slot);
    if (
      words[entry + BLOCK_SHARD] === shard &&
      words[entry + BLOCK_FILE] === (fileNumber | 0) &&
      words[entry + BLOCK_OFFSET] === low &&
      words[entry + BLOCK_OFFSET + 1] === high
    ) {
      return entry;
    }
  }
  return ABSENT;
}
