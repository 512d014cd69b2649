/**
 * What every ordered source of a shard looks like: memtables, SSTables, runs of them, and merges of all these.
 *
 * An entry is one version of one key. The order is (collection, key bytes) ascending and, for one key, seqno descending:
 * newest version first. A cursor yields all versions; visible-cursor.ts picks what a reader at a seqno sees.
 */

/** Kinds of an entry; stored in memtables and SSTables, numbers are never reused. 0 is reserved. */
export const ENTRY_DOCUMENT = 1;
/** The key was deleted. */
export const ENTRY_TOMBSTONE = 2;
/**
 * A document that had expired when a compaction passed by: its value is gone, key, seqno and expiry are kept until the
 * deletion that the expiry sweeper writes arrives. `valueLength` is 0; the original length is in `originalLength`.
 */
export const ENTRY_EXPIRED = 3;

/** The fields of the entry a cursor stands on. Views are valid until the cursor moves. */
export interface Entry {
  /** CollectionId. */
  readonly collection: number;
  /** The key is key[keyOffset .. keyOffset + keyLength). */
  readonly key: Uint8Array;
  readonly keyOffset: number;
  readonly keyLength: number;
  readonly seqno: number;
  /** ENTRY_*. */
  readonly kind: number;
  /** Database time in whole seconds at which the document expires; 0 = never. */
  readonly expiresAt: number;
  /** The value is value[valueOffset .. valueOffset + valueLength): JSON text; empty unless kind is ENTRY_DOCUMENT. */
  readonly value: Uint8Array;
  readonly valueOffset: number;
  readonly valueLength: number;
  /** Bytes of the document's text; differs from valueLength only for ENTRY_EXPIRED. */
  readonly originalLength: number;
}

export interface EntryCursor extends Entry {
  /** False before the first positioning and beyond either end; the entry's fields then mean nothing. */
  readonly isValid: boolean;
  /** To the first entry. */
  seekToFirst(): void;
  /** To the newest version of the first key at or after (collection, key). */
  seek(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void;
  /**
   * To the newest version of the last key before (collection, key). Backward iteration is seekBefore of the current
   * key, again and again: the sources (skiplists, prefix-compressed blocks) have no cheaper way back.
   */
  seekBefore(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void;
  /** To the next entry: an older version of the same key, or the newest version of the next key. */
  next(): void;
  /** Gives back what the cursor holds (block buffers, open tables). The cursor is not used after it. */
  close(): void;
}

/** Order of two byte ranges: negative, 0 or positive. */
export function compareBytes(
  a: Uint8Array,
  aOffset: number,
  aLength: number,
  b: Uint8Array,
  bOffset: number,
  bLength: number,
): number {
  const shared = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < shared; i++) {
    const difference = a[aOffset + i] - b[bOffset + i];
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/** Order of two entries' keys by (collection, key bytes). */
export function compareKeys(a: Entry, b: Entry): number {
  if (a.collection !== b.collection) return a.collection - b.collection;
  return compareBytes(a.key, a.keyOffset, a.keyLength, b.key, b.keyOffset, b.keyLength);
}
