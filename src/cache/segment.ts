/**
 * A cache segment: which entries are kept. The policy is S3-FIFO (SOSP 2023) with clock hands instead of queues:
 *
 *   - A new entry goes into the small ring. What is read there moves on to the main ring when it reaches the tail; what is
 *     not leaves, and only its hash stays in the ghost list. So a scan passes through 1/8 of the memory.
 *   - An entry that comes back while its hash is in the ghost list was thrown out too early: it goes into the main ring.
 *   - At the tail of the main ring an entry that was read goes around once more, for each read counted (3 at most).
 *
 * For the thread that holds the segment's lock, or owns it. Layout in segment-format.ts; places and sizes are words.
 */
import { assert } from '../base/assert.js';
import { EntryIndex } from './entry-index.js';
import { EntryRing } from './entry-ring.js';
import {
  CELL_EVICTIONS,
  ENTRY_HASH,
  ENTRY_SIZE,
  ENTRY_STATE,
  entriesMax,
  SEGMENT_ENTRIES,
  SEGMENT_GHOSTS,
  SEGMENT_INDEX,
  SEGMENT_INDEX_SIZE,
  SEGMENT_MAIN,
  SEGMENT_SMALL,
  STATE_IN_MAIN,
  STATE_LIVE,
  STATE_READS_MAX,
} from './segment-format.js';

/** Entries sent around again, at most, before one goes all the same: bounds the time of an insert. */
const SECOND_CHANCES_MAX = 16;

export class CacheSegment {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** Counters, at CELL_*. */
  readonly cells: Float64Array;
  readonly index: EntryIndex;
  /** Words of the largest entry. */
  readonly entryWordsMax: number;
  private readonly small: EntryRing;
  private readonly main: EntryRing;
  private readonly ghostsStart: number;
  private readonly ghostMask: number;
  private readonly entriesMax: number;

  /** Over memory that formatSegment() has prepared. */
  constructor(sab: SharedArrayBuffer, byteOffset: number, byteLength: number) {
    this.words = new Int32Array(sab, byteOffset, byteLength / 4);
    this.bytes = new Uint8Array(sab, byteOffset, byteLength);
    this.cells = new Float64Array(sab, byteOffset, byteLength / 8);
    this.index = new EntryIndex(this.words);
    this.small = new EntryRing(this.words, SEGMENT_SMALL);
    this.main = new EntryRing(this.words, SEGMENT_MAIN);
    this.entryWordsMax = this.small.capacity;
    this.ghostsStart = SEGMENT_INDEX + this.words[SEGMENT_INDEX_SIZE] * 2;
    this.ghostMask = this.words[SEGMENT_GHOSTS] - 1;
    this.entriesMax = entriesMax(this.words[SEGMENT_INDEX_SIZE]);
  }

  get entries(): number {
    return this.words[SEGMENT_ENTRIES];
  }
  /** Words taken by entries, dead ones and fillers included. */
  get usedWords(): number {
    return this.small.used + this.main.used;
  }

  /** Notes that an entry was read. */
  touch(entry: number): void {
    const state = this.words[entry + ENTRY_STATE];
    if ((state & STATE_READS_MAX) < STATE_READS_MAX) this.words[entry + ENTRY_STATE] = state + 1;
  }

  /**
   * Makes room for a new entry of `size` words (even, at most entryWordsMax) and puts it into the index. The caller fills
   * in everything behind the header. `isProven`: straight into the main ring.
   */
  admit(hash: number, size: number, isProven: boolean): number {
    assert(size <= this.entryWordsMax && (size & 1) === 0, () => `a cache entry of ${size} words`);
    this.makeRoomInIndex();
    const intoMain = this.takeGhost(hash) || isProven;
    const entry = intoMain ? this.reserveInMain(size) : this.reserveInSmall(size);
    this.words[entry + ENTRY_SIZE] = size;
    this.words[entry + ENTRY_STATE] = intoMain ? STATE_LIVE | STATE_IN_MAIN : STATE_LIVE;
    this.words[entry + ENTRY_HASH] = hash;
    this.index.add(hash, entry);
    this.words[SEGMENT_ENTRIES]++;
    return entry;
  }

  /** Forgets the entry in an index slot. Returns whether it had proven useful: read since it came, or in the main ring. */
  remove(slot: number): boolean {
    const entry = this.index.entryAt(slot);
    const state = this.words[entry + ENTRY_STATE];
    this.forget(slot, entry);
    return (state & (STATE_IN_MAIN | STATE_READS_MAX)) !== 0;
  }

  /** Forgets everything but the counters. Works on a segment in any state. */
  clear(): void {
    this.index.clear();
    this.words.fill(0, this.ghostsStart, this.ghostsStart + this.ghostMask + 1);
    this.small.clear();
    this.main.clear();
    this.words[SEGMENT_ENTRIES] = 0;
  }

  private forget(slot: number, entry: number): void {
    this.index.remove(slot);
    this.words[entry + ENTRY_STATE] = 0;
    this.words[SEGMENT_ENTRIES]--;
  }

  /** Small entries can fill the index before they fill the rings. Then somebody in the main ring goes. */
  private makeRoomInIndex(): void {
    let chances = SECOND_CHANCES_MAX;
    while (this.words[SEGMENT_ENTRIES] >= this.entriesMax) {
      if (this.main.used === 0) this.retireSmallTail();
      else if (chances > 0 && this.giveSecondChance()) chances--;
      else this.dropMainTail();
    }
  }

  private reserveInSmall(size: number): number {
    for (;;) {
      const entry = this.small.reserve(size);
      if (entry >= 0) return entry;
      this.retireSmallTail();
    }
  }

  private reserveInMain(size: number): number {
    let chances = SECOND_CHANCES_MAX;
    for (;;) {
      const entry = this.main.reserve(size);
      if (entry >= 0) return entry;
      if (chances > 0 && this.giveSecondChance()) chances--;
      else {
        this.dropMainTail();
        chances = SECOND_CHANCES_MAX;
      }
    }
  }

  /** The oldest entry of the small ring moves on to the main ring, if it was read or there is room anyway, or leaves. */
  private retireSmallTail(): void {
    const { words, small, main } = this;
    const entry = small.tail;
    const state = words[entry + ENTRY_STATE];
    if ((state & STATE_LIVE) !== 0) {
      const size = words[entry + ENTRY_SIZE];
      const hash = words[entry + ENTRY_HASH];
      if ((state & STATE_READS_MAX) !== 0 || main.used + size <= main.capacity) {
        const to = this.reserveInMain(size);
        words.copyWithin(to, entry, entry + size);
        words[to + ENTRY_STATE] = STATE_LIVE | STATE_IN_MAIN;
        this.index.move(hash, entry, to);
      } else {
        this.forget(this.index.slotOf(hash, entry), entry);
        this.addGhost(hash);
        this.cells[CELL_EVICTIONS]++;
      }
    }
    small.popTail();
  }

  /** Sends the oldest entry of the main ring around once more if it was read since the last time. */
  private giveSecondChance(): boolean {
    const { words, main } = this;
    const entry = main.tail;
    if ((words[entry + ENTRY_STATE] & STATE_READS_MAX) === 0) return false;
    words[entry + ENTRY_STATE]--;
    const to = main.recycleTail();
    if (to !== entry) this.index.move(words[to + ENTRY_HASH], entry, to);
    return true;
  }

  private dropMainTail(): void {
    const { words, main } = this;
    const entry = main.tail;
    if ((words[entry + ENTRY_STATE] & STATE_LIVE) !== 0) {
      this.forget(this.index.slotOf(words[entry + ENTRY_HASH], entry), entry);
      this.cells[CELL_EVICTIONS]++;
    }
    main.popTail();
  }

  private addGhost(hash: number): void {
    this.words[this.ghostsStart + (hash & this.ghostMask)] = hash;
  }

  /** True when the entry with this hash was thrown out of the small ring not long ago. */
  private takeGhost(hash: number): boolean {
    const at = this.ghostsStart + (hash & this.ghostMask);
    if (this.words[at] !== hash || hash === 0) return false;
    this.words[at] = 0;
    return true;
  }
}
