/** Joins whose sides cannot be exchanged freely: outer, semi, anti and lateral ones. */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { JoinKind, LogicalPlan } from '../algebra/logical.js';
import { columnsOf } from './columns.js';
import { conjunctsOf } from './expression-walk.js';
import { distinctOf } from './facts.js';
import { Frame } from './frame.js';
import { joinKeys } from './join-condition.js';
import { isReorderable, isRepeatable } from './join-graph.js';
import { argsLoop, hashJoin, isHalf, nestedLoop } from './join-nodes.js';
import { buildInnerJoin, withConditions } from './join-order.js';
import { complete } from './lower.js';
import type { Built, Goal, Planner } from './planner.js';
import { selectivityOf } from './selectivity.js';
import { outputType } from './unnest.js';

type Join = LogicalPlan & { kind: 'join' };
type Conjuncts = readonly BoundExpression[];

export function buildJoin(plan: Join, frame: Frame, goal: Goal, planner: Planner): Built {
  if (isReorderable(plan)) return buildInnerJoin(plan, frame, goal, planner);
  if (plan.lateral) return buildLateral(plan, frame, goal, planner);
  const conjuncts = conjunctsOf(plan.condition);
  const candidates = sideways(plan.join, plan.left, plan.right, conjuncts, frame, goal, planner);
  const turned = TURNED[plan.join];
  if (turned !== undefined) {
    candidates.push(...sideways(turned, plan.right, plan.left, conjuncts, frame, goal, planner));
  }
  const byDistinct = distinctFirst(plan, conjuncts, frame, planner);
  if (byDistinct !== undefined) candidates.push(byDistinct);
  const ordered = candidates.filter((candidate) => candidate.ordered);
  return (goal.order !== undefined && ordered.length > 0 ? ordered : candidates).reduce((a, b) =>
    b.plan.estimate.totalCost < a.plan.estimate.totalCost ? b : a,
  );
}

/** The same join with its sides exchanged. */
const TURNED: Readonly<Partial<Record<JoinKind, JoinKind>>> = { left: 'right', right: 'left', full: 'full' };

function sideways(
  join: JoinKind,
  left: LogicalPlan,
  right: LogicalPlan,
  conjuncts: Conjuncts,
  frame: Frame,
  goal: Goal,
  planner: Planner,
): Built[] {
  const l = planner.build(left, frame);
  const r = planner.build(right, frame);
  const rows = outerRows(join, l, r, left, right, conjuncts, planner);
  const keys = joinKeys(conjuncts, new Set(left.columns), new Set(right.columns), planner.jsonColumns);
  const found: Built[] = [];
  if (keys.left.length > 0 && planner.options.enableHashJoin) {
    found.push(hashJoin({ join, left: l, right: r, rows }, keys, frame, planner));
  }
  const lefts = [complete(l, planner)];
  if (goal.order !== undefined && isWithin(goal, left)) {
    const inOrder = planner.build(left, frame, goal);
    if (inOrder.ordered) lefts.push(inOrder);
  }
  const mayLoop = planner.options.enableIndexNestedLoop && conjuncts.length > 0 && isRepeatable(right);
  for (const side of lefts) {
    const kept = complete(r, planner);
    found.push(nestedLoop({ join, left: side, right: kept, rows }, conjuncts, frame, planner));
    // Without a right row of its own the inner side cannot say which of its rows had no partner.
    if (!mayLoop || join === 'right' || join === 'full') continue;
    const inner = withConditions(right, conjuncts, planner);
    found.push(argsLoop({ join, left: side, right: inner.built, rows }, inner.frame, [], frame, planner));
  }
  return found;
}

function isWithin({ order }: Goal, plan: LogicalPlan): boolean {
  const own = new Set(plan.columns);
  return (order ?? []).every(({ expression }) => [...columnsOf(expression)].every((id) => own.has(id)));
}

function outerRows(
  join: JoinKind,
  left: Built,
  right: Built,
  leftPlan: LogicalPlan,
  rightPlan: LogicalPlan,
  conjuncts: Conjuncts,
  planner: Planner,
): number {
  const l = left.plan.estimate.rows;
  const r = right.plan.estimate.rows;
  const inner = Math.max(1, l * r * selectivityOf(conjuncts, planner.facts));
  switch (join) {
    case 'left':
      return Math.max(l, inner);
    case 'right':
      return Math.max(r, inner);
    case 'full':
      return Math.max(l + r - inner, l, r, inner);
    case 'semi':
      return Math.min(l, l * matched(leftPlan, rightPlan, r, inner / l, conjuncts, planner));
    case 'anti':
      return Math.max(
        1,
        l * (1 - Math.min(0.99, matched(leftPlan, rightPlan, r, inner / l, conjuncts, planner))),
      );
    default:
      return inner;
  }
}

/** Part of the left rows that have a partner: as many values as the right side has of those of the left. */
function matched(
  left: LogicalPlan,
  right: LogicalPlan,
  rightRows: number,
  partners: number,
  conjuncts: Conjuncts,
  planner: Planner,
): number {
  const keys = joinKeys(conjuncts, new Set(left.columns), new Set(right.columns), planner.jsonColumns);
  const [l] = keys.left;
  const [r] = keys.right;
  if (l?.kind !== 'column' || r?.kind !== 'column' || keys.residual.length > 0)
    return Math.min(0.5, partners);
  const values = Math.min(distinctOf(planner.facts.get(r.id)), rightRows);
  return Math.min(1, values / distinctOf(planner.facts.get(l.id)));
}

function buildLateral(plan: Join, frame: Frame, goal: Goal, planner: Planner): Built {
  const isOrderable = goal.order !== undefined && isWithin(goal, plan.left);
  const left = complete(planner.build(plan.left, frame, isOrderable ? goal : {}), planner);
  const inner = new Frame();
  const right = planner.build(plan.right, inner);
  const conjuncts = conjunctsOf(plan.condition);
  const pairs = left.plan.estimate.rows * right.plan.estimate.rows;
  const rows = isHalf(plan.join)
    ? left.plan.estimate.rows / 2
    : pairs * selectivityOf(conjuncts, planner.facts);
  const join = plan.join === 'cross' ? 'inner' : plan.join;
  if (inner.columns().length === 0) return nestedLoop({ join, left, right, rows }, conjuncts, frame, planner);
  return argsLoop({ join, left, right, rows }, inner, conjuncts, frame, planner);
}

/**
 * A semi join with few right rows: each of their values once, and the left side looked up by them. Only when the condition
 * is nothing but equalities, so that a left row cannot come twice.
 */
function distinctFirst(plan: Join, conjuncts: Conjuncts, frame: Frame, planner: Planner): Built | undefined {
  if (plan.join !== 'semi' || !planner.options.enableIndexNestedLoop) return undefined;
  if (!isRepeatable(plan.left) || !isRepeatable(plan.right)) return undefined;
  const keys = joinKeys(
    conjuncts,
    new Set(plan.left.columns),
    new Set(plan.right.columns),
    planner.jsonColumns,
  );
  if (keys.residual.length > 0 || keys.right.length === 0) return undefined;
  const columns: ColumnId[] = [];
  for (const key of keys.right) {
    if (key.kind !== 'column') return undefined;
    if (!columns.includes(key.id)) columns.push(key.id);
  }
  const distinct: LogicalPlan = {
    kind: 'aggregate',
    input: plan.right,
    groupBy: columns.map((id) => {
      const type = outputType(plan.right, id);
      return { id, name: `column${id}`, expression: { kind: 'column', type, id, name: `column${id}` } };
    }),
    aggregates: [],
    columns,
  };
  const outer = complete(planner.build(distinct, frame), planner);
  const inner = withConditions(plan.left, conjuncts, planner);
  const rows = Math.max(1, outer.plan.estimate.rows * inner.built.plan.estimate.rows);
  const sides = { join: 'inner' as const, left: outer, right: inner.built, rows };
  return argsLoop(sides, inner.frame, [], frame, planner);
}
