/**
 * The tables of one shard: which there are (manifest and version), reading them, and changing the set. Shard thread only.
 *
 * Every change has the same order, so that a crash between any two steps loses nothing and readers never miss a key:
 * give the new files their names, sync the directory, append the version edit (durable), publish the new version, and
 * only then let go of what it replaces: a flushed memtable, the tables that a compaction has read.
 */
import type { DbError } from '../base/errors.js';
import type { ManifestWriter } from '../manifest/manifest-writer.js';
import type { WritableManifest } from '../manifest/open-manifest.js';
import type { TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';
import type { CompactionCursor, VersionEdit } from '../manifest/version-edit.js';
import type { VersionPublisher } from '../manifest/version-publisher.js';
import type { MemtablePool, PinNote } from '../memtable/pool.js';
import type { EntryPart, FoundEntry } from '../sst/found-entry.js';
import { tableName, temporaryTableName } from '../sst/table-names.js';
import { isIoError } from '../vfs/io-error.js';
import { unlinkQuietly } from '../vfs/transfer.js';
import type { Vfs } from '../vfs/vfs.js';
import type { TableCache } from './table-cache.js';
import { findInTables } from './table-lookup.js';
import type { FrozenMemtable } from './tables-below.js';

export interface ShardStoreOptions {
  readonly vfs: Vfs;
  /** Directory of the tables and the manifest. */
  readonly directory: string;
  readonly memtables: MemtablePool;
  readonly tables: TableCache;
  /** Where other threads see the version; without it only this thread reads. */
  readonly publisher?: VersionPublisher;
  /** Told when a file could not be removed; it is tried again. */
  readonly onUnlinkFailed?: (path: string, error: unknown) => void;
}

/** Tables that no version has any more, and who may still be looking at them. */
interface ObsoleteTables {
  readonly pins: PinNote;
  fileNumbers: readonly number[];
}

export class ShardStore {
  private readonly manifest: ManifestWriter;
  private current: Version;
  private versionNumber = 0;
  private obsolete: ObsoleteTables[] = [];
  private nextFileNumber: number;
  private nextRun: number;
  /** Every operation of the shard up to this seqno is in tables. */
  flushedSeqno: number;

  constructor(
    private readonly options: ShardStoreOptions,
    opened: WritableManifest,
  ) {
    this.manifest = opened.writer;
    this.current = opened.version;
    this.nextFileNumber = opened.state.nextFileNumber;
    this.nextRun = opened.state.nextRun;
    this.flushedSeqno = opened.state.flushedSeqno;
    this.publish();
  }

  get version(): Version {
    return this.current;
  }

  /** Newest version of a key that is in tables, or that `part` of it. */
  find(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    out: FoundEntry,
    part: EntryPart,
  ): boolean {
    const { tables } = this.options;
    return findInTables(
      this.current,
      tables,
      hash,
      collection,
      key,
      keyOffset,
      keyLength,
      Number.MAX_SAFE_INTEGER,
      out,
      part,
    );
  }

  /** First of `count` file numbers that no other job gets. Numbers of a job that a crash ends are used again. */
  reserveFileNumbers(count: number): number {
    const first = this.nextFileNumber;
    this.nextFileNumber += count;
    return first;
  }

  reserveRun(): number {
    return this.nextRun++;
  }

  /** Where the next compaction of each level starts. */
  compactionCursors(): readonly CompactionCursor[] {
    return this.manifest.state.compactionCursors;
  }

  /** What a manifest says that begins with the tables of now. */
  snapshot(): VersionEdit {
    return this.manifest.snapshot();
  }

  /** Why the set of tables cannot change any more, if that is so. */
  poisonedBy(): DbError | undefined {
    return this.manifest.poisonedBy();
  }

  /**
   * The oldest memtable of the chain is in `tables` now; `databaseSeconds`: when the one after it was begun. Throws when
   * it cannot be made durable.
   */
  installFlush(frozen: FrozenMemtable, tables: readonly TableInfo[], databaseSeconds: number): void {
    this.install({
      addedTables: tables,
      removedTables: [],
      flushedSeqno: frozen.lastSeqno,
      collectionStats: frozen.stats,
      operationIds: frozen.operationIds,
      databaseSeconds,
    });
    this.flushedSeqno = frozen.lastSeqno;
    // After the version was published: a reader that does not find a key in the chain any more finds it in the tables.
    this.options.memtables.retireOldest();
    this.options.memtables.reclaim();
  }

  /** `removed` (file numbers) have become `added`. */
  installCompaction(
    added: readonly TableInfo[],
    removed: readonly number[],
    cursors: VersionEdit['compactionCursors'],
  ): void {
    this.install({ addedTables: added, removedTables: removed, compactionCursors: cursors });
    this.obsolete.push({ pins: this.options.memtables.notePins(), fileNumbers: removed });
    this.options.tables.retain(this.current);
    this.reclaim();
  }

  /** A table goes to a deeper level as it is. */
  moveTable(table: TableInfo, level: number, cursors: VersionEdit['compactionCursors']): void {
    this.append({
      addedTables: [{ ...table, level, run: 0 }],
      removedTables: [table.fileNumber],
      compactionCursors: cursors,
    });
    this.publish();
  }

  /** Removes files that nobody can be reading any more. Returns how many wait. */
  reclaim(): number {
    const { memtables } = this.options;
    memtables.reclaim();
    this.obsolete = this.obsolete.filter((entry) => {
      if (memtables.isHeld(entry.pins)) return true;
      entry.fileNumbers = entry.fileNumbers.filter((fileNumber) => !this.unlink(fileNumber));
      return entry.fileNumbers.length > 0;
    });
    return this.obsoleteTables;
  }

  /** Files of tables that no version has any more and that are still there. */
  get obsoleteTables(): number {
    return this.obsolete.reduce((sum, { fileNumbers }) => sum + fileNumbers.length, 0);
  }

  close(): void {
    this.options.tables.close();
    this.manifest.close();
  }

  /** A change that brings new files. When it does not happen they are removed: a retry writes others. */
  private install(edit: VersionEdit): void {
    try {
      this.nameTables(edit.addedTables);
      this.append(edit);
    } catch (error) {
      // An edit that may be in the manifest keeps its files: the next start finds out.
      if (this.manifest.poisonedBy() === undefined) this.discard(edit.addedTables);
      throw error;
    }
    this.publish();
  }

  private discard(tables: readonly TableInfo[]): void {
    const { vfs, directory } = this.options;
    for (const { fileNumber } of tables) {
      unlinkQuietly(vfs, `${directory}/${temporaryTableName(fileNumber)}`);
      unlinkQuietly(vfs, `${directory}/${tableName(fileNumber)}`);
    }
  }

  private nameTables(tables: readonly TableInfo[]): void {
    const { vfs, directory } = this.options;
    for (const { fileNumber } of tables)
      vfs.rename(`${directory}/${temporaryTableName(fileNumber)}`, `${directory}/${tableName(fileNumber)}`);
    // Before the manifest names them: it must never name a file that a crash can take away.
    if (tables.length > 0) vfs.syncDirectory(directory);
  }

  private append(edit: VersionEdit): void {
    const next = this.current.apply(edit);
    this.options.publisher?.requireRoom(next);
    this.manifest.append({ ...edit, nextFileNumber: this.nextFileNumber, nextRun: this.nextRun });
    this.current = next;
  }

  private publish(): void {
    this.versionNumber++;
    this.options.publisher?.publish(this.current, this.versionNumber);
  }

  private unlink(fileNumber: number): boolean {
    const path = `${this.options.directory}/${tableName(fileNumber)}`;
    try {
      this.options.vfs.unlink(path);
      return true;
    } catch (error) {
      this.options.onUnlinkFailed?.(path, error);
      return isIoError(error, 'ENOENT');
    }
  }
}
