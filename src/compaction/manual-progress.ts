/**
 * How much of a manual compaction is left: bytes of tables that have yet to leave their level, once for each level that
 * they pass. An estimate, since merging makes tables smaller and flushes bring new ones; good enough for a progress bar. Pure.
 */
import type { TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';
import { sizeOf } from './choice.js';
import { isStillToDo, isWorthRewriting, type ManualPlan, targetLevel } from './manual-plan.js';
import type { CompactionChoice } from './picker-state.js';

/** Bytes that the plan has still to take out of their places. `nowSeconds`: database time. */
export function remainingBytes(version: Version, nowSeconds: number, plan: ManualPlan): number {
  const target = targetLevel(version, plan);
  const inLevel = (level: number): readonly TableInfo[] =>
    (version.levels[level] ?? []).flatMap(({ tables }) =>
      tables.filter((table) => isStillToDo(plan, level, table)),
    );
  const rewritten = (level: number): number =>
    sizeOf(inLevel(level).filter((table) => isWorthRewriting(nowSeconds, plan, table)));
  if (plan.stage === 'rewrite') return rewritten(plan.level);
  let bytes = plan.request.deleteTombstones ? rewritten(target) : 0;
  for (let level = plan.level; level < target; level++) bytes += sizeOf(inLevel(level)) * (target - level);
  return bytes;
}

/** Bytes that one step of the plan takes out of their places: those of the upper level, or of the tables written anew. */
export function stepBytes({ inputs }: CompactionChoice): number {
  const { level } = inputs[0];
  return inputs.reduce((bytes, input) => bytes + (input.level === level ? sizeOf(input.tables) : 0), 0);
}
