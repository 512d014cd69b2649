/**
 * GROUP BY and aggregates: one hash table; parts of it on several threads and a merge above the gather; over an input that
 * is sorted by the keys, group by group; min and max from the end of an index.
 */
import type { BoundExpression, Expression } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { AggregateCall, PhysicalPlan } from '../algebra/physical.js';
import { CPU_OPERATOR_COST, CPU_TUPLE_COST, estimate, spillCost } from './cost.js';
import { hasSubquery } from './expression-walk.js';
import { valueBytes } from './facts.js';
import type { Frame } from './frame.js';
import { groupCount } from './group-count.js';
import { mapAggregateCall } from './logical-walk.js';
import { complete, gatherOf, isShippable, lower, slotsOf } from './lower.js';
import { minMaxPlan } from './min-max.js';
import type { BoundSortKey, Built, Goal, Planner } from './planner.js';
import { isVolatile } from './volatile.js';

type Aggregate = LogicalPlan & { kind: 'aggregate' };

const STATE_BYTES = 32;

export function buildAggregate(plan: Aggregate, frame: Frame, goal: Goal, planner: Planner): Built {
  const input = planner.build(plan.input, frame);
  const groups = groupsOf(plan, input.plan.estimate.rows, planner);
  const candidates = [
    single(plan, complete(input, planner), groups, false, frame, planner),
    parallel(plan, input, groups, frame, planner),
    sorted(plan, groups, goal, frame, planner),
    fromIndexEnds(plan, frame, planner),
  ].filter((candidate) => candidate !== undefined);
  const wantsOrder = goal.order !== undefined;
  const ordered = wantsOrder ? candidates.filter((candidate) => candidate.ordered) : [];
  const best = (ordered.length > 0 ? ordered : candidates).reduce((a, b) =>
    b.plan.estimate.totalCost < a.plan.estimate.totalCost ? b : a,
  );
  return best;
}

function groupsOf(plan: Aggregate, rows: number, planner: Planner): number {
  const keys = plan.groupBy.map(({ expression }) => expression);
  if (plan.groupingSets === undefined) return groupCount(keys, rows, planner.facts);
  const sets = plan.groupingSets.map((set) => set.map((place) => keys[place]));
  return sets.reduce((sum, set) => sum + groupCount(set, rows, planner.facts), 0);
}

function rowBytes(plan: Aggregate, planner: Planner): number {
  const keys = plan.groupBy.reduce(
    (sum, { id, expression }) => sum + valueBytes(expression.type, planner.facts.get(id)),
    0,
  );
  return keys + plan.aggregates.length * 8;
}

interface Lowered {
  readonly groupBy: readonly Expression[];
  readonly aggregates: readonly AggregateCall[];
}

function lowerCalls(plan: Aggregate, input: Built, frame: Frame, planner: Planner): Lowered {
  const map = (expression: BoundExpression): Expression => lower(expression, input.slots, frame, planner);
  return {
    groupBy: plan.groupBy.map(({ expression }) => map(expression)),
    aggregates: plan.aggregates.map(({ call }) => mapAggregateCall(call, map)),
  };
}

function aggregateOver(
  plan: Aggregate,
  input: PhysicalPlan,
  { groupBy, aggregates }: Lowered,
  mode: 'single' | 'partial' | 'final',
  isSorted: boolean,
  groups: number,
  planner: Planner,
): PhysicalPlan {
  const { startupCost, totalCost, rows } = input.estimate;
  const bytes = rowBytes(plan, planner);
  const sets = plan.groupingSets?.length ?? 1;
  const perRow = (groupBy.length + aggregates.length) * CPU_OPERATOR_COST * sets + (isSorted ? 0 : 0.002);
  const held = isSorted ? 0 : spillCost(groups, bytes + STATE_BYTES, planner.options.memoryBudgetBytes);
  const total = totalCost + rows * perRow + groups * CPU_TUPLE_COST + held;
  const startup = isSorted && groupBy.length > 0 ? startupCost : totalCost + rows * perRow + held;
  return {
    kind: 'aggregate',
    id: -1,
    width: groupBy.length + aggregates.length,
    estimate: estimate(startup, total, groups, bytes),
    input,
    groupBy,
    groupingSets: plan.groupingSets,
    aggregates,
    mode,
    sorted: isSorted,
  };
}

function slotsFor(plan: Aggregate): Map<number, number> {
  return slotsOf([...plan.groupBy.map(({ id }) => id), ...plan.aggregates.map(({ id }) => id)]);
}

function single(
  plan: Aggregate,
  input: Built,
  groups: number,
  isSorted: boolean,
  frame: Frame,
  planner: Planner,
): Built {
  const lowered = lowerCalls(plan, input, frame, planner);
  const aggregate = aggregateOver(plan, input.plan, lowered, 'single', isSorted, groups, planner);
  return { plan: aggregate, slots: slotsFor(plan), ordered: false };
}

function parallel(
  plan: Aggregate,
  input: Built,
  groups: number,
  frame: Frame,
  planner: Planner,
): Built | undefined {
  const { partial } = input;
  if (partial === undefined || plan.groupingSets !== undefined) return undefined;
  const isMergeable = plan.aggregates.every(
    ({ call }) =>
      !call.distinct &&
      call.orderBy.length === 0 &&
      planner.support.aggregate(call.function)?.mergeable === true,
  );
  if (!isMergeable) return undefined;
  const lowered = lowerCalls(plan, input, frame, planner);
  const expressions = [
    ...lowered.groupBy,
    ...lowered.aggregates.flatMap(({ args, filter }) => (filter === undefined ? args : [...args, filter])),
  ];
  if (!expressions.every((expression) => isShippable(expression, planner))) return undefined;
  const partGroups = Math.min(groups, partial.estimate.rows);
  const part = aggregateOver(plan, partial, lowered, 'partial', false, partGroups, planner);
  const gathered = gatherOf(part, partGroups * planner.options.parallelWorkers, planner);
  const final = aggregateOver(plan, gathered, ofStates(plan, lowered), 'final', false, groups, planner);
  return { plan: final, slots: slotsFor(plan), ordered: false };
}

/** The same calls over the rows of the partial ones: keys, then a state in the place of each first argument. */
function ofStates(plan: Aggregate, { groupBy, aggregates }: Lowered): Lowered {
  return {
    groupBy: groupBy.map(({ type }, index) => ({
      kind: 'slot',
      type,
      index,
      name: plan.groupBy[index].name,
    })),
    aggregates: aggregates.map((call, place) => ({
      function: call.function,
      type: call.type,
      args: [{ kind: 'slot', type: call.type, index: groupBy.length + place, name: 'state' }],
      distinct: false,
      orderBy: [],
    })),
  };
}

function sorted(
  plan: Aggregate,
  groups: number,
  goal: Goal,
  frame: Frame,
  planner: Planner,
): Built | undefined {
  if (!planner.options.enableSortedAggregate || plan.groupBy.length === 0) return undefined;
  if (plan.groupingSets !== undefined) return undefined;
  const isFit = plan.groupBy.every(
    ({ expression }) => !hasSubquery(expression) && !isVolatile(expression, planner.support),
  );
  if (!isFit) return undefined;
  const wanted = goalOnKeys(plan, goal);
  const order = wanted ?? plan.groupBy.map(({ expression }) => ascending(expression));
  const input = planner.build(plan.input, frame, { order });
  if (!input.ordered) return undefined;
  const built = single(plan, input, groups, true, frame, planner);
  return { ...built, ordered: wanted !== undefined };
}

const ascending = (expression: BoundExpression): BoundSortKey => ({
  expression,
  descending: false,
  nullsFirst: false,
});

/** The order asked for, in terms of the input, followed by the keys that it lacks; undefined unless it is by keys. */
function goalOnKeys(plan: Aggregate, goal: Goal): BoundSortKey[] | undefined {
  if (goal.order === undefined) return undefined;
  const order: BoundSortKey[] = [];
  const seen = new Set<number>();
  for (const wish of goal.order) {
    const { expression } = wish;
    const place =
      expression.kind === 'column' ? plan.groupBy.findIndex(({ id }) => id === expression.id) : -1;
    if (place < 0) return undefined;
    seen.add(place);
    order.push({ ...wish, expression: plan.groupBy[place].expression });
  }
  for (const [place, { expression }] of plan.groupBy.entries()) {
    if (!seen.has(place))
      order.push({
        ...ascending(expression),
        descending: order[0]?.descending ?? false,
        nullsFirst: order[0]?.nullsFirst ?? false,
      });
  }
  return order;
}

function fromIndexEnds(plan: Aggregate, frame: Frame, planner: Planner): Built | undefined {
  const logical = minMaxPlan(plan, planner);
  return logical === undefined ? undefined : planner.build(logical, frame);
}
