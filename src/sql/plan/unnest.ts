/**
 * Subqueries in conditions that become joins: IN and EXISTS to semi joins, NOT EXISTS to anti joins, NOT IN too where no NULL
 * can get between. The conditions that tie the subquery to its surroundings become those of the join. Others stay subplans.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import { columnsOf, freeColumns } from './columns.js';
import { conjunctionOf, conjunctsOf, hasSubquery, mapOperands } from './expression-walk.js';
import { mapNode } from './logical-walk.js';
import { isNeverNull } from './never-null.js';
import type { PlannerSupport } from './support.js';
import { isVolatile } from './volatile.js';

export function unnest(plan: LogicalPlan, support: PlannerSupport): LogicalPlan {
  const again = (input: LogicalPlan): LogicalPlan => unnest(input, support);
  const inExpression = (expression: BoundExpression): BoundExpression =>
    mapOperands(expression, inExpression, again);
  const node = mapNode(plan, again, inExpression);
  if (node.kind !== 'filter' || !hasSubquery(node.condition)) return node;
  let input = node.input;
  const rest: BoundExpression[] = [];
  for (const conjunct of conjunctsOf(node.condition)) {
    const joined = asJoin(input, conjunct, support);
    if (joined === undefined) rest.push(conjunct);
    else input = joined;
  }
  const condition = conjunctionOf(rest);
  if (condition === undefined) return input;
  return { kind: 'filter', input, condition, columns: input.columns };
}

function asJoin(
  left: LogicalPlan,
  conjunct: BoundExpression,
  support: PlannerSupport,
): LogicalPlan | undefined {
  const negated = conjunct.kind === 'not';
  const inner = negated ? conjunct.arg : conjunct;
  if (inner.kind !== 'subquery') return undefined;
  if (inner.mode === 'exists') return existsJoin(left, inner.plan, negated ? 'anti' : 'semi');
  const isIn = inner.mode === 'any' && inner.operator === '=';
  const isNotIn = inner.mode === 'all' && inner.operator === '<>';
  if (!isIn && !isNotIn) return undefined;
  // NOT (x <> ALL …) is IN again, and NOT (x = ANY …) is NOT IN.
  const join = isIn === negated ? 'anti' : 'semi';
  if (inner.tests.some((test) => hasSubquery(test) || isVolatile(test, support))) return undefined;
  return inJoin(left, inner.plan, inner.tests, join, support);
}

function existsJoin(left: LogicalPlan, plan: LogicalPlan, join: 'semi' | 'anti'): LogicalPlan | undefined {
  const { plan: right, conjuncts } = pullUp(withoutOutput(plan), new Set(left.columns));
  return joinOf(left, right, join, conjuncts);
}

/** EXISTS does not look at columns, order and repetition. */
function withoutOutput(plan: LogicalPlan): LogicalPlan {
  switch (plan.kind) {
    case 'project':
    case 'sort':
    case 'distinct':
      return withoutOutput(plan.input);
    case 'limit': {
      const { limit, offset } = plan;
      const isSome = limit === undefined || (limit.kind === 'const' && Number(limit.value) >= 1);
      return isSome && offset === undefined ? withoutOutput(plan.input) : plan;
    }
    default:
      return plan;
  }
}

function inJoin(
  left: LogicalPlan,
  plan: LogicalPlan,
  tests: readonly BoundExpression[],
  join: 'semi' | 'anti',
  support: PlannerSupport,
): LogicalPlan | undefined {
  const outputs = plan.columns.slice(0, tests.length);
  const { plan: right, conjuncts } = pullUp(plan, new Set(left.columns));
  if (join === 'anti') {
    if (conjuncts.length > 0) return undefined;
    const safe = tests.every((test, i) => isNeverNull(left, test, outputs[i], right, support));
    if (!safe) return undefined;
  }
  const equalities = tests.map(
    (test, i): BoundExpression => ({
      kind: 'compare',
      type: 'bool',
      operator: '=',
      left: test,
      right: { kind: 'column', type: outputType(right, outputs[i]), id: outputs[i], name: 'column' },
    }),
  );
  return joinOf(left, right, join, [...equalities, ...conjuncts]);
}

/** Type of a column where the plan says it; `any` promises nothing. */
export function outputType(plan: LogicalPlan, id: ColumnId): BoundExpression['type'] {
  switch (plan.kind) {
    case 'scan':
    case 'systemScan':
      return plan.fields.find((field) => field.id === id)?.type ?? 'any';
    case 'project':
      return plan.expressions.find((column) => column.id === id)?.expression.type ?? 'any';
    case 'values':
      return plan.rows[0]?.[plan.columns.indexOf(id)]?.type ?? 'any';
    case 'aggregate':
      return (
        plan.groupBy.find((column) => column.id === id)?.expression.type ??
        plan.aggregates.find((column) => column.id === id)?.call.type ??
        'any'
      );
    case 'filter':
    case 'sort':
    case 'limit':
    case 'distinct':
    case 'with':
      return outputType(plan.input, id);
    case 'window':
      return plan.calls.find((column) => column.id === id)?.call.type ?? outputType(plan.input, id);
    case 'join':
      return outputType(plan.left.columns.includes(id) ? plan.left : plan.right, id);
    case 'setOperation': {
      const place = plan.columns.indexOf(id);
      const [left, right] = [plan.left, plan.right].map((side) => outputType(side, side.columns[place]));
      return left === right ? left : 'any';
    }
    default:
      return 'any';
  }
}

function joinOf(
  left: LogicalPlan,
  right: LogicalPlan,
  join: 'semi' | 'anti',
  conjuncts: readonly BoundExpression[],
): LogicalPlan | undefined {
  const leftColumns = new Set(left.columns);
  for (const id of freeColumns(right)) if (leftColumns.has(id)) return undefined;
  return {
    kind: 'join',
    join,
    left,
    right,
    condition: conjunctionOf(conjuncts),
    lateral: false,
    columns: left.columns,
  };
}

interface Pulled {
  readonly plan: LogicalPlan;
  readonly conjuncts: readonly BoundExpression[];
}

/** Takes conditions that refer to `outer` out of the plan. */
function pullUp(plan: LogicalPlan, outer: ReadonlySet<ColumnId>): Pulled {
  const isCorrelated = (conjunct: BoundExpression): boolean =>
    !hasSubquery(conjunct) && [...columnsOf(conjunct)].some((id) => outer.has(id));
  switch (plan.kind) {
    case 'filter': {
      const { plan: input, conjuncts: below } = pullUp(plan.input, outer);
      const own = conjunctsOf(plan.condition);
      const condition = conjunctionOf(own.filter((conjunct) => !isCorrelated(conjunct)));
      const conjuncts = [...below, ...own.filter(isCorrelated)];
      if (condition === undefined) return { plan: input, conjuncts };
      return { plan: { ...plan, input, condition, columns: input.columns }, conjuncts };
    }
    case 'project': {
      const { plan: input, conjuncts } = pullUp(plan.input, outer);
      const used = new Set(conjuncts.flatMap((conjunct) => [...columnsOf(conjunct)]));
      const extra = input.columns.filter((id) => used.has(id) && !plan.columns.includes(id));
      const passed = extra.map((id) => ({
        id,
        name: `column${id}`,
        expression: { kind: 'column', type: outputType(input, id), id, name: `column${id}` } as const,
      }));
      return {
        plan: {
          ...plan,
          input,
          expressions: [...plan.expressions, ...passed],
          columns: [...plan.columns, ...extra],
        },
        conjuncts,
      };
    }
    case 'join': {
      if (plan.lateral || (plan.join !== 'inner' && plan.join !== 'cross')) return { plan, conjuncts: [] };
      const left = pullUp(plan.left, outer);
      const right = pullUp(plan.right, outer);
      const own = conjunctsOf(plan.condition);
      const condition = conjunctionOf(own.filter((conjunct) => !isCorrelated(conjunct)));
      return {
        plan: {
          ...plan,
          join: condition === undefined ? 'cross' : 'inner',
          left: left.plan,
          right: right.plan,
          condition,
          columns: [...left.plan.columns, ...right.plan.columns],
        },
        conjuncts: [...left.conjuncts, ...right.conjuncts, ...own.filter(isCorrelated)],
      };
    }
    default:
      return { plan, conjuncts: [] };
  }
}
