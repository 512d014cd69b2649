/**
 * Merges ordered sources into one: the memtables and runs of a shard for a reader, the inputs of a compaction for its
 * job. Sources are given newest first. When two hold the same version (a memtable and the table it was flushed to, while
 * both are visible), the newer source's copy is given and the other is skipped.
 *
 * A binary heap of the sources by their current entry; docs/adr/0010-compaction.md has the measurement against a linear
 * search. Nothing is allocated after construction. One thread.
 */
import { assert } from '../base/assert.js';
import { copyBytes } from '../base/bytes.js';
import { compareBytes, compareKeys, type EntryCursor } from './entry-cursor.js';

const NO_KEY = new Uint8Array(0);

export class MergingCursor implements EntryCursor {
  /** Indexes into `sources`: the first `heapSize` are a heap, the rest stand nowhere or are parked. */
  private readonly heap: Int32Array;
  private heapSize = 0;
  /**
   * After seekBefore: sources that do not have the key it went to. Each stands on the last key it has before that (or
   * nowhere): exactly where the next seekBefore wants it, and wrong for next(), which moves them first.
   */
  private readonly parked: Int32Array;
  private parkedSize = 0;
  /** A copy of the key that the caller seeks: it may lie in the buffers of a source that is about to move. */
  private target = new Uint8Array(64);
  private current: EntryCursor;

  /** Copies of versions that were skipped so far because a newer source has them too. */
  duplicatesSkipped = 0;

  /** `sources`: newest first, at least one. The cursor owns them from now on. */
  constructor(private readonly sources: readonly EntryCursor[]) {
    assert(sources.length > 0, 'a merge has a source');
    this.heap = new Int32Array(sources.length);
    this.parked = new Int32Array(sources.length);
    this.current = sources[0];
  }

  get isValid(): boolean {
    return this.heapSize > 0;
  }
  /** Which source the current entry comes from; of copies in several, the newest. */
  get sourceIndex(): number {
    return this.heap[0];
  }
  get collection(): number {
    return this.current.collection;
  }
  get key(): Uint8Array {
    return this.current.key;
  }
  get keyOffset(): number {
    return this.current.keyOffset;
  }
  get keyLength(): number {
    return this.current.keyLength;
  }
  get seqno(): number {
    return this.current.seqno;
  }
  get kind(): number {
    return this.current.kind;
  }
  get expiresAt(): number {
    return this.current.expiresAt;
  }
  get value(): Uint8Array {
    return this.current.value;
  }
  get valueOffset(): number {
    return this.current.valueOffset;
  }
  get valueLength(): number {
    return this.current.valueLength;
  }
  get originalLength(): number {
    return this.current.originalLength;
  }

  seekToFirst(): void {
    this.seek(0, NO_KEY, 0, 0);
  }

  seek(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    this.copyTarget(key, keyOffset, keyLength);
    this.heapSize = 0;
    this.parkedSize = 0;
    for (let index = 0; index < this.sources.length; index++) {
      const source = this.sources[index];
      source.seek(collection, this.target, 0, keyLength);
      if (source.isValid) this.heap[this.heapSize++] = index;
    }
    this.heapify();
  }

  seekBefore(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    const isStepBack =
      this.parkedSize > 0 &&
      this.heapSize > 0 &&
      this.current.collection === collection &&
      compareBytes(
        key,
        keyOffset,
        keyLength,
        this.current.key,
        this.current.keyOffset,
        this.current.keyLength,
      ) === 0;
    this.copyTarget(key, keyOffset, keyLength);
    if (isStepBack) {
      // Parked sources stand before the current key already.
      for (let i = 0; i < this.heapSize; i++) {
        this.sources[this.heap[i]].seekBefore(collection, this.target, 0, keyLength);
      }
    } else {
      for (const source of this.sources) source.seekBefore(collection, this.target, 0, keyLength);
    }
    this.parkAllButLargest();
  }

  next(): void {
    if (this.parkedSize > 0) this.unpark();
    this.skipDuplicates();
    this.current.next();
    if (this.current.isValid) this.siftDown(0);
    else this.remove(0);
    if (this.heapSize > 0) this.current = this.sources[this.heap[0]];
  }

  close(): void {
    this.heapSize = 0;
    this.parkedSize = 0;
    for (const source of this.sources) source.close();
  }

  /** Steps over copies of the current version. All of them are connected to the top of the heap by equal entries. */
  private skipDuplicates(): void {
    for (let child = 1; child <= 2; child++) {
      while (child < this.heapSize) {
        const source = this.sources[this.heap[child]];
        // Seqnos first: they differ nearly always, and cost one comparison.
        if (source.seqno !== this.current.seqno || compareKeys(source, this.current) !== 0) break;
        this.duplicatesSkipped++;
        source.next();
        if (source.isValid) this.siftDown(child);
        else this.remove(child);
      }
    }
  }

  private parkAllButLargest(): void {
    let largest = -1;
    for (let index = 0; index < this.sources.length; index++) {
      const source = this.sources[index];
      if (!source.isValid) continue;
      if (largest < 0 || compareKeys(source, this.sources[largest]) > 0) largest = index;
    }
    this.heapSize = 0;
    this.parkedSize = 0;
    if (largest < 0) return;
    for (let index = 0; index < this.sources.length; index++) {
      const source = this.sources[index];
      const hasKey = source.isValid && compareKeys(source, this.sources[largest]) === 0;
      if (hasKey) this.heap[this.heapSize++] = index;
      else this.parked[this.parkedSize++] = index;
    }
    this.heapify();
  }

  /** Moves parked sources to where a merge that goes on from the current key has them. */
  private unpark(): void {
    const { current } = this;
    for (let i = 0; i < this.parkedSize; i++) {
      const index = this.parked[i];
      const source = this.sources[index];
      source.seek(current.collection, current.key, current.keyOffset, current.keyLength);
      if (source.isValid) this.heap[this.heapSize++] = index;
    }
    this.parkedSize = 0;
    this.heapify();
  }

  private copyTarget(key: Uint8Array, keyOffset: number, keyLength: number): void {
    if (this.target.length < keyLength) this.target = new Uint8Array(keyLength * 2);
    copyBytes(key, keyOffset, this.target, 0, keyLength);
  }

  private heapify(): void {
    for (let at = (this.heapSize >> 1) - 1; at >= 0; at--) this.siftDown(at);
    if (this.heapSize > 0) this.current = this.sources[this.heap[0]];
  }

  /** Takes a source that has ended out of the heap. `at` is the top or a child of it, so what comes there only sinks. */
  private remove(at: number): void {
    this.heapSize--;
    if (at === this.heapSize) return;
    this.heap[at] = this.heap[this.heapSize];
    this.siftDown(at);
  }

  private siftDown(start: number): void {
    const { heap, heapSize } = this;
    const moving = heap[start];
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heapSize) break;
      if (child + 1 < heapSize && this.isBefore(heap[child + 1], heap[child])) child++;
      if (!this.isBefore(heap[child], moving)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = moving;
  }

  /** Order of two sources by (key, seqno descending, newer source first). */
  private isBefore(a: number, b: number): boolean {
    const left = this.sources[a];
    const right = this.sources[b];
    const keys = compareKeys(left, right);
    if (keys !== 0) return keys < 0;
    if (left.seqno !== right.seqno) return left.seqno > right.seqno;
    return a < b;
  }
}
