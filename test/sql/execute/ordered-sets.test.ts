/** WITHIN GROUP: the order that is written is the one that counts. */
import test from 'ava';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql } from '../support/memory-sql.js';

test.before(() => loadParser());

function first(sql: string): unknown {
  const database = new MemoryDatabase(2);
  const documents = [10, 10, 20, 20].map((x, i) => ({ _id: `a${i}`, n: i + 1, x, text: `${8 + i}` }));
  database.load('t', [...documents, { _id: 'b' }]);
  return runSql(database, sql).json.rows[0];
}

test('ordered-set aggregates take the order of WITHIN GROUP, also a descending one', (t) => {
  const calls = (order: string): string =>
    `percentile_disc(0.25) WITHIN GROUP (ORDER BY n ${order}), percentile_cont(0.25) WITHIN GROUP (ORDER BY n ${order}), mode() WITHIN GROUP (ORDER BY x ${order})`;
  t.deepEqual(first(`SELECT ${calls('')} FROM t`), [1, 1.75, 10]);
  t.deepEqual(first(`SELECT ${calls('DESC')} FROM t`), [4, 3.25, 20]);
  t.deepEqual(first(`SELECT ${calls('DESC NULLS LAST')} FROM t`), [4, 3.25, 20]);
  t.deepEqual(first('SELECT percentile_disc(ARRAY[0, 0.5, 1]) WITHIN GROUP (ORDER BY n DESC) FROM t'), [
    [4, 3, 1],
  ]);
  t.deepEqual(
    first('SELECT percentile_disc(0) WITHIN GROUP (ORDER BY n DESC) FILTER (WHERE n < 3) FROM t'),
    [2],
  );
});

test('what is sorted is the argument as the aggregate takes it', (t) => {
  // As texts '10' and '11' stand before '8' and '9'.
  t.deepEqual(first('SELECT percentile_cont(1) WITHIN GROUP (ORDER BY text::float8) FROM t'), [11]);
  t.deepEqual(first('SELECT percentile_cont(0) WITHIN GROUP (ORDER BY text::float8 DESC) FROM t'), [11]);
  t.deepEqual(first('SELECT percentile_cont(0) WITHIN GROUP (ORDER BY text DESC) FROM t'), [11]);
});
