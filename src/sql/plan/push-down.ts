/**
 * Moves conditions towards the scans, as far as each operator lets them through, and turns outer joins into inner ones
 * where a condition above rejects the rows that only they have. Subqueries are not entered.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import { expressionSize } from '../algebra/expression-size.js';
import type { ComputedColumn, LogicalPlan } from '../algebra/logical.js';
import { columnsOf, isSubset } from './columns.js';
import {
  conjunctionOf,
  conjunctsOf,
  FALSE,
  hasSubquery,
  operandsOf,
  substituteColumns,
} from './expression-walk.js';
import { mapNode } from './logical-walk.js';
import { pushIntoJoin } from './push-into-join.js';
import type { PlannerSupport } from './support.js';
import { isVolatile } from './volatile.js';

export function pushDown(
  plan: LogicalPlan,
  support: PlannerSupport,
  conjuncts: readonly BoundExpression[] = [],
): LogicalPlan {
  const down = (input: LogicalPlan, conditions: readonly BoundExpression[] = []): LogicalPlan =>
    pushDown(input, support, conditions);
  switch (plan.kind) {
    case 'filter':
      return pushFilter(plan, conjuncts, support);
    case 'project': {
      const definitions = definitionsOf(plan.expressions);
      const through = partition(conjuncts, (conjunct) => isMovable(conjunct, definitions, support));
      const moved = through.yes.map((conjunct) => substituteColumns(conjunct, (id) => definitions.get(id)));
      return filtered({ ...plan, input: down(plan.input, moved) }, through.no);
    }
    case 'join':
      return pushIntoJoin(plan, conjuncts, support, down);
    case 'aggregate':
      return pushIntoAggregate(plan, conjuncts, support);
    case 'window': {
      const keys = sharedPartition(plan);
      const through = partition(conjuncts, (c) => isSubset(columnsOf(c), keys) && columnsOf(c).size > 0);
      return filtered({ ...plan, input: down(plan.input, through.yes) }, through.no);
    }
    case 'sort': {
      const input = down(plan.input, conjuncts);
      return { ...plan, input };
    }
    case 'distinct': {
      const keys = new Set(plan.on.flatMap((key) => (key.kind === 'column' ? [key.id] : [])));
      const through = partition(conjuncts, (c) => isSubset(columnsOf(c), keys) && !hasSubquery(c));
      return filtered({ ...plan, input: down(plan.input, through.yes) }, through.no);
    }
    case 'setOperation': {
      const own = new Set(plan.columns);
      const through = partition(conjuncts, (c) => isSubset(columnsOf(c), own) && !hasSubquery(c));
      const side = (input: LogicalPlan): LogicalPlan =>
        down(
          input,
          through.yes.map((conjunct) => substituteColumns(conjunct, byPlace(plan.columns, input.columns))),
        );
      return filtered({ ...plan, left: side(plan.left), right: side(plan.right) }, through.no);
    }
    case 'with':
      return {
        ...(mapNode(
          plan,
          (input) => (input === plan.input ? input : down(input)),
          (expression) => expression,
        ) as typeof plan),
        input: down(plan.input, conjuncts),
      };
    case 'limit':
    case 'modify':
      return filtered(
        mapNode(
          plan,
          (input) => down(input),
          (expression) => expression,
        ),
        conjuncts,
      );
    default:
      return filtered(plan, conjuncts);
  }
}

/** The conditions right above the plan. One that can never be true leaves no rows to ask for. */
export function filtered(plan: LogicalPlan, conjuncts: readonly BoundExpression[]): LogicalPlan {
  const condition = conjunctionOf(conjuncts);
  if (condition === undefined) return plan;
  if (conjuncts.some(isNeverTrue)) return { kind: 'values', rows: [], columns: plan.columns };
  return { kind: 'filter', input: plan, condition, columns: plan.columns };
}

export function isNeverTrue(condition: BoundExpression): boolean {
  return condition.kind === 'const' && condition.value !== true;
}

function pushFilter(
  plan: LogicalPlan & { kind: 'filter' },
  conjuncts: readonly BoundExpression[],
  support: PlannerSupport,
): LogicalPlan {
  const all = [...conjunctsOf(plan.condition), ...conjuncts];
  if (all.some(isNeverTrue)) return filtered(plan.input, [FALSE]);
  // What changes with each evaluation stays where it was written.
  const { yes: stay, no: go } = partition(all, (conjunct) => isVolatile(conjunct, support));
  return filtered(pushDown(plan.input, support, go), stay);
}

function pushIntoAggregate(
  plan: LogicalPlan & { kind: 'aggregate' },
  conjuncts: readonly BoundExpression[],
  support: PlannerSupport,
): LogicalPlan {
  // Keys that a grouping set lacks are NULL above and not below.
  const keys = definitionsOf(plan.groupingSets === undefined ? plan.groupBy : []);
  const through = partition(conjuncts, (conjunct) => {
    const used = columnsOf(conjunct);
    return used.size > 0 && isSubset(used, new Set(keys.keys())) && isMovable(conjunct, keys, support);
  });
  const moved = through.yes.map((conjunct) => substituteColumns(conjunct, (id) => keys.get(id)));
  return filtered({ ...plan, input: pushDown(plan.input, support, moved) }, through.no);
}

/** Columns by which every call partitions its rows. */
function sharedPartition(plan: LogicalPlan & { kind: 'window' }): Set<ColumnId> {
  const sets = plan.calls.map(
    ({ call }) => new Set(call.partitionBy.flatMap((key) => (key.kind === 'column' ? [key.id] : []))),
  );
  return new Set([...(sets[0] ?? [])].filter((id) => sets.every((set) => set.has(id))));
}

/** Most nodes of an expression that grows by substitution. */
const SUBSTITUTED_NODES_MAX = 200;

/** Whether the expression may be written with the definitions in place of its columns. */
export function isWithinBudget(
  expression: BoundExpression,
  definitions: ReadonlyMap<ColumnId, BoundExpression>,
): boolean {
  const own = expressionSize(expression, operandsOf);
  const added = (node: BoundExpression): number => {
    if (node.kind !== 'column') return operandsOf(node).reduce((sum, operand) => sum + added(operand), 0);
    const definition = definitions.get(node.id);
    return definition === undefined ? 0 : expressionSize(definition, operandsOf) - 1;
  };
  const more = added(expression);
  return more === 0 || own + more <= SUBSTITUTED_NODES_MAX;
}

export function definitionsOf(columns: readonly ComputedColumn[]): Map<ColumnId, BoundExpression> {
  return new Map(columns.map(({ id, expression }) => [id, expression]));
}

/**
 * Whether the condition says the same with the definitions in place of the columns, and is not too long then: one that names
 * a column twice would double with every level of subqueries.
 */
function isMovable(
  conjunct: BoundExpression,
  definitions: ReadonlyMap<ColumnId, BoundExpression>,
  support: PlannerSupport,
): boolean {
  // A subquery may refer to the columns from inside, where substitution does not reach.
  if (hasSubquery(conjunct)) return false;
  for (const id of columnsOf(conjunct)) {
    const definition = definitions.get(id);
    if (definition !== undefined && (hasSubquery(definition) || isVolatile(definition, support)))
      return false;
  }
  return isWithinBudget(conjunct, definitions);
}

function byPlace(
  from: readonly ColumnId[],
  to: readonly ColumnId[],
): (id: ColumnId) => BoundExpression | undefined {
  return (id) => {
    const place = from.indexOf(id);
    return place < 0 ? undefined : { kind: 'column', type: 'any', id: to[place], name: `column${place + 1}` };
  };
}

export function partition<T>(
  items: readonly T[],
  test: (item: T) => boolean,
): { readonly yes: T[]; readonly no: T[] } {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return { yes, no };
}
