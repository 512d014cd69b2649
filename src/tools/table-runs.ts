/**
 * Tables for one merge of all of them, with few files open at a time: sorted runs, of each of which at most one table is
 * open (see RunCursor). However many tables a shard has, a merge opens no more than overlap at one key. One thread.
 */
import { compareBytes, type EntryCursor } from '../iter/entry-cursor.js';
import { RunCursor } from '../iter/run-cursor.js';
import { compareBounds } from '../manifest/key-order.js';
import type { TableInfo } from '../manifest/table-info.js';
import type { TableReader } from '../sst/table-reader.js';
import { openReader, tablePath } from './check-table.js';
import type { ShardPlace } from './shard-place.js';

/** Distributes tables over as few runs as their overlaps allow; within a run they are disjoint and in key order. */
export function disjointRuns(tables: readonly TableInfo[]): TableInfo[][] {
  const runs: TableInfo[][] = [];
  const ordered = [...tables].sort((a, b) => compareBounds(a.smallest, b.smallest));
  for (const table of ordered) {
    const run = runs.find((each) => compareBounds(each[each.length - 1].largest, table.smallest) < 0);
    if (run === undefined) runs.push([table]);
    else run.push(table);
  }
  return runs;
}

/** The table of a run that holds a key; the directory when none does. */
export function fileHolding(
  place: ShardPlace,
  run: readonly TableInfo[],
  collection: number,
  key: Uint8Array,
  offset: number,
  length: number,
): string {
  const table = run.find(
    ({ largest }) =>
      largest.collection > collection ||
      (largest.collection === collection &&
        compareBytes(largest.key, 0, largest.key.length, key, offset, length) >= 0),
  );
  return table === undefined ? place.tableDirectory : tablePath(place, table.fileNumber);
}

export class TableRuns {
  private readonly readers = new Map<number, TableReader>();

  /** `released` is told when a cursor is done with a table. `placeOf`: where a table is, if not all are in one place. */
  constructor(
    private readonly place: ShardPlace,
    private readonly released: (table: TableInfo) => void = () => {},
    private readonly placeOf: (table: TableInfo) => ShardPlace = () => this.place,
  ) {}

  /** A cursor over one run. Throws CORRUPT_TABLE or IO when it comes to a table that cannot be read. */
  cursor(run: readonly TableInfo[]): EntryCursor {
    return new RunCursor(
      run,
      (table) => {
        const reader = openReader(this.placeOf(table), table.fileNumber);
        this.readers.set(table.fileNumber, reader);
        return reader.cursor({ fillCache: false });
      },
      (table) => {
        this.readers.get(table.fileNumber)?.close();
        this.readers.delete(table.fileNumber);
        this.released(table);
      },
    );
  }

  /** What a merge that ended early has left open. */
  close(): void {
    for (const reader of this.readers.values()) reader.close();
    this.readers.clear();
  }
}
