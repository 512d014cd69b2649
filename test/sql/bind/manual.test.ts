import test from 'ava';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { bound, names, plan } from './support/bound.js';

test.before(loadParser);

/** Sections 2.2, 2.3 and 3.1 of the operations manual, verbatim. */
const MANUAL = [
  `-- View slow query log
SELECT * FROM system.slow_queries
WHERE duration_ms > 100
ORDER BY duration_ms DESC
LIMIT 20;`,
  `-- Query statistics
SELECT
  query_pattern,
  COUNT(*) as executions,
  AVG(duration_ms) as avg_duration,
  MAX(duration_ms) as max_duration,
  SUM(rows_scanned) as total_rows_scanned
FROM system.query_stats
WHERE timestamp > NOW() - INTERVAL '1 hour'
GROUP BY query_pattern
ORDER BY avg_duration DESC;`,
  `EXPLAIN ANALYZE SELECT * FROM orders
WHERE user_id = 'user-123'
AND created_at > '2024-01-01';`,
  `-- Index statistics
SELECT
  index_name,
  table_name,
  index_type,
  size_bytes,
  usage_count,
  last_used
FROM system.indexes
ORDER BY usage_count DESC;`,
  `-- Unused indexes (candidates for removal)
SELECT index_name, table_name
FROM system.indexes
WHERE usage_count = 0
AND created_at < NOW() - INTERVAL '30 days';`,
  `-- Missing index suggestions
SELECT * FROM system.missing_index_suggestions
ORDER BY estimated_improvement DESC
LIMIT 10;`,
  `-- Based on query patterns
CREATE INDEX CONCURRENTLY idx_orders_user_date
ON orders (user_id, created_at DESC);`,
  `-- Partial index for common filter
CREATE INDEX idx_active_users
ON users (email)
WHERE status = 'active';`,
  `-- Covering index to avoid table lookup
CREATE INDEX idx_orders_covering
ON orders (user_id, created_at)
INCLUDE (total, status);`,
  `-- Storage by collection
SELECT
  collection_name,
  document_count,
  data_size_bytes,
  index_size_bytes,
  total_size_bytes
FROM system.collection_stats
ORDER BY total_size_bytes DESC;`,
  `-- Growth rate
SELECT
  date_trunc('day', timestamp) as day,
  SUM(bytes_written) as daily_writes
FROM system.storage_stats
WHERE timestamp > NOW() - INTERVAL '30 days'
GROUP BY day
ORDER BY day;`,
];

for (const sql of MANUAL) {
  test(`the manual's statement binds: ${sql.replaceAll(/\s+/g, ' ').slice(0, 60)}`, (t) => {
    t.notThrows(() => bound(sql));
  });
}

test("the manual's grouping by an alias groups by what the alias stands for", (t) => {
  t.regex(plan(MANUAL[10]), /aggregate \[#\d+ = date_trunc\(text,timestamptz\)\["day", timestamp#\d+\]\]/);
  t.deepEqual(names(MANUAL[10]), ['day', 'daily_writes']);
});

test('an index of the manual has its columns, order and predicate', (t) => {
  t.like(bound(MANUAL[6]), {
    kind: 'createIndex',
    concurrently: true,
    columns: [
      { path: ['user_id'], descending: false, nullsFirst: false },
      { path: ['created_at'], descending: true, nullsFirst: true },
    ],
  });
  t.like(bound(MANUAL[7]), { where: "status = 'active'" });
  t.like(bound(MANUAL[8]), { include: [['total'], ['status']] });
});
