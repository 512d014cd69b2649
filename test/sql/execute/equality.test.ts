import test from 'ava';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { explainSql, runSql, type SqlOptions } from '../support/memory-sql.js';

test.before(() => loadParser());

const DOCUMENTS = 400;

function pairs(): MemoryDatabase {
  const database = new MemoryDatabase(2);
  database.load(
    't',
    Array.from({ length: DOCUMENTS }, (_, n) => ({
      _id: `k${n}`,
      n,
      tags: [1, n],
      d: new Date(Date.UTC(2024, 0, 1, n)).toISOString(),
    })),
  );
  return database;
}

const VARIANTS: readonly SqlOptions[] = [
  {},
  { planner: { enableHashJoin: false } },
  { planner: { enableUnnesting: false } },
  { planner: { enableIndexNestedLoop: false } },
];

/** Whether a join hashes or not, `=` is the same. */
const COUNTS: readonly [sql: string, count: number][] = [
  ['SELECT count(*) FROM t JOIN (SELECT ARRAY[1,n] AS a FROM t) b ON t.tags = b.a', 400],
  ['SELECT count(*) FROM t JOIN (SELECT to_jsonb(ARRAY[1,n]) AS a FROM t) b ON t.tags = b.a', 400],
  ['SELECT count(*) FROM t JOIN (SELECT coalesce(miss, ARRAY[1,n]) AS a FROM t) b ON b.a = t.tags', 400],
  ['SELECT count(*) FROM t WHERE t.tags IN (SELECT ARRAY[1,u.n] FROM t u WHERE u.n < 7)', 7],
  [
    'SELECT count(*) FROM t WHERE NOT EXISTS (SELECT 1 FROM t u WHERE ARRAY[1,u.n] = t.tags AND u.n < 7)',
    393,
  ],
  ['SELECT count(*) FROM t LEFT JOIN (SELECT ARRAY[1,n] AS a FROM t) b ON t.tags = b.a WHERE b.a IS NULL', 0],
  [
    'SELECT count(*) FROM t JOIN (SELECT coalesce(x.miss, x.d::timestamptz) AS ts FROM t x) b ON t.d = b.ts',
    400,
  ],
  [
    'SELECT count(*) FROM t JOIN (SELECT x.d::timestamptz AS ts FROM t x UNION ALL SELECT x.miss FROM t x) b ON t.d = b.ts',
    400,
  ],
  ['SELECT count(*) FROM t WHERE t.d IN (SELECT max(coalesce(x.miss, x.d::timestamptz)) FROM t x)', 1],
  [
    `WITH RECURSIVE r AS (SELECT coalesce(miss, d) AS v, 0 AS step FROM t UNION ALL
      SELECT coalesce(NULL, v::timestamptz, v), 1 FROM r WHERE step = 0)
      SELECT count(*) FROM t JOIN r ON t.d = r.v`,
    800,
  ],
  ['SELECT count(*) FROM t JOIN (SELECT ROW(n, NULL) AS r FROM t) b ON ROW(t.n, NULL) = b.r', 400],
  [
    'SELECT count(*) FROM (SELECT ROW(n, NULL) AS r FROM t) a JOIN (SELECT ROW(n, NULL) AS r FROM t) b ON a.r = b.r',
    400,
  ],
  ['SELECT count(*) FROM t a JOIN t b ON ROW(a.n, NULL) = ROW(b.n, NULL)', 0],
];

for (const [sql, count] of COUNTS) {
  test(sql, (t) => {
    for (const [variant, options] of VARIANTS.entries()) {
      t.deepEqual(runSql(pairs(), sql, options).json.rows, [[count]], `variant ${variant}`);
    }
  });
}

test('a value that may be a time is not looked up in an index of texts, a member is', (t) => {
  const database = pairs();
  database.createIndex('t_d', 't', [{ path: ['d'] }]);
  const join = (value: string): string =>
    `SELECT count(*) FROM t JOIN (SELECT ${value} AS v FROM t x WHERE x.n < 3) b ON t.d = b.v`;
  for (const value of ['coalesce(x.miss, x.d::timestamptz)', 'coalesce(x.miss, x.d)', 'x.d::timestamptz']) {
    t.deepEqual(runSql(database, join(value)).json.rows, [[3]], value);
  }
  t.regex(explainSql(database, join('coalesce(x.miss, x.d)'), { enableHashJoin: false }), /Index/);
  t.regex(explainSql(database, 'SELECT n FROM t WHERE d = $1'), /Index/);
});

test('members of documents are hashed, also behind WITH, UNION, groups and arithmetic', (t) => {
  for (const right of [
    'SELECT n AS v FROM t',
    'SELECT n + 1 AS v FROM t',
    'SELECT max(n) AS v FROM t GROUP BY tags',
    'SELECT n AS v FROM t UNION ALL SELECT d FROM t',
    'SELECT coalesce(d, n) AS v FROM t',
    'SELECT lower(d) AS v FROM t',
    'SELECT e AS v FROM t, unnest(t.tags) e',
    'SELECT lag(n) OVER (ORDER BY n) AS v FROM t',
    'WITH c AS MATERIALIZED (SELECT d AS v FROM t) SELECT v FROM c',
    'WITH RECURSIVE c AS (SELECT n AS v FROM t UNION ALL SELECT v + 1 FROM c WHERE v < 5) SELECT v FROM c',
  ]) {
    const plan = explainSql(pairs(), `SELECT count(*) FROM t x JOIN (${right}) b ON x.n = b.v`);
    t.regex(plan, /Hash Join/, right);
  }
});

test('a record column and a record compare with the total order, as in PostgreSQL', (t) => {
  const [row] = runSql(
    pairs(),
    `SELECT a = b, a < c, a = c, a <> c, ROW(1, NULL) = ROW(1, NULL)
      FROM (SELECT ROW(1, NULL) AS a, ROW(1, NULL) AS b, ROW(2, NULL) AS c) q`,
  ).json.rows;
  t.deepEqual(row, [true, true, false, true, null]);
});

test('what is equal is not distinct; what does not compare is', (t) => {
  const wanted: readonly [test: string, count: number][] = [
    ["d IS NOT DISTINCT FROM '2024-01-01T00:00:00Z'::timestamptz", 1],
    ["d IS DISTINCT FROM '2024-01-01T00:00:00Z'::timestamptz", 399],
    ['tags IS NOT DISTINCT FROM ARRAY[1,5]', 1],
    ['n IS DISTINCT FROM d', 400],
    ['n IS NOT DISTINCT FROM 5', 1],
    ['miss IS NOT DISTINCT FROM NULL', 400],
    ['miss IS DISTINCT FROM d', 400],
  ];
  for (const [condition, count] of wanted) {
    t.deepEqual(runSql(pairs(), `SELECT count(*) FROM t WHERE ${condition}`).json.rows, [[count]], condition);
  }
});
