/** Point lookups in the tables of a version: sorted runs from the newest to the oldest, one table of each at most. */

import type { TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';
import type { EntryPart, FoundEntry } from '../sst/found-entry.js';
import type { TableCache } from './table-cache.js';

/**
 * Newest version of a key with a seqno of at most `seqnoMax`. False when no table has one. `thorough`: the runs may not be
 * in the order of their seqnos (a version that was put together from tables alone), so all of them are asked. `part`: as
 * for TableReader.get().
 */
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
  part: EntryPart = 'entry',
  thorough = false,
): boolean {
  let seqnoFound = 0;
  let newest: TableInfo | undefined;
  const runs = version.runsNewestFirst();
  for (let i = 0; i < runs.length; i++) {
    const table = runs[i].find(collection, key, keyOffset, keyLength);
    if (table === undefined || table.minSeqno > seqnoMax) continue;
    if (table.maxSeqno < seqnoFound) continue;
    if (!tables.reader(table).get(hash, collection, key, keyOffset, keyLength, seqnoMax, out, part)) continue;
    if (!thorough) return true;
    if (out.seqno > seqnoFound) newest = table;
    seqnoFound = Math.max(seqnoFound, out.seqno);
  }
  // The last one asked may not be the one with the newest version.
  return (
    newest !== undefined &&
    tables.reader(newest).get(hash, collection, key, keyOffset, keyLength, seqnoMax, out, part)
  );
}
