/** A catalog for the binder's tests: collections without a schema, one with, and system tables. */

import type { ColumnDeclaration } from '../../../../src/sql/algebra/statement.js';
import type { CatalogView, SystemTableView, TableView } from '../../../../src/sql/catalog-view.js';
import type { SqlType } from '../../../../src/sql/types/sql-type.js';

const table = (name: string, id: number, columns: readonly ColumnDeclaration[] = []): TableView => ({
  name,
  id,
  columns,
  checks: [],
  indexes: [],
});

const declared = (name: string, type: SqlType, more: Partial<ColumnDeclaration> = {}): ColumnDeclaration => ({
  name,
  type,
  notNull: false,
  primaryKey: name === '_id',
  ...more,
});

const TABLES = [
  table('orders', 1),
  table('users', 2),
  table('items', 3),
  table('accounts', 4, [
    declared('_id', 'text'),
    declared('owner', 'text', { notNull: true, modifiers: [20] }),
    declared('balance', 'numeric', { modifiers: [10, 2], default: '0' }),
    declared('opened', 'timestamptz', { default: 'now()' }),
    declared('details', 'jsonb'),
  ]),
];

const system = (name: string, columns: Readonly<Record<string, SqlType>>): SystemTableView => ({
  name,
  columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })),
});

const SYSTEM_TABLES = [
  system('slow_queries', { query: 'text', duration_ms: 'float8', timestamp: 'timestamptz' }),
  system('query_stats', {
    query_pattern: 'text',
    duration_ms: 'float8',
    rows_scanned: 'int8',
    timestamp: 'timestamptz',
  }),
  system('indexes', {
    index_name: 'text',
    table_name: 'text',
    index_type: 'text',
    size_bytes: 'int8',
    usage_count: 'int8',
    last_used: 'timestamptz',
    created_at: 'timestamptz',
  }),
  system('missing_index_suggestions', { table_name: 'text', estimated_improvement: 'float8' }),
  system('collection_stats', {
    collection_name: 'text',
    document_count: 'int8',
    data_size_bytes: 'int8',
    index_size_bytes: 'int8',
    total_size_bytes: 'int8',
  }),
  system('storage_stats', { timestamp: 'timestamptz', bytes_written: 'int8' }),
];

export const testCatalog = (autoCreateCollections = true): CatalogView => ({
  table: (name) => TABLES.find((each) => each.name === name),
  systemTable: (name) => SYSTEM_TABLES.find((each) => each.name === name),
  tableNames: () => TABLES.map(({ name }) => name),
  autoCreateCollections,
});
