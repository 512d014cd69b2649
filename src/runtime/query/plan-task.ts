/**
 * From the text of a statement to its plan, on a query thread. Pure but for the parser: the threads that run parts of one
 * statement get the same plan from the same task, so node numbers mean the same to all of them.
 */
import { DbError } from '../../base/errors.js';
import type { PoolQuery } from '../../front/query/messages.js';
import type { PreparedQuery } from '../../sql/algebra/physical.js';
import type { BoundQuery, ExplainOptions } from '../../sql/algebra/statement.js';
import { bindStatement } from '../../sql/bind/bind.js';
import { FEATURE_NOT_SUPPORTED, sqlError } from '../../sql/errors.js';
import { parseStatement } from '../../sql/parse/parse.js';
import { DEFAULT_PLANNER_OPTIONS } from '../../sql/plan/options.js';
import { planQuery } from '../../sql/plan/plan.js';
import type { SnapshotStatistics } from '../../sql/plan/statistics-snapshot.js';
import { TaskCatalog } from './task-catalog.js';

export interface PlannedTask {
  readonly bound: BoundQuery;
  readonly prepared: PreparedQuery;
  /** Of EXPLAIN. */
  readonly explain: ExplainOptions | undefined;
}

/** `workers`: threads that a gather may use. Throws DbError. */
export function planTask(query: PoolQuery, statistics: SnapshotStatistics, workers: number): PlannedTask {
  const catalog = new TaskCatalog(query);
  const statement = bindStatement(parseStatement(query.sql), catalog, {});
  if (statement.kind !== 'query' && statement.kind !== 'explain')
    throw sqlError(FEATURE_NOT_SUPPORTED, `${statement.kind} does not run on a query thread`);
  const bound = statement.kind === 'query' ? statement : statement.query;
  const options = { ...DEFAULT_PLANNER_OPTIONS, parallelWorkers: workers };
  return {
    bound,
    prepared: planQuery(bound, catalog, statistics, options),
    explain: statement.kind === 'explain' ? statement.options : undefined,
  };
}

/** JavaScript's own limits are a statement's fault as well. */
export function explainedError(error: unknown): unknown {
  if (error instanceof RangeError && /call stack/i.test(error.message))
    return new DbError('QUERY', 'the statement is nested too deeply', { sqlstate: '54001' });
  return error;
}
