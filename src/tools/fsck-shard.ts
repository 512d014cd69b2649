/**
 * Checks one shard: manifest, tables one by one, all of them together, log. Reads only. Beside a running server the
 * manifest moves on and tables vanish meanwhile: what was found then counts only if the manifest stood still.
 */
import { DbError } from '../base/errors.js';
import { listDirectory, type ManifestSurvey, surveyNames } from '../manifest/manifest-survey.js';
import type { Stray } from '../manifest/stray-files.js';
import type { TableInfo } from '../manifest/table-info.js';
import type { CollectionFigures } from '../manifest/version-edit.js';
import { tableName } from '../sst/table-names.js';
import { isIoError } from '../vfs/io-error.js';
import type { ByteProgress } from './byte-progress.js';
import { checkEntries } from './check-entries.js';
import { checkTable } from './check-table.js';
import { checkWal, type WalCheckResult } from './check-wal.js';
import { collectionLabel, indexNumbered, isDropped, type KnownCollections } from './collections.js';
import { FindingList } from './findings.js';
import { findLostEnd } from './lost-end.js';
import { manifestPlace, type ShardPlace } from './shard-place.js';
import { disjointRuns } from './table-runs.js';

export interface ShardCheckOptions {
  readonly place: ShardPlace;
  readonly shards: number;
  readonly collections: KnownCollections;
  readonly only?: number;
  readonly isLive: boolean;
  /** What has expired by now may be half removed. */
  readonly nowSeconds: number;
  readonly progress: ByteProgress;
}

export interface ShardCheck {
  readonly findings: FindingList;
  readonly notes: readonly string[];
  readonly tables: number;
  readonly blocks: number;
  readonly entries: number;
  readonly bytes: number;
  readonly wal: WalCheckResult;
  readonly figures: readonly CollectionFigures[];
}

/** How often a shard of a running server is checked again because it changed under the check. */
const LIVE_ATTEMPTS_MAX = 4;

export function checkShard(options: ShardCheckOptions): ShardCheck {
  for (let attempt = 1; ; attempt++) {
    const before = options.isLive ? manifestMark(options.place) : '';
    const check = new Checking(options).run();
    if (!options.isLive || check.findings.errors === 0) return check;
    if (manifestMark(options.place) === before) return check;
    if (attempt === LIVE_ATTEMPTS_MAX) {
      const note = `shard ${options.place.shard} changed during each of ${attempt} checks: its errors may be none`;
      return { ...check, notes: [...check.notes, note] };
    }
  }
}

/** Bytes of all finished tables in the directory, for a progress bar. */
export function tableBytes(place: ShardPlace): number {
  const { tables } = listDirectory(manifestPlace(place));
  let bytes = 0;
  for (const fileNumber of tables) {
    try {
      bytes += place.vfs.sizeOf(`${place.tableDirectory}/${tableName(fileNumber)}`);
    } catch (error) {
      // Gone since the directory was listed.
      if (!isIoError(error, 'ENOENT')) throw error;
    }
  }
  return bytes;
}

/** Differs when the manifest has gone on. */
function manifestMark(place: ShardPlace): string {
  try {
    const { current } = surveyNames(manifestPlace(place));
    return current === undefined ? 'none' : `${current.number}/${current.read.sequence}`;
  } catch (error) {
    return error instanceof DbError ? error.message : String(error);
  }
}

class Checking {
  private readonly findings: FindingList;
  private readonly notes: string[] = [];
  private blocks = 0;
  private bytes = 0;
  private tables = 0;

  constructor(private readonly options: ShardCheckOptions) {
    this.findings = new FindingList(options.place.shard);
  }

  run(): ShardCheck {
    const survey = this.survey();
    const state = survey?.current?.read.contents.state();
    const flushedSeqno = survey === undefined ? undefined : (state?.flushedSeqno ?? 0);
    const wal = this.checkWal(flushedSeqno);
    const whole = survey === undefined ? this.checkLooseTables() : this.checkNamedTables(survey);
    const isComplete = this.tables === whole.flat().length;
    const checked = this.checkTogether(whole, survey, Math.max(flushedSeqno ?? 0, wal.lastSeqno));
    if (checked !== undefined && isComplete && survey !== undefined)
      this.compareStatistics(checked.figures, state?.collectionStats ?? []);
    else
      this.notes.push(
        `shard ${this.options.place.shard}: statistics not verified, not all of it could be read`,
      );
    const { findings, notes, tables, blocks, bytes } = this;
    return {
      findings,
      notes,
      tables,
      blocks,
      bytes,
      wal,
      entries: checked?.entries ?? 0,
      figures: checked?.figures ?? [],
    };
  }

  /** Undefined when no manifest can be read. */
  private survey(): ManifestSurvey | undefined {
    const { place } = this.options;
    try {
      const survey = surveyNames(manifestPlace(place));
      const isLost = this.reportLostEnd(survey);
      for (const stray of survey.strays) this.reportStray(stray, isLost);
      return survey;
    } catch (error) {
      this.findings.failure(error, place.tableDirectory);
      return undefined;
    }
  }

  /** True when the manifest has lost its last edits. Not asked beside a server, whose manifest moves on. */
  private reportLostEnd({ current, strays }: ManifestSurvey): boolean {
    const { isLive, place } = this.options;
    if (isLive || current === undefined) return false;
    const lost = findLostEnd(place, current.read.contents, strays);
    if (lost === undefined) return false;
    this.findings.error(
      place.tableDirectory,
      null,
      `${lost.reason}; 'lumadb repair' takes them into account`,
    );
    return true;
  }

  private reportStray({ name, kind }: Stray, isEndLost: boolean): void {
    const { isLive, place } = this.options;
    // A running server has files that its manifest does not name yet, or any more.
    if (isLive && kind !== 'unknown file') return;
    const isRemoved = kind === 'incomplete file' || kind === 'obsolete table';
    let fate = isRemoved ? 'it is removed at the next start' : 'it goes to quarantine at the next start';
    if (isEndLost) fate = 'it stays where it is until the shard is whole';
    this.findings.warning(`${place.tableDirectory}/${name}`, null, `${kind}: ${fate}`);
  }

  private checkNamedTables(survey: ManifestSurvey): TableInfo[][] {
    const runs = survey.current?.read.contents.version.runsNewestFirst() ?? [];
    return runs
      .map(({ tables }) => tables.filter((table) => this.isWanted(table) && this.checkNamed(table)))
      .filter((tables) => tables.length > 0);
  }

  private checkNamed(table: TableInfo): boolean {
    const { place, progress } = this.options;
    const checked = checkTable(place, table.fileNumber, table, this.findings);
    progress.add(table.sizeBytes);
    this.tables++;
    this.bytes += table.sizeBytes;
    this.blocks += checked?.properties.dataBlocks ?? 0;
    return checked !== undefined;
  }

  /** Without a manifest nobody knows which table was in which run, nor which is newer. */
  private checkLooseTables(): TableInfo[][] {
    const { place, progress } = this.options;
    const tables: TableInfo[] = [];
    for (const fileNumber of listDirectory(manifestPlace(place)).tables) {
      const checked = checkTable(place, fileNumber, undefined, this.findings);
      this.tables++;
      if (checked === undefined) continue;
      const { properties } = checked;
      progress.add(properties.sizeBytes);
      this.bytes += properties.sizeBytes;
      this.blocks += properties.dataBlocks;
      tables.push({ ...properties, fileNumber, level: 0, run: 0 });
    }
    return disjointRuns(tables);
  }

  private isWanted({ collections }: TableInfo): boolean {
    const { only } = this.options;
    return only === undefined || collections.some(({ collection }) => collection === only);
  }

  private checkTogether(
    runs: readonly (readonly TableInfo[])[],
    survey: ManifestSurvey | undefined,
    lastSeqno: number,
  ): ReturnType<typeof checkEntries> | undefined {
    const { options, findings } = this;
    const databaseSeconds =
      survey?.current?.read.contents.state().databaseSeconds ?? Number.POSITIVE_INFINITY;
    try {
      return checkEntries({
        ...options,
        runs,
        runsAreOrdered: survey !== undefined,
        seqnoMax: survey === undefined || options.isLive ? Number.POSITIVE_INFINITY : lastSeqno,
        databaseSeconds,
        expiredSeconds: Math.max(databaseSeconds, options.nowSeconds),
        findings,
      });
    } catch (error) {
      findings.failure(error, options.place.tableDirectory);
      return undefined;
    }
  }

  /** Statistics in the manifest are as of the last flush: what the tables hold, and nothing of the log. */
  private compareStatistics(
    counted: readonly CollectionFigures[],
    claimed: readonly CollectionFigures[],
  ): void {
    const { collections, only, place } = this.options;
    const countedBy = new Map(counted.map((figures) => [figures.collection, figures]));
    const claimedBy = new Map(claimed.map((figures) => [figures.collection, figures]));
    for (const collection of new Set([...countedBy.keys(), ...claimedBy.keys()])) {
      // Nobody counts what an ended build has left.
      if (indexNumbered(collections, collection)?.state === 'invalid') continue;
      if (isDropped(collections, collection) || (only !== undefined && collection !== only)) continue;
      const { documents = 0, bytes = 0 } = countedBy.get(collection) ?? {};
      const claim = claimedBy.get(collection) ?? { documents: 0, bytes: 0 };
      if (claim.documents === documents && claim.bytes === bytes) continue;
      this.findings.error(
        place.tableDirectory,
        null,
        `statistics in the manifest: ${claim.documents} documents of ${claim.bytes} bytes; ` +
          `in the tables: ${documents} of ${bytes}`,
        collectionLabel(collections, collection),
      );
    }
  }

  private checkWal(flushedSeqno: number | undefined): WalCheckResult {
    const { options, findings } = this;
    try {
      return checkWal({ ...options, flushedSeqno, findings });
    } catch (error) {
      findings.failure(error, options.place.walDirectory);
      return { records: 0, bytes: 0, lastSeqno: 0 };
    }
  }
}
