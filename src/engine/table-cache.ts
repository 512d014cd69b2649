/**
 * The open SSTables of one shard in one thread: each reading thread has its own, so nothing here is shared. Bounded: the
 * table that was not used for longest is closed first. An open table costs a file handle, its index and its filter.
 *
 * A table that a cursor stands in is not closed, whatever the limit, the version or a lack of handles say: the number of
 * its file could be that of another one when the cursor reads on.
 */
import type { BlockCache } from '../cache/block-cache.js';
import type { EntryCursor } from '../iter/entry-cursor.js';
import { RunCursor } from '../iter/run-cursor.js';
import type { TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';
import { tableName } from '../sst/table-names.js';
import { TableReader } from '../sst/table-reader.js';
import { isIoError } from '../vfs/io-error.js';
import type { Vfs } from '../vfs/vfs.js';

/** Tables one thread keeps open per shard. */
export const OPEN_TABLES_MAX = 1024;

export interface TableCacheOptions {
  readonly vfs: Vfs;
  /** Where the tables are. */
  readonly directory: string;
  readonly shard: number;
  readonly cache: BlockCache;
  readonly openTablesMax?: number;
}

interface OpenTable {
  readonly reader: TableReader;
  lastUse: number;
  /** Cursors that stand in it. */
  cursors: number;
}

export class TableCache {
  private readonly open = new Map<number, OpenTable>();
  private uses = 0;

  constructor(private readonly options: TableCacheOptions) {}

  /** The reader of a table. Valid until the next call. Throws DbError CORRUPT_TABLE or IO. */
  reader(table: TableInfo): TableReader {
    return this.use(table).reader;
  }

  /** A cursor over tables of one run, in key order. They stay open while it stands in them. */
  cursor(tables: readonly TableInfo[], options: { readonly fillCache: boolean }): EntryCursor {
    const open = (table: TableInfo): EntryCursor => {
      const used = this.use(table);
      const cursor = used.reader.cursor(options);
      used.cursors++;
      return cursor;
    };
    const released = ({ fileNumber }: TableInfo): void => {
      const used = this.open.get(fileNumber);
      if (used !== undefined) used.cursors--;
    };
    return new RunCursor(tables, open, released);
  }

  /** Closes the tables that a version does not have any more. Those that cursors stand in have to wait for the next call. */
  retain(version: Version): void {
    const kept = new Set<number>();
    for (const run of version.runsNewestFirst())
      for (const { fileNumber } of run.tables) kept.add(fileNumber);
    for (const [fileNumber, { reader, cursors }] of this.open) {
      if (kept.has(fileNumber) || cursors > 0) continue;
      reader.close();
      this.open.delete(fileNumber);
    }
  }

  /** Bytes of indexes and filters held. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const { reader } of this.open.values()) bytes += reader.memoryBytes;
    return bytes;
  }

  get openCount(): number {
    return this.open.size;
  }

  close(): void {
    for (const { reader } of this.open.values()) reader.close();
    this.open.clear();
  }

  private use(table: TableInfo): OpenTable {
    this.uses++;
    let used = this.open.get(table.fileNumber);
    if (used === undefined) {
      if (this.open.size >= (this.options.openTablesMax ?? OPEN_TABLES_MAX)) this.closeOldest(1);
      used = { reader: this.openTable(table), lastUse: this.uses, cursors: 0 };
      this.open.set(table.fileNumber, used);
    }
    used.lastUse = this.uses;
    return used;
  }

  private openTable(table: TableInfo): TableReader {
    const { vfs, directory, shard, cache } = this.options;
    const { fileNumber } = table;
    const options = { vfs, path: `${directory}/${tableName(fileNumber)}`, shard, fileNumber, cache };
    try {
      return TableReader.open(options);
    } catch (error) {
      // Out of file handles: what is open here can be opened again later.
      if (!isIoError(error, 'EMFILE') || this.closeOldest(Math.ceil(this.open.size / 2)) === 0) throw error;
      return TableReader.open(options);
    }
  }

  /** Closes up to `count` tables in which no cursor stands. Returns how many. */
  private closeOldest(count: number): number {
    const idle = [...this.open].filter(([, { cursors }]) => cursors === 0);
    const oldest = idle.sort(([, a], [, b]) => a.lastUse - b.lastUse).slice(0, count);
    for (const [fileNumber, { reader }] of oldest) {
      reader.close();
      this.open.delete(fileNumber);
    }
    return oldest.length;
  }
}
