/**
 * A ring of entries inside a cache segment: entries go in at the head and come out at the tail, oldest first; each is one
 * piece. Knows nothing of keys or of who deserves to stay. For the thread that holds the segment; layout in
 * segment-format.ts. All sizes and places are int32 words.
 */
import {
  ENTRY_SIZE,
  ENTRY_STATE,
  RING_END,
  RING_HEAD,
  RING_START,
  RING_TAIL,
  RING_USED,
} from './segment-format.js';

export class EntryRing {
  readonly capacity: number;
  private readonly start: number;
  private readonly end: number;
  private readonly headWord: number;
  private readonly tailWord: number;
  private readonly usedWord: number;

  /** `ring`: where the ring's fields are in `words`. */
  constructor(
    private readonly words: Int32Array,
    ring: number,
  ) {
    this.start = words[ring + RING_START];
    this.end = words[ring + RING_END];
    this.capacity = this.end - this.start;
    this.headWord = ring + RING_HEAD;
    this.tailWord = ring + RING_TAIL;
    this.usedWord = ring + RING_USED;
  }

  get used(): number {
    return this.words[this.usedWord];
  }
  /** The oldest entry. There must be one. */
  get tail(): number {
    return this.words[this.tailWord];
  }

  clear(): void {
    this.words[this.headWord] = this.start;
    this.words[this.tailWord] = this.start;
    this.words[this.usedWord] = 0;
  }

  /**
   * Takes `size` words (even, at most the capacity) at the head for a new entry. Returns its place, or -1 when the tail
   * has to go first.
   */
  reserve(size: number): number {
    const { words, end } = this;
    if (words[this.usedWord] === 0) this.clear();
    const head = words[this.headWord];
    const tail = words[this.tailWord];
    const isWrapped = head < tail || (head === tail && words[this.usedWord] !== 0);
    const room = isWrapped ? tail - head : end - head;
    if (room >= size) return this.push(head, size);
    if (isWrapped) return -1;
    if (room > 0) this.fill(head, room);
    words[this.headWord] = this.start;
    return tail - this.start >= size ? this.push(this.start, size) : -1;
  }

  /** Gives up the oldest entry's words. */
  popTail(): void {
    const { words } = this;
    const tail = words[this.tailWord];
    const size = words[tail + ENTRY_SIZE];
    const next = tail + size;
    words[this.tailWord] = next === this.end ? this.start : next;
    words[this.usedWord] -= size;
  }

  /** Makes the oldest entry the newest one and returns its new place. */
  recycleTail(): number {
    const { words } = this;
    const from = words[this.tailWord];
    const size = words[from + ENTRY_SIZE];
    let to = this.reserve(size);
    if (to >= 0) {
      words.copyWithin(to, from, from + size);
      this.popTail();
      return to;
    }
    // No room for a copy: the head is right before the tail then, and the entry moves down by the gap between them. When
    // the ring is full there is no gap and nothing to move: head and tail go past the entry, like the hand of a clock.
    this.popTail();
    to = words[this.headWord];
    if (to !== from) words.copyWithin(to, from, from + size);
    if (words[this.usedWord] === 0) words[this.tailWord] = to;
    return this.push(to, size);
  }

  private push(at: number, size: number): number {
    this.words[this.headWord] = at + size;
    this.words[this.usedWord] += size;
    return at;
  }

  private fill(at: number, size: number): void {
    this.words[at + ENTRY_SIZE] = size;
    this.words[at + ENTRY_STATE] = 0;
    this.words[this.usedWord] += size;
  }
}
