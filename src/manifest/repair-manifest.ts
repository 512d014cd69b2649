/**
 * Builds a manifest from tables alone, for `lumadb repair`: when the old one is damaged or gone. Which level a table was in
 * is lost with the old manifest, so all go to level 0, each a run of its own, the one with the newest seqno first.
 *
 * That order is right for a key as long as, of two tables that can hold it, one is newer throughout. A compaction can
 * have made it otherwise: a table of level 1 may hold old versions of one key beside new ones of another, and a table
 * of level 0 versions in between. Such tables are reported as `mergeFirst`: point lookups that stop at their first
 * hit may only be let at them after a compaction has merged them by seqno.
 */
import { compareBounds } from './key-order.js';
import { ManifestContents } from './manifest-contents.js';
import { createManifestFile, type ManifestDirectory, pointCurrentAt } from './manifest-file.js';
import { CURRENT, manifestName } from './manifest-names.js';
import { listDirectory } from './manifest-survey.js';
import { type SettledStray, type Stray, settleStrays } from './stray-files.js';
import type { KeyBound, TableInfo } from './table-info.js';
import type { Version } from './version.js';
import type { CollectionFigures } from './version-edit.js';

/** What the properties of a table tell about it. */
export type SurvivingTableInfo = Omit<TableInfo, 'fileNumber' | 'level' | 'run'>;

export interface RepairManifestOptions extends ManifestDirectory {
  /** Tables that were found whole. Their files are in the directory. */
  readonly tables: readonly { readonly fileNumber: number; readonly info: SurvivingTableInfo }[];
  /**
   * From where on the WAL is replayed: all operations up to it must be in `tables`, and none above it. Operations that
   * are in a table already must not be replayed: their conditions would meet what was written after them. So this is
   * the highest seqno of `tables`, without those of a flush that was cut short (see tools/replay-start.ts).
   */
  readonly flushedSeqno: number;
  /** Counted by the caller; absent = empty, for the engine to count again. */
  readonly collectionStats?: readonly CollectionFigures[];
  /** Database time reached, whole seconds, as far as it is known from elsewhere. */
  readonly databaseSeconds?: number;
}

export interface RepairManifestReport {
  readonly version: Version;
  readonly manifestNumber: number;
  /** Groups of file numbers to be merged before point lookups; empty if the order of runs is right as it is. */
  readonly mergeFirst: readonly (readonly number[])[];
  /** Old manifests and the old CURRENT, moved to quarantine. */
  readonly strays: readonly SettledStray[];
}

/**
 * Durable when it returns. After a crash or DbError('IO') in the middle, the same call can be made again. Remembered
 * operation ids and compaction cursors are lost. Files of tables that are not in `tables` are left to openManifest.
 */
export function repairManifest(options: RepairManifestOptions): RepairManifestReport {
  const { vfs, directory, tables, flushedSeqno, collectionStats, databaseSeconds } = options;
  const listing = listDirectory(options);
  const addedTables = asRuns(tables);
  const contents = new ManifestContents();
  // Past every file, also those that the caller found damaged: they may come back.
  const nextFileNumber = (listing.tables.at(-1) ?? 0) + 1;
  contents.apply({
    addedTables,
    removedTables: [],
    flushedSeqno,
    nextFileNumber,
    collectionStats,
    databaseSeconds,
  });
  const old: Stray[] = listing.manifests.map((number) => ({
    name: manifestName(number),
    kind: 'other manifest',
  }));
  if (listing.hasCurrent) old.push({ name: CURRENT, kind: 'other manifest' });
  // Until the new one counts there is none, and an open is loud: never a choice between an old and a new one.
  const strays = settleStrays(vfs, directory, old);
  const number = listing.highestManifest + 1;
  createManifestFile(options, number, 1, contents.snapshot());
  pointCurrentAt(options, number);
  return { version: contents.version, manifestNumber: number, mergeFirst: ambiguous(addedTables), strays };
}

function asRuns(tables: RepairManifestOptions['tables']): TableInfo[] {
  return [...tables]
    .sort((a, b) => a.info.maxSeqno - b.info.maxSeqno || a.fileNumber - b.fileNumber)
    .map(({ fileNumber, info }, index) => ({ ...info, fileNumber, level: 0, run: index + 1 }));
}

/** Tables that will be one after a merge: what can be in it, by key and by seqno. */
interface MergeGroup {
  readonly smallest: KeyBound;
  readonly largest: KeyBound;
  readonly minSeqno: number;
  readonly maxSeqno: number;
  readonly fileNumbers: readonly number[];
}

/**
 * Groups of tables whose keys overlap and whose seqnos do. Merged, a group may get in the way of tables that had no quarrel
 * with any of its members, so groups grow until none overlaps another in both.
 */
function ambiguous(tables: readonly TableInfo[]): (readonly number[])[] {
  let groups: readonly MergeGroup[] = tables.map((table) => ({ ...table, fileNumbers: [table.fileNumber] }));
  for (let before = groups.length + 1; groups.length < before; ) {
    before = groups.length;
    groups = united(groups);
  }
  return groups.filter(({ fileNumbers }) => fileNumbers.length > 1).map(({ fileNumbers }) => fileNumbers);
}

function united(groups: readonly MergeGroup[]): MergeGroup[] {
  const result: MergeGroup[] = [];
  for (const group of groups) {
    const index = result.findIndex((other) => interleave(group, other));
    if (index < 0) result.push(group);
    else result[index] = union(result[index], group);
  }
  return result;
}

function interleave(a: MergeGroup, b: MergeGroup): boolean {
  if (a.minSeqno > b.maxSeqno || b.minSeqno > a.maxSeqno) return false;
  return compareBounds(a.smallest, b.largest) <= 0 && compareBounds(b.smallest, a.largest) <= 0;
}

function union(a: MergeGroup, b: MergeGroup): MergeGroup {
  return {
    smallest: compareBounds(a.smallest, b.smallest) <= 0 ? a.smallest : b.smallest,
    largest: compareBounds(a.largest, b.largest) >= 0 ? a.largest : b.largest,
    minSeqno: Math.min(a.minSeqno, b.minSeqno),
    maxSeqno: Math.max(a.maxSeqno, b.maxSeqno),
    fileNumbers: [...a.fileNumbers, ...b.fileNumbers],
  };
}
