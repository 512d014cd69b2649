import test from 'ava';
import type { DbError } from '../../../src/base/errors.js';
import type { Expression } from '../../../src/sql/algebra/expression.js';
import type { PhysicalModification, PhysicalPlan } from '../../../src/sql/algebra/physical.js';
import { MemoryDatabase } from '../support/memory-database.js';
import {
  compare,
  constant,
  member,
  node,
  rowsOf,
  scan,
  slot,
  valuesOf,
  version,
  wholeDocument,
} from '../support/plan-builder.js';

const FIELDS = [member('_id'), version, wholeDocument, member('n')];

function numbers(count = 5): MemoryDatabase {
  const database = new MemoryDatabase(2);
  database.load(
    't',
    Array.from({ length: count }, (_, n) => `{"_id":"d${n}","n":${n},"price":1.50}`),
  );
  return database;
}

const table = (database: MemoryDatabase) => ({
  collection: 't',
  collectionId: database.table('t')?.id ?? -1,
  alias: 't',
});

function update(database: MemoryDatabase, filter: Expression, value: Expression): PhysicalPlan {
  return node(2, {
    kind: 'modify',
    input: scan(database, 't', FIELDS, filter),
    modification: {
      kind: 'update',
      table: table(database),
      key: 0,
      seqno: 1,
      document: 2,
      assignments: [{ path: ['n'], expression: value }],
    },
    returning: [slot(0), slot(1)],
    target: [member('_id'), member('n')],
  });
}

const plus = (left: Expression, right: number): Expression => ({
  kind: 'call',
  type: 'numeric',
  function: '+(int8,int8)',
  args: [left, constant(right, 'int8')],
});

test('UPDATE writes what it matches and returns it as it is afterwards', (t) => {
  const database = numbers();
  const rows = rowsOf(update(database, compare(slot(3), '>=', constant(3)), plus(slot(3), 10)), database);
  t.deepEqual(rows, [
    ['d3', 13],
    ['d4', 14],
  ]);
  t.deepEqual(database.documents('t').slice(2), [
    '{"_id":"d2","n":2,"price":1.50}',
    '{"_id":"d3","n":13,"price":1.50}',
    '{"_id":"d4","n":14,"price":1.50}',
  ]);
});

test('UPDATE meets other writes: what still matches is changed from its new value, the rest is left alone', (t) => {
  const database = numbers();
  let isFirst = true;
  database.beforeWrite = () => {
    if (!isFirst) return;
    isFirst = false;
    database.load('t', ['{"_id":"d3","n":30}', '{"_id":"d4","n":0}']);
  };
  const rows = rowsOf(update(database, compare(slot(3), '>=', constant(2)), plus(slot(3), 1)), database);
  t.deepEqual(rows.sort(), [
    ['d2', 3],
    ['d3', 31],
  ]);
  t.deepEqual(database.documents('t').slice(3), ['{"_id":"d3","n":31}', '{"_id":"d4","n":0}']);
});

test('UPDATE gives up after ten tries', (t) => {
  const database = numbers();
  let n = 100;
  database.beforeWrite = () => database.load('t', [`{"_id":"d4","n":${n++}}`]);
  const error = t.throws<DbError>(() =>
    rowsOf(update(database, compare(slot(3), '>=', constant(4)), constant(1)), database),
  );
  t.is(error?.details?.['sqlstate'], '40001');
  t.is(n, 111);
});

test('DELETE returns what was there, and skips what no longer matches', (t) => {
  const database = numbers();
  const plan = node(2, {
    kind: 'modify',
    input: scan(database, 't', FIELDS, compare(slot(3), '<', constant(3))),
    modification: { kind: 'delete', table: table(database), key: 0, seqno: 1 },
    returning: [slot(0), slot(1)],
    target: [member('_id'), member('n')],
  });
  let isFirst = true;
  database.beforeWrite = () => {
    if (isFirst) database.load('t', ['{"_id":"d0","n":50}', '{"_id":"d1","n":-1}']);
    isFirst = false;
  };
  t.deepEqual(rowsOf(plan, database).sort(), [
    ['d1', -1],
    ['d2', 2],
  ]);
  t.deepEqual(
    database.documents('t').map((text) => JSON.parse(text)._id),
    ['d0', 'd3', 'd4'],
  );
});

function insert(
  database: MemoryDatabase,
  rows: readonly (readonly (string | number)[])[],
  onConflict?: (PhysicalModification & { kind: 'insert' })['onConflict'],
): PhysicalPlan {
  return node(2, {
    kind: 'modify',
    input: valuesOf(rows),
    modification: { kind: 'insert', table: table(database), members: [['_id'], ['n']], onConflict },
    returning: [slot(0), slot(1)],
    target: [member('_id'), member('n')],
  });
}

test('INSERT refuses an _id that is there, passes over it, or updates it', (t) => {
  const database = numbers(2);
  const rows = [
    ['d1', 5],
    ['new', 6],
  ];
  const error = t.throws<DbError>(() => rowsOf(insert(database, rows), database));
  t.is(error?.details?.['sqlstate'], '23505');
  t.deepEqual(rowsOf(insert(numbers(2), rows, { kind: 'nothing' }), numbers(2)), [['new', 6]]);
  const upsert = {
    kind: 'update' as const,
    excluded: [member('n')],
    assignments: [
      { path: ['n'], expression: plus(slot(2), 100) },
      { path: ['old'], expression: slot(1) },
    ],
  };
  const fresh = numbers(2);
  t.deepEqual(rowsOf(insert(fresh, rows, upsert), fresh).sort(), [
    ['d1', 105],
    ['new', 6],
  ]);
  t.deepEqual(fresh.documents('t'), [
    '{"_id":"d0","n":0,"price":1.50}',
    '{"_id":"d1","n":105,"price":1.50,"old":1}',
    '{"_id":"new","n":6}',
  ]);
  const where = compare(slot(1), '>', constant(1000));
  t.deepEqual(rowsOf(insert(fresh, [['d0', 1]], { ...upsert, where }), fresh), []);
  const twice = [
    ['d0', 1],
    ['d0', 2],
  ];
  t.throws(() => rowsOf(insert(fresh, twice, upsert), fresh), { message: /second time/ });
});

test('rows beyond one batch are all written', (t) => {
  const database = numbers(0);
  const rows = Array.from({ length: 2500 }, (_, n) => [`x${n}`, n]);
  t.is(rowsOf(insert(database, rows), database).length, 2500);
  t.is(database.documents('t').length, 2500);
});
