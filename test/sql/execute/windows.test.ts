/** Windows in SQL: what EXCLUDE leaves of a frame, and which calls share a sort. */
import test from 'ava';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql } from '../support/memory-sql.js';

test.before(() => loadParser());

function numbers(): MemoryDatabase {
  const database = new MemoryDatabase(1);
  database.load(
    't',
    [1, 2, 3, 4].map((n) => ({ _id: `a${n}`, n, g: Math.ceil(n / 2) })),
  );
  return database;
}

/** first_value, last_value and the second value of each row's frame. */
function edges(order: string, frame: string): unknown[][] {
  const over = `OVER (ORDER BY ${order} ${frame})`;
  const sql = `SELECT first_value(n) ${over}, last_value(n) ${over}, nth_value(n, 2) ${over} FROM t ORDER BY n`;
  return runSql(numbers(), sql).json.rows as unknown[][];
}

const WHOLE = 'ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING';

test('first_value, last_value and nth_value do not see what EXCLUDE takes out', (t) => {
  t.deepEqual(edges('n', `${WHOLE} EXCLUDE CURRENT ROW`), [
    [2, 4, 3],
    [1, 4, 3],
    [1, 4, 2],
    [1, 3, 2],
  ]);
  t.deepEqual(edges('g, n', `${WHOLE} EXCLUDE GROUP`), edges('n', `${WHOLE} EXCLUDE CURRENT ROW`));
  t.deepEqual(edges('g', `${WHOLE} EXCLUDE GROUP`), [
    [3, 4, 4],
    [3, 4, 4],
    [1, 2, 2],
    [1, 2, 2],
  ]);
  t.deepEqual(edges('g', `${WHOLE} EXCLUDE TIES`), [
    [1, 4, 3],
    [2, 4, 3],
    [1, 3, 2],
    [1, 4, 2],
  ]);
  t.deepEqual(edges('n', 'ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING EXCLUDE CURRENT ROW'), [
    [2, 2, null],
    [3, 3, null],
    [4, 4, null],
    [null, null, null],
  ]);
  t.deepEqual(edges('n', 'ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING EXCLUDE TIES'), [
    [3, 4, 4],
    [4, 4, null],
    [null, null, null],
    [null, null, null],
  ]);
});

test('windows whose order differs in NaN, infinities and NULL only are sorted on their own', (t) => {
  const last = (value: string): string => `CASE WHEN n = 2 THEN ${value} ELSE n::float8 END`;
  const values = ["'NaN'::float8", "'-Infinity'::float8", 'NULL::float8', "'Infinity'::float8"];
  const calls = values.map((value) => `row_number() OVER (ORDER BY ${last(value)})`);
  t.deepEqual(runSql(numbers(), `SELECT ${calls.join(', ')} FROM t WHERE n <= 3 ORDER BY n`).json.rows, [
    [1, 2, 1, 1],
    [3, 1, 3, 3],
    [2, 3, 2, 2],
  ]);
});

test('aggregates whose arguments differ in NaN, infinities and NULL only are not one', (t) => {
  const { rows } = runSql(
    numbers(),
    "SELECT max('NaN'::float8)::text, max('Infinity'::float8)::text, max('-Infinity'::float8)::text, max(NULL::float8)::text FROM t",
  ).json;
  t.deepEqual(rows, [['NaN', 'Infinity', '-Infinity', null]]);
});
