/**
 * What is wrong with a shard and what a repair would do about it. Reads only, so it is also the dry run. What to do
 * follows from the files alone: after a crash in the middle of a repair the next plan goes on from what it finds.
 */
import { DbError } from '../base/errors.js';
import type { ManifestContents } from '../manifest/manifest-contents.js';
import { manifestName } from '../manifest/manifest-names.js';
import { type ReadManifest, readManifest } from '../manifest/manifest-reader.js';
import { listDirectory, surveyNames } from '../manifest/manifest-survey.js';
import type { Stray } from '../manifest/stray-files.js';
import type { TableInfo } from '../manifest/table-info.js';
import type { CollectionFigures } from '../manifest/version-edit.js';
import { tableName } from '../sst/table-names.js';
import type { ByteProgress } from './byte-progress.js';
import { checkEntries, type EntryCheckResult } from './check-entries.js';
import { checkTable, tablePath } from './check-table.js';
import { checkWal } from './check-wal.js';
import { indexNumbered, isDropped, type KnownCollections } from './collections.js';
import { FindingList } from './findings.js';
import { findLostEnd, neededFromQuarantine, stillMissing } from './lost-end.js';
import { halfNamedFlush } from './replay-start.js';
import { type Loss, type SalvagedTable, salvage } from './salvage.js';
import { manifestPlace, type ShardPlace } from './shard-place.js';

export interface RepairPlanOptions {
  readonly place: ShardPlace;
  readonly shards: number;
  readonly collections: KnownCollections;
  /** Repair only tables that hold this collection. Manifest and log are repaired in any case. */
  readonly only?: number;
  readonly progress: ByteProgress;
}

/** A table that cannot stay as it is. */
export interface DamagedTable {
  readonly fileNumber: number;
  readonly file: string;
  /** What the manifest says of it, if there is one. */
  readonly info: TableInfo | undefined;
  /** Why; the first of the findings. */
  readonly reason: string;
  /** Undefined when the file is missing or cannot be opened: all of it is lost. */
  readonly salvaged: SalvagedTable | undefined;
  readonly losses: readonly Loss[];
}

/** The manifest that a repair goes on from. */
export interface KnownManifest {
  readonly number: number;
  readonly read: ReadManifest;
}

export interface RepairPlan {
  readonly place: ShardPlace;
  /** Undefined: no manifest can be trusted, it is built anew from the tables. */
  readonly manifest: KnownManifest | undefined;
  /** A manifest that has lost its last edits: what it says of tables is no longer so, what it remembers beside them is. */
  readonly outdated: KnownManifest | undefined;
  /** The shard has no files at all, or only those of a first start. */
  readonly isNew: boolean;
  /** Why the manifest is replaced although its tables are whole; undefined if it is not. */
  readonly manifestProblem: string | undefined;
  readonly damaged: readonly DamagedTable[];
  /** Other damaged tables, which do not hold the collection that was asked for: `<file>: <reason>` each. */
  readonly damageLeft: readonly string[];
  /** Tables in the directory that are whole; only when the manifest is built anew. */
  readonly loose: readonly TableInfo[];
  /** Whole tables in quarantine that hold what is missing; only when the manifest is built anew. They stay there. */
  readonly inQuarantine: readonly TableInfo[];
  /** Whole tables of a flush that was cut short; the log has all of it. Only when the manifest is built anew. */
  readonly leftOut: readonly TableInfo[];
  readonly statisticsAreWrong: boolean;
  /** Numbers of valid indexes whose entries are not those of the documents; as far as all tables can be read. */
  readonly wrongIndexes: readonly number[];
  /** Findings in the log that a replay in salvage mode gets over. */
  readonly walDamage: readonly string[];
  readonly strays: readonly Stray[];
}

export function planRepair(options: RepairPlanOptions): RepairPlan {
  const { place } = options;
  const found = withoutLostEnd(place, findManifest(place));
  const tables =
    found.manifest === undefined ? loosePlan(options, found) : namedPlan(options, found.manifest);
  const flushedSeqno = found.manifest?.read.contents.state().flushedSeqno;
  const problem = found.manifestProblem ?? problemOfNew(found, tables);
  const isNew = found.isNew && problem === undefined;
  return {
    place,
    ...found,
    isNew,
    ...tables,
    manifestProblem: withWhatIsMissing(place, found, tables, problem),
    walDamage: walDamage(options, isNew ? 0 : flushedSeqno),
  };
}

/** True when there is nothing to repair; damage that was not asked about may be left. */
export function isSound(plan: RepairPlan): boolean {
  return (
    plan.manifestProblem === undefined &&
    plan.damaged.length === 0 &&
    !plan.statisticsAreWrong &&
    plan.wrongIndexes.length === 0 &&
    plan.walDamage.length === 0
  );
}

type FoundManifest = Pick<RepairPlan, 'manifest' | 'outdated' | 'isNew' | 'manifestProblem' | 'strays'>;

/** A manifest that has lost its last edits is none to go on from. */
function withoutLostEnd(place: ShardPlace, found: FoundManifest): FoundManifest {
  const { manifest, strays } = found;
  if (manifest === undefined) return found;
  const lost = findLostEnd(place, manifest.read.contents, strays);
  if (lost === undefined) return found;
  return { ...found, manifest: undefined, outdated: manifest, manifestProblem: lost.reason };
}

/** No manifest and no table is how a new shard looks, and how one looks all of whose tables are in quarantine. */
function problemOfNew({ isNew }: FoundManifest, { inQuarantine }: TablePlan): string | undefined {
  if (!isNew || inQuarantine.length === 0) return undefined;
  return `there is no manifest, and ${inQuarantine.length} tables in quarantine hold what the log has let go`;
}

function withWhatIsMissing(
  place: ShardPlace,
  { manifest }: FoundManifest,
  { damaged, loose, inQuarantine }: TablePlan,
  problem: string | undefined,
): string | undefined {
  // What a damaged table held is reported by its keys, and its seqnos are not known.
  if (problem === undefined || manifest !== undefined || damaged.length > 0) return problem;
  const missing = stillMissing(place, [...loose, ...inQuarantine]);
  return missing === undefined ? problem : `${problem}; ${missing}`;
}

function findManifest(place: ShardPlace): FoundManifest {
  try {
    const { current, strays } = surveyNames(manifestPlace(place));
    const isNew = current === undefined;
    return { manifest: current, outdated: undefined, isNew, manifestProblem: undefined, strays };
  } catch (error) {
    if (!(error instanceof DbError) || error.code !== 'CORRUPT_MANIFEST') throw error;
    return { ...withoutCurrent(place), outdated: undefined, isNew: false, manifestProblem: error.message };
  }
}

/**
 * CURRENT or the manifest it names is damaged. The manifest with the highest number is good enough if it is whole and all
 * its tables are there: a manifest gets its successor only when it is as new itself. An older one says too little.
 */
function withoutCurrent(place: ShardPlace): Pick<RepairPlan, 'manifest' | 'strays'> {
  const { vfs, tableDirectory, shard } = place;
  const listing = listDirectory(manifestPlace(place));
  const number = listing.manifests.at(-1);
  if (number === undefined) return { manifest: undefined, strays: [] };
  const file = `${tableDirectory}/${manifestName(number)}`;
  try {
    const read = readManifest({ bytes: vfs.readFile(file), file, shard, number });
    const named = new Set(read.contents.version.tables().map(({ fileNumber }) => fileNumber));
    const isComplete = [...named].every((fileNumber) => vfs.exists(tablePath(place, fileNumber)));
    if (!isComplete) return { manifest: undefined, strays: [] };
    const orphans = listing.tables.filter((fileNumber) => !named.has(fileNumber));
    const strays = orphans.map((orphan): Stray => ({ name: tableName(orphan), kind: 'orphan table' }));
    return { manifest: { number, read }, strays };
  } catch (error) {
    if (error instanceof DbError && error.code === 'CORRUPT_MANIFEST')
      return { manifest: undefined, strays: [] };
    throw error;
  }
}

type TablePlan = Pick<
  RepairPlan,
  'damaged' | 'damageLeft' | 'loose' | 'inQuarantine' | 'leftOut' | 'statisticsAreWrong' | 'wrongIndexes'
>;

function namedPlan(options: RepairPlanOptions, { read }: KnownManifest): TablePlan {
  const { contents } = read;
  const damaged: DamagedTable[] = [];
  const damageLeft: string[] = [];
  for (const info of contents.version.tables()) {
    const table = examine(options, info.fileNumber, info);
    options.progress.add(info.sizeBytes);
    if (table === undefined) continue;
    if (concerns(options, info)) damaged.push(table);
    else damageLeft.push(`${table.file}: ${table.reason}`);
  }
  const mayCount = damaged.length === 0 && damageLeft.length === 0;
  const counted = mayCount ? checkTogether(options, contents) : undefined;
  return {
    damaged,
    damageLeft,
    loose: [],
    inQuarantine: [],
    leftOut: [],
    statisticsAreWrong: counted !== undefined && !statisticsMatch(options, contents, counted.figures),
    wrongIndexes: counted?.wrongIndexes ?? [],
  };
}

function loosePlan(options: RepairPlanOptions, { outdated, strays }: FoundManifest): TablePlan {
  const damaged: DamagedTable[] = [];
  const loose: TableInfo[] = [];
  // An edit removed them, so all they held is in others.
  const obsolete = new Set(strays.filter(({ kind }) => kind === 'obsolete table').map(({ name }) => name));
  for (const fileNumber of listDirectory(manifestPlace(options.place)).tables) {
    if (obsolete.has(tableName(fileNumber))) continue;
    const findings = new FindingList(options.place.shard);
    const checked = checkTable(options.place, fileNumber, undefined, findings);
    if (checked !== undefined) {
      loose.push({ ...checked.properties, fileNumber, level: 0, run: fileNumber });
      options.progress.add(checked.properties.sizeBytes);
    } else damaged.push(damagedTable(options.place, fileNumber, undefined, findings));
  }
  const flushedSeqno = outdated?.read.contents.state().flushedSeqno;
  const inQuarantine = neededFromQuarantine(options.place, loose, flushedSeqno);
  // What a damaged table held is unknown, so nothing can be told to be newer than all the others.
  const isKnown = damaged.length === 0 && inQuarantine.length === 0;
  const leftOut = isKnown ? halfNamedFlush(options.place, loose) : [];
  const kept = loose.filter((table) => !leftOut.includes(table));
  return {
    damaged,
    damageLeft: [],
    loose: kept,
    inQuarantine,
    leftOut,
    statisticsAreWrong: false,
    wrongIndexes: [],
  };
}

/** Undefined when the table is whole. */
function examine(
  { place }: RepairPlanOptions,
  fileNumber: number,
  info: TableInfo,
): DamagedTable | undefined {
  const findings = new FindingList(place.shard);
  if (checkTable(place, fileNumber, info, findings) !== undefined) return undefined;
  return damagedTable(place, fileNumber, info, findings);
}

function damagedTable(
  place: ShardPlace,
  fileNumber: number,
  info: TableInfo | undefined,
  findings: FindingList,
): DamagedTable {
  const file = tablePath(place, fileNumber);
  const reason = findings.all[0]?.reason ?? 'unreadable';
  const salvaged = place.vfs.exists(file) ? trySalvage(place, fileNumber, info) : undefined;
  const all: Loss = {
    file,
    offset: 0,
    bytes: info?.sizeBytes ?? 0,
    reason,
    from: info?.smallest,
    to: info?.largest,
  };
  return { fileNumber, file, info, reason, salvaged, losses: salvaged?.losses ?? [all] };
}

function trySalvage(
  place: ShardPlace,
  fileNumber: number,
  info: TableInfo | undefined,
): SalvagedTable | undefined {
  try {
    return salvage(place, fileNumber, info, () => {});
  } catch (error) {
    if (error instanceof DbError && error.code === 'IO') return undefined;
    throw error;
  }
}

function concerns({ only }: RepairPlanOptions, { collections }: TableInfo): boolean {
  return only === undefined || collections.some(({ collection }) => collection === only);
}

function statisticsMatch(
  { collections }: RepairPlanOptions,
  contents: ManifestContents,
  counted: readonly CollectionFigures[],
): boolean {
  const wanted = (figures: readonly CollectionFigures[]): string =>
    JSON.stringify(
      figures
        .filter(
          ({ collection, documents, bytes }) =>
            !isDropped(collections, collection) &&
            // Nobody counts what an ended build has left.
            indexNumbered(collections, collection)?.state !== 'invalid' &&
            documents + bytes > 0,
        )
        .map(({ collection, documents, bytes }) => [collection, documents, bytes])
        .sort(([a], [b]) => a - b),
    );
  return wanted(contents.state().collectionStats) === wanted(counted);
}

/** Documents in the tables of a version, as the statistics count them. All of them must be readable. */
export function countDocuments(
  options: RepairPlanOptions,
  contents: ManifestContents,
): readonly CollectionFigures[] {
  return checkTogether(options, contents).figures;
}

function checkTogether(
  { place, shards, collections, progress }: RepairPlanOptions,
  contents: ManifestContents,
): EntryCheckResult {
  const runs = contents.version.runsNewestFirst().map(({ tables }) => tables);
  return checkEntries({
    place,
    shards,
    runs,
    runsAreOrdered: false,
    seqnoMax: Number.POSITIVE_INFINITY,
    databaseSeconds: Number.POSITIVE_INFINITY,
    // A repair knows no time that it could rely on.
    expiredSeconds: Number.POSITIVE_INFINITY,
    collections,
    findings: new FindingList(place.shard),
    progress,
  });
}

function walDamage(options: RepairPlanOptions, flushedSeqno: number | undefined): string[] {
  const findings = new FindingList(options.place.shard);
  checkWal({ ...options, flushedSeqno, isLive: false, findings });
  return findings.all
    .filter(({ reason }) => !reason.startsWith('an unknown file'))
    .map(({ file, offset, reason }) => `${file}${offset === null ? '' : ` at offset ${offset}`}: ${reason}`);
}
