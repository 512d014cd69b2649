/** A write whose document another write has changed meanwhile is checked again: on all of its conditions, however it was found. */
import test from 'ava';
import { loadExtractors } from '../../../src/runtime/index-extractors.js';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { explainSql, runSql } from '../support/memory-sql.js';

const PENDING = "status = 'pending'";

test.before(async () => {
  await loadParser();
  await loadExtractors([{ columns: [], where: PENDING }], { parser: true });
});

const idOf = (i: number): string => `d${String(i).padStart(4, '0')}`;

/** Enough documents that a lookup pays. */
function database(): MemoryDatabase {
  const made = new MemoryDatabase(2);
  const documents = Array.from({ length: 2000 }, (_, i) => ({
    _id: idOf(i),
    n: i,
    status: i % 100 === 0 ? 'pending' : 'done',
  }));
  made.load('t', documents);
  made.load('s', [
    { _id: 's1', tid: idOf(7), v: 700 },
    { _id: 's2', tid: idOf(9), v: 900 },
  ]);
  return made;
}

/** Between the first look and the first write. */
function meanwhile(made: MemoryDatabase, ...documents: readonly Record<string, unknown>[]): void {
  made.beforeWrite = () => {
    made.beforeWrite = undefined;
    made.load('t', documents);
  };
}

test('UPDATE ... FROM by key takes the row that belongs to the document', (t) => {
  const made = database();
  const sql = 'UPDATE t SET n = s.v FROM s WHERE t._id = s.tid RETURNING t._id, t.n';
  t.regex(explainSql(made, sql), /Index Cond: \(t\._id = s\.tid\)/);
  meanwhile(made, { _id: idOf(7), n: -7 }, { _id: idOf(9), n: -9 });
  t.deepEqual([...runSql(made, sql).rows].sort(), [
    [idOf(7), 700],
    [idOf(9), 900],
  ]);
});

test('UPDATE ... FROM over a range of keys takes the row that belongs to the document', (t) => {
  const made = database();
  const sql =
    "UPDATE t SET n = s.v FROM s WHERE t._id >= s.tid AND t._id < s.tid || '~' AND s.v > 0 RETURNING t._id, t.n";
  t.regex(explainSql(made, sql), /Index Cond: \(\(t\._id >= s\.tid\)/);
  meanwhile(made, { _id: idOf(7), n: -7 }, { _id: idOf(9), n: -9 });
  t.deepEqual([...runSql(made, sql).rows].sort(), [
    [idOf(7), 700],
    [idOf(9), 900],
  ]);
});

for (const verb of ['UPDATE t SET n = -1', 'DELETE FROM t']) {
  test(`${verb} through a partial index leaves a document that has left the index alone`, (t) => {
    const made = database();
    made.createIndex('pending_n', 't', [{ path: ['n'] }], { where: PENDING });
    const sql = `${verb} WHERE ${PENDING} AND n < 250 RETURNING _id`;
    t.regex(explainSql(made, sql), /Index Scan using pending_n/);
    meanwhile(made, { _id: idOf(100), n: 100, status: 'done' });
    t.deepEqual([...runSql(made, sql).rows].sort(), [[idOf(0)], [idOf(200)]]);
    t.deepEqual(JSON.parse(made.documents('t')[verb.startsWith('DELETE') ? 99 : 100]), {
      _id: idOf(100),
      n: 100,
      status: 'done',
    });
  });
}

test('RETURNING sees the other relations of UPDATE ... FROM and DELETE ... USING, also after a conflict', (t) => {
  const made = database();
  meanwhile(made, { _id: idOf(7), n: -7, more: 1 });
  const update =
    'UPDATE t SET n = s.v FROM s WHERE t._id = s.tid RETURNING t.n, s._id, s.v + 1 AS next, t.more';
  t.deepEqual([...runSql(made, update).rows].sort(), [
    [700, 's1', 701, 1],
    [900, 's2', 901, null],
  ]);
  meanwhile(made, { _id: idOf(9), n: 1, more: 2 });
  const remove = 'DELETE FROM t USING s WHERE t._id = s.tid RETURNING s.v, t.n, t.more, s._id';
  t.deepEqual([...runSql(made, remove).rows].sort(), [
    [700, 700, 1, 's1'],
    [900, 1, 2, 's2'],
  ]);
  const left =
    'UPDATE t SET n = 0 FROM (SELECT tid FROM s) x JOIN s ON s.tid = x.tid WHERE t._id = x.tid RETURNING *';
  made.load('t', [{ _id: idOf(7), n: 1 }]);
  t.is(runSql(made, left).rows.length, 1);
});
