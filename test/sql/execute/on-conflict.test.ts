/** ON CONFLICT DO UPDATE: a statement changes no document twice. */
import test from 'ava';
import type { DbError } from '../../../src/base/errors.js';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql } from '../support/memory-sql.js';

test.before(() => loadParser());

function one(): MemoryDatabase {
  const database = new MemoryDatabase(2);
  database.load('t', [{ _id: 'a', n: 1 }]);
  return database;
}

const sqlstateOf = (error: unknown): unknown => (error as DbError | undefined)?.details?.sqlstate;

test('ON CONFLICT DO UPDATE does not change a document that the statement inserted', (t) => {
  const database = one();
  const sql =
    "INSERT INTO t (_id, n) VALUES ('z', 1), ('z', 2) ON CONFLICT (_id) DO UPDATE SET n = t.n + 100";
  t.is(sqlstateOf(t.throws(() => runSql(database, sql))), '21000');
  t.deepEqual(database.documents('t'), ['{"_id":"a","n":1}', '{"_id":"z","n":1}']);
});

test('ON CONFLICT DO UPDATE does not change a document that it updated', (t) => {
  const database = one();
  const sql =
    "INSERT INTO t (_id, n) VALUES ('a', 1), ('a', 2) ON CONFLICT (_id) DO UPDATE SET n = t.n + 100";
  t.is(sqlstateOf(t.throws(() => runSql(database, sql))), '21000');
  t.deepEqual(database.documents('t'), ['{"_id":"a","n":101}']);
});

test('ON CONFLICT DO UPDATE does not change a document that it inserted after the one in the way was gone', (t) => {
  const database = one();
  // The document goes between the first look, which found a conflict, and the second.
  const { current } = database;
  database.current = (collectionId, id) => {
    database.current = current;
    runSql(database, "DELETE FROM t WHERE _id = 'a'");
    return database.current(collectionId, id);
  };
  const sql =
    "INSERT INTO t (_id, n) VALUES ('a', 5), ('a', 6) ON CONFLICT (_id) DO UPDATE SET n = t.n + 100";
  t.is(sqlstateOf(t.throws(() => runSql(database, sql))), '21000');
  t.deepEqual(database.documents('t'), ['{"_id":"a","n":5}']);
});

test('a document that ON CONFLICT DO UPDATE left as it was may come again', (t) => {
  const database = one();
  const update = 'ON CONFLICT (_id) DO UPDATE SET n = 9';
  const never = runSql(database, `INSERT INTO t (_id, n) VALUES ('a', 1), ('a', 2) ${update} WHERE false`);
  t.is(never.rowsAffected, 0);
  const second = runSql(
    database,
    `INSERT INTO t (_id, n) VALUES ('a', 1), ('a', 2) ${update} WHERE excluded.n = 2 RETURNING n`,
  );
  t.deepEqual(second.json.rows, [[9]]);
});

test('ON CONFLICT DO NOTHING passes over a document that the statement inserted', (t) => {
  const database = one();
  const sql = "INSERT INTO t (_id, n) VALUES ('z', 1), ('z', 2) ON CONFLICT (_id) DO NOTHING";
  t.is(runSql(database, sql).rowsAffected, 1);
  t.deepEqual(database.documents('t'), ['{"_id":"a","n":1}', '{"_id":"z","n":1}']);
});
