/**
 * The hash index of a cache segment: open addressing with linear probing; a removal closes its gap (Knuth, TAOCP 6.4,
 * algorithm R), so there are no tombstones to clean up. Knows hashes and places of entries, not keys: whoever looks up
 * compares the key of every entry with the right hash. For the thread that holds the segment.
 *
 *   for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) if (isKey(index.entryAt(slot))) ...
 */
import { assert } from '../base/assert.js';
import { SEGMENT_INDEX, SEGMENT_INDEX_SIZE } from './segment-format.js';

/** homeOf() draws this many bits. */
const HOME_BITS = 28;

export class EntryIndex {
  private readonly mask: number;

  constructor(private readonly words: Int32Array) {
    this.mask = words[SEGMENT_INDEX_SIZE] - 1;
    assert(this.mask < 2 ** HOME_BITS, 'homeOf reaches every slot');
  }

  /** The first slot with this hash, or -1. */
  first(hash: number): number {
    return this.find(this.homeOf(hash), hash);
  }
  /** The next slot after `slot` with this hash, or -1. */
  next(slot: number, hash: number): number {
    return this.find((slot + 1) & this.mask, hash);
  }
  entryAt(slot: number): number {
    return this.words[SEGMENT_INDEX + slot * 2 + 1];
  }

  /** The index must have an empty slot left after this. */
  add(hash: number, entry: number): void {
    const { words, mask } = this;
    let slot = this.homeOf(hash);
    while (words[SEGMENT_INDEX + slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    words[SEGMENT_INDEX + slot * 2] = hash;
    words[SEGMENT_INDEX + slot * 2 + 1] = entry;
  }

  /** The slot of an entry that is in the index. */
  slotOf(hash: number, entry: number): number {
    let slot = this.first(hash);
    while (slot >= 0 && this.entryAt(slot) !== entry) slot = this.next(slot, hash);
    assert(slot >= 0, 'a live cache entry is in the index');
    return slot;
  }

  /** An entry has moved. */
  move(hash: number, from: number, to: number): void {
    this.words[SEGMENT_INDEX + this.slotOf(hash, from) * 2 + 1] = to;
  }

  /** Empties a slot. Other slots may change places. */
  remove(slot: number): void {
    const { words, mask } = this;
    let gap = slot;
    let probe = slot;
    for (;;) {
      probe = (probe + 1) & mask;
      const at = SEGMENT_INDEX + probe * 2;
      if (words[at + 1] === 0) break;
      // An entry may fill the gap unless its home lies between gap (exclusive) and its slot: a search would miss it then.
      const distance = (probe - this.homeOf(words[at])) & mask;
      if (distance < ((probe - gap) & mask)) continue;
      words[SEGMENT_INDEX + gap * 2] = words[at];
      words[SEGMENT_INDEX + gap * 2 + 1] = words[at + 1];
      gap = probe;
    }
    words[SEGMENT_INDEX + gap * 2 + 1] = 0;
  }

  clear(): void {
    this.words.fill(0, SEGMENT_INDEX, SEGMENT_INDEX + (this.mask + 1) * 2);
  }

  private find(from: number, hash: number): number {
    const { words, mask } = this;
    for (let slot = from; ; slot = (slot + 1) & mask) {
      const at = SEGMENT_INDEX + slot * 2;
      if (words[at + 1] === 0) return -1;
      if (words[at] === hash) return slot;
    }
  }

  private homeOf(hash: number): number {
    return (Math.imul(hash ^ (hash >>> 16), 0x7feb352d) >>> (32 - HOME_BITS)) & this.mask;
  }
}
