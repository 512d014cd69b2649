/** Conditions at joins: which side they go to, and when a strict one above makes an outer join an inner one. */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { JoinKind, LogicalPlan } from '../algebra/logical.js';
import { columnsOf, isSubset } from './columns.js';
import { conjunctionOf, conjunctsOf, hasSubquery } from './expression-walk.js';
import { rejectsNulls } from './strict.js';
import type { PlannerSupport } from './support.js';
import { isVolatile } from './volatile.js';

type Join = LogicalPlan & { kind: 'join' };
type Conjuncts = readonly BoundExpression[];

export function pushIntoJoin(
  plan: Join,
  above: Conjuncts,
  support: PlannerSupport,
  down: (plan: LogicalPlan, conjuncts: Conjuncts) => LogicalPlan,
): LogicalPlan {
  const left = new Set(plan.left.columns);
  const right = new Set(plan.right.columns);
  const join = simplified(plan.join, above, left, right, support);
  const on = conjunctsOf(plan.condition);
  const sides = divide(join, above, on, left, right, support);
  const condition = conjunctionOf(sides.condition);
  const node: LogicalPlan = {
    ...plan,
    join:
      join === 'inner' && condition === undefined
        ? 'cross'
        : join === 'cross' && condition !== undefined
          ? 'inner'
          : join,
    left: down(plan.left, sides.left),
    right: down(plan.right, sides.right),
    condition,
  };
  const rest = conjunctionOf(sides.above);
  if (rest === undefined) return node;
  return { kind: 'filter', input: node, condition: rest, columns: node.columns };
}

function simplified(
  join: JoinKind,
  above: Conjuncts,
  left: ReadonlySet<ColumnId>,
  right: ReadonlySet<ColumnId>,
  support: PlannerSupport,
): JoinKind {
  const rejectsLeft = above.some((conjunct) => rejectsNulls(conjunct, left, support));
  const rejectsRight = above.some((conjunct) => rejectsNulls(conjunct, right, support));
  switch (join) {
    case 'left':
      return rejectsRight ? 'inner' : join;
    case 'right':
      return rejectsLeft ? 'inner' : join;
    case 'full':
      // Rows that only the right side has are NULL on the left.
      if (rejectsLeft) return rejectsRight ? 'inner' : 'left';
      return rejectsRight ? 'right' : join;
    default:
      return join;
  }
}

interface Division {
  readonly left: BoundExpression[];
  readonly right: BoundExpression[];
  readonly condition: BoundExpression[];
  readonly above: BoundExpression[];
}

/** Sides that a condition may go to, by kind of join. `on`: from ON; `above`: from over the join. */
const ABOVE_TO: Readonly<Record<JoinKind, { readonly left: boolean; readonly right: boolean }>> = {
  inner: { left: true, right: true },
  cross: { left: true, right: true },
  left: { left: true, right: false },
  right: { left: false, right: true },
  full: { left: false, right: false },
  semi: { left: true, right: false },
  anti: { left: true, right: false },
};
const ON_TO: Readonly<Record<JoinKind, { readonly left: boolean; readonly right: boolean }>> = {
  inner: { left: true, right: true },
  cross: { left: true, right: true },
  left: { left: false, right: true },
  right: { left: true, right: false },
  full: { left: false, right: false },
  semi: { left: true, right: true },
  anti: { left: false, right: true },
};

function divide(
  join: JoinKind,
  above: Conjuncts,
  on: Conjuncts,
  left: ReadonlySet<ColumnId>,
  right: ReadonlySet<ColumnId>,
  support: PlannerSupport,
): Division {
  const division: Division = { left: [], right: [], condition: [], above: [] };
  const isInner = join === 'inner' || join === 'cross';
  const place = (
    conjunct: BoundExpression,
    may: { left: boolean; right: boolean },
    other: BoundExpression[],
  ) => {
    const used = columnsOf(conjunct);
    const local = [...used].filter((id) => left.has(id) || right.has(id));
    const moves = !isVolatile(conjunct, support);
    if (moves && may.left && isSubset(local, left)) division.left.push(conjunct);
    else if (moves && may.right && isSubset(local, right)) division.right.push(conjunct);
    else other.push(conjunct);
  };
  for (const conjunct of on) place(conjunct, ON_TO[join], division.condition);
  for (const conjunct of above) {
    // Conditions of a join are evaluated for every pair: a subquery is cheaper above.
    const other = isInner && !hasSubquery(conjunct) ? division.condition : division.above;
    place(conjunct, ABOVE_TO[join], other);
  }
  return division;
}
