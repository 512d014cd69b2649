/** Rebuilds expressions and plans with some of their expressions replaced. What has no replacement stays the same object. */

import { unreachable } from '../../base/assert.js';
import type { AggregateCallOf, BoundExpression, SortKeyOf, WindowCallOf } from '../algebra/expression.js';
import type { ComputedColumn, LogicalPlan } from '../algebra/logical.js';

/** Called for the direct children of an expression. */
export type Replace = (expression: BoundExpression) => BoundExpression;

function all(items: readonly BoundExpression[], replace: Replace): readonly BoundExpression[] {
  const mapped = items.map(replace);
  return mapped.every((item, place) => item === items[place]) ? items : mapped;
}

/** The expression with `replace` applied to its children, also to the expressions of subqueries. */
export function mapChildren(expression: BoundExpression, replace: Replace): BoundExpression {
  switch (expression.kind) {
    case 'const':
    case 'param':
    case 'column':
    case 'slot':
    case 'outer':
      return expression;
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce': {
      const args = all(expression.args, replace);
      return args === expression.args ? expression : { ...expression, args };
    }
    case 'compare':
    case 'distinct': {
      const [left, right] = [replace(expression.left), replace(expression.right)];
      return left === expression.left && right === expression.right
        ? expression
        : { ...expression, left, right };
    }
    case 'not':
    case 'isNull':
    case 'isTruth':
    case 'cast':
    case 'path': {
      const arg = replace(expression.arg);
      return arg === expression.arg ? expression : { ...expression, arg };
    }
    case 'case': {
      const branches = expression.branches.map(({ when, then }) => ({
        when: replace(when),
        // biome-ignore lint/suspicious/noThenProperty: the name of SQL; nobody awaits a branch
        then: replace(then),
      }));
      return { ...expression, branches, otherwise: replace(expression.otherwise) };
    }
    case 'in': {
      const arg = replace(expression.arg);
      const items = all(expression.items, replace);
      return arg === expression.arg && items === expression.items
        ? expression
        : { ...expression, arg, items };
    }
    case 'quantified':
      return { ...expression, arg: replace(expression.arg), array: replace(expression.array) };
    case 'array':
    case 'row': {
      const items = all(expression.items, replace);
      return items === expression.items ? expression : { ...expression, items };
    }
    case 'subquery': {
      const tests = all(expression.tests, replace);
      const plan = mapPlan(expression.plan, replace);
      return { ...expression, tests, plan, args: all(expression.args, replace) };
    }
    default:
      return unreachable(expression);
  }
}

const mapKeys = (
  keys: readonly SortKeyOf<BoundExpression>[],
  replace: Replace,
): readonly SortKeyOf<BoundExpression>[] =>
  keys.map((key) => ({ ...key, expression: replace(key.expression) }));

const mapComputed = (columns: readonly ComputedColumn[], replace: Replace): readonly ComputedColumn[] =>
  columns.map((column) => ({ ...column, expression: replace(column.expression) }));

export function mapAggregate(
  call: AggregateCallOf<BoundExpression>,
  replace: Replace,
): AggregateCallOf<BoundExpression> {
  const mapped = { ...call, args: all(call.args, replace), orderBy: mapKeys(call.orderBy, replace) };
  return call.filter === undefined ? mapped : { ...mapped, filter: replace(call.filter) };
}

export function mapWindow(
  call: WindowCallOf<BoundExpression>,
  replace: Replace,
): WindowCallOf<BoundExpression> {
  const mapped = {
    ...call,
    args: all(call.args, replace),
    partitionBy: all(call.partitionBy, replace),
    orderBy: mapKeys(call.orderBy, replace),
  };
  return call.filter === undefined ? mapped : { ...mapped, filter: replace(call.filter) };
}

/** The plan with `replace` applied to each expression in it, once at its root. */
export function mapPlan(plan: LogicalPlan, replace: Replace): LogicalPlan {
  const within = (input: LogicalPlan): LogicalPlan => mapPlan(input, replace);
  switch (plan.kind) {
    case 'scan':
    case 'systemScan':
    case 'cteScan':
    case 'modify':
      return plan;
    case 'values':
      return { ...plan, rows: plan.rows.map((row) => all(row, replace)) };
    case 'functionScan':
      return { ...plan, args: all(plan.args, replace) };
    case 'filter':
      return { ...plan, input: within(plan.input), condition: replace(plan.condition) };
    case 'project':
      return { ...plan, input: within(plan.input), expressions: mapComputed(plan.expressions, replace) };
    case 'join': {
      const sides = { left: within(plan.left), right: within(plan.right) };
      return plan.condition === undefined
        ? { ...plan, ...sides }
        : { ...plan, ...sides, condition: replace(plan.condition) };
    }
    case 'aggregate':
      return {
        ...plan,
        input: within(plan.input),
        groupBy: mapComputed(plan.groupBy, replace),
        aggregates: plan.aggregates.map(({ id, call }) => ({ id, call: mapAggregate(call, replace) })),
      };
    case 'window':
      return {
        ...plan,
        input: within(plan.input),
        calls: plan.calls.map(({ id, call }) => ({ id, call: mapWindow(call, replace) })),
      };
    case 'sort':
      return { ...plan, input: within(plan.input), keys: mapKeys(plan.keys, replace) };
    case 'limit': {
      const { limit, offset } = plan;
      return {
        ...plan,
        input: within(plan.input),
        ...(limit && { limit: replace(limit) }),
        ...(offset && { offset: replace(offset) }),
      };
    }
    case 'distinct':
      return { ...plan, input: within(plan.input), on: all(plan.on, replace) };
    case 'setOperation':
      return { ...plan, left: within(plan.left), right: within(plan.right) };
    case 'with': {
      const definitions = plan.definitions.map((definition) => {
        const mapped = { ...definition, plan: within(definition.plan) };
        const { recursive } = definition;
        return recursive === undefined
          ? mapped
          : { ...mapped, recursive: { ...recursive, plan: within(recursive.plan) } };
      });
      return { ...plan, definitions, input: within(plan.input) };
    }
    default:
      return unreachable(plan);
  }
}
