/**
 * Builds choices from input tables. Pure. What all choices have in common, and what makes several of them at a time safe:
 *
 * The key ranges of a choice's inputs hang together: each input overlaps another one. So a table that is not an input
 * and lies within [smallest, largest] of the choice overlaps one that is, and a second job that wanted it would find
 * an input of the first busy. Outputs may therefore lie anywhere between `smallest` and `largest`.
 */
import { compareBounds } from '../manifest/key-order.js';
import type { KeyBound, TableInfo } from '../manifest/table-info.js';
import type { CompactionChoice, CompactionReason, InputRun, PickerState } from './picker-state.js';

export interface KeySpan {
  readonly smallest: KeyBound;
  readonly largest: KeyBound;
}

/** The span from the first to the last key of some tables; at least one. */
export function spanOf(tables: readonly KeySpan[]): KeySpan {
  let { smallest, largest } = tables[0];
  for (const table of tables) {
    if (compareBounds(table.smallest, smallest) < 0) smallest = table.smallest;
    if (compareBounds(table.largest, largest) > 0) largest = table.largest;
  }
  return { smallest, largest };
}

export function doOverlap(a: KeySpan, b: KeySpan): boolean {
  return compareBounds(a.smallest, b.largest) <= 0 && compareBounds(b.smallest, a.largest) <= 0;
}

export function sizeOf(tables: readonly TableInfo[]): number {
  return tables.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
}

/** True when a level below `level` has a table that shares keys with the span. */
export function hasOverlapBelow(state: PickerState, level: number, span: KeySpan): boolean {
  return state.version.levels
    .slice(level + 1)
    .some((runs) => runs.some((run) => run.overlapping(span.smallest, span.largest).length > 0));
}

/**
 * Merges `upper` (runs of one level, newest first, whose tables hang together) with what they overlap one level below,
 * into that level. Undefined when a running job has one of the tables.
 */
export function chooseDownward(
  state: PickerState,
  reason: CompactionReason,
  upper: readonly InputRun[],
): CompactionChoice | undefined {
  const { level } = upper[0];
  const tables = upper.flatMap((run) => run.tables);
  const upperSpan = spanOf(tables);
  const outputLevel = level + 1;
  const lowerTables = (state.version.levels[outputLevel] ?? []).flatMap((run) =>
    run.overlapping(upperSpan.smallest, upperSpan.largest),
  );
  const all = [...tables, ...lowerTables];
  if (all.some(({ fileNumber }) => state.busy.has(fileNumber))) return undefined;
  const lower: InputRun[] =
    lowerTables.length > 0 ? [{ level: outputLevel, run: 0, tables: lowerTables }] : [];
  return {
    kind: all.length === 1 ? 'move' : 'merge',
    reason,
    inputs: [...upper, ...lower],
    outputLevel,
    ...spanOf(all),
    inputBytes: sizeOf(all),
    ...(level > 0 ? { cursor: { level, bound: upperSpan.largest } } : {}),
  };
}

/** Writes one table of a level below 0 anew, in its place. Undefined when a running job has it. */
export function chooseRewrite(
  state: PickerState,
  reason: CompactionReason,
  table: TableInfo,
): CompactionChoice | undefined {
  if (state.busy.has(table.fileNumber)) return undefined;
  return {
    kind: 'merge',
    reason,
    inputs: [{ level: table.level, run: 0, tables: [table] }],
    outputLevel: table.level,
    smallest: table.smallest,
    largest: table.largest,
    inputBytes: table.sizeBytes,
  };
}
