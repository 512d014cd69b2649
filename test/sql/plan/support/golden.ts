/** Plans as readable text: EXPLAIN (COSTS off), checked for faults on the way. */
import type { PreparedQuery } from '../../../../src/sql/algebra/physical.js';
import type { BoundQuery, ExplainOptions } from '../../../../src/sql/algebra/statement.js';
import { explainText } from '../../../../src/sql/explain/explain.js';
import { DEFAULT_PLANNER_OPTIONS, type PlannerOptions } from '../../../../src/sql/plan/options.js';
import { planWith } from '../../../../src/sql/plan/plan-with.js';
import type { TestDatabase } from './database.js';
import { testSupport } from './functions.js';
import { faultsOf } from './validate.js';

export const EXPLAIN_OPTIONS: ExplainOptions = {
  analyze: false,
  verbose: false,
  costs: false,
  timing: true,
  buffers: false,
  summary: true,
  format: 'text',
};

export function prepare(
  query: BoundQuery,
  { catalog, statistics }: TestDatabase,
  options: Partial<PlannerOptions> = {},
): PreparedQuery {
  const prepared = planWith(
    query,
    catalog,
    statistics,
    { ...DEFAULT_PLANNER_OPTIONS, ...options },
    testSupport,
  );
  const faults = faultsOf(prepared);
  if (faults.length > 0) throw new Error(`${faults.join('\n')}\n${JSON.stringify(prepared.root, null, 1)}`);
  return prepared;
}

export function planText(
  query: BoundQuery,
  database: TestDatabase,
  options: Partial<PlannerOptions> = {},
  explain: Partial<ExplainOptions> = {},
): string {
  const prepared = prepare(query, database, options);
  return explainText(prepared, undefined, { ...EXPLAIN_OPTIONS, ...explain }).join('\n');
}

/** A text with its indentation taken away: the golden plan. */
export function lines(strings: TemplateStringsArray, ...values: unknown[]): string {
  const text = String.raw(strings, ...values)
    .replace(/^\n/, '')
    .replace(/\n\s*$/, '');
  const indents = text.split('\n').map((line) => line.length - line.trimStart().length);
  const least = Math.min(...indents);
  return text
    .split('\n')
    .map((line) => line.slice(least))
    .join('\n');
}
