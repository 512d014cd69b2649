import test from 'ava';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql } from '../support/memory-sql.js';

test.before(() => loadParser());

const TIME_MS_MAX = 3000;

/** Constant expressions that are errors, with as many levels as would take minutes if each doubled the time. */
const FAILING: readonly [shape: string, text: string][] = [
  ['sums', `($1::int / 0)${' + 1'.repeat(40)}`],
  ['comparisons', `${'('.repeat(40)}1 / $1::int = 1${') = true'.repeat(40)}`],
  ['CASE in CASE', `${'CASE WHEN '.repeat(30)}1 / $1::int = 1${' THEN 1 ELSE 2 END = 1'.repeat(30)}`],
  ['IN in IN', `${'true IN (false, '.repeat(30)}1 / $1::int = 1${')'.repeat(30)}`],
];

for (const [shape, text] of FAILING) {
  test(`a branch that is never taken costs nothing: ${shape}`, (t) => {
    const database = new MemoryDatabase();
    database.load('t', [{ _id: 'a', n: 1 }]);
    const started = performance.now();
    const sql = `SELECT CASE WHEN n > 100 THEN (${text})::text ELSE 'none' END FROM t`;
    t.deepEqual(runSql(database, sql, { params: [0] }).json.rows, [['none']]);
    t.true(performance.now() - started < TIME_MS_MAX);
    t.throws(() => runSql(database, sql.replace('> 100', '< 100'), { params: [0] }), {
      message: /division by zero/,
    });
  });
}
