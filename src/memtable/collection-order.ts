/**
 * The nodes of one collection in key order, in chunks, with a digest (key-digest.ts) beside each: the writer's private
 * way to where a new node belongs. A search in the skiplist misses the cache at almost every step; this one decides by
 * numbers that lie next to each other. Memory of this thread only: readers know nothing of it. See ADR 0013.
 *
 *   directory  one slot per chunk, in key order: the chunk's number and the digest of its first node
 *   chunk      CHUNK_NODES places in `nodes` and `digests`, of which the first sizes[chunk] are taken, in key order
 *
 * A full chunk is split in two; what is appended behind the last one begins a new chunk, so that chunks of keys that
 * come in order are full. An entry of `nodes` is the node's offset plus its height, up to HEIGHT_KEPT_MAX, in the bits that
 * alignment leaves free.
 */
import { assert } from '../base/assert.js';
import { KeyDigest } from './key-digest.js';
import type { MemtableReader } from './reader.js';

/** Few enough that moving half of them costs less than a cache miss, enough that the directory stays small. */
export const CHUNK_NODES = 64;
const HEIGHT_KEPT_MAX = 7;
/** Levels on which predecessors() finds nodes: on higher ones they are too far apart. */
export const ORDERED_LEVELS = 3;
/** The prefix is chosen again after so many comparisons of whole keys per node. */
const TIES_PER_NODE_MAX = 4;
const TIES_MIN = 256;

assert(ORDERED_LEVELS < HEIGHT_KEPT_MAX, 'kept heights tell the levels apart');

export class CollectionOrder {
  private readonly digest = new KeyDigest();
  private nodes = new Int32Array(CHUNK_NODES);
  private digests = new Float64Array(CHUNK_NODES);
  private sizes = new Int32Array(1);
  private directoryChunks = new Int32Array(1);
  private directoryDigests = new Float64Array(1);
  /** Chunks in use, and so slots of the directory. */
  private chunkCount = 0;
  private nodeCount = 0;
  /** Comparisons of whole keys since the prefix was last chosen. */
  private ties = 0;

  // What search() was asked for, and where that belongs: before place `at` of the chunk in this slot of the directory.
  private targetDigest = 0;
  private slot = 0;
  private at = 0;

  get size(): number {
    return this.nodeCount;
  }

  /** Forgets all nodes; keeps the memory and the prefix, which fits the keys of the next memtable as well. */
  clear(): void {
    this.chunkCount = 0;
    this.nodeCount = 0;
    this.ties = 0;
  }

  /** Finds where a key that has no node yet belongs. insert() and predecessors() refer to it. */
  search(memtable: MemtableReader, key: Uint8Array, keyOffset: number, keyLength: number): void {
    if (this.ties > TIES_MIN + TIES_PER_NODE_MAX * this.nodeCount) this.retune(memtable);
    this.targetDigest = this.digest.of(key, keyOffset, keyLength);
    if (this.chunkCount === 0) {
      this.slot = 0;
      this.at = 0;
      return;
    }
    this.slot = this.findSlot(memtable, key, keyOffset, keyLength);
    const chunk = this.directoryChunks[this.slot];
    const start = chunk * CHUNK_NODES;
    this.at = this.findPlace(memtable, start, start + this.sizes[chunk], key, keyOffset, keyLength) - start;
  }

  /**
   * Fills in the last node before the searched key on the lowest `levels` levels. False when there is none in this
   * collection on one of them.
   */
  predecessors(levels: number, into: Int32Array): boolean {
    if (this.chunkCount === 0) return false;
    let { slot } = this;
    let start = this.directoryChunks[slot] * CHUNK_NODES;
    let at = start + this.at;
    for (let level = 0; level < levels; ) {
      if (at === start) {
        if (slot === 0) return false;
        slot--;
        const chunk = this.directoryChunks[slot];
        start = chunk * CHUNK_NODES;
        at = start + this.sizes[chunk];
        continue;
      }
      const entry = this.nodes[at - 1];
      // The same node may be the predecessor on several levels.
      if ((entry & HEIGHT_KEPT_MAX) > level) into[level++] = entry & ~HEIGHT_KEPT_MAX;
      else at--;
    }
    return true;
  }

  /** Puts a node where search() has found that its key belongs. */
  insert(node: number, height: number): void {
    const entry = node | Math.min(height, HEIGHT_KEPT_MAX);
    if (this.chunkCount === 0) this.addChunk(0);
    else if (this.sizes[this.directoryChunks[this.slot]] === CHUNK_NODES) this.makeRoom();
    const { nodes, digests, at } = this;
    const chunk = this.directoryChunks[this.slot];
    const start = chunk * CHUNK_NODES;
    const end = start + this.sizes[chunk]++;
    if (start + at < end) {
      nodes.copyWithin(start + at + 1, start + at, end);
      digests.copyWithin(start + at + 1, start + at, end);
    }
    nodes[start + at] = entry;
    digests[start + at] = this.targetDigest;
    if (at === 0) this.directoryDigests[this.slot] = this.targetDigest;
    this.nodeCount++;
  }

  /** The last slot whose first node is before the key, or 0. */
  private findSlot(memtable: MemtableReader, key: Uint8Array, keyOffset: number, keyLength: number): number {
    const { directoryDigests, directoryChunks, targetDigest } = this;
    let low = 0;
    let high = this.chunkCount - 1;
    // Keys that come in order go to the end.
    if (directoryDigests[high] < targetDigest) return high;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const digest = directoryDigests[middle];
      const isBefore =
        digest === targetDigest
          ? this.isBefore(memtable, directoryChunks[middle] * CHUNK_NODES, key, keyOffset, keyLength)
          : digest < targetDigest;
      if (isBefore) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The first of the places [start, end) whose node is behind the key, or `end`. */
  private findPlace(
    memtable: MemtableReader,
    start: number,
    end: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): number {
    const { digests, targetDigest } = this;
    let low = start;
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      const digest = digests[middle];
      const isBefore =
        digest === targetDigest
          ? this.isBefore(memtable, middle, key, keyOffset, keyLength)
          : digest < targetDigest;
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether the node in a place is before the key: digests are equal, so the keys decide. */
  private isBefore(
    memtable: MemtableReader,
    place: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): boolean {
    this.ties++;
    const node = this.nodes[place] & ~HEIGHT_KEPT_MAX;
    return memtable.compareKey(node, key, keyOffset, keyLength) < 0;
  }

  /** Makes room in a full chunk for one more node, and moves slot and place along. */
  private makeRoom(): void {
    if (this.at === CHUNK_NODES) {
      const next = this.slot + 1;
      const isLast = next === this.chunkCount;
      // In front of the next chunk, if that has room: keys that come in descending order must not make chunks of one node.
      if (isLast || this.sizes[this.directoryChunks[next]] === CHUNK_NODES) this.addChunk(next);
      this.slot = next;
      this.at = 0;
      return;
    }
    const from = this.directoryChunks[this.slot];
    const half = CHUNK_NODES / 2;
    const to = this.addChunk(this.slot + 1);
    const source = from * CHUNK_NODES + half;
    this.nodes.copyWithin(to * CHUNK_NODES, source, source + half);
    this.digests.copyWithin(to * CHUNK_NODES, source, source + half);
    this.sizes[from] = half;
    this.sizes[to] = half;
    this.directoryDigests[this.slot + 1] = this.digests[source];
    if (this.at > half) {
      this.slot++;
      this.at -= half;
    }
  }

  /** An empty chunk in a slot of the directory; the slots from there on move. Returns the chunk's number. */
  private addChunk(slot: number): number {
    const chunk = this.chunkCount;
    if (chunk === this.sizes.length) this.grow();
    this.directoryChunks.copyWithin(slot + 1, slot, chunk);
    this.directoryDigests.copyWithin(slot + 1, slot, chunk);
    this.directoryChunks[slot] = chunk;
    this.sizes[chunk] = 0;
    this.chunkCount++;
    return chunk;
  }

  private grow(): void {
    const chunks = 2 * this.sizes.length;
    this.nodes = largerInts(this.nodes, chunks * CHUNK_NODES);
    this.digests = largerDoubles(this.digests, chunks * CHUNK_NODES);
    this.sizes = largerInts(this.sizes, chunks);
    this.directoryChunks = largerInts(this.directoryChunks, chunks);
    this.directoryDigests = largerDoubles(this.directoryDigests, chunks);
  }

  /**
   * Too many keys have the digest of another one: chooses the prefix anew. From keys at both ends but not the very ends,
   * so that a few keys of another kind do not spoil it.
   */
  private retune(memtable: MemtableReader): void {
    this.ties = 0;
    const eighth = this.chunkCount >> 3;
    const a = this.nodes[this.directoryChunks[eighth] * CHUNK_NODES] & ~HEIGHT_KEPT_MAX;
    const last = this.directoryChunks[this.chunkCount - 1 - eighth];
    const b = this.nodes[last * CHUNK_NODES + this.sizes[last] - 1] & ~HEIGHT_KEPT_MAX;
    const { bytes } = memtable;
    const isNew = this.digest.retune(
      bytes,
      memtable.keyOffset(a),
      memtable.keyLength(a),
      bytes,
      memtable.keyOffset(b),
      memtable.keyLength(b),
    );
    if (isNew) this.digestAll(memtable);
  }

  private digestAll(memtable: MemtableReader): void {
    for (let slot = 0; slot < this.chunkCount; slot++) {
      const chunk = this.directoryChunks[slot];
      const start = chunk * CHUNK_NODES;
      for (let at = start; at < start + this.sizes[chunk]; at++) {
        const node = this.nodes[at] & ~HEIGHT_KEPT_MAX;
        this.digests[at] = this.digest.of(memtable.bytes, memtable.keyOffset(node), memtable.keyLength(node));
      }
      this.directoryDigests[slot] = this.digests[start];
    }
  }
}

function largerInts(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(array);
  return larger;
}

function largerDoubles(array: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(array);
  return larger;
}
