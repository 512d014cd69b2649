/** The newest version of every key of several ordered sources: what is left when nobody needs the past. One thread. */
import { copyBytes } from '../base/bytes.js';
import { compareBytes, type Entry, type EntryCursor } from '../iter/entry-cursor.js';
import { MergingCursor } from '../iter/merging-cursor.js';

/** `sourceIndex`: which of the sources it is from. */
export type NewestEntry = Entry & { readonly sourceIndex: number };

/**
 * Calls `use` for each key in order, deletions and husks included; the entry's views are valid during the call. `sources`:
 * in any order, at least one. Closes them, also when something throws.
 */
export function forEachNewest(sources: readonly EntryCursor[], use: (entry: NewestEntry) => void): void {
  const merge = new MergingCursor(sources);
  let key = new Uint8Array(1024);
  let keyLength = -1;
  let collection = -1;
  try {
    for (merge.seekToFirst(); merge.isValid; merge.next()) {
      const isOlder =
        merge.collection === collection &&
        compareBytes(merge.key, merge.keyOffset, merge.keyLength, key, 0, keyLength) === 0;
      if (isOlder) continue;
      if (merge.keyLength > key.length) key = new Uint8Array(2 * merge.keyLength);
      copyBytes(merge.key, merge.keyOffset, key, 0, merge.keyLength);
      keyLength = merge.keyLength;
      collection = merge.collection;
      use(merge);
    }
  } finally {
    merge.close();
  }
}
