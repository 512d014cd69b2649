/** ORDER BY, LIMIT, DISTINCT: by an order that the input has already where that is cheaper, else by sorting. */
import type { BoundExpression, ColumnId, Expression } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { PhysicalPlan, SortKey } from '../algebra/physical.js';
import { structureText } from '../types/structure-text.js';
import { columnsOf } from './columns.js';
import { CPU_OPERATOR_COST, CPU_TUPLE_COST, costOfRows, estimate, sortCost, spillCost } from './cost.js';
import { hasSubquery } from './expression-walk.js';
import type { Frame } from './frame.js';
import { groupCount } from './group-count.js';
import { complete, costOf, gatherOf, isShippable, lower, lowerSortKeys } from './lower.js';
import type { BoundSortKey, Built, Goal, Planner } from './planner.js';
import { isVolatile } from './volatile.js';

type Of<K extends LogicalPlan['kind']> = LogicalPlan & { kind: K };

/** Part of the rows that a LIMIT of unknown size is expected to take. */
const UNKNOWN_LIMIT_PART = 0.1;

export function buildSort(plan: Of<'sort'>, frame: Frame, goal: Goal, planner: Planner): Built {
  const keys = usefulKeys(plan.keys);
  const sorted = sortOf(plan.input, keys, frame, planner);
  const inOrder = orderedInput(plan.input, keys, goal.rows, frame, planner);
  const best =
    inOrder !== undefined && costOf1(inOrder, goal.rows) <= costOf1(sorted, goal.rows) ? inOrder : sorted;
  return { ...best, ordered: goal.order !== undefined && isSameOrder(goal.order, keys), partial: undefined };
}

const costOf1 = ({ plan }: Built, rows: number | undefined): number => costOfRows(plan.estimate, rows);

/** Constants order nothing. */
function usefulKeys(keys: readonly BoundSortKey[]): readonly BoundSortKey[] {
  return keys.filter(({ expression }) => expression.kind !== 'const' && expression.kind !== 'param');
}

function isSameOrder(wanted: readonly BoundSortKey[], keys: readonly BoundSortKey[]): boolean {
  return wanted.every((wish, place) => structureText(wish) === structureText(keys[place]));
}

function orderedInput(
  input: LogicalPlan,
  order: readonly BoundSortKey[],
  rows: number | undefined,
  frame: Frame,
  planner: Planner,
): Built | undefined {
  const isFit = (key: BoundSortKey): boolean =>
    !hasSubquery(key.expression) && !isVolatile(key.expression, planner.support);
  if (!order.every(isFit)) return undefined;
  const built = planner.build(input, frame, { order, rows });
  return built.ordered ? built : undefined;
}

function sortOf(input: LogicalPlan, keys: readonly BoundSortKey[], frame: Frame, planner: Planner): Built {
  const below = complete(planner.build(input, frame), planner);
  if (keys.length === 0) return below;
  const { startupCost, totalCost, rows, width } = below.plan.estimate;
  const cost = sortCost(rows, width, planner.options.memoryBudgetBytes);
  return {
    ...below,
    partial: undefined,
    plan: {
      kind: 'sort',
      id: -1,
      width: below.plan.width,
      estimate: estimate(
        Math.max(startupCost, totalCost + cost),
        totalCost + cost + rows * CPU_OPERATOR_COST,
        rows,
        width,
      ),
      input: below.plan,
      keys: lowerSortKeys(keys, below.slots, frame, planner),
    },
  };
}

/** What LIMIT and OFFSET say, where they are constants. */
interface Window {
  readonly limit: number | undefined;
  readonly offset: number | undefined;
}

function numberOf(expression: BoundExpression | undefined): number | undefined {
  if (expression?.kind !== 'const' || expression.value === null) return undefined;
  return typeof expression.value === 'number' ? expression.value : Number(expression.value);
}

export function buildLimit(plan: Of<'limit'>, frame: Frame, goal: Goal, planner: Planner): Built {
  const { input } = plan;
  // LIMIT NULL and LIMIT ALL.
  if (plan.limit?.kind === 'const' && plan.limit.value === null) {
    return buildLimit({ ...plan, limit: undefined }, frame, goal, planner);
  }
  if (input.kind === 'project' && !plan.withTies && isPlainProject(input, planner)) {
    // The limit goes below: fewer rows are computed, and it meets the sort.
    const columns = input.input.columns;
    const limit: LogicalPlan = { ...plan, input: input.input, columns };
    return planner.build({ ...input, input: limit }, frame, goal);
  }
  if (input.kind === 'sort') return limitedSort(plan, input, frame, planner);
  const window: Window = { limit: numberOf(plan.limit), offset: numberOf(plan.offset) };
  const rows = wantedRows(plan, window);
  const below = complete(planner.build(input, frame, { order: goal.order, rows }), planner, rows);
  return { ...below, partial: undefined, plan: limitOf(plan, below, undefined, frame, planner) };
}

function isPlainProject(plan: Of<'project'>, planner: Planner): boolean {
  return plan.expressions.every(({ expression }) => !isVolatile(expression, planner.support));
}

function wantedRows(plan: Of<'limit'>, { limit, offset }: Window): number | undefined {
  if (plan.limit === undefined || limit === undefined) return undefined;
  return limit + (offset ?? 0);
}

function limitedSort(plan: Of<'limit'>, sort: Of<'sort'>, frame: Frame, planner: Planner): Built {
  const keys = usefulKeys(sort.keys);
  const window: Window = { limit: numberOf(plan.limit), offset: numberOf(plan.offset) };
  const rows = wantedRows(plan, window);
  const inOrder = orderedInput(sort.input, keys, rows, frame, planner);
  const ordered =
    inOrder === undefined ? undefined : { ...inOrder, plan: limitOf(plan, inOrder, keys, frame, planner) };
  const other =
    plan.withTies || plan.limit === undefined || keys.length === 0
      ? fullSort(plan, sort.input, keys, frame, planner)
      : topN(plan, sort.input, keys, rows, frame, planner);
  const best =
    ordered !== undefined && ordered.plan.estimate.totalCost <= other.plan.estimate.totalCost
      ? ordered
      : other;
  return { ...best, ordered: false, partial: undefined };
}

function fullSort(
  plan: Of<'limit'>,
  input: LogicalPlan,
  keys: readonly BoundSortKey[],
  frame: Frame,
  planner: Planner,
): Built {
  const sorted = sortOf(input, keys, frame, planner);
  return { ...sorted, plan: limitOf(plan, sorted, keys, frame, planner) };
}

/** `keys`: the order of the input, for WITH TIES. */
function limitOf(
  plan: Of<'limit'>,
  below: Built,
  keys: readonly BoundSortKey[] | undefined,
  frame: Frame,
  planner: Planner,
): PhysicalPlan {
  const { startupCost, totalCost, rows, width } = below.plan.estimate;
  const offset = Math.min(numberOf(plan.offset) ?? 0, rows);
  const wanted = plan.limit === undefined ? rows : (numberOf(plan.limit) ?? rows * UNKNOWN_LIMIT_PART);
  const taken = Math.max(0, Math.min(wanted, rows - offset));
  const perRow = (totalCost - startupCost) / Math.max(1, rows);
  const slots = below.slots;
  return {
    kind: 'limit',
    id: -1,
    width: below.plan.width,
    estimate: estimate(startupCost + perRow * offset, startupCost + perRow * (offset + taken), taken, width),
    input: below.plan,
    limit: plan.limit === undefined ? undefined : lower(plan.limit, new Map(), frame, planner),
    offset: plan.offset === undefined ? undefined : lower(plan.offset, new Map(), frame, planner),
    ties: plan.withTies && keys !== undefined ? lowerSortKeys(keys, slots, frame, planner) : undefined,
  };
}

function topN(
  plan: Of<'limit'>,
  input: LogicalPlan,
  keys: readonly BoundSortKey[],
  wanted: number | undefined,
  frame: Frame,
  planner: Planner,
): Built {
  const below = planner.build(input, frame);
  const sortKeys = lowerSortKeys(keys, below.slots, frame, planner);
  const limit = lower(plan.limit as BoundExpression, new Map(), frame, planner);
  const offset = plan.offset === undefined ? undefined : lower(plan.offset, new Map(), frame, planner);
  const serial = topNOver(below.plan, sortKeys, limit, offset, wanted, planner);
  const parallel = parallelTopN(plan, below, sortKeys, limit, offset, wanted, planner);
  const best =
    parallel !== undefined && parallel.estimate.totalCost < serial.estimate.totalCost ? parallel : serial;
  return { ...below, plan: best, partial: undefined };
}

function topNOver(
  input: PhysicalPlan,
  keys: readonly SortKey[],
  limit: Expression,
  offset: Expression | undefined,
  wanted: number | undefined,
  planner: Planner,
): PhysicalPlan {
  const { totalCost, rows, width } = input.estimate;
  const kept = wanted ?? Math.max(1, rows * UNKNOWN_LIMIT_PART);
  const cost = sortCost(rows, width, planner.options.memoryBudgetBytes, kept);
  const skipped = offset?.kind === 'const' ? Number(offset.value) : 0;
  const given = Math.max(0, Math.min(kept, rows) - skipped);
  return {
    kind: 'topN',
    id: -1,
    width: input.width,
    estimate: estimate(totalCost + cost, totalCost + cost + given * CPU_OPERATOR_COST, given, width),
    input,
    keys,
    limit,
    offset,
  };
}

/** Each part keeps its own first rows; the gather merges them. */
function parallelTopN(
  plan: Of<'limit'>,
  below: Built,
  keys: readonly SortKey[],
  limit: Expression,
  offset: Expression | undefined,
  wanted: number | undefined,
  planner: Planner,
): PhysicalPlan | undefined {
  const { partial } = below;
  if (partial === undefined || wanted === undefined) return undefined;
  if (!keys.every(({ expression }) => isShippable(expression, planner))) return undefined;
  const keptLimit: Expression = { kind: 'const', type: 'int8', value: wanted };
  const part = topNOver(partial, keys, keptLimit, undefined, wanted, planner);
  const rows = Math.min(below.plan.estimate.rows, wanted * planner.options.parallelWorkers);
  const gathered = gatherOf(part, rows, planner, keys);
  const { startupCost, totalCost, width } = gathered.estimate;
  const given = Math.max(0, Math.min(wanted, below.plan.estimate.rows) - (numberOf(plan.offset) ?? 0));
  return {
    kind: 'limit',
    id: -1,
    width: gathered.width,
    estimate: estimate(startupCost, totalCost, given, width),
    input: gathered,
    limit,
    offset,
  };
}

export function buildDistinct(plan: Of<'distinct'>, frame: Frame, goal: Goal, planner: Planner): Built {
  const aggregate = asAggregate(plan);
  if (aggregate !== undefined) return planner.build(aggregate, frame, goal);
  const below = complete(planner.build(plan.input, frame, { order: goal.order }), planner);
  const on = plan.on.map((expression) => lower(expression, below.slots, frame, planner));
  const { startupCost, totalCost, rows, width } = below.plan.estimate;
  const groups = groupCount(plan.on, rows, planner.facts);
  const spill = spillCost(groups, width, planner.options.memoryBudgetBytes);
  const cost = rows * (CPU_TUPLE_COST + costOf(on).perRow + on.length * CPU_OPERATOR_COST) + spill;
  return {
    ...below,
    partial: undefined,
    plan: {
      kind: 'distinct',
      id: -1,
      width: below.plan.width,
      estimate: estimate(startupCost, totalCost + cost, groups, width),
      input: below.plan,
      on,
    },
  };
}

/** DISTINCT over all columns is a GROUP BY of them; an order below it is made again above. */
function asAggregate(plan: Of<'distinct'>): LogicalPlan | undefined {
  const ids = new Set<ColumnId>();
  for (const key of plan.on) {
    if (key.kind !== 'column') return undefined;
    ids.add(key.id);
  }
  const { input } = plan;
  if (input.columns.length === 0 || !input.columns.every((id) => ids.has(id))) return undefined;
  const isSorted = input.kind === 'sort';
  if (
    isSorted &&
    !input.keys.every(({ expression }) => [...columnsOf(expression)].every((id) => ids.has(id)))
  ) {
    return undefined;
  }
  if (input.kind === 'limit') return undefined;
  const columns = input.columns;
  const typed = new Map(plan.on.flatMap((key) => (key.kind === 'column' ? [[key.id, key] as const] : [])));
  const aggregate: LogicalPlan = {
    kind: 'aggregate',
    input: isSorted ? input.input : input,
    groupBy: columns.map((id) => {
      const expression = typed.get(id) as BoundExpression & { kind: 'column' };
      return { id, name: expression.name, expression };
    }),
    aggregates: [],
    columns,
  };
  return isSorted ? { kind: 'sort', input: aggregate, keys: input.keys, columns } : aggregate;
}
