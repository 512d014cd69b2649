/** Physical plans made by hand, for tests of the executor that need no parser, binder or planner. */
import type { ComparisonOperator, Expression } from '../../../src/sql/algebra/expression.js';
import type { AggregateCall, FieldAccess, PhysicalPlan, SortKey } from '../../../src/sql/algebra/physical.js';
import type { ExecutionEnvironment } from '../../../src/sql/execute/environment.js';
import { executeQuery } from '../../../src/sql/execute/execute.js';
import { MemoryBudget } from '../../../src/sql/execute/memory-budget.js';
import type { SqlType } from '../../../src/sql/types/sql-type.js';
import type { Row, SqlValue } from '../../../src/sql/types/values.js';
import type { MemoryDatabase } from './memory-database.js';

const ESTIMATE = { startupCost: 0, totalCost: 0, rows: 0, width: 0 };

type Body<P> = P extends unknown ? Omit<P, 'id' | 'estimate' | 'width'> : never;

let nextId = 0;

export function node<B extends Body<PhysicalPlan>>(width: number, body: B): PhysicalPlan & B {
  return { id: nextId++, estimate: ESTIMATE, width, ...body } as unknown as PhysicalPlan & B;
}

export const member = (path: string, type: SqlType = 'any'): FieldAccess => ({
  source: { kind: 'member', path: path.split('.') },
  type,
  name: path,
});

export const wholeDocument: FieldAccess = { source: { kind: 'document' }, type: 'jsonb', name: 'document' };
export const version: FieldAccess = { source: { kind: 'seqno' }, type: 'int8', name: 'version' };

export const slot = (index: number, type: SqlType = 'any'): Expression => ({
  kind: 'slot',
  type,
  index,
  name: `slot${index}`,
});

export const outer = (index: number): Expression => ({
  kind: 'outer',
  type: 'any',
  index,
  name: `outer${index}`,
});

export const constant = (value: SqlValue, type: SqlType = 'any'): Expression => ({
  kind: 'const',
  type,
  value,
});

export const compare = (left: Expression, operator: ComparisonOperator, right: Expression): Expression => ({
  kind: 'compare',
  type: 'bool',
  operator,
  left,
  right,
});

export const ascending = (expression: Expression): SortKey => ({
  expression,
  descending: false,
  nullsFirst: false,
});
export const descending = (expression: Expression): SortKey => ({
  expression,
  descending: true,
  nullsFirst: true,
});

export const aggregateCall = (
  id: string,
  args: readonly Expression[] = [],
  more: Partial<AggregateCall> = {},
): AggregateCall => ({
  function: id,
  type: 'any',
  args,
  distinct: false,
  orderBy: [],
  ...more,
});

export function scan(
  database: MemoryDatabase,
  collection: string,
  fields: readonly FieldAccess[],
  filter?: Expression,
): PhysicalPlan {
  const collectionId = database.table(collection)?.id ?? -1;
  return node(fields.length, {
    kind: 'seqScan',
    table: { collection, collectionId, alias: collection },
    fields,
    filter,
    ordered: true,
    backward: false,
  });
}

export const valuesOf = (rows: readonly (readonly SqlValue[])[]): PhysicalPlan =>
  node(rows[0]?.length ?? 0, {
    kind: 'values',
    rows: rows.map((row) => row.map((value) => constant(value))),
  });

export const BUDGET_BYTES = 64 * 1024 * 1024;

export function environmentOf(
  database: MemoryDatabase,
  more: Partial<ExecutionEnvironment> = {},
): ExecutionEnvironment {
  return {
    source: database.snapshot(),
    writer: database,
    systemRows: database,
    evaluation: {
      nowMicros: 1_700_000_000_000_000,
      clockMicros: () => 0,
      random: () => 0.5,
      uuid: () => 'uuid',
    },
    params: [],
    budget: new MemoryBudget(BUDGET_BYTES),
    cancel: { isCancelled: () => 'no' },
    index: (id) => database.index(id),
    ...more,
  };
}

/** Copies of all rows. */
export function rowsOf(
  plan: PhysicalPlan,
  database: MemoryDatabase,
  more: Partial<ExecutionEnvironment> = {},
): Row[] {
  const rows: Row[] = [];
  const prepared = { root: plan, columns: [], parameterTypes: [], nodeCount: nextId, collections: [] };
  executeQuery(prepared, environmentOf(database, more), (row) => {
    rows.push(row.slice());
    return true;
  });
  return rows;
}
