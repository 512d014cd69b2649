/**
 * The lock of a cache segment: one word, 0 or the id of the thread inside. It is only ever tried, for about as long as a
 * copy of one block takes, because whoever does not get it can do without: a read is a miss, an insert is dropped.
 *
 * A thread that dies inside leaves its id behind. Nobody enters that segment any more, and nobody waits for it, until the
 * supervisor, when it knows the thread to be gone, empties the segment and frees the lock (releaseLocksOf).
 *
 * Acquire and release are sequentially consistent, so what was stored inside by one holder is seen by the next one.
 */
import { SEGMENT_LOCK } from './segment-format.js';

export const NO_OWNER = 0;
/** Looks at a lock that is held before giving up: together ~0.5 µs, the time a holder needs for a block. */
const LOOKS_MAX = 64;

/** Enters a segment, given its words. False when another thread stays inside. */
export function tryLock(words: Int32Array, owner: number): boolean {
  for (let look = 0; look < LOOKS_MAX; look++) {
    // Looks before it swaps: a swap takes the cache line away from the holder.
    if (Atomics.load(words, SEGMENT_LOCK) !== NO_OWNER) continue;
    if (Atomics.compareExchange(words, SEGMENT_LOCK, NO_OWNER, owner) === NO_OWNER) return true;
  }
  return false;
}

/** Leaves a segment that tryLock() entered. */
export function unlock(words: Int32Array): void {
  Atomics.store(words, SEGMENT_LOCK, NO_OWNER);
}

/** Who is inside, or NO_OWNER. */
export function lockOwner(words: Int32Array): number {
  return Atomics.load(words, SEGMENT_LOCK);
}
