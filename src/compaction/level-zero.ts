/**
 * Which tables of level 0 go down together. Pure.
 *
 * Runs of level 0 overlap, and a newer version of a key must never end up below an older one. So a table may leave
 * level 0 only together with every table of an older run that it overlaps, and with what those overlap in turn. It may
 * leave newer ones behind. Two kinds of sets obey this:
 *
 * - a component: all tables that hang together by overlaps, newer and older;
 * - a pyramid: one table and, run by run towards older ones, what the set overlaps so far.
 *
 * The largest set that fits into the bytes of a job is the best: it reads the tables below once for most of level 0.
 */
import { compareBounds } from '../manifest/key-order.js';
import type { Run } from '../manifest/run.js';
import type { TableInfo } from '../manifest/table-info.js';
import { chooseDownward, doOverlap, type KeySpan, sizeOf, spanOf } from './choice.js';
import type { CompactionChoice, CompactionReason, InputRun, PickerState } from './picker-state.js';

/**
 * The best set that has at least one table which `isWanted`. When none fits into maxJobBytes, the smallest one.
 * Undefined when there is none, or all of them need a table that a running job has.
 */
export function chooseLevelZero(
  state: PickerState,
  reason: CompactionReason,
  isWanted: (table: TableInfo) => boolean,
): CompactionChoice | undefined {
  const runs = state.version.levels[0];
  let best: CompactionChoice | undefined;
  let bestBytes = 0;
  for (const set of [...components(runs), ...pyramids(runs)]) {
    const tables = set.flatMap((run) => run.tables);
    if (!tables.some(isWanted)) continue;
    const choice = chooseDownward(state, reason, set);
    if (choice === undefined) continue;
    const bytes = sizeOf(tables);
    if (best === undefined || isBetter(choice, bytes, best, bestBytes, state.options.maxJobBytes)) {
      best = choice;
      bestBytes = bytes;
    }
  }
  return best;
}

/** `bytes`, `bestBytes`: what the choices take out of level 0. */
function isBetter(
  choice: CompactionChoice,
  bytes: number,
  best: CompactionChoice,
  bestBytes: number,
  maxJobBytes: number,
): boolean {
  const fits = choice.inputBytes <= maxJobBytes;
  const bestFits = best.inputBytes <= maxJobBytes;
  if (fits !== bestFits) return fits;
  return fits ? bytes > bestBytes : choice.inputBytes < best.inputBytes;
}

/** All tables of level 0, divided into sets of which no two share a key. */
function components(runs: readonly Run[]): InputRun[][] {
  const tables = runs.flatMap((run) => run.tables).sort((a, b) => compareBounds(a.smallest, b.smallest));
  const found: InputRun[][] = [];
  let members = new Set<TableInfo>();
  let span: KeySpan | undefined;
  const finish = (): void => {
    if (members.size > 0) found.push(inputRuns(runs, (table) => members.has(table)));
    members = new Set();
  };
  for (const table of tables) {
    if (span !== undefined && !doOverlap(span, table)) {
      finish();
      span = undefined;
    }
    members.add(table);
    span = span === undefined ? table : spanOf([span, table]);
  }
  finish();
  return found;
}

/** One per table of level 0. */
function pyramids(runs: readonly Run[]): InputRun[][] {
  return runs.flatMap((run, index) => run.tables.map((top) => pyramidUnder(runs, index, top)));
}

function pyramidUnder(runs: readonly Run[], index: number, top: TableInfo): InputRun[] {
  const found: InputRun[] = [{ level: 0, run: runs[index].run, tables: [top] }];
  let span: KeySpan = top;
  for (const older of runs.slice(index + 1)) {
    const tables = older.overlapping(span.smallest, span.largest);
    if (tables.length === 0) continue;
    found.push({ level: 0, run: older.run, tables });
    span = spanOf([span, ...tables]);
  }
  return found;
}

function inputRuns(runs: readonly Run[], isMember: (table: TableInfo) => boolean): InputRun[] {
  return runs
    .map(({ run, tables }) => ({ level: 0, run, tables: tables.filter(isMember) }))
    .filter(({ tables }) => tables.length > 0);
}
