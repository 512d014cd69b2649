/** Projections, window functions, set operations and CTEs. */
import type { ColumnId, Expression } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { PhysicalCte, PhysicalPlan } from '../algebra/physical.js';
import { structureText } from '../algebra/structure-text.js';
import { CPU_OPERATOR_COST, CPU_TUPLE_COST, estimate, sortCost, spillCost } from './cost.js';
import { hasSubquery, substituteColumns } from './expression-walk.js';
import type { Frame } from './frame.js';
import { mapWindowCall } from './logical-walk.js';
import { arranged, complete, isShippable, lower, project, slotsOf } from './lower.js';
import type { BoundSortKey, Built, Goal, Planner } from './planner.js';
import { definitionsOf, isWithinBudget } from './push-down.js';
import { isVolatile } from './volatile.js';

type Of<K extends LogicalPlan['kind']> = LogicalPlan & { kind: K };

/** Rows of a recursive query for each that it starts with, as PostgreSQL guesses. */
const RECURSION_FACTOR = 10;

export function buildProject(plan: Of<'project'>, frame: Frame, goal: Goal, planner: Planner): Built {
  const order = goalBelow(plan, goal, planner);
  const input = planner.build(plan.input, frame, { ...goal, order });
  const { slots } = input;
  const ordered = goal.order !== undefined && order !== undefined && input.ordered;
  if (plan.expressions.every(({ expression }) => expression.kind === 'column' && slots.has(expression.id))) {
    // Nothing is computed: the columns are found where they are.
    const renamed = new Map<ColumnId, number>();
    for (const { id, expression } of plan.expressions) {
      if (expression.kind === 'column') renamed.set(id, slots.get(expression.id) as number);
    }
    return { ...input, slots: renamed, ordered };
  }
  const expressions = plan.expressions.map(({ expression }) => lower(expression, slots, frame, planner));
  const partial =
    input.partial !== undefined && expressions.every((expression) => isShippable(expression, planner))
      ? project(input.partial, expressions)
      : undefined;
  return {
    plan: withBytes(project(input.plan, expressions)),
    slots: slotsOf(plan.expressions.map(({ id }) => id)),
    ordered,
    partial: partial === undefined ? undefined : withBytes(partial),
  };
}

function withBytes(plan: PhysicalPlan): PhysicalPlan {
  return { ...plan, estimate: { ...plan.estimate, width: Math.max(plan.estimate.width, plan.width * 8) } };
}

/** The order asked for in terms of the input; undefined where that cannot be said. */
function goalBelow(plan: Of<'project'>, goal: Goal, planner: Planner): readonly BoundSortKey[] | undefined {
  if (goal.order === undefined) return undefined;
  const definitions = definitionsOf(plan.expressions);
  if (!goal.order.every(({ expression }) => isWithinBudget(expression, definitions))) return undefined;
  const order = goal.order.map((key) => ({
    ...key,
    expression: substituteColumns(key.expression, (id) => definitions.get(id)),
  }));
  const isFit = order.every(
    ({ expression }) => !hasSubquery(expression) && !isVolatile(expression, planner.support),
  );
  return isFit ? order : undefined;
}

export function buildWindow(plan: Of<'window'>, frame: Frame, planner: Planner): Built {
  const input = complete(planner.build(plan.input, frame), planner);
  const { startupCost, totalCost, rows, width } = input.plan.estimate;
  const sorts = new Set(plan.calls.map(({ call }) => structureText([call.partitionBy, call.orderBy]))).size;
  const perRow = plan.calls.length * (CPU_OPERATOR_COST * 2 + CPU_TUPLE_COST);
  const cost = sorts * sortCost(rows, width, planner.options.memoryBudgetBytes) + rows * perRow;
  const slots = new Map(input.slots);
  for (const [place, { id }] of plan.calls.entries()) slots.set(id, input.plan.width + place);
  return {
    slots,
    ordered: false,
    plan: {
      kind: 'window',
      id: -1,
      width: input.plan.width + plan.calls.length,
      estimate: estimate(startupCost + cost, totalCost + cost, rows, width + plan.calls.length * 8),
      input: input.plan,
      calls: plan.calls.map(({ call }) =>
        mapWindowCall(call, (expression): Expression => lower(expression, input.slots, frame, planner)),
      ),
    },
  };
}

export function buildSetOperation(
  plan: Of<'setOperation'>,
  frame: Frame,
  goal: Goal,
  planner: Planner,
): Built {
  const rows = plan.operation === 'union' && plan.all ? goal.rows : undefined;
  const side = (input: LogicalPlan): PhysicalPlan =>
    arranged(complete(planner.build(input, frame, { rows }), planner, rows), input.columns, planner);
  const left = side(plan.left);
  const right = side(plan.right);
  const l = left.estimate;
  const r = right.estimate;
  const both = l.rows + r.rows;
  const width = Math.max(l.width, r.width);
  const isAppend = plan.operation === 'union' && plan.all;
  const count = isAppend ? both : plan.operation === 'union' ? both * 0.75 : l.rows * 0.5;
  const perRow = isAppend ? 0 : CPU_OPERATOR_COST * Math.max(1, plan.columns.length) + CPU_TUPLE_COST;
  const spill = isAppend ? 0 : spillCost(count, width, planner.options.memoryBudgetBytes);
  const startup =
    isAppend || plan.operation === 'union' ? Math.min(l.startupCost, r.startupCost) : r.totalCost;
  return {
    slots: slotsOf(plan.columns),
    ordered: false,
    plan: {
      kind: 'setOperation',
      id: -1,
      width: plan.columns.length,
      estimate: estimate(startup, l.totalCost + r.totalCost + both * perRow + spill, count, width),
      operation: plan.operation,
      all: plan.all,
      left,
      right,
    },
  };
}

export function buildWith(plan: Of<'with'>, frame: Frame, goal: Goal, planner: Planner): Built {
  const definitions = plan.definitions.map((definition): PhysicalCte => {
    const { cte, name, recursive } = definition;
    const own = complete(planner.build(definition.plan, frame), planner);
    const first = arranged(own, definition.plan.columns, planner);
    const { rows, width } = first.estimate;
    const factor = recursive === undefined ? 1 : RECURSION_FACTOR;
    planner.cteSizes.set(cte, { rows: rows * factor, bytes: width });
    if (recursive === undefined) return { cte, name, plan: first };
    const again = planner.build(recursive.plan, frame);
    return {
      cte,
      name,
      plan: first,
      recursive: { all: recursive.all, plan: arranged(again, recursive.plan.columns, planner) },
    };
  });
  const input = complete(planner.build(plan.input, frame, goal), planner);
  const cost = definitions.reduce((sum, { plan: own, recursive }) => {
    const again = recursive === undefined ? 0 : recursive.plan.estimate.totalCost * RECURSION_FACTOR;
    return sum + own.estimate.totalCost + again;
  }, 0);
  const { startupCost, totalCost, rows, width } = input.plan.estimate;
  return {
    ...input,
    partial: undefined,
    plan: {
      kind: 'with',
      id: -1,
      width: input.plan.width,
      estimate: estimate(startupCost + cost, totalCost + cost, rows, width),
      definitions,
      input: input.plan,
    },
  };
}
