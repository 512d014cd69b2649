import test from 'ava';
import type { LogicalPlan } from '../../../src/sql/algebra/logical.js';
import { database } from './support/database.js';
import { lines, planText } from './support/golden.js';
import {
  aggregate,
  and,
  compare,
  type E,
  filter,
  isNull,
  join,
  limit,
  newId,
  not,
  project,
  query,
  sort,
  subquery,
  type Table,
  table,
} from './support/logical.js';

const shop = database({
  orders: {
    documents: 100_000,
    documentBytes: 256,
    indexes: { orders_user: { on: ['user_id', 'created_at desc'] }, orders_created: { on: ['created_at'] } },
    fields: { user_id: { distinct: 1000 }, created_at: { distinct: 90_000 } },
  },
  users: { documents: 1000, fields: { city: { distinct: 20 } } },
});

const orders = (): Table => table('orders', ['_id', 'user_id', 'total', 'created_at', '*'], 'o');
const users = (): Table => table('users', ['_id', 'email', 'city'], 'u');
const onUser = (o: Table, u: Table): E => compare(o.col('user_id'), '=', u.col('_id'));

test('a hash join builds its table of the smaller side', (t) => {
  const [o, u] = [orders(), users()];
  const golden = lines`
    Hash Join
      Hash Cond: (o.user_id = u._id)
      ->  Seq Scan on orders o
      ->  Hash
            ->  Seq Scan on users u`;
  for (const sides of [
    [o, u],
    [u, o],
  ]) {
    const joined = join('inner', sides[0].plan, sides[1].plan, onUser(o, u));
    t.is(planText(query(joined, o.col('total'), u.col('email')), shop), golden);
  }
});

test('few rows on one side are joined by an index of the other', (t) => {
  const [o, u] = [orders(), users()];
  const joined = join('inner', o.plan, u.plan, onUser(o, u));
  t.is(
    planText(
      query(filter(joined, compare(u.col('city'), '=', 'Rome')), o.col('total'), u.col('email')),
      shop,
    ),
    lines`
      Nested Loop
        ->  Seq Scan on users u
              Filter: (u.city = 'Rome')
        ->  Index Scan using orders_user on orders o
              Index Cond: (o.user_id = u._id)`,
  );
  t.is(
    planText(query(filter(joined, compare(o.col('_id'), '=', 'o1')), o.col('total'), u.col('email')), shop),
    lines`
      Nested Loop
        ->  Index Scan using orders_pkey on orders o
              Index Cond: (o._id = 'o1')
        ->  Index Scan using users_pkey on users u
              Index Cond: (u._id = o.user_id)`,
  );
});

test('a join without equality compares all with all', (t) => {
  const [a, b] = [users(), table('users', ['_id', 'city'], 'v')];
  const condition = compare(a.col('city'), '<', b.col('city'));
  t.is(
    planText(query(join('inner', a.plan, b.plan, condition), a.col('email')), shop),
    lines`
      Nested Loop
        Join Filter: (u.city < v.city)
        ->  Seq Scan on users u
        ->  Seq Scan on users v`,
  );
});

test('texts and times are not hashed together: their equality casts', (t) => {
  const [a, b] = [table('users', ['at timestamptz'], 'a'), table('users', ['at'], 'b')];
  const plan = planText(query(join('inner', a.plan, b.plan, compare(a.col('at'), '=', b.col('at')))), shop);
  t.is(plan.split('\n')[0], 'Nested Loop');
});

test('an outer join keeps its kind unless a condition above rejects its missing rows', (t) => {
  const [o, u] = [orders(), users()];
  const outer = join('left', u.plan, o.plan, onUser(o, u));
  const first = (plan: LogicalPlan): string =>
    planText(query(plan, o.col('total'), u.col('email')), shop).split('\n')[0];
  t.is(first(outer), 'Hash Right Join');
  t.is(first(filter(outer, isNull(o.col('total')))), 'Hash Right Join');
  t.is(first(filter(outer, compare(o.col('total'), '>', 5))), 'Hash Join');
  t.is(first(filter(outer, isNull(o.col('total'), true))), 'Hash Join');
  const full = join('full', u.plan, o.plan, onUser(o, u));
  t.is(first(full), 'Hash Full Join');
  t.is(first(filter(full, compare(u.col('city'), '=', 'x'))), 'Nested Loop Left Join');
});

test('conditions of an outer join go only to the side that may miss', (t) => {
  const [o, u] = [orders(), users()];
  const on = and(onUser(o, u), compare(o.col('total'), '>', 5), compare(u.col('city'), '=', 'Rome'));
  t.is(
    planText(query(join('left', u.plan, o.plan, on), o.col('total'), u.col('email')), shop, {
      enableIndexNestedLoop: false,
    }),
    lines`
      Hash Right Join
        Hash Cond: (o.user_id = u._id)
        Join Filter: (u.city = 'Rome')
        ->  Seq Scan on orders o
              Filter: (o.total > 5)
        ->  Hash
              ->  Seq Scan on users u`,
  );
});

test('EXISTS and NOT EXISTS are a semi and an anti join', (t) => {
  const [o, u] = [orders(), users()];
  const exists = subquery('exists', filter(o.plan, onUser(o, u)));
  const golden = (kind: string): string => lines`
    Nested Loop ${kind} Join
      ->  Seq Scan on users u
      ->  Index Only Scan using orders_user on orders o
            Index Cond: (o.user_id = u._id)`;
  t.is(planText(query(filter(u.plan, exists), u.col('email')), shop), golden('Semi'));
  t.is(planText(query(filter(u.plan, not(exists)), u.col('email')), shop), golden('Anti'));
});

test('IN over few rows looks each of their values up once', (t) => {
  const [o, u] = [orders(), users()];
  const rome = project(filter(u.plan, compare(u.col('city'), '=', 'Rome')), { id: u.col('_id') });
  t.is(
    planText(query(filter(o.plan, subquery('any', rome.plan, o.col('user_id'))), o.col('total')), shop),
    lines`
      Nested Loop
        ->  HashAggregate
              Group Key: u._id
              ->  Seq Scan on users u
                    Filter: (u.city = 'Rome')
        ->  Index Scan using orders_user on orders o
              Index Cond: (o.user_id = u._id)`,
  );
});

test('NOT IN is an anti join only where no comparison can be NULL', (t) => {
  const [o, u] = [orders(), users()];
  const ids = project(u.plan, { id: u.col('_id') }).plan;
  t.is(
    planText(query(filter(o.plan, subquery('all', ids, o.col('user_id'))), o.col('total')), shop),
    lines`
      Seq Scan on orders o
        Filter: (NOT (hashed SubPlan 1))
        SubPlan 1
          ->  Seq Scan on users u`,
  );
  t.is(
    planText(query(filter(o.plan, not(subquery('any', ids, o.col('_id')))), o.col('total')), shop),
    lines`
      Hash Anti Join
        Hash Cond: (o._id = u._id)
        ->  Seq Scan on orders o
        ->  Hash
              ->  Seq Scan on users u`,
  );
});

test('a scalar subquery runs once, a correlated one for each row', (t) => {
  const [o, p, u] = [orders(), orders(), users()];
  const mean = aggregate(p.plan, {}, { mean: ['avg(any)', p.col('total')] });
  t.is(
    planText(
      query(filter(o.plan, compare(o.col('total'), '>', subquery('scalar', mean.plan))), o.col('_id')),
      shop,
    ),
    lines`
      Seq Scan on orders o
        Filter: (o.total > $0)
        InitPlan 1 (returns $0)
          ->  Aggregate
                ->  Seq Scan on orders o`,
  );
  const own = aggregate(filter(o.plan, onUser(o, u)), {}, { n: ['count(*)'] });
  const counted = project(u.plan, { email: u.col('email'), n: subquery('scalar', own.plan) });
  t.is(
    planText(query(counted.plan), shop),
    lines`
      Seq Scan on users u
        SubPlan 1
          ->  Aggregate
                ->  Index Only Scan using orders_user on orders o
                      Index Cond: (o.user_id = u._id)`,
  );
});

test('a lateral subquery takes its columns from each left row', (t) => {
  const [o, u] = [orders(), users()];
  const last = limit(sort(filter(o.plan, onUser(o, u)), [o.col('created_at'), 'desc']), 3);
  t.is(
    planText(query(join('cross', u.plan, last, undefined, true), u.col('email'), o.col('total')), shop),
    lines`
      Nested Loop
        ->  Seq Scan on users u
        ->  Limit
              ->  Index Scan using orders_user on orders o
                    Index Cond: (o.user_id = u._id)`,
  );
});

test('the first rows of a join in the order of an index are joined one by one', (t) => {
  const [o, u] = [orders(), users()];
  const joined = join('inner', o.plan, u.plan, onUser(o, u));
  t.is(
    planText(
      query(limit(sort(joined, [o.col('created_at'), 'desc']), 10), o.col('total'), u.col('email')),
      shop,
    ),
    lines`
      Limit
        ->  Nested Loop
              ->  Index Scan Backward using orders_created on orders o
              ->  Index Scan using users_pkey on users u
                    Index Cond: (u._id = o.user_id)`,
  );
});

test('the order of many joins starts where the rows are few', (t) => {
  for (const count of [4, 8, 11]) {
    const tables = Array.from({ length: count }, (_, i) => table('users', ['_id', 'email', 'city'], `u${i}`));
    const chain = tables
      .slice(1)
      .reduce(
        (plan, own, i) => join('inner', plan, own.plan, compare(tables[i].col('city'), '=', own.col('_id'))),
        tables[0].plan,
      );
    const plan = planText(
      query(filter(chain, compare(tables[0].col('_id'), '=', 'x')), tables[0].col('email')),
      shop,
    );
    t.is(plan.split('Nested Loop').length - 1, count - 1, plan);
    t.regex(plan.split('\n').find((line) => !line.includes('Nested Loop')) ?? '', /users_pkey on users u0/);
  }
});

test('relations that nothing ties together are crossed last', (t) => {
  const [o, u, v] = [orders(), users(), table('users', ['email'], 'v')];
  const crossed = join('cross', join('cross', o.plan, v.plan), u.plan);
  const plan = planText(query(filter(crossed, onUser(o, u)), o.col('total'), v.col('email')), shop);
  t.true(plan.startsWith('Nested Loop\n'), plan);
  t.regex(plan, /Hash Cond: \(o\.user_id = u\._id\)/);
});

test('WITH that is used once is part of the query, MATERIALIZED is not', (t) => {
  const [o, u] = [orders(), users()];
  const recent = project(filter(o.plan, compare(o.col('created_at'), '>', '2024')), {
    user: o.col('user_id'),
    total: o.col('total'),
  });
  const [id, total] = [newId(), newId()];
  const scan: LogicalPlan = {
    kind: 'cteScan',
    cte: 1,
    name: 'recent',
    alias: 'recent',
    columns: [id, total],
  };
  const user = { kind: 'column', type: 'any', id, name: 'user' } as const;
  const joined = join('inner', scan, u.plan, compare(user, '=', u.col('_id')));
  const plan = (materialized: 'default' | 'always'): string => {
    const definitions = [{ cte: 1, name: 'recent', materialized, plan: recent.plan }];
    const whole: LogicalPlan = { kind: 'with', definitions, input: joined, columns: joined.columns };
    return planText(query(whole, u.col('email'), { ...user, id: total }), shop);
  };
  t.is(
    plan('default'),
    lines`
      Hash Join
        Hash Cond: (o.user_id = u._id)
        ->  Seq Scan on orders o
              Filter: (o.created_at > '2024')
        ->  Hash
              ->  Seq Scan on users u`,
  );
  t.is(
    plan('always'),
    lines`
      Hash Join
        Hash Cond: (recent.user_id = u._id)
        CTE recent
          ->  Seq Scan on orders o
                Filter: (o.created_at > '2024')
        ->  CTE Scan on recent
        ->  Hash
              ->  Seq Scan on users u`,
  );
});

test('subqueries inside of subqueries are planned once each, however many ways there are to read a scan', (t) => {
  let inner: E = compare(orders().col('total'), '=', 1);
  for (let depth = 0; depth < 25; depth++) {
    const o = orders();
    // A limit and a comparison with its value keep the planner from making joins of them.
    const plan = limit(
      project(filter(o.plan, and(compare(o.col('total'), '>', depth), inner)), { v: o.col('total') }).plan,
      1,
    );
    inner = compare(subquery('scalar', plan), '=', depth);
    if (depth === 0)
      inner = compare(subquery('scalar', limit(project(o.plan, { v: o.col('total') }).plan, 1)), '=', 0);
  }
  const o = orders();
  const started = process.hrtime.bigint();
  t.regex(planText(query(filter(o.plan, inner), o.col('_id')), shop), /InitPlan 25/);
  t.true(process.hrtime.bigint() - started < 5_000_000_000n);
});

test('many conditions with EXISTS, side by side and inside of each other, are planned in a moment', (t) => {
  const u = users();
  const exists = (depth: number, outer: Table): E => {
    const o = orders();
    const tied = compare(o.col('user_id'), '=', outer.col('_id'));
    return subquery('exists', filter(o.plan, depth === 0 ? tied : and(tied, exists(depth - 1, o))));
  };
  const started = process.hrtime.bigint();
  const beside = and(...Array.from({ length: 30 }, () => exists(0, u)));
  t.is(planText(query(filter(u.plan, beside), u.col('email')), shop).split(' Join').length - 1 >= 29, true);
  const inside = exists(20, u);
  t.notThrows(() => planText(query(filter(u.plan, inside), u.col('email')), shop));
  t.true(process.hrtime.bigint() - started < 5_000_000_000n);
});
