import test from 'ava';
import type { BoundQuery } from '../../../src/sql/algebra/statement.js';
import { database } from './support/database.js';
import { lines, planText, prepare } from './support/golden.js';
import {
  and,
  call,
  compare,
  type E,
  filter,
  inList,
  isNull,
  like,
  limit,
  not,
  or,
  param,
  query,
  sort,
  type Table,
  table,
  value,
} from './support/logical.js';

const MEMBERS = ['_id', 'user_id', 'status', 'total', 'created_at', 'email', '*'];
const orders = (): Table => table('orders', MEMBERS);

const shop = database({
  orders: {
    documents: 100_000,
    documentBytes: 256,
    indexes: {
      orders_user: { on: ['user_id', 'created_at desc'] },
      orders_active: { on: ['total'], where: "status = 'active'" },
      orders_created: { on: ['created_at'], include: ['total'] },
      orders_email: { on: ['(lower(email))'] },
      orders_building: { on: ['status'], state: 'building' },
    },
    fields: {
      user_id: { distinct: 1000 },
      status: {
        distinct: 3,
        common: [
          { value: 'done', fraction: 0.9 },
          { value: 'active', fraction: 0.05 },
        ],
      },
      total: { distinct: 5000, numberBounds: [0, 100, 200, 300, 400, 500] },
      created_at: { distinct: 90_000, textBounds: ['2020', '2021', '2022', '2023', '2024'] },
      email: { distinct: 50_000 },
    },
  },
});

function where(condition: (t: Table) => E, ...columns: string[]): BoundQuery {
  const t = orders();
  return query(
    filter(t.plan, condition(t)),
    ...(columns.length > 0 ? columns : ['*']).map((name) => t.col(name)),
  );
}

const planOf = (condition: (t: Table) => E, ...columns: string[]): string =>
  planText(where(condition, ...columns), shop);

test('a condition on a member without an index is a filter of a sequential scan', (t) => {
  t.is(
    planOf((o) => and(compare(o.col('status'), '=', 'done'), compare(o.col('total'), '>', 5))),
    lines`
      Seq Scan on orders
        Filter: ((status = 'done') AND (total > 5))`,
  );
});

test('_id is looked up, and its ranges are read in its order', (t) => {
  t.is(
    planOf((o) => compare(o.col('_id'), '=', 'a')),
    lines`
      Index Scan using orders_pkey on orders
        Index Cond: (_id = 'a')`,
  );
  t.is(
    planOf((o) => and(inList(o.col('_id'), 'a', 'b'), compare(o.col('total'), '>', 5))),
    lines`
      Index Scan using orders_pkey on orders
        Index Cond: (_id = ANY ('{a,b}'::text[]))
        Filter: (total > 5)`,
  );
  t.is(
    planOf((o) => and(compare(o.col('_id'), '>=', 'a'), compare(o.col('_id'), '<', param(0, 'text')))),
    lines`
      Index Scan using orders_pkey on orders
        Index Cond: ((_id >= 'a') AND (_id < $1))`,
  );
  const array: E = { kind: 'const', type: 'text[]', value: ['a', 'b'] };
  const prepared = prepare(
    where((o) => ({ kind: 'quantified', type: 'bool', operator: '=', all: false, arg: o.col('_id'), array })),
    shop,
  );
  t.is(prepared.root.kind === 'keyLookup' && prepared.root.keys.length, 2);
});

test('an index answers equalities of its first columns and a range of the next', (t) => {
  t.is(
    planOf((o) => and(compare(o.col('user_id'), '=', 'u'), compare(o.col('created_at'), '>', '2024'))),
    lines`
      Index Scan using orders_user on orders
        Index Cond: ((user_id = 'u') AND (created_at > '2024'))`,
  );
  t.is(
    planOf((o) => and(compare(param(0), '=', o.col('user_id')), compare(o.col('total'), '<', 5))),
    lines`
      Index Scan using orders_user on orders
        Index Cond: (user_id = $1)
        Filter: (total < 5)`,
  );
});

test('an IN list is several ranges, in the order of the index and each value once', (t) => {
  const { root } = prepare(
    where((o) =>
      and(inList(o.col('user_id'), 'b', 'a', null, 'b'), compare(o.col('created_at'), '>', '2020')),
    ),
    shop,
  );
  if (root.kind !== 'indexScan') return t.fail(root.kind);
  t.deepEqual(
    root.ranges.map(({ equals, lower }) => [equals, lower?.inclusive]),
    [
      [[{ kind: 'const', type: 'text', value: 'a' }], false],
      [[{ kind: 'const', type: 'text', value: 'b' }], false],
    ],
  );
});

test('ORs of equalities are an IN list, and NOT is pushed to the comparison', (t) => {
  t.is(
    planOf((o) => or(compare(o.col('user_id'), '=', 'a'), compare(o.col('user_id'), '=', 'b'))),
    lines`
      Index Scan using orders_user on orders
        Index Cond: (user_id = ANY ('{a,b}'::text[]))`,
  );
  t.is(
    planOf((o) => not(or(compare(o.col('total'), '>', 5), isNull(o.col('status'))))),
    lines`
      Seq Scan on orders
        Filter: ((total <= 5) AND (status IS NOT NULL))`,
  );
});

test('IS NULL is a range of an index', (t) => {
  t.is(
    planOf((o) => isNull(o.col('user_id'))),
    lines`
      Index Scan using orders_user on orders
        Index Cond: (user_id IS NULL)`,
  );
});

test('a partial index is used when the query implies its condition, and not otherwise', (t) => {
  t.is(
    planOf((o) => and(compare(o.col('status'), '=', 'active'), compare(o.col('total'), '>', 450))),
    lines`
      Index Scan using orders_active on orders
        Index Cond: (total > 450)`,
  );
  t.is(
    planOf((o) => and(compare(o.col('status'), '=', 'done'), compare(o.col('total'), '>', 499))),
    lines`
      Seq Scan on orders
        Filter: ((status = 'done') AND (total > 499))`,
  );
});

test('a comparison with a constant implies a weaker one and that the member is there', (t) => {
  const small = database({
    orders: {
      documents: 100_000,
      indexes: {
        large: { on: ['status'], where: 'total > 100' },
        named: { on: ['user_id'], where: 'email IS NOT NULL' },
      },
      fields: { status: { distinct: 1000 }, user_id: { distinct: 1000 } },
    },
  });
  const scan = (condition: (o: Table) => E): string => planText(where(condition), small).split('\n')[0];
  const status = (o: Table): E => compare(o.col('status'), '=', 'x');
  t.is(
    scan((o) => and(status(o), compare(o.col('total'), '>=', 150))),
    'Index Scan using large on orders',
  );
  t.is(
    scan((o) => and(status(o), inList(o.col('total'), 101, 150))),
    'Index Scan using large on orders',
  );
  t.is(
    scan((o) => and(status(o), compare(o.col('total'), '>=', 100))),
    'Seq Scan on orders',
  );
  t.is(
    scan((o) => and(compare(o.col('user_id'), '=', 'u'), compare(o.col('email'), '=', 'e'))),
    'Index Scan using named on orders',
  );
  t.is(
    scan((o) => compare(o.col('user_id'), '=', 'u')),
    'Seq Scan on orders',
  );
});

test('an expression index serves the same expression', (t) => {
  t.is(
    planOf((o) => compare(call('lower(text)', 'text', o.col('email')), '=', 'a@b')),
    lines`
      Index Scan using orders_email on orders
        Index Cond: (lower(email) = 'a@b')`,
  );
});

test('an index is enough by itself when it has all members that are asked for', (t) => {
  t.is(
    planOf((o) => compare(o.col('created_at'), '>', '2023-06'), 'total', 'created_at', '_id'),
    lines`
      Index Only Scan using orders_created on orders
        Index Cond: (created_at > '2023-06')`,
  );
  t.is(
    planText(
      where((o) => compare(o.col('created_at'), '>', '2023-06'), 'total'),
      shop,
      { enableIndexOnlyScan: false },
    ).split('\n')[0],
    'Seq Scan on orders',
  );
});

test('LIKE with a beginning is a range of texts unless other kinds may begin so', (t) => {
  t.is(
    planOf((o) => like(o.col('user_id'), 'user-12%')),
    lines`
      Index Scan using orders_user on orders
        Index Cond: (user_id ~~ 'user-12%')`,
  );
  t.is(
    planOf((o) => like(o.col('user_id'), 'user-1%x')),
    lines`
      Index Scan using orders_user on orders
        Index Cond: (user_id ~~ 'user-1%x')
        Filter: (user_id ~~ 'user-1%x')`,
  );
  // A number's text may begin with 12: the index has it among the numbers.
  t.is(planOf((o) => like(o.col('user_id'), '12%')).split('\n')[0], 'Seq Scan on orders');
});

test('a member that is compared with a time is not looked up: texts are cast for each document', (t) => {
  const now = call('now()', 'timestamptz');
  t.is(planOf((o) => and(compare(o.col('user_id'), '=', now))).split('\n')[0], 'Seq Scan on orders');
});

test('what the statistics say decides between an index and a scan', (t) => {
  const of = (fraction: number): string => {
    const own = database({
      orders: {
        documents: 100_000,
        indexes: { orders_status: { on: ['status'] } },
        fields: { status: { distinct: 2, common: [{ value: 'new', fraction }] } },
      },
    });
    return planText(
      where((o) => compare(o.col('status'), '=', 'new')),
      own,
    ).split('\n')[0];
  };
  t.is(of(0.01), 'Index Scan using orders_status on orders');
  t.is(of(0.6), 'Seq Scan on orders');
  const small = database({ orders: { documents: 3, indexes: { orders_status: { on: ['status'] } } } });
  const plan = planText(
    where((o) => compare(o.col('status'), '>', 'a')),
    small,
  ).split('\n')[0];
  t.is(plan, 'Seq Scan on orders');
});

test('an index that is being built, or that is switched off, is not read', (t) => {
  const status = where((o) => compare(o.col('status'), '=', 'rare'));
  t.is(planText(status, shop).split('\n')[0], 'Seq Scan on orders');
  const user = where((o) => compare(o.col('user_id'), '=', 'u'));
  t.is(planText(user, shop, { enableIndexScan: false }).split('\n')[0], 'Seq Scan on orders');
});

test('ORDER BY and LIMIT take their order from an index in either direction', (t) => {
  const o = orders();
  const of = (plan: E, ...keys: (E | readonly [E, 'desc'])[]): string =>
    planText(query(limit(sort(filter(o.plan, plan), ...keys), 10), o.col('*')), shop);
  const user = compare(o.col('user_id'), '=', 'u');
  const forward = lines`
    Limit
      ->  Index Scan using orders_user on orders
            Index Cond: (user_id = 'u')`;
  t.is(of(user, [o.col('created_at'), 'desc']), forward);
  t.is(of(user, o.col('user_id'), [o.col('created_at'), 'desc'], o.col('_id')), forward);
  t.is(
    of(user, o.col('created_at')),
    lines`
      Limit
        ->  Index Scan Backward using orders_user on orders
              Index Cond: (user_id = 'u')`,
  );
  t.is(
    of(user, o.col('total')),
    lines`
      Limit
        ->  Sort
              Sort Key: total
              ->  Index Scan using orders_user on orders
                    Index Cond: (user_id = 'u')`,
  );
});

test('ORDER BY _id needs no sort', (t) => {
  const o = orders();
  t.is(
    planText(query(limit(sort(o.plan, [o.col('_id'), 'desc'], o.col('total')), 10, 5), o.col('*')), shop),
    lines`
      Limit
        ->  Index Scan Backward using orders_pkey on orders`,
  );
  t.is(
    planText(query(sort(o.plan, o.col('_id')), o.col('*')), shop),
    'Index Scan using orders_pkey on orders',
  );
});

test('a member of a declared time type does not take its order from the index of its texts', (t) => {
  const o = table('orders', ['created_at timestamptz', '*']);
  t.is(
    planText(query(limit(sort(o.plan, o.col('created_at')), 10), o.col('*')), shop),
    lines`
      Limit
        ->  Sort
              Sort Key: created_at
              ->  Seq Scan on orders`,
  );
});

test('a condition that cannot be true reads nothing', (t) => {
  t.is(
    planOf((o) => and(compare(o.col('total'), '>', 5), compare(value(1), '=', 2))),
    lines`
      Result
        One-Time Filter: false`,
  );
});

test('constants are folded, and what fails is left to run time', (t) => {
  const sum = call('+(int8,int8)', 'int8', value(2), value(3));
  const failing = call('/(int8,int8)', 'int8', value(1), value(0));
  t.is(
    planOf((o) => and(compare(o.col('total'), '=', sum), compare(o.col('total'), '<>', failing))),
    lines`
      Seq Scan on orders
        Filter: ((total = 5) AND (total <> (1 / 0)))`,
  );
});
