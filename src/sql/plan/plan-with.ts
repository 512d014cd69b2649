/**
 * Planning a query: the logical plan is rewritten (rewrites first, then conditions down, then columns away) and built into
 * the cheapest physical plan that the statistics promise.
 */
import type { LogicalPlan } from '../algebra/logical.js';
import type { PhysicalPlan, PreparedQuery } from '../algebra/physical.js';
import type { BoundQuery } from '../algebra/statement.js';
import type { CatalogView, StatisticsView } from '../catalog-view.js';
import { createPlanner } from './build.js';
import { collectFacts, type Facts } from './facts.js';
import { Frame } from './frame.js';
import { inlineCtes } from './inline-ctes.js';
import { jsonColumnsOf } from './json-columns.js';
import { arranged, complete } from './lower.js';
import { normalisePlan } from './normalise.js';
import { numberNodes } from './number-nodes.js';
import type { PlannerOptions } from './options.js';
import type { Built, Planner } from './planner.js';
import { prune } from './prune.js';
import { pushDown } from './push-down.js';
import type { PlannerSupport } from './support.js';
import { unnest } from './unnest.js';

export function planWith(
  query: BoundQuery,
  catalog: CatalogView,
  statistics: StatisticsView,
  options: PlannerOptions,
  support: PlannerSupport,
): PreparedQuery {
  const facts: Facts = new Map();
  collectFacts(query.plan, catalog, statistics, facts);
  const logical = rewrite(query, options, support);
  collectFacts(logical, catalog, statistics, facts);
  const jsonColumns = jsonColumnsOf(logical);
  const cteSizes = new Map();
  const subplans = new Map();
  const surroundings = { catalog, statistics, options, support, facts, jsonColumns, cteSizes, subplans };
  const planner = createPlanner(surroundings);
  const built = complete(planner.build(logical, new Frame()), planner);
  const { root, nodeCount } = numberNodes(resultRows(built, query, planner));
  return {
    root,
    nodeCount,
    columns: query.output.map(({ name, type, spread }) => ({ name, type, spread })),
    parameterTypes: query.parameterTypes,
    collections: [...new Set([...query.reads, ...query.writes])],
  };
}

export function rewrite(query: BoundQuery, options: PlannerOptions, support: PlannerSupport): LogicalPlan {
  const normal = normalisePlan(query.plan, support);
  const inlined = inlineCtes(normal, support);
  const flat = options.enableUnnesting ? unnest(inlined, support) : inlined;
  const pushed = pushDown(flat, support);
  return prune(pushed, new Set(query.output.map(({ id }) => id)));
}

/** Rows begin with the columns of the result; others may follow. */
function resultRows(built: Built, query: BoundQuery, planner: Planner): PhysicalPlan {
  const columns = query.output.map(({ id }) => id);
  const isInPlace = columns.every((id, place) => built.slots.get(id) === place);
  return isInPlace ? built.plan : arranged(built, columns, planner);
}
