import test from 'ava';
import { bindStandalone } from '../../../src/sql/bind/standalone.js';
import { compileDocumentExpression } from '../../../src/sql/execute/compile.js';
import { MemoryBudget } from '../../../src/sql/execute/memory-budget.js';
import type { QueryCounters } from '../../../src/sql/explain/counters.js';
import { explainText } from '../../../src/sql/explain/explain.js';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql } from '../support/memory-sql.js';
import { BUDGET_BYTES, environmentOf } from '../support/plan-builder.js';

test.before(() => loadParser());

function numbers(): MemoryDatabase {
  const database = new MemoryDatabase(3);
  database.load(
    't',
    Array.from({ length: 100 }, (_, i) => ({ _id: `t${i}`, n: i, g: i % 4, text: `text ${i}` })),
  );
  return database;
}

const ANALYZE = {
  analyze: true,
  verbose: false,
  costs: false,
  timing: true,
  buffers: false,
  summary: true,
  format: 'text',
} as const;

test('EXPLAIN ANALYZE counts rows, loops, what filters removed, and rows of each shard', (t) => {
  const query: QueryCounters = { nodes: [], planningMicros: 0, executionMicros: 0 };
  let now = 0;
  const counters = { query, micros: () => ++now };
  const sql = 'SELECT g, count(*) FROM t WHERE n >= 60 GROUP BY g ORDER BY g';
  const { prepared, rowsScanned, rows } = runSql(numbers(), sql, { environment: { counters } });
  t.is(rowsScanned, 100);
  t.is(rows.length, 4);
  const scanned = query.nodes.find((node) => node?.shards !== undefined);
  t.is(scanned?.rows, 40);
  t.is(scanned?.loops, 1);
  t.is(scanned?.rowsRemovedByFilter, 60);
  t.deepEqual(
    scanned?.shards?.map(({ shard }) => shard),
    [0, 1, 2],
  );
  t.is(
    scanned?.shards?.reduce((sum, shard) => sum + shard.rows, 0),
    100,
  );
  const total = (scanned?.totalMicros ?? 0) + 0;
  t.true(total > 0);
  const text = explainText(prepared, query, ANALYZE).join('\n');
  t.regex(text, /Seq Scan on t .*rows=40/);
  t.regex(text, /Rows Removed by Filter: 60/);
});

test('a query gives back all the memory that it was charged, also when it fails or is stopped', (t) => {
  const statements = [
    'SELECT g, array_agg(text) FROM t GROUP BY g',
    'SELECT DISTINCT text FROM t ORDER BY text DESC',
    'SELECT a.n FROM t a JOIN t b ON a.g = b.g ORDER BY a.n LIMIT 3',
    'SELECT n, sum(n) OVER (PARTITION BY g ORDER BY n) FROM t LIMIT 5',
    'WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT n + 1 FROM r WHERE n < 50) SELECT count(*) FROM r a, r b',
    'SELECT text FROM t INTERSECT SELECT text FROM t LIMIT 2',
    'SELECT sum(1 / (50 - n)) FROM (SELECT n FROM t ORDER BY n LIMIT 1000) s GROUP BY n',
  ];
  for (const sql of statements) {
    const budget = new MemoryBudget(BUDGET_BYTES);
    try {
      runSql(numbers(), sql, { environment: { budget } });
    } catch (error) {
      t.regex(String(error), /division by zero/, sql);
    }
    t.is(budget.usedBytes, 0, sql);
    t.true(budget.peakBytes > 0, sql);
  }
});

test('the memory limit stops every operator that keeps rows', (t) => {
  const statements = [
    'SELECT text FROM t ORDER BY text',
    'SELECT text, count(*) FROM t GROUP BY text',
    'SELECT string_agg(text, text) FROM t',
    'SELECT a.n FROM t a JOIN t b ON a.text = b.text',
    'SELECT row_number() OVER () FROM t',
    'SELECT DISTINCT text FROM t',
    'SELECT text FROM t UNION SELECT text FROM t',
    'SELECT n FROM t WHERE text IN (SELECT text || text FROM t)',
    'SELECT ARRAY(SELECT text FROM t)',
    'SELECT count(DISTINCT text) FROM t',
    'SELECT a.n FROM t a JOIN t b ON a.n < b.n',
  ];
  for (const sql of statements) {
    const budget = new MemoryBudget(2000);
    const error = t.throws(() => runSql(numbers(), sql, { environment: { budget } }), undefined, sql);
    t.regex(error?.message ?? '', /query\.memory_limit/, sql);
  }
});

test('an expression over single documents has the value that SQL gives it', (t) => {
  const { expression, fields } = bindStandalone("lower(address.city) || '-' || coalesce(n, 0)::text");
  const evaluate = compileDocumentExpression(expression, fields, environmentOf(new MemoryDatabase()));
  const over = (text: string): unknown => evaluate(Buffer.from(`  ${text}`), 2, text.length);
  t.is(over('{"_id":"1","address":{"city":"BONN"},"n":5}'), 'bonn-5');
  t.is(over('{"_id":"1","n":5}'), null);
  t.is(over('{"_id":"1","address":{"city":"ulm"}}'), 'ulm-0');
});
