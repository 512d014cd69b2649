/**
 * Whether a manifest that reads well has lost its last edits: cut off behind its snapshot it cannot be told from one after a
 * crash. What tells it is beside it. The log has let operations go that the manifest does not know to be in tables, or a
 * table that it names is gone, and tables that it does not name hold what is missing. Reads only.
 *
 * Tables in `sst/` count by themselves: no start moves them while something is missing, and none goes on with them. Tables in
 * `quarantine/` may be left from long ago, and hold what was deleted since. They count only for operations that neither a
 * known table nor the log has: a table that an earlier start set aside rightly was flushed again from the log, so the
 * manifest has come further than its seqnos, unless that is among what it has lost.
 */
import { compareBounds } from '../manifest/key-order.js';
import type { ManifestContents } from '../manifest/manifest-contents.js';
import type { Stray } from '../manifest/stray-files.js';
import type { TableInfo } from '../manifest/table-info.js';
import { classifyTableName } from '../sst/table-names.js';
import { releasedOperations } from '../wal/released.js';
import { checkTable, tablePath } from './check-table.js';
import { FindingList } from './findings.js';
import type { ShardPlace } from './shard-place.js';

export interface LostEnd {
  /** What tells it, for people. */
  readonly reason: string;
}

/** Undefined when nothing is missing, or nothing that is there makes up for it. */
export function findLostEnd(
  place: ShardPlace,
  contents: ManifestContents,
  strays: readonly Stray[],
): LostEnd | undefined {
  const { flushedSeqno } = contents.state();
  const named = contents.version.tables();
  const released = releasedThrough(place);
  const missing = named.filter(({ fileNumber }) => !place.vfs.exists(tablePath(place, fileNumber)));
  if (released <= flushedSeqno && missing.length === 0) return undefined;
  const orphans = wholeTables(
    place,
    strays.filter(({ kind }) => kind === 'orphan table').map(({ name }) => name),
  );
  if (released > flushedSeqno) {
    const newer = [
      ...orphans.filter(({ maxSeqno }) => maxSeqno > flushedSeqno),
      ...heldInQuarantine(place, flushedSeqno, released),
    ];
    if (newer.length > 0) return { reason: gapReason(flushedSeqno, released, newer) };
  }
  const [lost] = missing.filter((table) => orphans.some((orphan) => overlap(table, orphan)));
  if (lost === undefined) return undefined;
  const reason =
    `the manifest has lost its last edits: table ${lost.fileNumber} is gone, and ${orphans.length} tables that it does ` +
    `not name can hold what was in it`;
  return { reason };
}

/**
 * Tables in quarantine that hold what is in neither the log nor the tables known to be the shard's: those of a manifest that
 * ends at `flushedSeqno`, or, without one, `tables`.
 */
export function neededFromQuarantine(
  place: ShardPlace,
  tables: readonly TableInfo[],
  flushedSeqno: number | undefined,
): readonly TableInfo[] {
  const known = flushedSeqno ?? highestSeqno(tables);
  const released = releasedThrough(place);
  return released > known ? heldInQuarantine(place, known, released) : [];
}

/** What is missing even so; undefined if that cannot be told. Operations that changed nothing are in no table. */
export function stillMissing(place: ShardPlace, tables: readonly TableInfo[]): string | undefined {
  const [known, released] = [highestSeqno(tables), releasedThrough(place)];
  return released > known
    ? `operations above seqno ${known}, up to ${released}, are in no table and may be lost`
    : undefined;
}

/** The quarantine directory in the place of the table directory. */
export function quarantinePlace(place: ShardPlace): ShardPlace {
  return { ...place, tableDirectory: place.quarantineDirectory };
}

function gapReason(flushedSeqno: number, released: number, newer: readonly TableInfo[]): string {
  return (
    `the manifest has lost its last edits: it ends at seqno ${flushedSeqno}, the log begins behind seqno ${released}, and ` +
    `${newer.length} tables that it does not name hold operations up to seqno ${highestSeqno(newer)}`
  );
}

function releasedThrough({ vfs, walDirectory, shard }: ShardPlace): number {
  return releasedOperations(vfs, walDirectory, shard).seqno;
}

/** Whole tables in quarantine that hold operations above `known` and not above `released`. */
function heldInQuarantine(place: ShardPlace, known: number, released: number): readonly TableInfo[] {
  const { vfs, quarantineDirectory } = place;
  if (!vfs.exists(quarantineDirectory)) return [];
  const names = vfs
    .list(quarantineDirectory)
    .filter((name) => !vfs.exists(`${place.tableDirectory}/${name}`));
  return wholeTables(quarantinePlace(place), names).filter(
    ({ minSeqno, maxSeqno }) => maxSeqno > known && minSeqno <= released,
  );
}

/** Those of the names that are whole tables of this shard, under their own number. */
function wholeTables(place: ShardPlace, names: readonly string[]): TableInfo[] {
  const tables: TableInfo[] = [];
  for (const name of names) {
    const classified = classifyTableName(name);
    if (classified.kind !== 'table') continue;
    const { fileNumber } = classified;
    const checked = checkTable(place, fileNumber, undefined, new FindingList(place.shard));
    if (checked !== undefined) tables.push({ ...checked.properties, fileNumber, level: 0, run: fileNumber });
  }
  return tables;
}

export function highestSeqno(tables: readonly TableInfo[]): number {
  return tables.reduce((max, { maxSeqno }) => Math.max(max, maxSeqno), 0);
}

function overlap(a: TableInfo, b: TableInfo): boolean {
  if (a.minSeqno > b.maxSeqno || b.minSeqno > a.maxSeqno) return false;
  return compareBounds(a.smallest, b.largest) <= 0 && compareBounds(b.smallest, a.largest) <= 0;
}
