/**
 * Reads one memtable slot. Any thread; nothing here stores. Whoever calls must keep the slot from being recycled
 * meanwhile (chain-reader.ts pins it); the writer itself need not.
 */
import { fromWords } from '../base/bytes.js';
import { compareBytes } from '../iter/entry-cursor.js';
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
  SLOT_ARENA_END,
  SLOT_ARENA_START,
  SLOT_ARENA_USED,
  SLOT_GENERATION,
  SLOT_INDEX_OFFSET,
  SLOT_INDEX_SIZE,
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
} from './format.js';

export class MemtableReader {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  private readonly indexSize: number;

  constructor(sab: SharedArrayBuffer) {
    this.buffer = sab;
    this.bytes = new Uint8Array(sab);
    this.words = new Int32Array(sab);
    this.indexSize = this.words[SLOT_INDEX_SIZE];
  }

  generation(): number {
    return Atomics.load(this.words, SLOT_GENERATION);
  }
  /** Slot number of the next older memtable, or NO_SLOT. */
  olderSlot(): number {
    return Atomics.load(this.words, SLOT_OLDER);
  }
  nodeCount(): number {
    return Atomics.load(this.words, SLOT_NODE_COUNT);
  }
  arenaUsedBytes(): number {
    return Atomics.load(this.words, SLOT_ARENA_USED) - this.words[SLOT_ARENA_START];
  }
  arenaBytes(): number {
    return this.words[SLOT_ARENA_END] - this.words[SLOT_ARENA_START];
  }

  /** Offset of the node of a key, or 0. `hash` = hashKey(collection, key). */
  find(hash: number, collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    const words = this.words;
    const mask = this.indexSize - 1;
    let entry = indexStart(hash, this.indexSize);
    for (;;) {
      const at = (SLOT_INDEX_OFFSET >> 2) + entry * 2;
      const node = Atomics.load(words, at + 1); // observeIndex: pairs with publishIndex in writer.ts
      if (node === 0) return 0;
      if (words[at] === hash && this.nodeHasKey(node, collection, key, keyOffset, keyLength)) return node;
      entry = (entry + 1) & mask;
    }
  }

  /**
   * Reads the place in the index where find() for this hash starts, and returns something that depends on it. Done for
   * many keys in a row, before find() for the first of them, the cache misses overlap instead of following each other.
   */
  touchIndex(hash: number): number {
    return this.words[(SLOT_INDEX_OFFSET >> 2) + indexStart(hash, this.indexSize) * 2];
  }

  /** Newest version of a node. observeVersion: pairs with publishVersion in writer.ts. */
  newestVersion(node: number): number {
    return Atomics.load(this.words, (node + NODE_VERSION) >> 2);
  }

  /** Newest version with a seqno of at most `seqno`, or 0. */
  versionAt(node: number, seqno: number): number {
    let version = this.newestVersion(node);
    while (version !== 0 && this.versionSeqno(version) > seqno) {
      version = this.words[(version + VERSION_OLDER) >> 2];
    }
    return version;
  }

  versionSeqno(version: number): number {
    const at = (version + VERSION_SEQNO) >> 2;
    return fromWords(this.words[at], this.words[at + 1]);
  }
  versionKind(version: number): number {
    return this.words[(version + VERSION_KIND) >> 2];
  }
  /** Second of database time at which the document expires; 0 = never. */
  versionExpires(version: number): number {
    return this.words[(version + VERSION_EXPIRES) >> 2] >>> 0;
  }
  /** The version that this one replaced in this memtable, or 0. */
  olderVersion(version: number): number {
    return this.words[(version + VERSION_OLDER) >> 2];
  }
  valueLength(version: number): number {
    return this.words[(version + VERSION_LENGTH) >> 2];
  }
  valueOffset(version: number): number {
    return version + VERSION_VALUE;
  }

  nodeHash(node: number): number {
    return this.words[(node + NODE_HASH) >> 2];
  }
  nodeCollection(node: number): number {
    return this.words[(node + NODE_COLLECTION) >> 2];
  }
  keyLength(node: number): number {
    return this.words[(node + NODE_KEY_LENGTH) >> 2] & 0xffff;
  }
  nodeHeight(node: number): number {
    return this.words[(node + NODE_KEY_LENGTH) >> 2] >>> 16;
  }
  keyOffset(node: number): number {
    return node + NODE_NEXT + 4 * this.nodeHeight(node);
  }

  /** The node after `node` on a level, or 0; node 0 stands for the head of the list. */
  nextNode(node: number, level: number): number {
    const at = node === 0 ? SLOT_LIST_HEAD + level : ((node + NODE_NEXT) >> 2) + level;
    return Atomics.load(this.words, at); // observeLink: pairs with publishLink in writer.ts
  }

  listHeight(): number {
    return Atomics.load(this.words, SLOT_LIST_HEIGHT);
  }

  /** First node at or after (collection, key), or 0 when there is none. */
  seek(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    const high = keyPrefixWord(key, keyOffset, keyOffset + keyLength);
    const low = keyPrefixWord(key, keyOffset + 4, keyOffset + keyLength);
    let node = 0;
    let next = 0;
    for (let level = this.listHeight() - 1; level >= 0; level--) {
      for (;;) {
        next = this.nextNode(node, level);
        if (next === 0 || this.compare(next, collection, high, low, key, keyOffset, keyLength) >= 0) break;
        node = next;
      }
    }
    return next;
  }

  /** Last node before (collection, key), or 0 when there is none. */
  seekBefore(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    const high = keyPrefixWord(key, keyOffset, keyOffset + keyLength);
    const low = keyPrefixWord(key, keyOffset + 4, keyOffset + keyLength);
    let node = 0;
    for (let level = this.listHeight() - 1; level >= 0; level--) {
      for (;;) {
        const next = this.nextNode(node, level);
        if (next === 0 || this.compare(next, collection, high, low, key, keyOffset, keyLength) >= 0) break;
        node = next;
      }
    }
    return node;
  }

  /** Order of a node against (collection, key): negative, 0 or positive. `high`, `low`: prefix words of the key. */
  compare(
    node: number,
    collection: number,
    high: number,
    low: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): number {
    const words = this.words;
    const at = node >> 2;
    const nodeCollection = words[at + (NODE_COLLECTION >> 2)];
    if (nodeCollection !== collection) return nodeCollection - collection;
    const nodeHigh = words[at + (NODE_PREFIX_HIGH >> 2)];
    if (nodeHigh !== high) return nodeHigh < high ? -1 : 1;
    const nodeLow = words[at + (NODE_PREFIX_LOW >> 2)];
    if (nodeLow !== low) return nodeLow < low ? -1 : 1;
    return this.compareTails(node, key, keyOffset, keyLength);
  }

  /** Order of a node's key against a key of the same collection: negative, 0 or positive. */
  compareKey(node: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    return compareBytes(this.bytes, this.keyOffset(node), this.keyLength(node), key, keyOffset, keyLength);
  }

  /** Prefixes are equal: compares what follows. Zero padding is settled by the lengths: "a" sorts before "a\0". */
  private compareTails(node: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    const bytes = this.bytes;
    const nodeKey = this.keyOffset(node);
    const nodeLength = this.keyLength(node);
    const shared = Math.min(nodeLength, keyLength);
    for (let i = 8; i < shared; i++) {
      const difference = bytes[nodeKey + i] - key[keyOffset + i];
      if (difference !== 0) return difference;
    }
    return nodeLength - keyLength;
  }

  private nodeHasKey(
    node: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): boolean {
    if (this.nodeCollection(node) !== collection || this.keyLength(node) !== keyLength) return false;
    const bytes = this.bytes;
    const at = this.keyOffset(node);
    for (let i = 0; i < keyLength; i++) {
      if (bytes[at + i] !== key[keyOffset + i]) return false;
    }
    return true;
  }
}
