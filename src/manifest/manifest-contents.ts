/**
 * What a manifest says so far: the version and the state beside it, edit by edit. Both reading and writing a manifest
 * drive it, so that a shard after a restart knows exactly what it knew before. Knows no files. One thread.
 */
import { assert } from '../base/assert.js';
import { Version } from './version.js';
import type {
  CollectionFigures,
  CompactionCursor,
  RememberedOperationId,
  VersionEdit,
} from './version-edit.js';

/** Operations with an id that outlive a restart. The same number as OPERATION_IDS_MAX of the engine. */
export const OPERATION_IDS_KEPT = 65_536;

/** What a manifest holds besides the tables. */
export interface ManifestState {
  /** All operations of this shard up to it are in tables; 0 before the first flush. */
  readonly flushedSeqno: number;
  /** Above the number of every table there ever was; the first is 1. */
  readonly nextFileNumber: number;
  /** Above the number of every run of level 0 there ever was; the first is 1. */
  readonly nextRun: number;
  /** Database time reached, whole seconds; 0 if unknown. */
  readonly databaseSeconds: number;
  readonly collectionStats: readonly CollectionFigures[];
  /** The last OPERATION_IDS_KEPT, oldest first. */
  readonly operationIds: readonly RememberedOperationId[];
  /** At most one per level, by level. */
  readonly compactionCursors: readonly CompactionCursor[];
}

export class ManifestContents {
  private current = Version.empty();
  private flushedSeqno = 0;
  private nextFileNumber = 1;
  private nextRun = 1;
  private databaseSeconds = 0;
  private collectionStats: readonly CollectionFigures[] = [];
  private operationIds: RememberedOperationId[] = [];
  private readonly compactionCursors = new Map<number, CompactionCursor>();
  private readonly removed = new Set<number>();

  get version(): Version {
    return this.current;
  }

  /** The version that the edit leads to. An AssertionError if the edit does not fit; changes nothing. */
  versionAfter(edit: VersionEdit): Version {
    this.requireForward(edit);
    return this.current.apply(edit);
  }

  /** `version` is what `versionAfter` returned for this edit. */
  apply(edit: VersionEdit, version = this.versionAfter(edit)): void {
    this.applyState(edit);
    this.current = version;
  }

  /** Takes over a version that was put together elsewhere from edits whose state was applied here. */
  adoptVersion(version: Version): void {
    this.current = version;
  }

  /** All of the edit but the tables. An AssertionError, with nothing changed, if it does not fit. */
  applyState(edit: VersionEdit): void {
    this.requireForward(edit);
    this.flushedSeqno = edit.flushedSeqno ?? this.flushedSeqno;
    this.databaseSeconds = Math.max(this.databaseSeconds, edit.databaseSeconds ?? 0);
    // Numbers are never used twice, so an edit that adds a table also moves the next number past it.
    this.nextFileNumber = Math.max(this.nextFileNumber, edit.nextFileNumber ?? 0);
    this.nextRun = Math.max(this.nextRun, edit.nextRun ?? 0);
    for (const { fileNumber, run } of edit.addedTables) {
      this.nextFileNumber = Math.max(this.nextFileNumber, fileNumber + 1);
      this.nextRun = Math.max(this.nextRun, run + 1);
    }
    this.collectionStats = edit.collectionStats ?? this.collectionStats;
    for (const operation of edit.operationIds ?? []) this.operationIds.push(operation);
    // Trimmed in large steps: a flush need not move 65,536 entries to drop a few.
    if (this.operationIds.length > 2 * OPERATION_IDS_KEPT) this.operationIds = this.keptOperationIds();
    for (const cursor of edit.compactionCursors ?? []) this.compactionCursors.set(cursor.level, cursor);
    for (const fileNumber of edit.obsoleteTables ?? []) this.removed.add(fileNumber);
    for (const fileNumber of edit.removedTables) this.removed.add(fileNumber);
    // Removed and added by the same edit: a table that moves.
    for (const { fileNumber } of edit.addedTables) this.removed.delete(fileNumber);
  }

  state(): ManifestState {
    return {
      flushedSeqno: this.flushedSeqno,
      nextFileNumber: this.nextFileNumber,
      nextRun: this.nextRun,
      databaseSeconds: this.databaseSeconds,
      collectionStats: this.collectionStats,
      operationIds: this.keptOperationIds(),
      compactionCursors: [...this.compactionCursors.values()].sort((a, b) => a.level - b.level),
    };
  }

  /** Tables that were in some version and are in the current one no more, as far back as this manifest knows. */
  get obsoleteTables(): ReadonlySet<number> {
    return this.removed;
  }

  /** The edit that leads from nothing to here, without the tables that are gone. */
  snapshot(): VersionEdit {
    return { addedTables: this.current.tables(), removedTables: [], ...this.state() };
  }

  private requireForward({ flushedSeqno }: VersionEdit): void {
    assert(
      flushedSeqno === undefined || flushedSeqno >= this.flushedSeqno,
      () => `a version edit moves the flushed seqno back from ${this.flushedSeqno} to ${flushedSeqno}`,
    );
  }

  private keptOperationIds(): RememberedOperationId[] {
    return this.operationIds.slice(-OPERATION_IDS_KEPT);
  }
}
