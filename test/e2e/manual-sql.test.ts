/** Every SQL statement of the operations manual, as it is written there, over realistic data. */
import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import type { Answer } from '../support/http.js';
import { TestServer } from '../support/server.js';

const ORDERS = 10_000;
const STATUSES = ['active', 'shipped', 'cancelled'];

let server: TestServer;

test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2', LUMADB_QUERY__SLOW_MS: '0' } });
  const orders = Array.from({ length: ORDERS }, (_, i) => ({
    _id: `order-${String(i).padStart(6, '0')}`,
    user_id: `user-${i % 85}`,
    created_at: new Date(Date.UTC(2023, 11, 1) + i * 600_000).toISOString(),
    total: (i % 500) + 0.5,
    status: STATUSES[i % 3],
  }));
  for (let i = 0; i < orders.length; i += 1000) {
    const answer = await server.request('POST', '/api/v1/orders/bulk', {
      body: JSON.stringify({ documents: orders.slice(i, i + 1000) }),
    });
    if (answer.status !== 200) throw new Error(answer.text);
  }
  for (let i = 0; i < 100; i++) {
    await server.put(`/api/v1/users/u${i}`, { email: `u${i}@example.com`, status: STATUSES[i % 2] });
  }
});
test.after.always(() => server?.close());

const query = (sql: string, params: readonly unknown[] = []): Promise<Answer> =>
  server.request('POST', '/api/v1/query', { body: JSON.stringify({ query: sql, params }) });

/** Rows as objects. */
async function rows(sql: string): Promise<Record<string, unknown>[]> {
  const { status, json, text } = await query(sql);
  if (status !== 200) throw new Error(`${sql}\n${text}`);
  return json.rows.map((row: unknown[]) =>
    Object.fromEntries(json.columns.map((column: string, i: number) => [column, row[i]])),
  );
}

test.serial('EXPLAIN ANALYZE prints the plan as the manual shows it', async (t) => {
  const expected = await rows(`SELECT count(*) AS n FROM orders
    WHERE user_id = 'user-1' AND created_at > '2024-01-01'`);
  const lines = (
    await rows(`EXPLAIN ANALYZE SELECT * FROM orders
WHERE user_id = 'user-1'
AND created_at > '2024-01-01';`)
  ).map((row) => String(row['QUERY PLAN']));
  t.regex(
    lines[0],
    /^Seq Scan on orders {2}\(cost=\d+\.\d\d\.\.\d+\.\d\d rows=\d+ width=\d+\) \(actual time=\d+\.\d{3}\.\.\d+\.\d{3} rows=\d+ loops=1\)$/,
  );
  t.true(lines[0].includes(` rows=${expected[0]['n']} loops=1`), lines[0]);
  t.is(lines[1], "  Filter: ((user_id = 'user-1') AND (created_at > '2024-01-01'))");
  t.is(lines[2], `  Rows Removed by Filter: ${ORDERS - Number(expected[0]['n'])}`);
  const shardLines = lines.filter((line) => /^\s+Shard \d: rows=\d+ /.test(line));
  t.is(shardLines.length, 2, lines.join('\n'));
  t.regex(lines.at(-2) ?? '', /^Planning Time: \d+\.\d{3} ms$/);
  t.regex(lines.at(-1) ?? '', /^Execution Time: \d+\.\d{3} ms$/);
});

test.serial('slow queries and query statistics', async (t) => {
  await rows("SELECT count(*) FROM orders WHERE status = 'active'");
  await server.until('the statement is recorded', async () => {
    const slow = await rows(`SELECT * FROM system.slow_queries
WHERE duration_ms > 0
ORDER BY duration_ms DESC
LIMIT 20;`);
    return slow.some((row) => String(row['query']).includes("status = 'active'"));
  });
  t.deepEqual(
    await rows(`SELECT * FROM system.slow_queries
WHERE duration_ms > 100000
ORDER BY duration_ms DESC
LIMIT 20;`),
    [],
  );
  const statistics = await rows(`SELECT
  query_pattern,
  COUNT(*) as executions,
  AVG(duration_ms) as avg_duration,
  MAX(duration_ms) as max_duration,
  SUM(rows_scanned) as total_rows_scanned
FROM system.query_stats
WHERE timestamp > NOW() - INTERVAL '1 hour'
GROUP BY query_pattern
ORDER BY avg_duration DESC;`);
  const counted = statistics.find((row) => String(row['query_pattern']).includes('status = $1'));
  t.truthy(counted, JSON.stringify(statistics));
  t.true(Number(counted?.['total_rows_scanned']) >= ORDERS);
  const averages = statistics.map((row) => Number(row['avg_duration']));
  t.deepEqual(
    averages,
    averages.toSorted((a, b) => b - a),
  );
});

test.serial('indexes are suggested, made, listed and used', async (t) => {
  await rows("SELECT * FROM orders WHERE user_id = 'user-2' AND created_at > '2024-01-01'");
  await server.until('the index is suggested', async () => {
    const suggestions = await rows(`SELECT * FROM system.missing_index_suggestions
ORDER BY estimated_improvement DESC
LIMIT 10;`);
    return suggestions.some(
      (row) => row['table_name'] === 'orders' && row['columns'] === 'user_id, created_at',
    );
  });
  for (const statement of [
    `CREATE INDEX CONCURRENTLY idx_orders_user_date
ON orders (user_id, created_at DESC);`,
    `CREATE INDEX idx_active_users
ON users (email)
WHERE status = 'active';`,
    `CREATE INDEX idx_orders_covering
ON orders (user_id, created_at)
INCLUDE (total, status);`,
  ]) {
    const { status, text } = await query(statement);
    t.is(status, 200, text);
  }
  await rows("SELECT * FROM orders WHERE user_id = 'user-2' ORDER BY created_at DESC LIMIT 3");
  const listed = await rows(`SELECT
  index_name,
  table_name,
  index_type,
  size_bytes,
  usage_count,
  last_used
FROM system.indexes
ORDER BY usage_count DESC;`);
  t.deepEqual(listed.map((row) => row['index_name']).toSorted(), [
    'idx_active_users',
    'idx_orders_covering',
    'idx_orders_user_date',
  ]);
  t.true(listed.every((row) => Number(row['size_bytes']) > 0));
  t.true(Number(listed[0]['usage_count']) >= 1);
  t.truthy(listed[0]['last_used']);
  t.deepEqual(
    await rows(`SELECT index_name, table_name
FROM system.indexes
WHERE usage_count = 0
AND created_at < NOW() - INTERVAL '30 days';`),
    [],
  );
  const unused = await rows('SELECT index_name FROM system.indexes WHERE usage_count = 0');
  t.true(unused.some((row) => row['index_name'] === 'idx_active_users'));
});

test.serial('storage by collection, and its growth', async (t) => {
  const collections = await rows(`SELECT
  collection_name,
  document_count,
  data_size_bytes,
  index_size_bytes,
  total_size_bytes
FROM system.collection_stats
ORDER BY total_size_bytes DESC;`);
  t.deepEqual(
    collections.map((row) => [row['collection_name'], row['document_count']]),
    [
      ['orders', ORDERS],
      ['users', 100],
    ],
  );
  for (const row of collections)
    t.is(Number(row['data_size_bytes']) + Number(row['index_size_bytes']), Number(row['total_size_bytes']));
  const growth = await rows(`SELECT
  date_trunc('day', timestamp) as day,
  SUM(bytes_written) as daily_writes
FROM system.storage_stats
WHERE timestamp > NOW() - INTERVAL '30 days'
GROUP BY day
ORDER BY day;`);
  t.true(growth.length >= 1);
  t.true(growth.every((row) => /T00:00:00/.test(String(row['day']))));
  // At midnight there are two days, and the second may have no writes yet.
  t.true(growth.some((row) => Number(row['daily_writes']) > 0));
});

test.serial('the log of queries can be searched as the manual does', async (t) => {
  await query("DELETE FROM users WHERE status = 'none'");
  // Lines are collected for a moment before they are written, for each file by itself.
  const written = (name: string, line: RegExp): boolean => {
    const path = `${server.dataDir}/logs/${name}`;
    return existsSync(path) && line.test(readFileSync(path, 'utf8'));
  };
  await server.until('the line is written', () => written('query.log', /DELETE FROM users/));
  await server.until('slow ones are written', () => written('slow-query.log', /./));
  const log = readFileSync(`${server.dataDir}/logs/query.log`, 'utf8').trim().split('\n');
  t.true(log.some((line) => /Seq Scan/.test(line)));
  t.true(log.every((line) => typeof JSON.parse(line).query === 'string'));
});
