/**
 * The open SSTables of one shard in one thread: each reading thread has its own, so nothing here is shared. Bounded: the
 * table that was not used for longest is closed first. An open table costs a file handle, its index and its filter.
 */
import type { BlockCache } from '../cache/block-cache.js';
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
}

export class TableCache {
  private readonly open = new Map<number, OpenTable>();
  private uses = 0;

  constructor(private readonly options: TableCacheOptions) {}

  /** The reader of a table. Valid until the next call. Throws DbError CORRUPT_TABLE or IO. */
  reader(table: TableInfo): TableReader {
    const found = this.open.get(table.fileNumber);
    this.uses++;
    if (found !== undefined) {
      found.lastUse = this.uses;
      return found.reader;
    }
    if (this.open.size >= (this.options.openTablesMax ?? OPEN_TABLES_MAX)) this.closeOldest(1);
    const reader = this.openTable(table);
    this.open.set(table.fileNumber, { reader, lastUse: this.uses });
    return reader;
  }

  /** Closes the tables that a version does not have any more. */
  retain(version: Version): void {
    const kept = new Set<number>();
    for (const run of version.runsNewestFirst())
      for (const { fileNumber } of run.tables) kept.add(fileNumber);
    for (const [fileNumber, { reader }] of this.open) {
      if (kept.has(fileNumber)) continue;
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

  private openTable(table: TableInfo): TableReader {
    const { vfs, directory, shard, cache } = this.options;
    const { fileNumber } = table;
    const options = { vfs, path: `${directory}/${tableName(fileNumber)}`, shard, fileNumber, cache };
    try {
      return TableReader.open(options);
    } catch (error) {
      // Out of file handles: what is open here can be opened again later.
      if (!isIoError(error, 'EMFILE') || this.open.size === 0) throw error;
      this.closeOldest(Math.ceil(this.open.size / 2));
      return TableReader.open(options);
    }
  }

  private closeOldest(count: number): void {
    const byAge = [...this.open].sort(([, a], [, b]) => a.lastUse - b.lastUse);
    for (const [fileNumber, { reader }] of byAge.slice(0, count)) {
      reader.close();
      this.open.delete(fileNumber);
    }
  }
}
