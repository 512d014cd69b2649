/** Point lookups in the tables of a version: sorted runs from the newest to the oldest, one table of each at most. */

import type { Version } from '../manifest/version.js';
import type { FoundEntry } from '../sst/found-entry.js';
import type { TableCache } from './table-cache.js';

/** Newest version of a key with a seqno of at most `seqnoMax`. False when no table has one. */
export function findInTables(
  version: Version,
  tables: TableCache,
  hash: number,
  collection: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
  seqnoMax: number,
  out: FoundEntry,
): boolean {
  const runs = version.runsNewestFirst();
  for (let i = 0; i < runs.length; i++) {
    const table = runs[i].find(collection, key, keyOffset, keyLength);
    if (table === undefined || table.minSeqno > seqnoMax) continue;
    if (tables.reader(table).get(hash, collection, key, keyOffset, keyLength, seqnoMax, out)) return true;
  }
  return false;
}
