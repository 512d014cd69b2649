/**
 * What is known of the columns of a statement: which member of which collection they are, and its statistics. Columns that
 * only pass another one on share its facts. Pure.
 */
import type { ColumnId } from '../algebra/expression.js';
import type { FieldSource, LogicalPlan } from '../algebra/logical.js';
import type { CatalogView, FieldStatistics, StatisticsView, TableView } from '../catalog-view.js';
import type { SqlType } from '../types/sql-type.js';
import { DEFAULT_DISTINCT, DEFAULT_DOCUMENT_BYTES, DEFAULT_DOCUMENTS } from './cost.js';
import { subplansOf } from './inline-ctes.js';
import { expressionsOf, inputsOf } from './logical-walk.js';

export interface ColumnFacts {
  readonly table: TableView;
  readonly source: FieldSource;
  readonly type: SqlType;
  readonly documents: number;
  readonly statistics: FieldStatistics | undefined;
  /** No two documents have the same value. */
  readonly isUnique: boolean;
}

export type Facts = Map<ColumnId, ColumnFacts>;

export interface TableSize {
  readonly documents: number;
  readonly documentBytes: number;
  readonly bytes: number;
}

export function tableSize(statistics: StatisticsView, collectionId: number): TableSize {
  const known = statistics.table(collectionId);
  if (known === undefined) {
    const bytes = DEFAULT_DOCUMENTS * DEFAULT_DOCUMENT_BYTES;
    return { documents: DEFAULT_DOCUMENTS, documentBytes: DEFAULT_DOCUMENT_BYTES, bytes };
  }
  const documents = Math.max(1, known.documents);
  return { documents, bytes: known.bytes, documentBytes: known.bytes / documents };
}

export function collectFacts(
  plan: LogicalPlan,
  catalog: CatalogView,
  statistics: StatisticsView,
  facts: Facts,
  ctes = new Map<number, LogicalPlan>(),
): void {
  if (plan.kind === 'with') for (const { cte, plan: own } of plan.definitions) ctes.set(cte, own);
  for (const input of inputsOf(plan)) collectFacts(input, catalog, statistics, facts, ctes);
  for (const expression of expressionsOf(plan)) {
    for (const subplan of subplansOf(expression)) collectFacts(subplan, catalog, statistics, facts, ctes);
  }
  if (plan.kind === 'scan') addScan(plan, catalog, statistics, facts);
  addRenamed(plan, facts, ctes);
}

/** Columns that are another one under a new number. */
function addRenamed(plan: LogicalPlan, facts: Facts, ctes: Map<number, LogicalPlan>): void {
  if (plan.kind === 'cteScan') {
    const columns = ctes.get(plan.cte)?.columns ?? [];
    for (const [place, id] of plan.columns.entries()) share(facts, columns[place], id);
    return;
  }
  const renamed =
    plan.kind === 'project' ? plan.expressions : plan.kind === 'aggregate' ? plan.groupBy : undefined;
  for (const { id, expression } of renamed ?? []) {
    if (expression.kind === 'column') share(facts, expression.id, id);
  }
}

function share(facts: Facts, from: ColumnId, to: ColumnId): void {
  const known = facts.get(from);
  // Rows of a join or a group are others: what is unique in the collection need not be here, but is nearly so.
  if (known !== undefined && from !== to) facts.set(to, known);
}

function addScan(
  plan: LogicalPlan & { kind: 'scan' },
  catalog: CatalogView,
  statistics: StatisticsView,
  facts: Facts,
): void {
  const table = catalog.table(plan.collection);
  if (table === undefined) return;
  const { documents } = tableSize(statistics, table.id);
  for (const { id, source, type } of plan.fields) {
    const path = source.kind === 'member' ? source.path : undefined;
    facts.set(id, {
      table,
      source,
      type,
      documents,
      statistics: path === undefined ? undefined : statistics.field(table.id, path),
      isUnique: path !== undefined && (isKeyPath(path) || hasUniqueIndex(table, path)),
    });
  }
}

export const isKeyPath = (path: readonly string[]): boolean => path.length === 1 && path[0] === '_id';

function hasUniqueIndex(table: TableView, path: readonly string[]): boolean {
  return table.indexes.some(
    ({ unique, state, where, columns }) =>
      unique &&
      state === 'valid' &&
      where === undefined &&
      columns.length === 1 &&
      columns[0].expression === undefined &&
      samePath(columns[0].path, path),
  );
}

export function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

export function distinctOf(facts: ColumnFacts | undefined): number {
  if (facts === undefined) return DEFAULT_DISTINCT;
  if (facts.isUnique) return facts.documents;
  const { statistics, documents } = facts;
  if (statistics === undefined) return Math.min(DEFAULT_DISTINCT, documents);
  return Math.max(1, statistics.distinct);
}

export function nullFractionOf(facts: ColumnFacts | undefined): number {
  return facts?.statistics?.nullFraction ?? 0;
}

/** Bytes that a value takes in a row, for estimates. */
export function valueBytes(type: SqlType, facts: ColumnFacts | undefined): number {
  if (facts?.source.kind === 'document') return DEFAULT_DOCUMENT_BYTES;
  if (type === 'bool') return 1;
  if (type === 'int8' || type === 'float8' || type === 'numeric' || type.startsWith('time')) return 8;
  return type === 'date' ? 4 : type === 'jsonb' ? 64 : 16;
}
