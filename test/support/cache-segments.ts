/** Walks a cache segment's memory and says what is wrong with its structure, apart from any code of the cache. */
import type { CacheSegment } from '../../src/cache/segment.js';
import {
  ENTRY_HASH,
  ENTRY_SIZE,
  ENTRY_STATE,
  RING_END,
  RING_HEAD,
  RING_START,
  RING_TAIL,
  RING_USED,
  SEGMENT_ENTRIES,
  SEGMENT_INDEX,
  SEGMENT_INDEX_SIZE,
  SEGMENT_MAIN,
  SEGMENT_SMALL,
  STATE_IN_MAIN,
  STATE_LIVE,
} from '../../src/cache/segment-format.js';

/** Places of live entries between a ring's tail and head. Throws when they do not join up. */
function liveEntries(words: Int32Array, ring: number, mainBit: number): number[] {
  const [start, end, head, tail, used] = [RING_START, RING_END, RING_HEAD, RING_TAIL, RING_USED].map(
    (field) => words[ring + field],
  );
  if (used < 0 || used > end - start) throw new Error(`${used} words used in a ring of ${end - start}`);
  const live: number[] = [];
  let at = tail;
  let left = used;
  while (left > 0) {
    const size = words[at + ENTRY_SIZE];
    const state = words[at + ENTRY_STATE];
    if (size < 2 || size % 2 !== 0 || size > left || at + size > end)
      throw new Error(`size ${size} at ${at}`);
    if ((state & STATE_LIVE) !== 0) {
      if ((state & STATE_IN_MAIN) !== mainBit) throw new Error(`state ${state} in the wrong ring`);
      live.push(at);
    } else if (state !== 0) throw new Error(`state ${state} of a dead entry`);
    at += size;
    left -= size;
    if (at === end && left > 0) at = start;
  }
  if (used > 0 && at !== head && !(at === end && head === start))
    throw new Error(`head ${head}, entries end at ${at}`);
  return live;
}

/** Live entries of a segment; throws when rings, index and counts do not agree. */
export function checkSegment({ words, index }: CacheSegment): number {
  const live = [...liveEntries(words, SEGMENT_SMALL, 0), ...liveEntries(words, SEGMENT_MAIN, STATE_IN_MAIN)];
  let indexed = 0;
  for (let slot = 0; slot < words[SEGMENT_INDEX_SIZE]; slot++) {
    if (words[SEGMENT_INDEX + slot * 2 + 1] !== 0) indexed++;
  }
  if (indexed !== live.length)
    throw new Error(`${indexed} entries in the index, ${live.length} in the rings`);
  if (words[SEGMENT_ENTRIES] !== live.length) throw new Error(`ENTRIES ${words[SEGMENT_ENTRIES]}`);
  for (const entry of live) index.slotOf(words[entry + ENTRY_HASH], entry); // asserts that it is found
  return live.length;
}
