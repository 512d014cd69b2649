/** Nodes of joins, made from sides that are built, and what they cost. */
import type { BoundExpression, ColumnId, Expression } from '../algebra/expression.js';
import type { JoinKind } from '../algebra/logical.js';
import type { Estimate, PhysicalPlan } from '../algebra/physical.js';
import { CPU_OPERATOR_COST, CPU_TUPLE_COST, estimate, spillCost } from './cost.js';
import { conjunctionOf } from './expression-walk.js';
import type { Frame } from './frame.js';
import type { JoinKeys } from './join-condition.js';
import { complete, costOf, isShippable, lower } from './lower.js';
import type { Built, Planner, Slots } from './planner.js';

/** Most rows of a hash table that every thread builds for itself. */
const SHARED_BUILD_ROWS_MAX = 200_000;

export const isHalf = (join: JoinKind): boolean => join === 'semi' || join === 'anti';

/** Places in the row [left, right]; of half joins too, for their conditions. */
export function joinedSlots(left: Built, right: Built): Map<ColumnId, number> {
  const slots = new Map(left.slots);
  for (const [id, place] of right.slots) slots.set(id, left.plan.width + place);
  return slots;
}

export function hashCost(
  left: Estimate,
  right: Estimate,
  rows: number,
  keys: number,
  planner: Planner,
): Estimate {
  const build = right.rows * (keys * CPU_OPERATOR_COST + CPU_TUPLE_COST);
  const probe = left.rows * keys * CPU_OPERATOR_COST * 2 + rows * CPU_TUPLE_COST;
  const spill = spillCost(right.rows, right.width, planner.options.memoryBudgetBytes);
  const both = spill > 0 ? spill * (1 + left.rows / Math.max(1, right.rows)) : 0;
  const startup = right.totalCost + build + left.startupCost;
  return estimate(
    startup,
    right.totalCost + build + left.totalCost + probe + both,
    rows,
    left.width + right.width,
  );
}

/** `perPair`: cost of the condition; the right side is read once and kept. */
export function loopCost(left: Estimate, right: Estimate, rows: number, perPair: number): Estimate {
  const pairs = left.rows * right.rows * (perPair + CPU_OPERATOR_COST);
  const total = left.totalCost + right.totalCost + pairs + rows * CPU_TUPLE_COST;
  return estimate(left.startupCost + right.startupCost, total, rows, left.width + right.width);
}

/** The right side runs for each left row. */
export function argsLoopCost(left: Estimate, right: Estimate, rows: number): Estimate {
  const total = left.totalCost + left.rows * (right.totalCost + CPU_TUPLE_COST) + rows * CPU_TUPLE_COST;
  return estimate(left.startupCost + right.startupCost, total, rows, left.width + right.width);
}

export interface Sides {
  readonly join: JoinKind;
  readonly left: Built;
  readonly right: Built;
  readonly rows: number;
}

export function hashJoin(sides: Sides, keys: JoinKeys, frame: Frame, planner: Planner): Built {
  const { join, left, right, rows } = sides;
  // A thread that runs a part reads the right side alone; otherwise several may read it.
  const whole = complete(right, planner).plan;
  const both = joinedSlots(left, right);
  const on = (expressions: readonly BoundExpression[], slots: Slots): Expression[] =>
    expressions.map((expression) => lower(expression, slots, frame, planner));
  const leftKeys = on(keys.left, left.slots);
  const rightKeys = on(keys.right, right.slots);
  const residual = conjunctionOf(on(keys.residual, both));
  const over = (side: PhysicalPlan, build: PhysicalPlan, count: number): PhysicalPlan => ({
    kind: 'hashJoin',
    id: -1,
    width: isHalf(join) ? side.width : side.width + build.width,
    estimate: halfWidth(join, side, hashCost(side.estimate, build.estimate, count, leftKeys.length, planner)),
    join,
    left: side,
    right: build,
    leftKeys,
    rightKeys,
    residual,
  });
  const expressions = residual === undefined ? leftKeys : [...leftKeys, residual];
  const isSplit =
    left.partial !== undefined &&
    join !== 'right' &&
    join !== 'full' &&
    right.plan.estimate.rows <= SHARED_BUILD_ROWS_MAX &&
    planIsShippable(right.plan, planner) &&
    [...expressions, ...rightKeys].every((expression) => isShippable(expression, planner));
  const workers = planner.options.parallelWorkers;
  return {
    plan: over(left.plan, whole, rows),
    slots: isHalf(join) ? left.slots : both,
    ordered: false,
    partial:
      isSplit && left.partial !== undefined ? over(left.partial, right.plan, rows / workers) : undefined,
  };
}

function halfWidth(join: JoinKind, left: PhysicalPlan, guess: Estimate): Estimate {
  return isHalf(join) ? { ...guess, width: left.estimate.width } : guess;
}

/** Whether another thread can run it: plain scans below plain operators. */
function planIsShippable(plan: PhysicalPlan, planner: Planner): boolean {
  switch (plan.kind) {
    case 'seqScan':
    case 'indexScan':
      return plan.filter === undefined || isShippable(plan.filter, planner);
    case 'filter':
      return isShippable(plan.condition, planner) && planIsShippable(plan.input, planner);
    case 'project':
      return plan.expressions.every((e) => isShippable(e, planner)) && planIsShippable(plan.input, planner);
    case 'values':
      return plan.rows.flat().every((value) => isShippable(value, planner));
    default:
      return false;
  }
}

export function nestedLoop(
  sides: Sides,
  conjuncts: readonly BoundExpression[],
  frame: Frame,
  planner: Planner,
): Built {
  const { left, right, rows } = sides;
  const both = joinedSlots(left, right);
  const condition = conjunctionOf(conjuncts.map((conjunct) => lower(conjunct, both, frame, planner)));
  const perPair = condition === undefined ? 0 : costOf([condition]).perRow;
  const guess = loopCost(left.plan.estimate, right.plan.estimate, rows, perPair);
  return loop(sides, both, guess, [], condition);
}

/** `inner`: frame of the right side; what it asks for comes from the left rows or from the frame around. */
export function argsLoop(
  sides: Sides,
  inner: Frame,
  conjuncts: readonly BoundExpression[],
  frame: Frame,
  planner: Planner,
): Built {
  const { left, right, rows } = sides;
  const both = joinedSlots(left, right);
  const args = inner.columns().map((column) => lower(column, left.slots, frame, planner));
  const condition = conjunctionOf(conjuncts.map((conjunct) => lower(conjunct, both, frame, planner)));
  const guess = argsLoopCost(left.plan.estimate, right.plan.estimate, rows);
  return loop(sides, both, guess, args, condition);
}

function loop(
  { join, left, right }: Sides,
  both: Slots,
  guess: Estimate,
  args: readonly Expression[],
  condition: Expression | undefined,
): Built {
  return {
    slots: isHalf(join) ? left.slots : both,
    // Left rows come in their order, each with its partners; rows that only the right side has come last.
    ordered: left.ordered && join !== 'right' && join !== 'full',
    plan: {
      kind: 'nestedLoop',
      id: -1,
      width: isHalf(join) ? left.plan.width : left.plan.width + right.plan.width,
      estimate: halfWidth(join, left.plan, guess),
      join,
      left: left.plan,
      right: right.plan,
      args,
      condition,
    },
  };
}
