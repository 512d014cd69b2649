/**
 * Memtable: the newest writes of one shard, in a SharedArrayBuffer. One writer (the shard thread), any number of
 * readers on other threads, no locks. Append-only: nothing that has been published changes, except the links named
 * "Atomics" below, and those only ever gain newer targets.
 *
 * A memtable is a slot of a pool (pool-format.ts). Layout of a slot (little endian; byte offsets; all fields int32
 * unless said otherwise; "publish" = the Atomics.store after which readers may follow the link):
 *
 *   offset  field            written by  how
 *   0       GENERATION       writer      Atomics; +1 before a slot is cleared and +1 after: odd = being cleared
 *   4       OLDER_SLOT       writer      Atomics; slot number of the next older memtable, -1 at the end of the chain
 *   8       ARENA_USED       writer      plain; end of the used arena, bytes from the start of the slot; a figure for
 *                                        readers, nothing is published by it
 *   12      NODE_COUNT       writer      plain; distinct keys; likewise
 *   16      INDEX_SIZE       creator     constant; number of hash index entries, a power of two
 *   20      ARENA_START      creator     constant; byte offset of the arena
 *   24      ARENA_END        creator     constant; byte offset of the end of the slot
 *   28      LIST_HEIGHT      writer      Atomics; height of the skiplist, 1..SKIPLIST_HEIGHT_MAX
 *   32      FIRST_SEQNO      writer      2 words, low first; 0 while empty
 *   40      LAST_SEQNO       writer      2 words, low first
 *   64      LIST_HEAD        writer      SKIPLIST_HEIGHT_MAX words, Atomics; first node of each level, 0 = none
 *   128     INDEX            writer      INDEX_SIZE entries of 8 bytes: hash tag (plain), node (Atomics, 0 = empty)
 *   ...     ARENA            writer      nodes and versions, 8-byte aligned, in the order of their creation
 *
 * Node (one per distinct key):
 *   +0   HASH         hash of collection and key
 *   +4   VERSION      Atomics; offset of the newest version
 *   +8   COLLECTION   CollectionId
 *   +12  KEY_LENGTH   bits 0..15 key bytes, bits 16..23 skiplist height
 *   +16  PREFIX_HIGH  bytes 0..3 of the key, big endian, zero padded, sign bit flipped (so that int32 < is byte order)
 *   +20  PREFIX_LOW   bytes 4..7, likewise
 *   +24  NEXT         height words, Atomics; next node on each level, 0 = end
 *   ...  key bytes, from +24 + 4 * height
 *
 * Version (one per write of a key):
 *   +0   SEQNO        2 words, low first
 *   +8   OLDER        offset of the version it replaced in this memtable, 0 = none
 *   +12  LENGTH       value bytes
 *   +16  KIND         ENTRY_DOCUMENT or ENTRY_TOMBSTONE of iter/entry-cursor.ts; 0 is reserved
 *   +20  EXPIRES      uint32; database time in seconds at which the document expires, 0 = never
 *   +24  value bytes (JSON text)
 *
 * Publication: a new version is complete before VERSION is stored (publishVersion in writer.ts, pairs with
 * observeVersion in reader.ts). A new node is complete, its version included, before it is linked into the skiplist
 * (publishLink / observeLink) and into the index (publishIndex / observeIndex). A reader that misses a node which is
 * being inserted sees the state before the write, which has not been acknowledged yet.
 *
 * The order of the skiplist is (collection, key bytes). How the writer finds a node's place in it is its own affair
 * (insert-guide.ts, ADR 0013): nothing of that is shared. Pages of a slot may be touched by any thread (touch.ts).
 */
import { assert } from '../base/assert.js';
import { ENTRY_DOCUMENT, ENTRY_TOMBSTONE } from '../iter/entry-cursor.js';

export const SLOT_GENERATION = 0 >> 2;
export const SLOT_OLDER = 4 >> 2;
export const SLOT_ARENA_USED = 8 >> 2;
export const SLOT_NODE_COUNT = 12 >> 2;
export const SLOT_INDEX_SIZE = 16 >> 2;
export const SLOT_ARENA_START = 20 >> 2;
export const SLOT_ARENA_END = 24 >> 2;
export const SLOT_LIST_HEIGHT = 28 >> 2;
export const SLOT_FIRST_SEQNO = 32 >> 2;
export const SLOT_LAST_SEQNO = 40 >> 2;
export const SLOT_LIST_HEAD = 64 >> 2;
export const SLOT_INDEX_OFFSET = 128;

/** Heights are drawn with p = 1/4, so 12 levels serve 4^12 keys (William Pugh, "Skip lists", 1990). */
export const SKIPLIST_HEIGHT_MAX = 12;

export const NODE_HASH = 0;
export const NODE_VERSION = 4;
export const NODE_COLLECTION = 8;
export const NODE_KEY_LENGTH = 12;
export const NODE_PREFIX_HIGH = 16;
export const NODE_PREFIX_LOW = 20;
export const NODE_NEXT = 24;

export const VERSION_SEQNO = 0;
export const VERSION_OLDER = 8;
export const VERSION_LENGTH = 12;
export const VERSION_KIND = 16;
export const VERSION_EXPIRES = 20;
export const VERSION_VALUE = 24;

export const VERSION_KIND_DOCUMENT = ENTRY_DOCUMENT;
export const VERSION_KIND_TOMBSTONE = ENTRY_TOMBSTONE;

export const NO_SLOT = -1;

/** One index entry per this many arena bytes: at 64 the index costs 1/8 of the arena, and a node with a version takes at least 64. */
const ARENA_BYTES_PER_INDEX_ENTRY = 64;
/** Fullest the index may get: above it, linear probing grows long and the memtable counts as full. */
const INDEX_LOAD_MAX = 0.75;

assert(
  SLOT_LIST_HEAD * 4 + SKIPLIST_HEIGHT_MAX * 4 <= SLOT_INDEX_OFFSET,
  'the skiplist head fits before the index',
);

const align8 = (bytes: number): number => (bytes + 7) & ~7;

/** Bytes of a node with the given height and key length. */
export function nodeSize(height: number, keyLength: number): number {
  return align8(NODE_NEXT + 4 * height + keyLength);
}

export function versionSize(valueLength: number): number {
  return align8(VERSION_VALUE + valueLength);
}

/** Most arena bytes that one write can take: a new node of the greatest height, and its version. */
export function writeSizeMax(keyLength: number, valueLength: number): number {
  return nodeSize(SKIPLIST_HEIGHT_MAX, keyLength) + versionSize(valueLength);
}

/** Nodes that fit before the index counts as full. */
export function nodesMax(indexSize: number): number {
  return Math.floor(indexSize * INDEX_LOAD_MAX);
}

/** The position in the index where the search for a hash starts. Fibonacci hashing (Knuth, TAOCP 6.4). */
export function indexStart(hash: number, indexSize: number): number {
  return (Math.imul(hash, 0x9e3779b1) >>> 8) & (indexSize - 1);
}

/** Big-endian word of key bytes [at, at + 4), zero padded beyond `end`, sign bit flipped. */
export function keyPrefixWord(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) {
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) ^ 0x80000000;
  }
  let word = 0;
  for (let i = 0; i < 4; i++) word = (word << 8) | (at + i < end ? bytes[at + i] : 0);
  return word ^ 0x80000000;
}

/** Allocates an empty slot. `arenaBytes`: room for nodes and versions. */
export function createMemtableSlot(arenaBytes: number): SharedArrayBuffer {
  const indexSize = 2 ** Math.ceil(Math.log2(Math.max(1024, arenaBytes / ARENA_BYTES_PER_INDEX_ENTRY)));
  assert(indexSize <= 1 << 24, 'indexStart draws 24 bits');
  const arenaStart = SLOT_INDEX_OFFSET + indexSize * 8;
  const sab = new SharedArrayBuffer(arenaStart + align8(arenaBytes));
  const words = new Int32Array(sab);
  words[SLOT_OLDER] = NO_SLOT;
  words[SLOT_ARENA_USED] = arenaStart;
  words[SLOT_INDEX_SIZE] = indexSize;
  words[SLOT_ARENA_START] = arenaStart;
  words[SLOT_ARENA_END] = sab.byteLength;
  words[SLOT_LIST_HEIGHT] = 1;
  return sab;
}
