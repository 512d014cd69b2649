/** Visits of bound expressions and plans, without changing them. */
import { unreachable } from '../../base/assert.js';
import type { AggregateCallOf, BoundExpression, WindowCallOf } from '../algebra/expression.js';
import type { LogicalPlan, Modification } from '../algebra/logical.js';

export function childExpressions(expression: BoundExpression): readonly BoundExpression[] {
  switch (expression.kind) {
    case 'const':
    case 'param':
    case 'column':
    case 'slot':
    case 'outer':
      return [];
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
      return expression.args;
    case 'compare':
    case 'distinct':
      return [expression.left, expression.right];
    case 'not':
    case 'isNull':
    case 'isTruth':
    case 'cast':
    case 'path':
      return [expression.arg];
    case 'case':
      return [...expression.branches.flatMap(({ when, then }) => [when, then]), expression.otherwise];
    case 'in':
      return [expression.arg, ...expression.items];
    case 'quantified':
      return [expression.arg, expression.array];
    case 'array':
    case 'row':
      return expression.items;
    case 'subquery':
      return [...expression.tests, ...expression.args];
    default:
      return unreachable(expression);
  }
}

const aggregateExpressions = (call: AggregateCallOf<BoundExpression>): BoundExpression[] => [
  ...call.args,
  ...(call.filter === undefined ? [] : [call.filter]),
  ...call.orderBy.map(({ expression }) => expression),
];

const windowExpressions = (call: WindowCallOf<BoundExpression>): BoundExpression[] => [
  ...call.args,
  ...(call.filter === undefined ? [] : [call.filter]),
  ...call.partitionBy,
  ...call.orderBy.map(({ expression }) => expression),
];

/** Expressions of a node itself, not of its inputs. */
export function expressionsOf(plan: LogicalPlan): readonly BoundExpression[] {
  switch (plan.kind) {
    case 'scan':
    case 'systemScan':
    case 'cteScan':
    case 'setOperation':
    case 'with':
      return [];
    case 'values':
      return plan.rows.flat();
    case 'functionScan':
      return plan.args;
    case 'filter':
      return [plan.condition];
    case 'project':
      return plan.expressions.map(({ expression }) => expression);
    case 'join':
      return plan.condition === undefined ? [] : [plan.condition];
    case 'aggregate':
      return [
        ...plan.groupBy.map(({ expression }) => expression),
        ...plan.aggregates.flatMap(({ call }) => aggregateExpressions(call)),
      ];
    case 'window':
      return plan.calls.flatMap(({ call }) => windowExpressions(call));
    case 'sort':
      return plan.keys.map(({ expression }) => expression);
    case 'limit':
      return [plan.limit, plan.offset].filter((each) => each !== undefined);
    case 'distinct':
      return plan.on;
    case 'modify':
      return [...plan.returning.map(({ expression }) => expression), ...assignmentsOf(plan.modification)];
    default:
      return unreachable(plan);
  }
}

function assignmentsOf(modification: Modification): BoundExpression[] {
  const values = (
    assignments: readonly { readonly expression: BoundExpression | 'default' }[],
  ): BoundExpression[] =>
    assignments.flatMap(({ expression }) => (expression === 'default' ? [] : [expression]));
  if (modification.kind === 'update') return values(modification.assignments);
  if (modification.kind === 'delete' || modification.onConflict?.kind !== 'update') return [];
  const { assignments, where } = modification.onConflict;
  return where === undefined ? values(assignments) : [...values(assignments), where];
}

export function inputsOf(plan: LogicalPlan): readonly LogicalPlan[] {
  switch (plan.kind) {
    case 'scan':
    case 'systemScan':
    case 'cteScan':
    case 'values':
    case 'functionScan':
      return [];
    case 'join':
    case 'setOperation':
      return [plan.left, plan.right];
    case 'with':
      return [
        ...plan.definitions.flatMap(({ plan: first, recursive }) =>
          recursive === undefined ? [first] : [first, recursive.plan],
        ),
        plan.input,
      ];
    case 'modify':
      return [plan.modification.source];
    default:
      return [plan.input];
  }
}

/** Every expression in the tree of one, itself first; into subqueries' plans only where `plans` is given. */
export function visitExpression(
  expression: BoundExpression,
  visit: (expression: BoundExpression) => void,
  plans?: (plan: LogicalPlan) => void,
): void {
  visit(expression);
  for (const child of childExpressions(expression)) visitExpression(child, visit, plans);
  if (expression.kind === 'subquery' && plans !== undefined) visitPlan(expression.plan, visit, plans);
}

/** Every node and expression of a plan and of the subqueries in it; inputs before the nodes over them. */
export function visitPlan(
  plan: LogicalPlan,
  visit: (expression: BoundExpression) => void,
  plans: (plan: LogicalPlan) => void,
): void {
  for (const input of inputsOf(plan)) visitPlan(input, visit, plans);
  for (const expression of expressionsOf(plan)) visitExpression(expression, visit, plans);
  plans(plan);
}
