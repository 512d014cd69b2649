/** LumaDB's side: the same documents in memory, with indexes, and ways to make the planner choose different plans. */
import { DbError } from '../../../src/base/errors.js';
import type { PlannerOptions } from '../../../src/sql/plan/options.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql } from '../support/memory-sql.js';
import type { Collection } from './documents.js';
import { type Outcome, plainValue } from './results.js';

export interface PlanVariant {
  readonly name: string;
  readonly planner: Partial<PlannerOptions>;
  readonly fragments?: boolean;
}

export const DEFAULT_PLAN: PlanVariant = { name: 'default', planner: {} };

/** Each has to give what the default plan gives. */
export const PLAN_VARIANTS: readonly PlanVariant[] = [
  {
    name: 'no indexes',
    planner: { enableIndexScan: false, enableIndexOnlyScan: false, enableIndexNestedLoop: false },
  },
  { name: 'no index-only scan', planner: { enableIndexOnlyScan: false } },
  { name: 'no hash join', planner: { enableHashJoin: false } },
  { name: 'no index nested loop', planner: { enableIndexNestedLoop: false } },
  {
    name: 'no hash join, no indexes',
    planner: { enableHashJoin: false, enableIndexScan: false, enableIndexNestedLoop: false },
  },
  { name: 'no unnesting', planner: { enableUnnesting: false } },
  { name: 'no sorted aggregate', planner: { enableSortedAggregate: false } },
  { name: 'little memory', planner: { memoryBudgetBytes: 1 } },
  { name: 'in parts', planner: { parallelWorkers: 3, parallelRowsMin: 1 }, fragments: true },
  {
    name: 'in parts, no indexes, no unnesting',
    planner: { parallelWorkers: 4, parallelRowsMin: 1, enableIndexScan: false, enableUnnesting: false },
    fragments: true,
  },
];

export function lumaDatabase(collections: readonly Collection[]): MemoryDatabase {
  const database = new MemoryDatabase();
  for (const { name, documents } of collections) database.load(name, documents);
  const [first, second] = collections.map(({ name }) => name);
  database.createIndex('n_d', first, [{ path: ['n'] }, { path: ['d'], descending: true }], {
    include: [['s']],
  });
  database.createIndex('s', first, [{ path: ['s'] }]);
  database.createIndex('k', first, [{ path: ['k'], descending: true }]);
  database.createIndex('w_n', first, [{ path: ['w'] }, { path: ['n'] }], { include: [['k'], ['d']] });
  database.createIndex('k', second, [{ path: ['k'] }, { path: ['w'] }]);
  database.createIndex('x', second, [{ path: ['o', 'x'] }]);
  return database;
}

export function lumaOutcome(
  database: MemoryDatabase,
  text: string,
  { planner, fragments = false }: PlanVariant,
): Outcome {
  try {
    const { rows } = runSql(database, text, { planner, fragments });
    return { rows: rows.map((row) => row.map(plainValue)) };
  } catch (error) {
    if (!(error instanceof DbError) || error.code !== 'QUERY') throw error;
    return { sqlstate: String(error.details?.['sqlstate'] ?? ''), message: error.message };
  }
}
