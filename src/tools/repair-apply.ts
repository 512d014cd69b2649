/**
 * Carries out the plan of a repair for one shard. The order of steps makes it safe to be killed anywhere:
 *
 * 1. what was saved is written to new tables, under temporary names, which get their names when all are durable;
 * 2. a new manifest that names them, and CURRENT that names it: from here on the repair counts;
 * 3. what was replaced goes to `quarantine/`. Nothing is deleted.
 * 4. a damaged log is replayed as far as it goes, flushed, and its segments are given up; recovery kept copies of the
 *    damaged ones in quarantine.
 *
 * Tables that are needed from quarantine are read where they are, and stay there.
 *
 * Before 2 the old state stands, with some files beside it that the next repair or start moves to quarantine.
 */
import { assert } from '../base/assert.js';
import { TableSeries } from '../compaction/table-series.js';
import { ENTRY_EXPIRED, ENTRY_TOMBSTONE } from '../iter/entry-cursor.js';
import { ManifestContents } from '../manifest/manifest-contents.js';
import { createManifestFile, pointCurrentAt } from '../manifest/manifest-file.js';
import { CURRENT, manifestName } from '../manifest/manifest-names.js';
import { listDirectory } from '../manifest/manifest-survey.js';
import { type SettledStray, type Stray, settleStrays } from '../manifest/stray-files.js';
import type { TableInfo } from '../manifest/table-info.js';
import { LEVELS_MAX } from '../manifest/version.js';
import { tableName, temporaryTableName } from '../sst/table-names.js';
import { highestSeqno, quarantinePlace } from './lost-end.js';
import { forEachNewest } from './newest-versions.js';
import { type OfflineShardOptions, openOfflineShard } from './offline-shard.js';
import { countDocuments, type DamagedTable, type RepairPlan, type RepairPlanOptions } from './repair-plan.js';
import { flushedThrough } from './replay-start.js';
import { salvage } from './salvage.js';
import { manifestPlace } from './shard-place.js';
import { disjointRuns, TableRuns } from './table-runs.js';

export type RepairApplyOptions = RepairPlanOptions & Omit<OfflineShardOptions, 'onProgress' | 'onWalDamage'>;

/** Files that are in quarantine now. */
export type Quarantined = readonly string[];

export function applyRepair(plan: RepairPlan, options: RepairApplyOptions): Quarantined {
  const moved: string[] = [];
  const replacesManifest =
    plan.manifestProblem !== undefined || plan.damaged.length > 0 || plan.statisticsAreWrong;
  if (replacesManifest) {
    const work = new ShardRepair(plan, options);
    const strays = plan.manifest === undefined ? work.rebuild() : work.replaceTables();
    moved.push(...quarantinePaths(strays));
  }
  if (plan.walDamage.length > 0) moved.push(...salvageLog(options));
  return moved;
}

class ShardRepair {
  private nextFileNumber: number;
  private nextManifest: number;
  private readonly leftOut: SettledStray[] = [];

  constructor(
    private readonly plan: RepairPlan,
    private readonly options: RepairApplyOptions,
  ) {
    const listing = listDirectory(manifestPlace(plan.place));
    const known = (plan.manifest ?? plan.outdated)?.read.contents.state().nextFileNumber ?? 1;
    const taken = plan.inQuarantine.map(({ fileNumber }) => fileNumber + 1);
    this.nextFileNumber = Math.max(known, listing.highestTable + 1, ...taken);
    this.nextManifest = listing.highestManifest + 1;
    this.leaveOut();
    this.removeTemporaries();
  }

  /** The manifest is known: damaged tables give way to what was saved of them, in the same place of the tree. */
  replaceTables(): SettledStray[] {
    const { plan } = this;
    const { manifest } = plan;
    assert(manifest !== undefined, 'tables are replaced in a manifest');
    const { contents } = manifest.read;
    const added = plan.damaged.flatMap((table) => this.salvaged(table));
    this.nameTables(added);
    const removedTables = plan.damaged.map(({ fileNumber }) => fileNumber);
    contents.apply({ addedTables: added, removedTables, nextFileNumber: this.nextFileNumber });
    this.count(contents);
    this.switchTo(contents, manifest.read.sequence + 1);
    return this.settle([...this.damagedFiles(), ...plan.strays]);
  }

  /**
   * Nothing says which table was in which level. The newest versions of all keys go into one run of the deepest level,
   * which needs no such knowledge.
   */
  rebuild(): SettledStray[] {
    const { plan } = this;
    this.rememberWhatIsKnown();
    const saved = plan.damaged.flatMap((table) => this.salvaged(table));
    this.nameTables(saved);
    const inDirectory = [...plan.loose, ...saved];
    const sources = [...inDirectory, ...plan.inQuarantine];
    const { tables, databaseSeconds } = this.merge(sources);
    const remembered = plan.outdated?.read.contents.state();
    this.nameTables(tables);
    const contents = new ManifestContents();
    const maxSeqno = sources.reduce((max, table) => Math.max(max, table.maxSeqno), 0);
    contents.apply({
      addedTables: tables,
      removedTables: [],
      nextFileNumber: this.nextFileNumber,
      flushedSeqno: flushedThrough(plan.place, maxSeqno),
      databaseSeconds: Math.max(databaseSeconds, remembered?.databaseSeconds ?? 0),
      operationIds: remembered?.operationIds,
    });
    this.count(contents);
    this.switchTo(contents, 1);
    const merged = inDirectory.map(
      ({ fileNumber }): Stray => ({ name: tableName(fileNumber), kind: 'orphan table' }),
    );
    return [...this.leftOut, ...this.settle([...this.damagedFiles(), ...merged, ...plan.strays])];
  }

  /**
   * Without a manifest, tables in quarantine are told to be needed by the newest seqno of the others. New tables, of which a
   * power cut may leave any, would hide that they are. So a manifest says first how far the others go: no start goes on
   * from it, since the log does not reach back that far, and the next repair finds that it has lost its end.
   */
  private rememberWhatIsKnown(): void {
    const { outdated, inQuarantine, loose } = this.plan;
    if (outdated !== undefined || inQuarantine.length === 0) return;
    const contents = new ManifestContents();
    const nextFileNumber = this.nextFileNumber;
    contents.apply({ addedTables: [], removedTables: [], flushedSeqno: highestSeqno(loose), nextFileNumber });
    this.switchTo(contents, 1);
    this.nextManifest++;
  }

  /** A table with all that could be read of a damaged one; none if that is nothing. */
  private salvaged({ fileNumber, info, salvaged: expected }: DamagedTable): TableInfo[] {
    if (expected === undefined || expected.entries === 0) return [];
    const { place } = this.plan;
    const level = info?.level ?? 0;
    const series = this.series(level, info?.run ?? 0, 1);
    try {
      salvage(place, fileNumber, info, (entry) => series.add(entry));
      return series.finish();
    } catch (error) {
      series.abandon();
      throw error;
    }
  }

  /** One run of all tables: the newest version of every key. A deletion needs no trace where nothing is older. */
  private merge(tables: readonly TableInfo[]): { tables: TableInfo[]; databaseSeconds: number } {
    let databaseSeconds = 0;
    if (tables.length === 0) return { tables: [], databaseSeconds };
    const { tableSizeBytes } = this.options.tuning.tables;
    const rawBytes = tables.reduce((sum, table) => sum + table.rawBytes, 0);
    const series = this.series(LEVELS_MAX - 1, 0, 1 + Math.ceil(rawBytes / tableSizeBytes));
    const { place, inQuarantine } = this.plan;
    const aside = new Set(inQuarantine);
    const tableRuns = new TableRuns(
      place,
      () => {},
      (table) => (aside.has(table) ? quarantinePlace(place) : place),
    );
    try {
      forEachNewest(
        disjointRuns(tables).map((run) => tableRuns.cursor(run)),
        (entry) => {
          // Only what has expired loses its text: database time had come that far.
          if (entry.kind === ENTRY_EXPIRED) databaseSeconds = Math.max(databaseSeconds, entry.expiresAt);
          if (entry.kind === ENTRY_TOMBSTONE) return;
          if (series.isFull) series.cut();
          series.add(entry);
        },
      );
      return { tables: series.finish(), databaseSeconds };
    } catch (error) {
      series.abandon();
      throw error;
    } finally {
      tableRuns.close();
    }
  }

  private series(level: number, run: number, numbers: number): TableSeries {
    const { place } = this.plan;
    const { tables } = this.options.tuning;
    const fileNumbers = { first: this.nextFileNumber, count: numbers };
    this.nextFileNumber += numbers;
    const codec = level === LEVELS_MAX - 1 ? tables.lastCodec : tables.upperCodec;
    return new TableSeries({
      vfs: place.vfs,
      directory: place.tableDirectory,
      fileNumbers,
      level,
      run,
      codec,
      tables,
    });
  }

  private nameTables(tables: readonly TableInfo[]): void {
    const { vfs, tableDirectory } = this.plan.place;
    for (const { fileNumber } of tables)
      vfs.rename(
        `${tableDirectory}/${temporaryTableName(fileNumber)}`,
        `${tableDirectory}/${tableName(fileNumber)}`,
      );
    if (tables.length > 0) vfs.syncDirectory(tableDirectory);
  }

  /** Statistics anew, unless a table that is not to be repaired cannot be read. */
  private count(contents: ManifestContents): void {
    if (this.plan.damageLeft.length > 0) return;
    const collectionStats = countDocuments(this.options, contents);
    contents.apply({ addedTables: [], removedTables: [], collectionStats });
  }

  private switchTo(contents: ManifestContents, sequence: number): void {
    const place = manifestPlace(this.plan.place);
    createManifestFile(place, this.nextManifest, sequence, contents.snapshot());
    pointCurrentAt(place, this.nextManifest);
  }

  /** Damaged tables that are there, and every manifest but the new one. */
  private damagedFiles(): Stray[] {
    const { place, damaged } = this.plan;
    const { manifests } = listDirectory(manifestPlace(place));
    const old = manifests.filter((number) => number !== this.nextManifest);
    return [
      ...damaged
        .filter(({ file }) => place.vfs.exists(file))
        .map(({ fileNumber }): Stray => ({ name: tableName(fileNumber), kind: 'orphan table' })),
      ...old.map((number): Stray => ({ name: manifestName(number), kind: 'other manifest' })),
    ];
  }

  private settle(strays: readonly Stray[]): SettledStray[] {
    const { vfs, tableDirectory } = this.plan.place;
    const names = new Set<string>([CURRENT]);
    const present = strays.filter(({ name }) => {
      const isNew = !names.has(name) && vfs.exists(`${tableDirectory}/${name}`);
      names.add(name);
      return isNew;
    });
    return settleStrays(vfs, tableDirectory, present);
  }

  /**
   * Before the temporary files go that tell a half-named flush, and one after the other in the order of their numbers, so
   * that a repair that is killed in between finds the rest of it.
   */
  private leaveOut(): void {
    const { vfs, tableDirectory } = this.plan.place;
    for (const { fileNumber } of this.plan.leftOut) {
      const name = tableName(fileNumber);
      this.leftOut.push(...settleStrays(vfs, tableDirectory, [{ name, kind: 'orphan table' }]));
    }
  }

  /** Left behind by a job, or by a repair that was killed. */
  private removeTemporaries(): void {
    const { vfs, tableDirectory } = this.plan.place;
    const { incomplete } = listDirectory(manifestPlace(this.plan.place));
    settleStrays(
      vfs,
      tableDirectory,
      incomplete.map((name) => ({ name, kind: 'incomplete file' })),
    );
  }
}

/** Afterwards the log is empty and what was good in it is in tables. Returns the copies of damaged segments. */
function salvageLog(options: RepairApplyOptions): readonly string[] {
  const opened = openOfflineShard({ ...options, onProgress: undefined, onWalDamage: 'salvage' });
  try {
    opened.flushAll();
    return opened.walReport.quarantined;
  } finally {
    opened.close();
  }
}

function quarantinePaths(strays: readonly SettledStray[]): string[] {
  return strays.flatMap(({ path, action }) => (action === 'quarantined' && path !== undefined ? [path] : []));
}
