/** What statements are charged for what they hold. */
import test from 'ava';
import { MemoryBudget } from '../../../src/sql/execute/memory-budget.js';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { explainSql, runSql, type SqlOptions } from '../support/memory-sql.js';

const MIB = 1024 * 1024;

test.before(() => loadParser());

function peakOf(database: MemoryDatabase, sql: string, options: SqlOptions = {}): number {
  const budget = new MemoryBudget(1024 * MIB);
  runSql(database, sql, { ...options, environment: { budget } });
  if (budget.usedBytes !== 0) throw new Error(`${budget.usedBytes} bytes are still charged after ${sql}`);
  return budget.peakBytes;
}

const within = (value: number, low: number, high: number): boolean => value >= low && value <= high;

/** The statement, whose results would be large, with a small one. */
const counted = (sql: string): string => `SELECT count(x) FROM (${sql}) q`;

/** `count` documents with a number `n` and a text `s` of `length`. */
function texts(count: number, length: number): MemoryDatabase {
  const database = new MemoryDatabase(2);
  const documents = Array.from({ length: count }, (_, n) => ({
    _id: `k${String(n).padStart(5, '0')}`,
    n,
    s: String(n).padStart(length, 'x'),
  }));
  database.load('w', documents);
  return database;
}

test('texts that grow from row to row of a window are charged', (t) => {
  const database = texts(600, 50);
  const totalBytes = (600 * 601 * 50) / 2;
  const running = "string_agg(s, '') OVER (ORDER BY n)";
  const sql = `SELECT sum(length(x)) FROM (SELECT ${running} AS x FROM w) q`;
  t.true(within(peakOf(database, sql), totalBytes, totalBytes * 1.2));
  const error = t.throws(() =>
    runSql(database, sql, { environment: { budget: new MemoryBudget(totalBytes / 2) } }),
  );
  t.regex(error?.message ?? '', /query\.memory_limit/);
});

test('a window value that stays the same is charged once', (t) => {
  const database = texts(300, 5000);
  const inputBytes = 300 * 5000;
  const statements = [
    "SELECT string_agg(s, '') OVER () AS x FROM w",
    "SELECT string_agg(s, '') FILTER (WHERE n < 5) OVER (ORDER BY n) AS x FROM w",
    'SELECT max(s) OVER (ORDER BY s DESC) AS x FROM w',
    'SELECT lag(s) OVER (ORDER BY n) AS y, first_value(s) OVER (ORDER BY n) AS x FROM w',
  ];
  for (const sql of statements) t.true(peakOf(database, counted(sql)) < inputBytes * 5, sql);
});

test('arrays of a window are charged, the texts that they share only once', (t) => {
  const database = texts(300, 1000);
  const pointers = (300 * 301 * 8) / 2;
  const inputBytes = 300 * 1000;
  const statements = [
    'SELECT array_agg(s) OVER (ORDER BY n) AS x FROM w',
    "SELECT array_agg(s || 'y') OVER (ORDER BY n) AS x FROM w",
    'SELECT array_agg(s) OVER (ORDER BY n ROWS BETWEEN 299 PRECEDING AND CURRENT ROW) AS x FROM w',
  ];
  for (const sql of statements) {
    t.true(within(peakOf(database, counted(sql)), inputBytes + pointers, inputBytes * 5 + pointers), sql);
  }
  const anew =
    "SELECT array_agg(s || 'y') OVER (ORDER BY n ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS x FROM w";
  t.true(peakOf(database, counted(anew)) > inputBytes * 9);
});

test('texts that a window function makes are charged', (t) => {
  const database = texts(100, 1000);
  t.true(peakOf(database, 'SELECT lag(repeat(s, 10)) OVER (ORDER BY n) AS x FROM w') > 99 * 10_000);
});

test('the state of a moving frame is given back with its frame', (t) => {
  const database = texts(500, 100);
  const sql =
    "SELECT length(x) FROM (SELECT string_agg(s, '') OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS x FROM w) q";
  t.true(within(peakOf(database, sql), 500 * 300, 500 * 900));
});

test('min and max are charged for the texts that they keep', (t) => {
  const database = texts(50, 100_000);
  const inputBytes = 50 * 100_000;
  const sql = 'SELECT count(m) FROM (SELECT n, max(s) AS m FROM w GROUP BY n) q';
  t.true(within(peakOf(database, sql), inputBytes, inputBytes * 1.2));
  const one = 'SELECT max(s), min(s) FROM w';
  t.true(within(peakOf(database, one), 2 * 100_000, 4 * 100_000), 'the old value is given back');
});

test('states that are merged are charged', (t) => {
  const database = texts(50, 100_000);
  const sql = 'SELECT max(s) FROM w';
  const parallel: SqlOptions = { planner: { parallelWorkers: 2, parallelRowsMin: 1 }, fragments: true };
  t.regex(explainSql(database, sql, parallel.planner), /Partial/);
  // The parts come one after the other here: at the end there are the merged state and that of the last part.
  t.true(within(peakOf(database, sql, parallel), 200_000, 300_000));
});

test('DELETE ... RETURNING charges the documents that wait for their batch, and cuts batches by their size', (t) => {
  const database = texts(40, 500_000);
  const batches: number[] = [];
  let left = 40;
  database.beforeWrite = () => {
    const now = database.documents('w').length;
    if (now < left) batches.push(left - now);
    left = now;
  };
  const peak = peakOf(database, 'DELETE FROM w RETURNING s');
  t.deepEqual(database.documents('w'), []);
  batches.push(left);
  t.true(batches.length > 1 && Math.max(...batches) <= 17, `batches of ${batches.join(', ')}`);
  t.true(within(peak, 8_000_000, 9_500_000), String(peak));
});

test('DELETE ... RETURNING of more than the memory limit goes on in small batches', (t) => {
  const database = texts(40, 100_000);
  const budget = new MemoryBudget(MIB);
  t.is(runSql(database, 'DELETE FROM w RETURNING s', { environment: { budget } }).rows.length, 40);
  t.is(budget.usedBytes, 0);
  t.true(budget.peakBytes > 200_000 && budget.peakBytes < 400_000);
});

test('a recursive UNION is charged for the keys of its rows', (t) => {
  const database = new MemoryDatabase(1);
  const step = "SELECT n + 1, repeat('x', 10000) || n FROM r WHERE n < 100";
  const all = `WITH RECURSIVE r(n, s) AS (SELECT 1, 'x' UNION ALL ${step}) SELECT count(*) FROM r`;
  const textBytes = 99 * 10_000;
  const kept = peakOf(database, all);
  t.true(within(kept, textBytes, textBytes * 1.2));
  t.true(peakOf(database, all.replace('UNION ALL', 'UNION')) > kept + textBytes * 0.95);
});

test('a recursion is charged for the list of the rows of its last round', (t) => {
  const database = new MemoryDatabase(1);
  const rows = 'SELECT g AS n FROM generate_series(1, 20000) AS g';
  const sql = (step: string): string =>
    `WITH RECURSIVE r(n) AS (${rows} UNION ALL SELECT n FROM r WHERE ${step}) SELECT count(*) FROM r`;
  const plain = `WITH r AS MATERIALIZED (${rows}) SELECT count(*) FROM r`;
  t.true(peakOf(database, sql('n < 0')) >= peakOf(database, plain) + 20_000 * 8);
});

test('DISTINCT in an aggregate is charged for its keys', (t) => {
  const database = texts(100, 10_000);
  const kept = peakOf(database, 'SELECT count(DISTINCT s) FROM w');
  t.true(within(kept, 100 * 10_000, 100 * 10_000 * 1.2));
  const pairs = peakOf(database, "SELECT count(x) FROM (SELECT string_agg(DISTINCT s, ',') AS x FROM w) q");
  t.true(pairs > 3 * 100 * 10_000);
});

test('GROUP BY several keys is charged for the keys of its table', (t) => {
  const database = texts(100, 10_000);
  const peak = peakOf(database, 'SELECT count(m) FROM (SELECT n, s AS m FROM w GROUP BY n, s) q');
  t.true(within(peak, 2 * 100 * 10_000, 2 * 100 * 10_000 * 1.2));
});
