/** How the levels of a shard stand and what their compactions have still to do: for reports, never for decisions. Pure. */
import type { Version } from '../manifest/version.js';
import { levelScore, levelTargetBytes } from './picker.js';
import type { PickerOptions } from './picker-state.js';

export interface LevelBacklog {
  readonly level: number;
  readonly tables: number;
  readonly runs: number;
  readonly bytes: number;
  /** Versions, tombstones included. */
  readonly entries: number;
  readonly tombstones: number;
  /** Bytes up to which it may grow; undefined for level 0, which is limited by its runs, and for the deepest one. */
  readonly targetBytes: number | undefined;
  /** 1 and above: it asks for a compaction. */
  readonly score: number;
  /** Bytes that must leave it: all of level 0 once it has too many runs, of deeper levels what is above the target. */
  readonly pendingBytes: number;
}

/** All levels of a version, empty ones included. */
export function levelBacklog(version: Version, options: PickerOptions): LevelBacklog[] {
  return version.levels.map((runs, level) => {
    const { tables, bytes, entries, tombstones } = version.levelTotals(level);
    const isLimitedBySize = level > 0 && level < version.levels.length - 1;
    const targetBytes = isLimitedBySize ? levelTargetBytes(options, level) : undefined;
    const score = levelScore({ version, options, busy: new Set() }, level);
    const pendingBytes = score < 1 ? 0 : bytes - (targetBytes ?? 0);
    return { level, tables, runs: runs.length, bytes, entries, tombstones, targetBytes, score, pendingBytes };
  });
}

/** Sorted runs that a point read may have to look into, at most. */
export function readAmplification(version: Version): number {
  return version.runsNewestFirst().length;
}

/**
 * How many bytes of tables there are for one byte of the deepest level: an estimate of the space that versions take which
 * nobody needs, as the levels above hold newer versions of what is in it. Undefined while no level but 0 has tables.
 */
export function spaceAmplification(
  levels: ReadonlyArray<Pick<LevelBacklog, 'level' | 'bytes'>>,
): number | undefined {
  const last = levels.findLast(({ bytes }) => bytes > 0);
  if (last === undefined || last.level === 0) return undefined;
  return levels.reduce((sum, { bytes }) => sum + bytes, 0) / last.bytes;
}
