/**
 * Decides what a shard compacts next. Pure: the same state gives the same choice. Leveled compaction after LevelDB and
 * RocksDB; docs/adr/0010-compaction.md has the reasons. In this order:
 *
 * 1. The level that is furthest above its limit: level 0 by its number of runs (every reader looks into each of them),
 *    deeper ones by their bytes. From a deeper level one table goes down, each in turn.
 * 2. Tables of which a good part belongs to dropped collections or indexes: written anew without it.
 * 3. Tables that are mostly tombstones: one level down, or, where nothing lies below, written anew without them.
 * 4. Tables with documents that expired some time ago: written anew without their text.
 */
import { compareBounds } from '../manifest/key-order.js';
import type { TableInfo } from '../manifest/table-info.js';
import { chooseDownward, chooseRewrite, hasOverlapBelow, sizeOf } from './choice.js';
import { chooseLevelZero } from './level-zero.js';
import type { CompactionChoice, PickerOptions, PickerState } from './picker-state.js';

/** Part of a table's bytes from which it is written anew without what is dropped: less waits for the next merge. */
const DROPPED_SHARE_MIN = 0.1;

/** Undefined: nothing is worth doing, or running jobs have the tables of all that is. */
export function pickCompaction(state: PickerState): CompactionChoice | undefined {
  return pickBySize(state) ?? pickByDropped(state) ?? pickByTombstones(state) ?? pickByExpiry(state);
}

/** Bytes up to which `level` (1 or deeper) may grow. */
export function levelTargetBytes(options: PickerOptions, level: number): number {
  return options.levelBaseBytes * options.levelMultiplier ** (level - 1);
}

/** How full a level is: at 1 and above it asks for a compaction. The deepest level has no limit. */
export function levelScore(state: Pick<PickerState, 'version' | 'options' | 'busy'>, level: number): number {
  const { version, options, busy } = state;
  if (level === 0) return version.levels[0].length / options.l0RunsTrigger;
  if (level === version.levels.length - 1) return 0;
  // Tables that a job has are on their way down, or will be counted again when it is done.
  const idle = tablesOf(state, level).filter(({ fileNumber }) => !busy.has(fileNumber));
  return sizeOf(idle) / levelTargetBytes(options, level);
}

function pickBySize(state: PickerState): CompactionChoice | undefined {
  const full = state.version.levels
    .map((_, level) => ({ level, score: levelScore(state, level) }))
    .filter(({ score }) => score >= 1)
    .sort((a, b) => b.score - a.score);
  for (const { level } of full) {
    const choice =
      level === 0 ? chooseLevelZero(state, 'l0-runs', () => true) : chooseNextInTurn(state, level);
    if (choice !== undefined) return choice;
  }
  return undefined;
}

/** The first table behind the level's cursor that no job stands in the way of; around the end if need be. */
function chooseNextInTurn(state: PickerState, level: number): CompactionChoice | undefined {
  const tables = tablesOf(state, level);
  const bound = state.cursors.find((cursor) => cursor.level === level)?.bound;
  const first =
    bound === undefined ? 0 : tables.findIndex((table) => compareBounds(table.smallest, bound) > 0);
  const start = Math.max(0, first);
  for (const table of [...tables.slice(start), ...tables.slice(0, start)]) {
    const choice = chooseDownward(state, 'level-size', [{ level, run: 0, tables: [table] }]);
    if (choice !== undefined) return choice;
  }
  return undefined;
}

function pickByDropped(state: PickerState): CompactionChoice | undefined {
  const { dropped } = state;
  if (dropped.size === 0) return undefined;
  for (const table of deepTables(state)) {
    if (droppedShare(table, dropped) < DROPPED_SHARE_MIN) continue;
    const choice = chooseRewrite(state, 'dropped', table);
    if (choice !== undefined) return choice;
  }
  return undefined;
}

function droppedShare({ collections, rawBytes }: TableInfo, dropped: ReadonlySet<number>): number {
  let bytes = 0;
  for (const share of collections) if (dropped.has(share.collection)) bytes += share.rawBytes;
  return bytes / rawBytes;
}

function pickByTombstones(state: PickerState): CompactionChoice | undefined {
  const { tombstoneShare } = state.options;
  const candidates = deepTables(state)
    .filter((table) => table.tombstones > 0 && shareOf(table) >= tombstoneShare)
    .sort((a, b) => shareOf(b) - shareOf(a));
  for (const table of candidates) {
    const { level } = table;
    const choice = hasOverlapBelow(state, level, table)
      ? chooseDownward(state, 'tombstones', [{ level, run: 0, tables: [table] }])
      : canDropTombstones(state, table)
        ? chooseRewrite(state, 'tombstones', table)
        : undefined;
    if (choice !== undefined) return choice;
  }
  return undefined;
}

/** A rewrite of a table with nothing below removes all its tombstones if every snapshot sees them. */
function canDropTombstones({ oldestSnapshot }: PickerState, { maxSeqno }: TableInfo): boolean {
  return oldestSnapshot === undefined || oldestSnapshot >= maxSeqno;
}

function pickByExpiry(state: PickerState): CompactionChoice | undefined {
  const dueSeconds = state.nowSeconds - state.options.expiredGraceSeconds;
  const candidates = deepTables(state)
    .filter(({ earliestExpiry }) => earliestExpiry !== 0 && earliestExpiry <= dueSeconds)
    // Whatever had expired when a table was written is a husk in it, and would be one again.
    .filter(
      ({ fileNumber }) => (state.writtenAtSeconds.get(fileNumber) ?? state.openedAtSeconds) <= dueSeconds,
    )
    .sort((a, b) => a.earliestExpiry - b.earliestExpiry);
  for (const table of candidates) {
    const choice = chooseRewrite(state, 'expired', table);
    if (choice !== undefined) return choice;
  }
  return undefined;
}

function shareOf({ tombstones, entries }: TableInfo): number {
  return tombstones / entries;
}

function tablesOf({ version }: Pick<PickerState, 'version'>, level: number): readonly TableInfo[] {
  return version.levels[level][0]?.tables ?? [];
}

/** Tables below level 0: those in it wait for its compaction, which is never far. */
function deepTables({ version }: PickerState): TableInfo[] {
  return version.levels.slice(1).flatMap((runs) => runs.flatMap(({ tables }) => tables));
}
