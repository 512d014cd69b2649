/**
 * Expressions in the form that the planner looks for: folded, NOT pushed down to what it can turn around, comparisons with
 * the column on the left, ORs of equalities as IN, what all branches of an OR share taken out of it. Pure.
 */
import type { BoundExpression, ComparisonOperator } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import { conjunctionOf, conjunctsOf, mapOperands, structuralKey } from './expression-walk.js';
import { foldNode } from './fold.js';
import { mapNode } from './logical-walk.js';
import type { PlannerSupport } from './support.js';

export const NEGATED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '<>',
  '<>': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};

export const FLIPPED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/** A whole plan, subqueries too. */
export function normalisePlan(plan: LogicalPlan, support: PlannerSupport): LogicalPlan {
  return mapNode(
    plan,
    (input) => normalisePlan(input, support),
    (expression) => normalise(expression, support),
  );
}

export function normalise(expression: BoundExpression, support: PlannerSupport): BoundExpression {
  const node = mapOperands(
    expression,
    (operand) => normalise(operand, support),
    (plan) => normalisePlan(plan, support),
  );
  const simple = foldNode(node, support);
  switch (simple.kind) {
    case 'not':
      return negate(simple.arg, support) ?? simple;
    case 'compare':
      return columnFirst(simple);
    case 'or':
      return simplifyOr(simple.args, support);
    case 'in':
      return simplifyIn(simple);
    default:
      return simple;
  }
}

/** NOT arg, without a NOT at its top; undefined where there is no such form. */
function negate(arg: BoundExpression, support: PlannerSupport): BoundExpression | undefined {
  const not = (inner: BoundExpression): BoundExpression =>
    negate(inner, support) ?? { kind: 'not', type: 'bool', arg: inner };
  switch (arg.kind) {
    case 'not':
      return arg.arg;
    case 'compare':
      return { ...arg, operator: NEGATED[arg.operator] };
    case 'and':
      return simplifyOr(arg.args.map(not), support);
    case 'or':
      return foldNode({ kind: 'and', type: 'bool', args: arg.args.map(not) }, support);
    case 'isNull':
    case 'isTruth':
    case 'in':
    case 'distinct':
      return { ...arg, negated: !arg.negated };
    case 'quantified':
      return { ...arg, operator: NEGATED[arg.operator], all: !arg.all };
    default:
      return undefined;
  }
}

const isFixed = ({ kind }: BoundExpression): boolean => kind === 'const' || kind === 'param';

function columnFirst(expression: BoundExpression & { kind: 'compare' }): BoundExpression {
  const { left, right, operator } = expression;
  if (!isFixed(left) || isFixed(right)) return expression;
  return { ...expression, operator: FLIPPED[operator], left: right, right: left };
}

function simplifyIn(expression: BoundExpression & { kind: 'in' }): BoundExpression {
  const { arg, items, negated } = expression;
  if (items.length !== 1) return expression;
  return { kind: 'compare', type: 'bool', operator: negated ? '<>' : '=', left: arg, right: items[0] };
}

function simplifyOr(args: readonly BoundExpression[], support: PlannerSupport): BoundExpression {
  const flat = args.flatMap((arg) => (arg.kind === 'or' ? arg.args : [arg]));
  const merged = mergeEqualities(flat);
  const or = foldNode({ kind: 'or', type: 'bool', args: merged }, support);
  if (or.kind !== 'or') return or.kind === 'in' ? simplifyIn(or) : or;
  return withSharedOutside(or.args) ?? or;
}

/** `a = 1 OR a IN (2, 3)` is `a IN (1, 2, 3)`, at the place of the first. Linear: an OR may have thousands of branches. */
function mergeEqualities(args: readonly BoundExpression[]): BoundExpression[] {
  const result: BoundExpression[] = [];
  const groups = new Map<string, { readonly place: number; readonly items: BoundExpression[] }>();
  for (const arg of args) {
    const tested = equalityOf(arg);
    if (tested === undefined) {
      result.push(arg);
      continue;
    }
    const key = structuralKey(tested.arg);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { place: result.length, items: [...tested.items] });
      result.push(arg);
      continue;
    }
    for (const item of tested.items) group.items.push(item);
    result[group.place] = { kind: 'in', type: 'bool', negated: false, arg: tested.arg, items: group.items };
  }
  return result;
}

function equalityOf(
  arg: BoundExpression,
): { readonly arg: BoundExpression; readonly items: readonly BoundExpression[] } | undefined {
  if (arg.kind === 'in' && !arg.negated && arg.items.every(isFixed)) return arg;
  if (arg.kind !== 'compare' || arg.operator !== '=' || !isFixed(arg.right) || isFixed(arg.left))
    return undefined;
  return { arg: arg.left, items: [arg.right] };
}

/** `(x AND a) OR (x AND b)` is `x AND (a OR b)`. */
function withSharedOutside(args: readonly BoundExpression[]): BoundExpression | undefined {
  const branches = args.map((arg) => conjunctsOf(arg));
  const keys = branches.map((conjuncts) => new Set(conjuncts.map((conjunct) => structuralKey(conjunct))));
  const shared = branches[0].filter((conjunct) => keys.every((set) => set.has(structuralKey(conjunct))));
  if (shared.length === 0) return undefined;
  const sharedKeys = new Set(shared.map((conjunct) => structuralKey(conjunct)));
  const rests = branches.map((conjuncts) => conjuncts.filter((c) => !sharedKeys.has(structuralKey(c))));
  // A branch of nothing else is true whenever the shared part is.
  if (rests.some((rest) => rest.length === 0)) return conjunctionOf(shared);
  const or: BoundExpression = {
    kind: 'or',
    type: 'bool',
    args: rests.map((rest) => conjunctionOf(rest) as BoundExpression),
  };
  return conjunctionOf([...shared, or]);
}
