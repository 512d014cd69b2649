/** The planner's entry: from a bound query to one that is ready to run. */
import type { PreparedQuery } from '../algebra/physical.js';
import type { BoundQuery } from '../algebra/statement.js';
import type { CatalogView, StatisticsView } from '../catalog-view.js';
import { DEFAULT_SUPPORT } from './default-support.js';
import type { PlannerOptions } from './options.js';
import { planWith } from './plan-with.js';

/** Throws DbError where a collection does not exist. The result is plain data and may be kept while the catalog is the same. */
export function planQuery(
  query: BoundQuery,
  catalog: CatalogView,
  statistics: StatisticsView,
  options: PlannerOptions,
): PreparedQuery {
  return planWith(query, catalog, statistics, options, DEFAULT_SUPPORT);
}
