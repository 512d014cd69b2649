/** Which levels a compaction is about, as people write it: `all`, `3`, `0-2`. Pure; the server and the CLI share it. */
import { LEVELS } from './limits.js';

/**
 * `all`: everything ends up in the deepest level that has tables. {from, to}: the tables of levels `from` to `to` - 1 end up
 * in level `to`; with from = to the tables of that level are written anew in place (level 0 goes to level 1).
 */
export type LevelRange = 'all' | { readonly from: number; readonly to: number };

/** What parseLevelRange() accepts, for messages. */
export const LEVEL_RANGE_SYNTAX = `"all", a level from 0 to ${LEVELS - 1}, or a range such as "0-2"`;

/** Undefined when the text is no level range. */
export function parseLevelRange(text: string): LevelRange | undefined {
  if (text === 'all') return 'all';
  const match = /^(\d)(?:-(\d))?$/.exec(text);
  if (match === null) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to < LEVELS ? { from, to } : undefined;
}
