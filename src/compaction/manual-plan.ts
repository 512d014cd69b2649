/**
 * Compactions that an operator asks for: a whole shard, one collection, some levels, or an emergency that gets rid of all
 * tombstones. A plan is plain data; each step gives one choice and the plan that goes on behind it. Pure.
 *
 * A plan ends: it moves through each level once, in key order, and takes of level 0 only what was there when it began.
 */
import { compareBounds } from '../manifest/key-order.js';
import type { KeyBound, TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';
import { chooseDownward, chooseRewrite } from './choice.js';
import { chooseLevelZero } from './level-zero.js';
import type { CompactionChoice, PickerState } from './picker-state.js';

export interface ManualRequest {
  /**
   * `all`: everything ends up in the deepest level that has tables. {from, to}: the tables of levels from to `to` - 1
   * end up in level `to`; with from = to the level's tables are written anew in place (level 0 goes to level 1).
   */
  readonly levels: 'all' | { readonly from: number; readonly to: number };
  /** Only tables that hold entries of this collection. What else is in them goes along. */
  readonly collection?: number;
  /** Afterwards the last level's tables with tombstones or expired documents are written anew, whatever their share. */
  readonly deleteTombstones: boolean;
}

export interface ManualPlan {
  readonly request: ManualRequest;
  /** Runs of level 0 above it came after the plan. */
  readonly newestRun: number;
  readonly stage: 'push' | 'rewrite';
  /** The level that is being worked through. */
  readonly level: number;
  /** Tables up to here are done. */
  readonly after: KeyBound | undefined;
}

export type ManualStep =
  /** Carry out `choice`, then go on with `plan` and the new version. */
  | { readonly kind: 'choice'; readonly choice: CompactionChoice; readonly plan: ManualPlan }
  /** A running job has a table of the next choice: ask again when it is done, with `plan`. */
  | { readonly kind: 'blocked'; readonly plan: ManualPlan }
  | { readonly kind: 'done' };

export function planManual(version: Version, request: ManualRequest): ManualPlan {
  const { levels } = request;
  const isRewrite = levels !== 'all' && levels.from === levels.to && levels.from > 0;
  return {
    request,
    newestRun: version.levels[0][0]?.run ?? -1,
    stage: isRewrite ? 'rewrite' : 'push',
    level: levels === 'all' ? 0 : levels.from,
    after: undefined,
  };
}

export function nextManualStep(state: PickerState, start: ManualPlan): ManualStep {
  let plan: ManualPlan | undefined = start;
  while (plan !== undefined) {
    const step = plan.level === 0 ? stepInLevelZero(state, plan) : stepInLevel(state, plan);
    if (step !== undefined) return step;
    plan = nextLevel(state, plan);
  }
  return { kind: 'done' };
}

/** Undefined: nothing is left to do in level 0. */
function stepInLevelZero(state: PickerState, plan: ManualPlan): ManualStep | undefined {
  const isWanted = (table: TableInfo): boolean => isStillToDo(plan, 0, table);
  const isLeft = state.version.levels[0].some(({ tables }) => tables.some(isWanted));
  if (!isLeft) return undefined;
  const choice = chooseLevelZero(state, 'manual', isWanted);
  return choice === undefined ? { kind: 'blocked', plan } : { kind: 'choice', choice, plan };
}

/** Undefined: nothing is left to do in the plan's level. */
function stepInLevel(state: PickerState, plan: ManualPlan): ManualStep | undefined {
  const { level } = plan;
  if (plan.stage === 'push' && level >= targetLevel(state.version, plan)) return undefined;
  const tables = state.version.levels[level][0]?.tables ?? [];
  const table = tables.find(
    (each) =>
      isStillToDo(plan, level, each) &&
      (plan.stage === 'push' || isWorthRewriting(state.nowSeconds, plan, each)),
  );
  if (table === undefined) return undefined;
  const choice =
    plan.stage === 'push'
      ? chooseDownward(state, 'manual', [{ level, run: 0, tables: [table] }])
      : chooseRewrite(state, 'manual', table);
  if (choice === undefined) return { kind: 'blocked', plan };
  return { kind: 'choice', choice, plan: { ...plan, after: table.largest } };
}

/** The plan at the start of the next level or stage; undefined at the end of it all. */
function nextLevel(state: PickerState, plan: ManualPlan): ManualPlan | undefined {
  if (plan.stage === 'rewrite') return undefined;
  const target = targetLevel(state.version, plan);
  if (plan.level + 1 < target) return { ...plan, level: plan.level + 1, after: undefined };
  if (!plan.request.deleteTombstones) return undefined;
  return { ...plan, stage: 'rewrite', level: target, after: undefined };
}

/** The level where everything ends up. */
export function targetLevel(version: Version, { request }: Pick<ManualPlan, 'request'>): number {
  if (request.levels !== 'all') return Math.max(1, request.levels.to);
  return Math.max(
    1,
    version.levels.findLastIndex((runs) => runs.length > 0),
  );
}

/** Whether the plan, which is at its `level` or above it, is going to look at a table of this level. */
export function isStillToDo(plan: ManualPlan, level: number, table: TableInfo): boolean {
  if (level === 0 && table.run > plan.newestRun) return false;
  if (level === plan.level && plan.after !== undefined && compareBounds(table.smallest, plan.after) <= 0)
    return false;
  const { collection } = plan.request;
  return collection === undefined || table.collections.some((share) => share.collection === collection);
}

export function isWorthRewriting(nowSeconds: number, { request }: ManualPlan, table: TableInfo): boolean {
  if (!request.deleteTombstones) return true;
  return table.tombstones > 0 || (table.earliestExpiry !== 0 && table.earliestExpiry <= nowSeconds);
}
