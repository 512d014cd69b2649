/** Comparisons between places in the key order: (collection, key bytes) ascending. Pure functions; any thread. */
import { compareBytes } from '../iter/entry-cursor.js';
import type { KeyBound } from './table-info.js';

/** Negative, 0 or positive, as `a` is before, at or behind `b`. */
export function compareBounds(a: KeyBound, b: KeyBound): number {
  return compareBoundToKey(a, b.collection, b.key, 0, b.key.length);
}

/** The same with a key that is part of a larger buffer: key[keyOffset .. keyOffset + keyLength). */
export function compareBoundToKey(
  bound: KeyBound,
  collection: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
): number {
  if (bound.collection !== collection) return bound.collection - collection;
  return compareBytes(bound.key, 0, bound.key.length, key, keyOffset, keyLength);
}
