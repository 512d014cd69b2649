/**
 * The open SSTables of one shard in one thread: each reading thread has its own, so nothing here is shared. Bounded:
 * tables that were not used for a while are closed first. An open table costs a file handle, its index and its filter.
 *
 * A table that a cursor stands in is not closed, whatever the limit, the version or a lack of handles say: the number of
 * its file could be that of another one when the cursor reads on.
 */
import type { BlockCache } from '../cache/block-cache.js';
import type { EntryCursor } from '../iter/entry-cursor.js';
import { RunCursor } from '../iter/run-cursor.js';
import type { TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';
import { BlockScratch } from '../sst/block-scratch.js';
import { tableName } from '../sst/table-names.js';
import { TableReader } from '../sst/table-reader.js';
import { isIoError } from '../vfs/io-error.js';
import type { Vfs } from '../vfs/vfs.js';

/** Tables one thread keeps open per shard. */
export const OPEN_TABLES_MAX = 4096;
/** Bytes of indexes and filters that one thread holds per shard: about 3.5 % of the tables they belong to. */
const INDEX_BYTES_MAX = 256 * 1024 * 1024;

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
  /** Set by every use, cleared when the hand passes: a table goes when it was not used in a whole turn. */
  isUsed: boolean;
  /** Cursors that stand in it. */
  cursors: number;
}

export class TableCache {
  /** In the order in which the hand of the clock will pass them (CLOCK; Corbató, 1968). */
  private readonly open = new Map<number, OpenTable>();
  /** One for all tables of the thread: what a lookup finds lies in it until the next one. */
  private readonly scratch = new BlockScratch();
  private indexBytes = 0;

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
      this.indexBytes -= reader.memoryBytes;
      reader.close();
      this.open.delete(fileNumber);
    }
  }

  /** Bytes of indexes and filters held. */
  get memoryBytes(): number {
    return this.indexBytes;
  }

  get openCount(): number {
    return this.open.size;
  }

  close(): void {
    for (const { reader } of this.open.values()) reader.close();
    this.open.clear();
    this.indexBytes = 0;
  }

  private use(table: TableInfo): OpenTable {
    let used = this.open.get(table.fileNumber);
    if (used === undefined) {
      while (this.isFull && this.closeIdle(1) > 0) {}
      used = { reader: this.openTable(table), isUsed: true, cursors: 0 };
      this.open.set(table.fileNumber, used);
      this.indexBytes += used.reader.memoryBytes;
    }
    used.isUsed = true;
    return used;
  }

  private openTable(table: TableInfo): TableReader {
    const { vfs, directory, shard, cache } = this.options;
    const { fileNumber } = table;
    const path = `${directory}/${tableName(fileNumber)}`;
    const options = { vfs, path, shard, fileNumber, cache, scratch: this.scratch };
    try {
      return TableReader.open(options);
    } catch (error) {
      // Out of file handles: what is open here can be opened again later.
      if (!isIoError(error, 'EMFILE') || this.closeIdle(Math.ceil(this.open.size / 2)) === 0) throw error;
      return TableReader.open(options);
    }
  }

  private get isFull(): boolean {
    return (
      this.open.size >= (this.options.openTablesMax ?? OPEN_TABLES_MAX) || this.indexBytes >= INDEX_BYTES_MAX
    );
  }

  /** Closes up to `count` tables in which no cursor stands. Returns how many. */
  private closeIdle(count: number): number {
    let closed = 0;
    // Two turns: the first may find all of them used.
    for (let left = 2 * this.open.size; left > 0 && closed < count; left--) {
      const [fileNumber, table] = this.open.entries().next().value as [number, OpenTable]; // left > 0: not empty
      this.open.delete(fileNumber);
      if (table.isUsed || table.cursors > 0) {
        table.isUsed = false;
        this.open.set(fileNumber, table);
      } else {
        this.indexBytes -= table.reader.memoryBytes;
        table.reader.close();
        closed++;
      }
    }
    return closed;
  }
}
