/**
 * Writes one memtable slot. Shard thread only. Room must have been checked with hasRoom() before: put() asserts it.
 * The order of stores in put() is what readers rely on; see "Publication" in format.ts.
 */
import { assert } from '../base/assert.js';
import { copyBytes, highWord, lowWord, WordCopier } from '../base/bytes.js';
import type { Prng } from '../base/prng.js';
import { ORDERED_LEVELS } from './collection-order.js';
import {
  indexStart,
  keyPrefixWord,
  NODE_COLLECTION,
  NODE_HASH,
  NODE_KEY_LENGTH,
  NODE_NEXT,
  NODE_PREFIX_HIGH,
  NODE_PREFIX_LOW,
  NODE_VERSION,
  nodeSize,
  nodesMax,
  SKIPLIST_HEIGHT_MAX,
  SLOT_ARENA_END,
  SLOT_ARENA_START,
  SLOT_ARENA_USED,
  SLOT_FIRST_SEQNO,
  SLOT_GENERATION,
  SLOT_INDEX_OFFSET,
  SLOT_INDEX_SIZE,
  SLOT_LAST_SEQNO,
  SLOT_LIST_HEAD,
  SLOT_LIST_HEIGHT,
  SLOT_NODE_COUNT,
  SLOT_OLDER,
  VERSION_EXPIRES,
  VERSION_KIND,
  VERSION_LENGTH,
  VERSION_OLDER,
  VERSION_SEQNO,
  VERSION_VALUE,
  versionSize,
} from './format.js';
import { InsertGuide } from './insert-guide.js';
import { MemtableReader } from './reader.js';

export class MemtableWriter {
  readonly reader: MemtableReader;
  private readonly words: Int32Array;
  private readonly valueCopier: WordCopier;
  private readonly arenaEnd: number;
  private readonly indexSize: number;
  private readonly nodeCountMax: number;
  /** When the first document expires that was written since this was last set to 0; 0 = none does. Shard thread only. */
  earliestExpiry = 0;
  private arenaUsed: number;
  private nodeCount: number;
  /** Last node before the searched key on each level that is to be linked; 0 = the head of the list. */
  private readonly predecessors = new Int32Array(SKIPLIST_HEIGHT_MAX);

  /** `guide`: writers of which one at a time is active share one. */
  constructor(
    sab: SharedArrayBuffer,
    private readonly prng: Prng,
    private readonly guide = new InsertGuide(),
  ) {
    this.reader = new MemtableReader(sab);
    this.words = this.reader.words;
    this.valueCopier = new WordCopier(this.reader.bytes);
    this.arenaEnd = this.words[SLOT_ARENA_END];
    this.indexSize = this.words[SLOT_INDEX_SIZE];
    this.nodeCountMax = nodesMax(this.indexSize);
    this.arenaUsed = this.words[SLOT_ARENA_USED];
    this.nodeCount = this.words[SLOT_NODE_COUNT];
  }

  /** Whether `writes` more writes of together at most `bytes` (see writeSizeMax) fit. */
  hasRoom(writes: number, bytes: number): boolean {
    return this.arenaUsed + bytes <= this.arenaEnd && this.nodeCount + writes <= this.nodeCountMax;
  }

  /** Bytes of the arena: what one memtable can hold at most. */
  get capacityBytes(): number {
    return this.arenaEnd - this.words[SLOT_ARENA_START];
  }

  /** Takes note that a document here expires at this second of database time. */
  noteExpiry(expiresAt: number): void {
    if (this.earliestExpiry === 0 || expiresAt < this.earliestExpiry) this.earliestExpiry = expiresAt;
  }

  /** Keys that it has versions of. */
  get keyCount(): number {
    return this.nodeCount;
  }

  /** Used part of the arena, 0 to 1. */
  get fill(): number {
    return 1 - (this.arenaEnd - this.arenaUsed) / this.capacityBytes;
  }

  get isEmpty(): boolean {
    return this.nodeCount === 0;
  }

  /**
   * Adds a version of a key. `node` is what reader.find() returned for the key: 0 when it is new here.
   * `expiresAt`: database time in seconds, 0 = never.
   */
  put(
    node: number,
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    seqno: number,
    kind: number,
    expiresAt: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
  ): void {
    if (node !== 0) {
      const older = this.words[(node + NODE_VERSION) >> 2];
      const version = this.writeVersion(older, seqno, kind, expiresAt, value, valueOffset, valueLength);
      Atomics.store(this.words, (node + NODE_VERSION) >> 2, version); // publishVersion: pairs with observeVersion
    } else {
      // The node first and its version right behind it: a read of both touches neighbouring cache lines.
      const height = this.randomHeight();
      const created = this.allocate(nodeSize(height, keyLength));
      const version = this.writeVersion(0, seqno, kind, expiresAt, value, valueOffset, valueLength);
      this.insertNode(created, height, version, hash, collection, key, keyOffset, keyLength);
    }
    this.noteSeqno(seqno);
    if (expiresAt !== 0) this.noteExpiry(expiresAt);
    this.words[SLOT_ARENA_USED] = this.arenaUsed;
  }

  /** Empties the slot for a new life. Only when no reader can hold it; see pool.ts. */
  clear(olderSlot: number): void {
    const words = this.words;
    this.guide.forget(this.reader);
    Atomics.add(words, SLOT_GENERATION, 1); // odd: being cleared
    words.fill(0, SLOT_INDEX_OFFSET >> 2, (SLOT_INDEX_OFFSET >> 2) + this.indexSize * 2);
    words.fill(0, SLOT_LIST_HEAD, SLOT_LIST_HEAD + SKIPLIST_HEIGHT_MAX);
    words.fill(0, SLOT_FIRST_SEQNO, SLOT_LAST_SEQNO + 2);
    Atomics.store(words, SLOT_LIST_HEIGHT, 1);
    this.arenaUsed = words[SLOT_ARENA_START];
    this.nodeCount = 0;
    this.earliestExpiry = 0;
    Atomics.store(words, SLOT_ARENA_USED, this.arenaUsed);
    Atomics.store(words, SLOT_NODE_COUNT, 0);
    Atomics.store(words, SLOT_OLDER, olderSlot);
    Atomics.add(words, SLOT_GENERATION, 1);
  }

  setOlderSlot(slot: number): void {
    Atomics.store(this.words, SLOT_OLDER, slot);
  }

  private allocate(size: number): number {
    const at = this.arenaUsed;
    assert(at + size <= this.arenaEnd, 'memtable arena overflow: room was not reserved');
    this.arenaUsed = at + size;
    return at;
  }

  private writeVersion(
    older: number,
    seqno: number,
    kind: number,
    expiresAt: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
  ): number {
    const version = this.allocate(versionSize(valueLength));
    const words = this.words;
    const at = version >> 2;
    words[at + (VERSION_SEQNO >> 2)] = lowWord(seqno);
    words[at + (VERSION_SEQNO >> 2) + 1] = highWord(seqno);
    words[at + (VERSION_OLDER >> 2)] = older;
    words[at + (VERSION_LENGTH >> 2)] = valueLength;
    words[at + (VERSION_KIND >> 2)] = kind;
    words[at + (VERSION_EXPIRES >> 2)] = expiresAt;
    this.valueCopier.copy(value, valueOffset, version + VERSION_VALUE, valueLength);
    return version;
  }

  private insertNode(
    node: number,
    height: number,
    version: number,
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): void {
    assert(this.nodeCount < this.nodeCountMax, 'memtable index overflow: room was not reserved');
    const words = this.words;
    const high = keyPrefixWord(key, keyOffset, keyOffset + keyLength);
    const low = keyPrefixWord(key, keyOffset + 4, keyOffset + keyLength);
    const at = node >> 2;
    words[at + (NODE_HASH >> 2)] = hash;
    words[at + (NODE_VERSION >> 2)] = version;
    words[at + (NODE_COLLECTION >> 2)] = collection;
    words[at + (NODE_KEY_LENGTH >> 2)] = keyLength | (height << 16);
    words[at + (NODE_PREFIX_HIGH >> 2)] = high;
    words[at + (NODE_PREFIX_LOW >> 2)] = low;
    copyBytes(key, keyOffset, this.reader.bytes, node + NODE_NEXT + 4 * height, keyLength);
    const order = this.guide.orderOf(collection, this.reader);
    order?.search(this.reader, key, keyOffset, keyLength);
    // What the order cannot say, the list itself says: on the higher levels, and around the first key of a collection.
    const ordered = Math.min(height, ORDERED_LEVELS);
    const lowest = order?.predecessors(ordered, this.predecessors) === true ? ordered : 0;
    if (height > lowest) this.findPredecessors(lowest, collection, high, low, key, keyOffset, keyLength);
    order?.insert(node, height);
    this.link(node, height);
    this.addToIndex(node, hash);
    this.nodeCount++;
    words[SLOT_NODE_COUNT] = this.nodeCount;
  }

  /** On the levels from the top down to `lowest`. */
  private findPredecessors(
    lowest: number,
    collection: number,
    high: number,
    low: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): void {
    const reader = this.reader;
    let node = 0;
    let known = 0; // the node that stopped the search one level up: no need to compare it again
    for (let level = reader.listHeight() - 1; level >= lowest; level--) {
      for (;;) {
        const next = reader.nextNode(node, level);
        if (next === known || next === 0) break;
        if (reader.compare(next, collection, high, low, key, keyOffset, keyLength) >= 0) {
          known = next;
          break;
        }
        node = next;
      }
      this.predecessors[level] = node;
    }
  }

  /** Links bottom-up: a reader that sees the node on a level finds it on all levels below. */
  private link(node: number, height: number): void {
    const words = this.words;
    const listHeight = words[SLOT_LIST_HEIGHT];
    for (let level = 0; level < height; level++) {
      const predecessor = level < listHeight ? this.predecessors[level] : 0;
      const from = predecessor === 0 ? SLOT_LIST_HEAD + level : ((predecessor + NODE_NEXT) >> 2) + level;
      words[((node + NODE_NEXT) >> 2) + level] = words[from];
      Atomics.store(words, from, node); // publishLink: pairs with observeLink in reader.ts
    }
    if (height > listHeight) Atomics.store(words, SLOT_LIST_HEIGHT, height);
  }

  private addToIndex(node: number, hash: number): void {
    const words = this.words;
    const mask = this.indexSize - 1;
    let entry = indexStart(hash, this.indexSize);
    let at = (SLOT_INDEX_OFFSET >> 2) + entry * 2;
    while (words[at + 1] !== 0) {
      entry = (entry + 1) & mask;
      at = (SLOT_INDEX_OFFSET >> 2) + entry * 2;
    }
    words[at] = hash;
    Atomics.store(words, at + 1, node); // publishIndex: pairs with observeIndex in reader.ts
  }

  private randomHeight(): number {
    let bits = this.prng.nextUint32();
    let height = 1;
    while (height < SKIPLIST_HEIGHT_MAX && (bits & 3) === 0) {
      bits >>>= 2;
      height++;
    }
    return height;
  }

  private noteSeqno(seqno: number): void {
    const words = this.words;
    const low = lowWord(seqno);
    const high = highWord(seqno);
    if (words[SLOT_FIRST_SEQNO] === 0 && words[SLOT_FIRST_SEQNO + 1] === 0) {
      words[SLOT_FIRST_SEQNO] = low;
      words[SLOT_FIRST_SEQNO + 1] = high;
    }
    words[SLOT_LAST_SEQNO] = low;
    words[SLOT_LAST_SEQNO + 1] = high;
  }
}
