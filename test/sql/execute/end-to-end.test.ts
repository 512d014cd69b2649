import test from 'ava';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql, type SqlOptions } from '../support/memory-sql.js';

function shop(): MemoryDatabase {
  const database = new MemoryDatabase(3);
  const statuses = ['pending', 'shipped', 'delivered'];
  database.load('users', [
    { _id: 'u1', name: 'Ada', address: { city: 'Bonn', zip: '53111' }, tags: ['a', 'b'], vip: true },
    { _id: 'u2', name: 'Bob', address: { city: 'Köln' }, tags: [], manager: 'u1' },
    { _id: 'u3', name: 'Cy', manager: 'u1', tags: ['b'] },
    { _id: 'u4', name: 'Di', manager: 'u2', big: 0 },
  ]);
  database.load(
    'orders',
    Array.from({ length: 60 }, (_, i) => ({
      _id: `o${String(i).padStart(2, '0')}`,
      user_id: `u${(i % 5) + 1}`,
      status: statuses[i % 3],
      amount: (i * 7) % 20 === 3 ? null : ((i * 7) % 20) + 0.5,
      quantity: i % 4,
      created_at: `2024-01-${String((i % 28) + 1).padStart(2, '0')}T10:00:00Z`,
    })),
  );
  database.createIndex('orders_user', 'orders', [{ path: ['user_id'] }, { path: ['amount'] }], {
    include: [['status']],
  });
  database.createIndex('orders_amount', 'orders', [{ path: ['amount'], descending: true }]);
  database.addSystemTable({
    name: 'queries',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'duration_ms', type: 'float8' },
    ],
    rows: [
      { id: 'q1', duration_ms: 5 },
      { id: 'q2', duration_ms: 150.5 },
    ],
  });
  return database;
}

test.before(() => loadParser());

/** Plans that the statement has to give the same rows with. */
const VARIANTS: readonly SqlOptions[] = [
  {},
  { planner: { enableIndexScan: false, enableHashJoin: false } },
  { planner: { enableIndexNestedLoop: false, enableSortedAggregate: false, enableUnnesting: false } },
  { planner: { parallelWorkers: 2, parallelRowsMin: 1 }, fragments: true },
];

const CASES: readonly [sql: string, rows: unknown[][]][] = [
  ["SELECT 1 + 2 AS x, upper('a')", [[3, 'A']]],
  ["SELECT count(*) FROM orders WHERE status = 'shipped'", [[20]]],
  ['SELECT count(*), count(amount) FROM orders', [[60, 57]]],
  ["SELECT name FROM users WHERE _id = 'u2'", [['Bob']]],
  ["SELECT name FROM users WHERE _id IN ('u3', 'u1', 'u3') ORDER BY name", [['Ada'], ['Cy']]],
  ["SELECT name, address.city FROM users WHERE address.city = 'Köln'", [['Bob', 'Köln']]],
  [
    'SELECT _id FROM orders WHERE amount > 18 ORDER BY amount DESC, _id LIMIT 4',
    [['o17'], ['o37'], ['o57'], ['o14']],
  ],
  [
    'SELECT _id, amount FROM orders ORDER BY amount DESC NULLS LAST, _id LIMIT 2',
    [
      ['o17', 19.5],
      ['o37', 19.5],
    ],
  ],
  [
    'SELECT _id, amount FROM orders ORDER BY amount DESC, _id LIMIT 2',
    [
      ['o09', null],
      ['o29', null],
    ],
  ],
  [
    'SELECT status, count(*), sum(quantity), min(amount), max(amount) FROM orders GROUP BY status ORDER BY status',
    [
      ['delivered', 20, 30, 0.5, 19.5],
      ['pending', 20, 30, 0.5, 19.5],
      ['shipped', 20, 30, 0.5, 19.5],
    ],
  ],
  [
    'SELECT quantity, avg(amount) FROM orders GROUP BY quantity HAVING count(*) > 3 ORDER BY 1',
    [
      [0, 8.5],
      [1, 13.5],
      [2, 10.5],
      [3, 9.5],
    ],
  ],
  [
    'SELECT u.name, count(o._id) FROM users u LEFT JOIN orders o ON o.user_id = u._id AND o.quantity = 0 GROUP BY u.name ORDER BY u.name',
    [
      ['Ada', 3],
      ['Bob', 3],
      ['Cy', 3],
      ['Di', 3],
    ],
  ],
  [
    "SELECT o._id FROM orders o JOIN users u ON u._id = o.user_id WHERE u.name = 'Di' AND o.status = 'pending' ORDER BY o._id",
    [['o03'], ['o18'], ['o33'], ['o48']],
  ],
  ['SELECT DISTINCT user_id FROM orders ORDER BY user_id', [['u1'], ['u2'], ['u3'], ['u4'], ['u5']]],
  [
    'SELECT DISTINCT ON (status) status, _id FROM orders ORDER BY status, _id DESC',
    [
      ['delivered', 'o59'],
      ['pending', 'o57'],
      ['shipped', 'o58'],
    ],
  ],
  [
    'SELECT name FROM users WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = users._id AND o.amount > 19) ORDER BY name',
    [['Cy']],
  ],
  [
    'SELECT name FROM users u WHERE NOT EXISTS (SELECT 1 FROM users m WHERE m.manager = u._id) ORDER BY 1',
    [['Cy'], ['Di']],
  ],
  [
    'SELECT name FROM users WHERE _id IN (SELECT manager FROM users WHERE manager IS NOT NULL) ORDER BY 1',
    [['Ada'], ['Bob']],
  ],
  ['SELECT name FROM users WHERE _id NOT IN (SELECT manager FROM users) ORDER BY 1', []],
  [
    'SELECT name, (SELECT count(*) FROM users m WHERE m.manager = u._id) FROM users u ORDER BY 1',
    [
      ['Ada', 2],
      ['Bob', 1],
      ['Cy', 0],
      ['Di', 0],
    ],
  ],
  ["SELECT name FROM users WHERE 'b' = ANY(tags) ORDER BY 1", [['Ada'], ['Cy']]],
  ['SELECT _id FROM users WHERE manager IS NULL', [['u1']]],
  [
    "SELECT CASE WHEN vip THEN 'yes' ELSE 'no' END, coalesce(manager, 'none') FROM users ORDER BY _id",
    [
      ['yes', 'none'],
      ['no', 'u1'],
      ['no', 'u1'],
      ['no', 'u2'],
    ],
  ],
  [
    'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r',
    [[15]],
  ],
  [
    "WITH RECURSIVE below AS (SELECT _id, 0 AS depth FROM users WHERE _id = 'u1' UNION ALL SELECT u._id, depth + 1 FROM users u JOIN below b ON u.manager = b._id) SELECT _id, depth FROM below ORDER BY depth, _id",
    [
      ['u1', 0],
      ['u2', 1],
      ['u3', 1],
      ['u4', 2],
    ],
  ],
  [
    'SELECT user_id FROM orders UNION SELECT _id FROM users ORDER BY 1',
    [['u1'], ['u2'], ['u3'], ['u4'], ['u5']],
  ],
  ['SELECT user_id FROM orders EXCEPT SELECT _id FROM users', [['u5']]],
  ["SELECT x, y FROM (VALUES (1, 'a'), (2, 'b')) AS v(x, y) WHERE x > 1", [[2, 'b']]],
  ['SELECT id FROM system.queries WHERE duration_ms > 100', [['q2']]],
  ['SELECT count(*) FILTER (WHERE quantity = 1), count(DISTINCT user_id) FROM orders', [[15, 5]]],
  [
    'SELECT status, user_id, count(*) FROM orders GROUP BY ROLLUP (status, user_id) HAVING count(*) > 19 ORDER BY status',
    [
      ['delivered', null, 20],
      ['pending', null, 20],
      ['shipped', null, 20],
      [null, null, 60],
    ],
  ],
  ["SELECT count(*) FROM orders WHERE amount BETWEEN 5 AND 10 AND status IN ('shipped', 'pending')", [[10]]],
  ["SELECT count(*) FROM orders WHERE user_id = 'u1' AND amount > 10", [[6]]],
  [
    'SELECT a.name, b.name FROM users a CROSS JOIN users b WHERE a._id < b._id AND a.vip ORDER BY 2',
    [
      ['Ada', 'Bob'],
      ['Ada', 'Cy'],
      ['Ada', 'Di'],
    ],
  ],
  [
    'SELECT u.name, l._id FROM users u, LATERAL (SELECT _id FROM orders o WHERE o.user_id = u._id ORDER BY _id LIMIT 1) l ORDER BY 1',
    [
      ['Ada', 'o00'],
      ['Bob', 'o01'],
      ['Cy', 'o02'],
      ['Di', 'o03'],
    ],
  ],
];

for (const [sql, wanted] of CASES) {
  test(sql, (t) => {
    for (const [variant, options] of VARIANTS.entries()) {
      const { rows, json } = runSql(shop(), sql, options);
      t.is(rows.length, wanted.length, `variant ${variant}`);
      t.deepEqual(json.rows as unknown[][], wanted, `variant ${variant}`);
    }
  });
}

test('SELECT * spreads documents into the union of their members', (t) => {
  const { json, lines } = runSql(shop(), 'SELECT * FROM users ORDER BY _id');
  t.deepEqual([...json.columns], ['_id', 'name', 'address', 'tags', 'vip', 'manager', 'big']);
  t.deepEqual(json.rows[3], ['u4', 'Di', null, null, null, 'u2', 0]);
  t.deepEqual(lines[3], { _id: 'u4', name: 'Di', manager: 'u2', big: 0 });
});

test('parameters are values of their place', (t) => {
  const { json } = runSql(shop(), 'SELECT name FROM users WHERE _id = $1 OR address.city = $2 ORDER BY 1', {
    params: ['u3', 'Bonn'],
  });
  t.deepEqual(json.rows, [['Ada'], ['Cy']]);
});

test('INSERT, UPDATE and DELETE change documents and return them', (t) => {
  const database = shop();
  const inserted = runSql(
    database,
    "INSERT INTO users (_id, name, address.city) VALUES ('u5', 'Ed', 'Ulm'), ('u6', 'Fi', NULL) RETURNING _id, name",
  );
  t.deepEqual(inserted.json.rows, [
    ['u5', 'Ed'],
    ['u6', 'Fi'],
  ]);
  t.is(inserted.rowsAffected, 2);
  const updated = runSql(
    database,
    "UPDATE users SET address.city = upper(name), vip = true WHERE name >= 'Di' RETURNING _id, address.city",
  );
  t.deepEqual([...updated.json.rows].sort(), [
    ['u4', 'DI'],
    ['u5', 'ED'],
    ['u6', 'FI'],
  ]);
  t.is(database.documents('users')[4], '{"_id":"u5","name":"Ed","address":{"city":"ED"},"vip":true}');
  t.is(runSql(database, 'DELETE FROM users WHERE vip').rowsAffected, 4);
  t.is(database.documents('users').length, 2);
  const upserted = runSql(
    database,
    "INSERT INTO users (_id, name) VALUES ('u2', 'New'), ('u9', 'Nine') ON CONFLICT (_id) DO UPDATE SET name = users.name || '+' || excluded.name RETURNING name",
  );
  t.deepEqual([...upserted.json.rows].sort(), [['Bob+New'], ['Nine']]);
  t.is(runSql(database, "INSERT INTO users (_id) VALUES ('u9') ON CONFLICT DO NOTHING").rowsAffected, 0);
  t.is(runSql(database, 'INSERT INTO copies SELECT * FROM users').rowsAffected, 3);
  t.deepEqual(database.documents('copies'), database.documents('users'));
});

test('integers far beyond doubles are read, compared, grouped and cast', (t) => {
  const database = new MemoryDatabase(2);
  const huge = `1${'0'.repeat(400)}`;
  database.load('b', [`{"_id":"a","n":${huge}}`, `{"_id":"b","n":-${huge}}`, '{"_id":"c","n":5}']);
  t.deepEqual(runSql(database, 'SELECT _id FROM b WHERE n > 5').rows, [['a']]);
  t.deepEqual(runSql(database, 'SELECT _id FROM b ORDER BY n').rows, [['b'], ['c'], ['a']]);
  t.is(runSql(database, 'SELECT n, count(*) FROM b GROUP BY n').rows.length, 3);
  t.deepEqual(runSql(database, "SELECT n FROM b WHERE _id = 'a'").rows, [[BigInt(huge)]]);
  t.is(runSql(database, 'SELECT x.n FROM b x JOIN b y ON x.n = y.n').rows.length, 3);
});

test('halves of float8 round to even where they are cast, halves of numeric away from zero', (t) => {
  const { rows } = runSql(
    new MemoryDatabase(1),
    'SELECT x::float8::int, (x::float8 + 0)::int, CAST(sqrt(6.25::float8) AS int), x::int FROM (VALUES (2.5)) v (x)',
  );
  t.deepEqual(rows, [[2, 2, 2, 3]]);
});
