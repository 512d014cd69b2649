/**
 * `lumadb repair`: makes a damaged data directory usable again, with everything that can still be read, and says exactly
 * what cannot. Without `fix` it only says what it would do. Offline; nothing is deleted, what is replaced goes to
 * quarantine; can be killed at any moment and run again.
 */

import type { Clock } from '../base/clock.js';
import type { KeyBound } from '../manifest/table-info.js';
import type { Vfs } from '../vfs/vfs.js';
import { ByteProgress, type OnProgress } from './byte-progress.js';
import { tablePath } from './check-table.js';
import { walBytes } from './check-wal.js';
import { collectionLabel, droppedCollections, type KnownCollections } from './collections.js';
import { tableBytes } from './fsck-shard.js';
import { quarantinePlace } from './lost-end.js';
import type { OfflineTuning } from './offline-shard.js';
import { applyRepair } from './repair-apply.js';
import { isSound, planRepair, type RepairPlan } from './repair-plan.js';
import { shardPlaces } from './shard-place.js';

export interface RepairOptions {
  readonly vfs: Vfs;
  readonly dataDirectory: string;
  readonly shards: number;
  readonly collections: KnownCollections;
  /** Number of a collection: tables without it stay as they are. */
  readonly only?: number;
  /** False: a dry run. */
  readonly fix: boolean;
  readonly tuning: OfflineTuning;
  readonly clock: Clock;
  /** Database time, seconds. */
  readonly nowSeconds: number;
  /** Makes indexes invalid in the catalog, durably. Without it there must be none. */
  readonly invalidateIndexes?: (ids: readonly number[]) => void;
  readonly onProgress?: OnProgress;
}

/** A place in the key order, for people. */
export interface KeyText {
  readonly collection: string;
  readonly key: string;
}

export interface ReportedLoss {
  readonly shard: number;
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly reason: string;
  /** The lost entries have keys from this one (included) to the other (included); null if nothing tells. */
  readonly from: KeyText | null;
  readonly to: KeyText | null;
}

export interface RepairAction {
  readonly shard: number;
  /** What is, or would be, done; a sentence. */
  readonly action: string;
  readonly file: string;
}

export interface RepairReport {
  readonly fixed: boolean;
  /** True when nothing that was asked about was wrong. */
  readonly sound: boolean;
  /** Damaged tables without the collection that was asked for, `<file>: <reason>` each. They stay as they are. */
  readonly damageLeft: readonly string[];
  /** A manifest is built anew from all tables there are: also from such as a compaction had replaced. */
  readonly rebuilt: boolean;
  readonly actions: readonly RepairAction[];
  readonly losses: readonly ReportedLoss[];
  /** Versions of documents that are saved from damaged tables, and those that are not; null if nobody knows how many. */
  readonly entriesSaved: number;
  readonly entriesLost: number | null;
  /** Of damaged ranges of tables. */
  readonly bytesLost: number;
  /** Where the originals are now; empty in a dry run. */
  readonly quarantined: readonly string[];
  /** Names of indexes that are, or would be, invalid afterwards: `lumadb rebuild-indexes` makes them anew. */
  readonly invalidatedIndexes: readonly string[];
}

/** Throws DbError('IO') when the device fails, and leaves everything so that it can be called again. */
export function repair(options: RepairOptions): RepairReport {
  const { vfs, dataDirectory, shards, fix } = options;
  const places = shardPlaces(vfs, dataDirectory, shards);
  const total = places.reduce((sum, place) => sum + 2 * tableBytes(place) + walBytes(place), 0);
  const progress = new ByteProgress(total, options.onProgress);
  const plans: RepairPlan[] = [];
  const quarantined: string[] = [];
  const invalid = new Set<number>();
  for (const place of places) {
    const shared = { ...options, place, progress, onProgress: undefined };
    const plan = planRepair(shared);
    plans.push(plan);
    const wrong = indexesLost(options, plan);
    for (const id of wrong) invalid.add(id);
    if (!fix || isSound(plan)) continue;
    // First of all: a repair that is killed behind it would find nothing any more that says so.
    if (wrong.length > 0) options.invalidateIndexes?.(wrong);
    const dropped = droppedCollections(options.collections);
    quarantined.push(...applyRepair(plan, { ...shared, droppedCollections: dropped }));
  }
  return reportOf(options, plans, quarantined, invalid);
}

/** Numbers of valid indexes that cannot be trusted after the repair: where records were lost, entries may be, or their documents. */
function indexesLost({ collections }: RepairOptions, plan: RepairPlan): readonly number[] {
  const hasLosses =
    plan.damaged.length > 0 ||
    plan.walDamage.length > 0 ||
    (plan.manifest === undefined && plan.manifestProblem !== undefined);
  if (!hasLosses) return plan.wrongIndexes;
  return (collections.indexes ?? []).filter(({ state }) => state === 'valid').map(({ id }) => id);
}

function reportOf(
  { fix, collections }: RepairOptions,
  plans: readonly RepairPlan[],
  quarantined: readonly string[],
  invalid: ReadonlySet<number>,
): RepairReport {
  const damaged = plans.flatMap((plan) => plan.damaged);
  const losses = plans.flatMap((plan) =>
    plan.damaged.flatMap((table) =>
      table.losses.map(({ from, to, ...loss }) => ({
        shard: plan.place.shard as number,
        ...loss,
        from: keyText(collections, from),
        to: keyText(collections, to),
      })),
    ),
  );
  const expected = damaged.map(({ info }) => info?.entries);
  const entriesSaved = damaged.reduce((sum, { salvaged }) => sum + (salvaged?.entries ?? 0), 0);
  const isKnown = expected.every((entries) => entries !== undefined);
  const entriesExpected = expected.reduce<number>((sum, entries) => sum + (entries ?? 0), 0);
  return {
    fixed: fix,
    sound: plans.every(isSound),
    damageLeft: plans.flatMap((plan) => plan.damageLeft),
    rebuilt: plans.some(
      ({ manifest, manifestProblem }) => manifest === undefined && manifestProblem !== undefined,
    ),
    actions: plans.flatMap((plan) => actionsOf(plan)),
    losses,
    entriesSaved,
    entriesLost: isKnown ? Math.max(0, entriesExpected - entriesSaved) : null,
    bytesLost: losses.reduce((sum, { bytes }) => sum + bytes, 0),
    quarantined,
    invalidatedIndexes: (collections.indexes ?? [])
      .filter(({ id }) => invalid.has(id))
      .map(({ name }) => name),
  };
}

function actionsOf(plan: RepairPlan): RepairAction[] {
  const shard = plan.place.shard as number;
  const actions: RepairAction[] = [];
  const add = (file: string, action: string): void => {
    actions.push({ shard, file, action });
  };
  for (const { file, reason, salvaged, info } of plan.damaged) {
    const of = info === undefined ? '' : ` of ${info.entries}`;
    if (salvaged === undefined) add(file, `leave it out, it cannot be read at all: ${reason}`);
    else
      add(
        file,
        `replace it by a new table with the ${salvaged.entries}${of} entries that can be read: ${reason}`,
      );
  }
  for (const { fileNumber } of plan.leftOut)
    add(
      tablePath(plan.place, fileNumber),
      'leave it out: its flush was cut short, and the log holds all of it',
    );
  for (const { fileNumber, minSeqno, maxSeqno } of plan.inQuarantine)
    add(
      tablePath(quarantinePlace(plan.place), fileNumber),
      `take it into account: it holds operations from seqno ${minSeqno} to ${maxSeqno}, and others are missing there`,
    );
  if (plan.manifestProblem !== undefined) {
    const how =
      plan.manifest === undefined
        ? `build a new manifest: merge ${plan.loose.length + plan.damaged.length + plan.inQuarantine.length} tables into one sorted run`
        : 'point CURRENT at a copy of the newest whole manifest';
    add(plan.place.tableDirectory, `${how}: ${plan.manifestProblem}`);
  }
  if (plan.wrongIndexes.length > 0)
    add(plan.place.tableDirectory, 'mark indexes as invalid: their entries are not those of the documents');
  if (plan.statisticsAreWrong)
    add(plan.place.tableDirectory, 'count the documents again: the statistics are wrong');
  for (const damage of plan.walDamage)
    add(plan.place.walDirectory, `replay the log without what is damaged, into tables: ${damage}`);
  return actions;
}

function keyText(collections: KnownCollections, bound: KeyBound | undefined): KeyText | null {
  if (bound === undefined) return null;
  const key = Buffer.from(bound.key).toString('utf8');
  return { collection: collectionLabel(collections, bound.collection), key };
}
