/**
 * Key ranges of one collection as readers ask for them, brought into the one form that cursors work with. Pure.
 *
 * Between a key and the same key with a zero byte behind it there is no other key. So "after k" is "from k 00 on", and
 * every range is [lower, upper): lower inclusive, upper exclusive.
 */
import { compareBytes } from './entry-cursor.js';

export interface RangeEnd {
  readonly key: Uint8Array;
  readonly inclusive: boolean;
}

export interface RangeRequest {
  readonly collection: number;
  readonly from?: RangeEnd;
  readonly to?: RangeEnd;
  /** Only keys that begin with these bytes; on top of `from` and `to`. */
  readonly prefix?: Uint8Array;
}

export interface KeyRange {
  readonly collection: number;
  readonly lower: Uint8Array;
  /** The range ends before (upperCollection, upper). */
  readonly upperCollection: number;
  readonly upper: Uint8Array;
  readonly isEmpty: boolean;
}

const NO_KEY = new Uint8Array(0);

export function keyRange({ collection, from, to, prefix }: RangeRequest): KeyRange {
  let lower = from === undefined ? NO_KEY : from.inclusive ? from.key : successor(from.key);
  // Undefined: up to the end of the collection.
  let upper = to === undefined ? undefined : to.inclusive ? successor(to.key) : to.key;
  if (prefix !== undefined) {
    const end = prefixEnd(prefix);
    if (compareKeyBytes(prefix, lower) > 0) lower = prefix;
    if (end !== undefined && (upper === undefined || compareKeyBytes(end, upper) < 0)) upper = end;
  }
  return {
    collection,
    lower,
    upperCollection: upper === undefined ? collection + 1 : collection,
    upper: upper ?? NO_KEY,
    isEmpty: upper !== undefined && compareKeyBytes(lower, upper) >= 0,
  };
}

/** The first key after `key`. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** The first key after all that begin with `prefix`; undefined when nothing in the collection is behind them. */
function prefixEnd(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return undefined;
  const end = prefix.slice(0, length);
  end[length - 1]++;
  return end;
}

function compareKeyBytes(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(a, 0, a.length, b, 0, b.length);
}
