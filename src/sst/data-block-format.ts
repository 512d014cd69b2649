/**
 * What is inside a data block (its payload, decompressed). block-builder.ts writes it, block-cursor.ts reads it.
 *
 *   payload := entry+ restart+ restart-count
 *   restart := u32, offset of an entry whose key is complete;  restart-count := u32
 *
 * An internal key is the collection, u32 big-endian, and the key's bytes: its bytewise order is the order of keys.
 * Within the block keys ascend and the versions of one key follow each other with descending seqno. An entry leaves out
 * the bytes its internal key shares with that of the entry before; every `restart interval`-th entry, the first
 * included, shares none and has a restart.
 *
 *   entry := tag:u8 shared:varint rest:varint value-length:varint seqno-low:u32 seqno-high:varint
 *            [expires-at:u32] [original-length:varint] key[shared ..] value
 *
 *   tag            bits 0-2 kind (1 document, 2 tombstone, 3 expired); bit 3: expires-at is there; others zero
 *   shared, rest   lengths of the two parts of the internal key
 *   seqno          in two words; one byte is enough for the upper one up to 2^39
 *   expires-at     seconds of database time; left out when 0
 *   original-length  kind 3 only: length of the document that was there; its value-length is 0
 *
 * A varint has seven bits per byte, lowest first; the top bit says that another byte follows.
 *
 * Worked example: document {"a":1} of key "k1" in collection 7 with seqno 42, then the tombstone of "k2", seqno 43:
 *
 *   01 00 06 07 2a 00 00 00 00  00 00 00 07 6b 31  7b 22 61 22 3a 31 7d      entry at 0
 *   02 05 01 00 2b 00 00 00 00  32                                           entry at 22
 *   00 00 00 00  01 00 00 00                                                 restart at 0, one restart
 *
 * A *key block* is made of a data block in memory (BlockCursor.copyKeys) and is never in a file: the same entries without
 * their values, and the restarts at where these are then. An entry's value-length is still that of the value. It answers
 * what there is of a key, not what it says, in a tenth of the bytes. That of
 * the example has its entries at 0 and 15.
 */
import { ENTRY_DOCUMENT, ENTRY_EXPIRED, ENTRY_TOMBSTONE } from '../iter/entry-cursor.js';
import { VARINT_BYTES_MAX } from './coding.js';

export const TAG_KIND_MASK = 7;
export const TAG_EXPIRES = 8;
export const TAG_KNOWN_BITS = TAG_KIND_MASK | TAG_EXPIRES;

export const RESTART_BYTES = 4;
export const RESTART_COUNT_BYTES = 4;
export const RESTART_INTERVAL_DEFAULT = 16;

/** The most that an entry's fields take in front of key and value. */
export const ENTRY_HEADER_BYTES_MAX = 1 + 5 * VARINT_BYTES_MAX + 4 + 4;

/** Longest key, in bytes, that a table takes; documents have at most KEY_BYTES_MAX. */
export const TABLE_KEY_BYTES_MAX = 65535;

export function isEntryKind(kind: number): boolean {
  return kind === ENTRY_DOCUMENT || kind === ENTRY_TOMBSTONE || kind === ENTRY_EXPIRED;
}
