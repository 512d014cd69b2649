/**
 * Which tables make up a shard at one moment, by level and run. Immutable: a version edit leads to the next version,
 * and runs that the edit does not touch are shared between the two. Any thread.
 *
 * Level 0 is a list of sorted runs, newest first; each deeper level is one sorted run or empty. For any key the newer
 * versions are in an earlier run of `runsNewestFirst()`, so a point lookup may stop at its first hit. Whoever picks tables
 * for compaction sees to that; repair-manifest.ts says where it may not hold after a repair.
 */
import { assert } from '../base/assert.js';
import { LEVELS } from '../base/limits.js';
import { compareBounds } from './key-order.js';
import { Run, sumTotals, type TableTotals } from './run.js';
import type { TableInfo } from './table-info.js';

/** Levels of a shard: 0 to LEVELS_MAX - 1. */
export const LEVELS_MAX = LEVELS;

/** Level 0: its runs, newest first. A deeper level: its run, or nothing. */
export type Level = readonly Run[];

/** The part of a version edit that changes the set of tables. A table in both lists moves to another level. */
export interface TableChanges {
  readonly addedTables: readonly TableInfo[];
  /** File numbers. */
  readonly removedTables: readonly number[];
}

export class Version {
  private readonly newestFirst: readonly Run[];
  readonly totals: TableTotals;

  private constructor(
    /** LEVELS_MAX of them. */
    readonly levels: readonly Level[],
  ) {
    this.newestFirst = levels.flat();
    this.totals = sumTotals(this.newestFirst.map(({ totals }) => totals));
  }

  static empty(): Version {
    return new Version(Array.from({ length: LEVELS_MAX }, () => []));
  }

  get tableCount(): number {
    return this.totals.tables;
  }

  /** Runs of level 0, newest first, then levels 1, 2, … */
  runsNewestFirst(): readonly Run[] {
    return this.newestFirst;
  }

  /** All tables, in the order of runsNewestFirst and of keys within a run. */
  tables(): TableInfo[] {
    return this.newestFirst.flatMap(({ tables }) => tables);
  }

  hasTable(fileNumber: number): boolean {
    return this.newestFirst.some(({ tables }) => tables.some((table) => table.fileNumber === fileNumber));
  }

  levelTotals(level: number): TableTotals {
    return sumTotals((this.levels[level] ?? []).map(({ totals }) => totals));
  }

  /** Size of the level's files. */
  levelBytes(level: number): number {
    return this.levelTotals(level).bytes;
  }

  /**
   * The version after the change. An AssertionError, with nothing changed, if it removes a table that is not here, adds
   * one that is, or breaks the order of a run: the caller decided on another version than this one.
   */
  apply({ addedTables, removedTables }: TableChanges): Version {
    const removed = new Set(removedTables);
    assert(removed.size === removedTables.length, 'a version edit removes a table twice');
    const added = addedByPlace(addedTables);
    this.requireKnown(removed, new Set(addedTables.map(({ fileNumber }) => fileNumber)), addedTables.length);
    return new Version(
      this.levels.map((level, number) => changedLevel(level, added.get(number) ?? NOTHING, removed)),
    );
  }

  private requireKnown(removed: ReadonlySet<number>, added: ReadonlySet<number>, addedCount: number): void {
    assert(added.size === addedCount, 'a version edit adds a table twice');
    let found = 0;
    for (const { tables } of this.newestFirst) {
      for (const { fileNumber } of tables) {
        if (removed.has(fileNumber)) found++;
        else
          assert(
            !added.has(fileNumber),
            () => `a version edit adds table ${fileNumber}, which is there already`,
          );
      }
    }
    assert(
      found === removed.size,
      () => `a version edit removes ${removed.size} tables, of which ${removed.size - found} are not there`,
    );
  }
}

/** New tables of one level by run. */
type AddedRuns = ReadonlyMap<number, readonly TableInfo[]>;
const NOTHING: AddedRuns = new Map();

function addedByPlace(tables: readonly TableInfo[]): Map<number, Map<number, TableInfo[]>> {
  const levels = new Map<number, Map<number, TableInfo[]>>();
  for (const table of tables) {
    const { fileNumber, level, run } = table;
    assert(
      Number.isInteger(level) && level >= 0 && level < LEVELS_MAX,
      () => `table ${fileNumber} has level ${level}`,
    );
    assert(level === 0 || run === 0, () => `table ${fileNumber} of level ${level} has run ${run}, not 0`);
    const runs = levels.get(level) ?? new Map<number, TableInfo[]>();
    levels.set(level, runs);
    const list = runs.get(run);
    if (list === undefined) runs.set(run, [table]);
    else list.push(table);
  }
  return levels;
}

function changedLevel(level: Level, added: AddedRuns, removed: ReadonlySet<number>): Level {
  const runs: Run[] = [];
  for (const run of level) {
    const changed = changedRun(run, added.get(run.run) ?? [], removed);
    if (changed !== undefined) runs.push(changed);
  }
  for (const [number, tables] of added) {
    if (level.every(({ run }) => run !== number)) runs.push(new Run(number, inKeyOrder(tables)));
  }
  return runs.sort((a, b) => b.run - a.run);
}

/** The run itself when nothing in it changes; undefined when nothing is left. */
function changedRun(run: Run, added: readonly TableInfo[], removed: ReadonlySet<number>): Run | undefined {
  const kept = run.tables.filter(({ fileNumber }) => !removed.has(fileNumber));
  if (added.length === 0 && kept.length === run.tables.length) return run;
  if (added.length + kept.length === 0) return undefined;
  return new Run(run.run, inKeyOrder([...kept, ...added]));
}

function inKeyOrder(tables: readonly TableInfo[]): TableInfo[] {
  return [...tables].sort((a, b) => compareBounds(a.smallest, b.smallest));
}
