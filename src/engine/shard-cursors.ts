/** Everything that a shard's own thread can read of it, newest source first, for a merge. */
import type { EntryCursor } from '../iter/entry-cursor.js';
import type { Version } from '../manifest/version.js';
import { MemtableCursor } from '../memtable/memtable-cursor.js';
import type { MemtablePool } from '../memtable/pool.js';
import type { TableCache } from './table-cache.js';

/** Valid until something is written or installed; the caller closes them. */
export function shardCursors(memtables: MemtablePool, tables: TableCache, version: Version): EntryCursor[] {
  const cursors: EntryCursor[] = [];
  for (let position = 0; position < memtables.chainLength; position++)
    cursors.push(new MemtableCursor(memtables.writerAt(position).reader));
  for (const run of version.runsNewestFirst()) cursors.push(tables.cursor(run.tables, { fillCache: false }));
  return cursors;
}
