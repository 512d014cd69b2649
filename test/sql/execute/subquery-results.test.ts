import test from 'ava';
import { MemoryBudget } from '../../../src/sql/execute/memory-budget.js';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql } from '../support/memory-sql.js';

test.before(() => loadParser());

const OUTER = 50;
const INNER = 100;

function twoCollections(): MemoryDatabase {
  const database = new MemoryDatabase(2);
  database.load(
    't',
    Array.from({ length: OUTER }, (_, n) => ({ _id: `a${n}`, n })),
  );
  database.load(
    'u',
    Array.from({ length: INNER }, (_, n) => ({ _id: `b${n}`, n })),
  );
  return database;
}

const ONE_TO_THREE = '(SELECT n FROM t WHERE n < 3 ORDER BY n) t';

/** Each WITH is made anew for each outer row, and so is what reads it. */
const PER_ROW: readonly [expression: string, values: readonly unknown[]][] = [
  ['WITH c AS (SELECT t.n AS v) SELECT v FROM c WHERE v = (SELECT max(v) FROM c)', [0, 1, 2]],
  ['WITH c AS MATERIALIZED (SELECT t.n AS v) SELECT (SELECT v FROM c)', [0, 1, 2]],
  [
    'WITH c AS MATERIALIZED (SELECT 1 AS v WHERE t.n > 1) SELECT EXISTS (SELECT v FROM c)',
    [false, false, true],
  ],
  ['WITH c AS MATERIALIZED (SELECT t.n AS v) SELECT ARRAY(SELECT v FROM c)', [[0], [1], [2]]],
  ['WITH c AS MATERIALIZED (SELECT t.n AS v) SELECT 1 IN (SELECT v FROM c)', [false, true, false]],
  ['WITH c AS MATERIALIZED (SELECT t.n AS v) SELECT 1 < ALL (SELECT v FROM c)', [false, false, true]],
  ['WITH c AS MATERIALIZED (SELECT t.n AS v) SELECT (SELECT (SELECT max(v) FROM c) + 1)', [1, 2, 3]],
  [
    `WITH c AS MATERIALIZED (SELECT t.n AS v), e AS MATERIALIZED (SELECT v * 10 AS w FROM c)
      SELECT (SELECT max(w) FROM e)`,
    [0, 10, 20],
  ],
];

for (const [expression, values] of PER_ROW) {
  test(`for each outer row: ${expression}`, (t) => {
    const { json } = runSql(twoCollections(), `SELECT (${expression}) FROM ${ONE_TO_THREE}`);
    t.deepEqual(
      json.rows,
      values.map((value) => [value]),
    );
  });
}

test('a subquery that gives NULL runs once, like any other without correlation', (t) => {
  for (const subquery of ['(SELECT max(n) FROM u WHERE n > 1000)', '(SELECT max(n) FROM u)']) {
    t.is(runSql(twoCollections(), `SELECT n, ${subquery} FROM t`).rowsScanned, OUTER + INNER, subquery);
  }
});

test('a subquery over a WITH of the whole statement runs once', (t) => {
  const sql =
    'WITH c AS MATERIALIZED (SELECT n FROM u) SELECT n, (SELECT max(n) + random() FROM c) AS r FROM t';
  const { rowsScanned, json } = runSql(twoCollections(), `SELECT count(DISTINCT r) FROM (${sql}) q`);
  t.is(rowsScanned, OUTER + INNER);
  t.deepEqual(json.rows, [[1]]);
});

test('results that are made anew give back the memory of those before', (t) => {
  const peakOf = (outer: number): number => {
    const budget = new MemoryBudget(64 * 1024 * 1024);
    const inner =
      'WITH c AS MATERIALIZED (SELECT u.n + t.n AS v FROM u) SELECT cardinality(ARRAY(SELECT v FROM c))';
    runSql(twoCollections(), `SELECT max((${inner})) FROM t WHERE n < ${outer}`, { environment: { budget } });
    return budget.peakBytes;
  };
  t.true(peakOf(OUTER) < peakOf(2) * 1.5);
});
