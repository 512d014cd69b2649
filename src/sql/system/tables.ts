/** The tables of schema `system`: their columns. Rows come from the main thread. Plain data. */
import type { SystemTableView } from '../catalog-view.js';
import type { SqlType } from '../types/sql-type.js';

const table = (name: string, columns: Readonly<Record<string, SqlType>>): SystemTableView => ({
  name,
  columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })),
});

export const SYSTEM_TABLES: readonly SystemTableView[] = [
  table('queries', {
    id: 'text',
    query: 'text',
    state: 'text',
    started_at: 'timestamptz',
    duration_ms: 'float8',
    timeout_ms: 'int8',
  }),
  table('query_stats', {
    id: 'text',
    query_pattern: 'text',
    duration_ms: 'float8',
    rows_scanned: 'int8',
    rows_returned: 'int8',
    rows_affected: 'int8',
    plan: 'text',
    error: 'text',
    timestamp: 'timestamptz',
  }),
  table('slow_queries', {
    id: 'text',
    query: 'text',
    query_pattern: 'text',
    duration_ms: 'float8',
    rows_scanned: 'int8',
    rows_returned: 'int8',
    plan: 'text',
    error: 'text',
    timestamp: 'timestamptz',
  }),
  table('indexes', {
    index_name: 'text',
    table_name: 'text',
    index_type: 'text',
    columns: 'text',
    entries: 'int8',
    size_bytes: 'int8',
    usage_count: 'int8',
    last_used: 'timestamptz',
    created_at: 'timestamptz',
    state: 'text',
    definition: 'text',
  }),
  table('missing_index_suggestions', {
    table_name: 'text',
    columns: 'text',
    query_count: 'int8',
    rows_scanned: 'int8',
    rows_returned: 'int8',
    total_duration_ms: 'float8',
    estimated_improvement: 'float8',
    suggestion: 'text',
    last_seen: 'timestamptz',
  }),
  table('collection_stats', {
    collection_name: 'text',
    document_count: 'int8',
    data_size_bytes: 'int8',
    index_size_bytes: 'int8',
    total_size_bytes: 'int8',
    index_count: 'int8',
    ttl_seconds: 'int8',
    created_at: 'timestamptz',
  }),
  table('storage_stats', {
    timestamp: 'timestamptz',
    bytes_written: 'int8',
    documents: 'int8',
    data_size_bytes: 'int8',
    table_bytes: 'int8',
    wal_bytes: 'int8',
    memtable_bytes: 'int8',
    disk_free_bytes: 'int8',
  }),
];

const byName = new Map(SYSTEM_TABLES.map((each) => [each.name, each]));

export const systemTable = (name: string): SystemTableView | undefined => byName.get(name);
