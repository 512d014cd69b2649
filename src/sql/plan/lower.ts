/**
 * From columns to places: expressions over column ids become expressions over the slots of a row and the outer frame;
 * subqueries become physical plans. Also the small helpers to put such expressions on top of a plan.
 */
import type { BoundExpression, ColumnId, Expression, SortKeyOf } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { PhysicalPlan, SortKey } from '../algebra/physical.js';
import {
  CPU_OPERATOR_COST,
  CPU_TUPLE_COST,
  estimate,
  PARALLEL_SETUP_COST,
  PARALLEL_TUPLE_COST,
} from './cost.js';
import { mapOperands, operandsOf, someExpression } from './expression-walk.js';
import { Frame } from './frame.js';
import type { Built, Planner, Slots, Subplan } from './planner.js';
import { exactly } from './prune.js';
import { pushDown } from './push-down.js';

export function lower(expression: BoundExpression, slots: Slots, frame: Frame, planner: Planner): Expression {
  if (expression.kind === 'column') {
    const { type, id, name } = expression;
    const slot = slots.get(id);
    if (slot !== undefined) return { kind: 'slot', type, index: slot, name };
    return { kind: 'outer', type, index: frame.placeOf(expression), name };
  }
  if (expression.kind === 'subquery') return lowerSubquery(expression, slots, frame, planner);
  return mapOperands<LogicalPlan, PhysicalPlan>(
    expression,
    (operand) => lower(operand, slots, frame, planner),
    () => {
      throw new Error('subqueries are lowered on their own');
    },
  );
}

function lowerSubquery(
  expression: BoundExpression & { kind: 'subquery' },
  slots: Slots,
  frame: Frame,
  planner: Planner,
): Expression {
  const { plan, columns } = subplanOf(expression, planner);
  return {
    ...expression,
    tests: expression.tests.map((test) => lower(test, slots, frame, planner)),
    plan,
    args: columns.map((column) => lower(column, slots, frame, planner)),
  };
}

function subplanOf({ mode, tests, plan }: BoundExpression & { kind: 'subquery' }, planner: Planner): Subplan {
  const known = planner.subplans.get(plan);
  if (known !== undefined) return known;
  const width = mode === 'exists' ? 0 : mode === 'scalar' || mode === 'array' ? 1 : tests.length;
  const columns = plan.columns.slice(0, width);
  const logical = exactly(pushDown(plan, planner.support), columns);
  const inner = new Frame();
  const built = planner.build(logical, inner, mode === 'exists' ? { rows: 1 } : {});
  const made: Subplan = {
    plan: arranged(complete(built, planner), columns, planner),
    columns: inner.columns(),
  };
  planner.subplans.set(plan, made);
  return made;
}

export function lowerSortKeys(
  keys: readonly SortKeyOf<BoundExpression>[],
  slots: Slots,
  frame: Frame,
  planner: Planner,
): SortKey[] {
  return keys.map((key) => ({ ...key, expression: lower(key.expression, slots, frame, planner) }));
}

/** The plan with these columns at the first places of its rows and nothing behind them. */
export function arranged(built: Built, columns: readonly ColumnId[], planner: Planner): PhysicalPlan {
  const { plan, slots } = built;
  if (plan.width === columns.length && columns.every((id, place) => slots.get(id) === place)) return plan;
  return project(
    plan,
    columns.map((id) => slotOf(id, slots, planner)),
  );
}

export function slotOf(id: ColumnId, slots: Slots, planner: Planner): Expression {
  const index = slots.get(id);
  if (index === undefined) throw new Error(`column ${id} is not in the rows of the plan`);
  const facts = planner.facts.get(id);
  const name = facts?.source.kind === 'member' ? (facts.source.path.at(-1) ?? '') : `column${index + 1}`;
  return { kind: 'slot', type: facts?.type ?? 'any', index, name };
}

export function project(input: PhysicalPlan, expressions: readonly Expression[]): PhysicalPlan {
  const { startupCost, totalCost, rows, width } = input.estimate;
  const { startup, perRow } = costOf(expressions);
  return {
    kind: 'project',
    id: -1,
    width: expressions.length,
    estimate: estimate(startupCost + startup, totalCost + startup + rows * perRow, rows, width),
    input,
    expressions,
  };
}

export function slotsOf(columns: readonly ColumnId[], from = 0): Map<ColumnId, number> {
  return new Map(columns.map((id, place) => [id, from + place]));
}

/** All rows on one thread: the plan itself, or a gather over its parts when that is cheaper. */
export function complete(built: Built, planner: Planner, wanted?: number): Built {
  const gathered = gather(built, planner);
  if (gathered === undefined) return built;
  const { startupCost, totalCost, rows } = built.plan.estimate;
  const part = wanted === undefined ? 1 : Math.min(1, wanted / rows);
  const serial = startupCost + (totalCost - startupCost) * part;
  return gathered.estimate.totalCost < serial && !built.ordered
    ? { ...built, plan: gathered, partial: undefined }
    : built;
}

function gather(built: Built, planner: Planner): PhysicalPlan | undefined {
  return built.partial === undefined ? undefined : gatherOf(built.partial, built.plan.estimate.rows, planner);
}

export function gatherOf(
  input: PhysicalPlan,
  rows: number,
  planner: Planner,
  merge?: readonly SortKey[],
): PhysicalPlan {
  const { startupCost, totalCost, width } = input.estimate;
  return {
    kind: 'gather',
    id: -1,
    width: input.width,
    estimate: estimate(
      startupCost + PARALLEL_SETUP_COST,
      totalCost + PARALLEL_SETUP_COST + rows * PARALLEL_TUPLE_COST,
      rows,
      width,
    ),
    input,
    merge,
    workers: planner.options.parallelWorkers,
  };
}

/** What expressions cost: once (uncorrelated subqueries), and for each row. */
export function costOf(expressions: readonly Expression[]): {
  readonly startup: number;
  readonly perRow: number;
} {
  let startup = 0;
  let perRow = 0;
  for (const expression of expressions) {
    if (expression.kind === 'subquery') {
      const { totalCost, startupCost } = expression.plan.estimate;
      const once = expression.mode === 'exists' ? startupCost + (totalCost - startupCost) * 0.5 : totalCost;
      if (expression.args.length === 0) startup += once;
      else perRow += once + CPU_TUPLE_COST;
    } else if (!isLeaf(expression)) {
      perRow += CPU_OPERATOR_COST;
    }
    const below = costOf(operandsOf(expression));
    startup += below.startup;
    perRow += below.perRow;
  }
  return { startup, perRow };
}

function isLeaf({ kind }: Expression): boolean {
  return kind === 'const' || kind === 'param' || kind === 'slot' || kind === 'outer' || kind === 'and';
}

/** Whether another thread can evaluate it with nothing but a row and the parameters. */
export function isShippable(expression: Expression, planner: Planner): boolean {
  return !someExpression(
    expression,
    (node) =>
      node.kind === 'subquery' ||
      node.kind === 'outer' ||
      (node.kind === 'call' && planner.support.scalar(node.function)?.volatility === 'volatile'),
  );
}
