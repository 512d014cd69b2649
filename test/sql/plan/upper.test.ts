import test from 'ava';
import type { LogicalPlan, Modification } from '../../../src/sql/algebra/logical.js';
import { shortPlan } from '../../../src/sql/plan/short-plan.js';
import { database } from './support/database.js';
import { lines, planText, prepare } from './support/golden.js';
import {
  aggregate,
  call,
  compare,
  filter,
  inList,
  join,
  limit,
  newId,
  param,
  project,
  query,
  sort,
  type Table,
  table,
  value,
} from './support/logical.js';

const shop = database({
  orders: {
    documents: 100_000,
    documentBytes: 256,
    indexes: { orders_user: { on: ['user_id', 'created_at desc'] } },
    fields: { user_id: { distinct: 1000 }, status: { distinct: 3 } },
  },
  users: { documents: 1000 },
});

const orders = (): Table => table('orders', ['_id', '#', '*', 'user_id', 'status', 'total', 'created_at']);

test('groups are hashed, and HAVING filters them', (t) => {
  const o = orders();
  const a = aggregate(
    o.plan,
    { status: o.col('status') },
    { n: ['count(*)'], mean: ['avg(any)', o.col('total')] },
  );
  t.is(
    planText(query(sort(filter(a.plan, compare(a.col('n'), '>', 5)), [a.col('mean'), 'desc'])), shop),
    lines`
      Sort
        Sort Key: (avg(total)) DESC
        ->  HashAggregate
              Group Key: status
              Filter: (count(*) > 5)
              ->  Seq Scan on orders`,
  );
});

test('a condition on a group key goes below the aggregate', (t) => {
  const o = orders();
  const a = aggregate(o.plan, { user: o.col('user_id') }, { total: ['sum(any)', o.col('total')] });
  t.is(
    planText(query(filter(a.plan, compare(a.col('user'), '=', 'u'))), shop),
    lines`
      GroupAggregate
        Group Key: user_id
        ->  Index Scan using orders_user on orders
              Index Cond: (user_id = 'u')`,
  );
});

test('large scans are aggregated in parts and the parts merged', (t) => {
  const o = orders();
  const of = (id: string): string => {
    const a = aggregate(o.plan, { status: o.col('status') }, { x: [id, o.col('total')] });
    return planText(query(a.plan), shop, { parallelWorkers: 4 });
  };
  t.is(
    of('sum(any)'),
    lines`
      Finalize HashAggregate
        Group Key: status
        ->  Gather
              Workers Planned: 4
              ->  Partial HashAggregate
                    Group Key: status
                    ->  Parallel Seq Scan on orders`,
  );
  t.notRegex(of('string_agg(text,text)'), /Partial/);
  const small = aggregate(table('users', []).plan, {}, { n: ['count(*)'] });
  t.is(planText(query(small.plan), shop, { parallelWorkers: 4 }).split('\n').length, 2);
});

test('the first rows of a large scan are found in parts and merged', (t) => {
  const o = orders();
  const plan = limit(sort(o.plan, [o.col('total'), 'desc']), 10, 5);
  const prepared = prepare(query(plan, o.col('_id')), shop, { parallelWorkers: 2 });
  t.is(
    planText(query(plan, o.col('_id')), shop, { parallelWorkers: 2 }),
    lines`
      Limit
        ->  Gather Merge
              Workers Planned: 2
              ->  Limit
                    ->  Sort
                          Sort Key: total DESC
                          ->  Parallel Seq Scan on orders`,
  );
  const gather = prepared.root.kind === 'limit' ? prepared.root.input : prepared.root;
  const part = gather.kind === 'gather' ? gather.input : gather;
  t.deepEqual(part.kind === 'topN' && [part.limit, part.offset], [
    { kind: 'const', type: 'int8', value: 15 },
    undefined,
  ]);
});

test('a filter with few results runs in parts; one with a subquery does not', (t) => {
  const o = orders();
  t.is(
    planText(query(filter(o.plan, compare(o.col('total'), '=', 7)), o.col('_id')), shop, {
      parallelWorkers: 4,
    }),
    lines`
      Gather
        Workers Planned: 4
        ->  Parallel Seq Scan on orders
              Filter: (total = 7)`,
  );
  const random = call('random()', 'float8');
  const volatile = filter(o.plan, compare(o.col('total'), '=', random));
  t.notRegex(planText(query(volatile, o.col('_id')), shop, { parallelWorkers: 4 }), /Gather/);
});

test('every thread builds the small side of a hash join for itself', (t) => {
  const [o, u] = [orders(), table('users', ['_id', 'city'])];
  const joined = join('inner', o.plan, u.plan, compare(o.col('user_id'), '=', u.col('_id')));
  const a = aggregate(joined, { city: u.col('city') }, { s: ['sum(any)', o.col('total')] });
  t.is(
    planText(query(a.plan), shop, { parallelWorkers: 4 }),
    lines`
      Finalize HashAggregate
        Group Key: users.city
        ->  Gather
              Workers Planned: 4
              ->  Partial HashAggregate
                    Group Key: users.city
                    ->  Hash Join
                          Hash Cond: (orders.user_id = users._id)
                          ->  Parallel Seq Scan on orders
                          ->  Hash
                                ->  Seq Scan on users`,
  );
});

test('min and max are the ends of an index', (t) => {
  const own = database({ orders: { documents: 100_000, indexes: { by_total: { on: ['total'] } } } });
  const o = table('orders', ['total']);
  const a = aggregate(o.plan, {}, { low: ['min(any)', o.col('total')], high: ['max(any)', o.col('total')] });
  t.is(
    planText(query(a.plan), own),
    lines`
      Result
        InitPlan 1 (returns $0)
          ->  Limit
                ->  Index Only Scan using by_total on orders
                      Index Cond: (orders.total IS NOT NULL)
        InitPlan 2 (returns $1)
          ->  Limit
                ->  Index Only Scan Backward using by_total on orders
                      Index Cond: (orders.total IS NOT NULL)`,
  );
  t.is(planText(query(a.plan), shop).split('\n')[0], 'Aggregate');
});

test('DISTINCT over all columns is a group of them; DISTINCT ON keeps the first of each', (t) => {
  const o = orders();
  const p = project(o.plan, { status: o.col('status') });
  const columns = p.plan.columns;
  const plain: LogicalPlan = { kind: 'distinct', input: p.plan, on: [p.col('status')], columns };
  t.is(
    planText(query(plain), shop),
    lines`
      HashAggregate
        Group Key: status
        ->  Seq Scan on orders`,
  );
  const sorted = sort(o.plan, o.col('status'), [o.col('total'), 'desc']);
  const on: LogicalPlan = { kind: 'distinct', input: sorted, on: [o.col('status')], columns: sorted.columns };
  t.is(
    planText(query(on, o.col('status'), o.col('_id')), shop),
    lines`
      Unique
        ->  Sort
              Sort Key: status, total DESC
              ->  Seq Scan on orders`,
  );
});

test('conditions reach both sides of a set operation', (t) => {
  const [o, u] = [orders(), table('users', ['_id'])];
  const id = newId();
  const left = project(o.plan, { a: o.col('user_id') }).plan;
  const right = project(u.plan, { b: u.col('_id') }).plan;
  const of = (operation: 'union' | 'except', all: boolean): string => {
    const set: LogicalPlan = { kind: 'setOperation', operation, all, left, right, columns: [id] };
    const column = { kind: 'column', type: 'any', id, name: 'a' } as const;
    return planText(query(filter(set, compare(column, '=', 'u7'))), shop);
  };
  t.is(
    of('union', true),
    lines`
      Append
        ->  Index Only Scan using orders_user on orders
              Index Cond: (orders.user_id = 'u7')
        ->  Index Scan using users_pkey on users
              Index Cond: (users._id = 'u7')`,
  );
  t.regex(of('union', false), /^HashAggregate\n {2}Group Key: orders.user_id\n {2}-> {2}Append/);
  t.regex(of('except', false), /^HashSetOp Except\n/);
});

test('a recursive query reads its own rows of the last round', (t) => {
  const [first, scan, again] = [newId(), newId(), newId()];
  const cte = (id: number): LogicalPlan => ({
    kind: 'cteScan',
    cte: 1,
    name: 'n',
    alias: 'n',
    columns: [id],
  });
  const column = { kind: 'column', type: 'int8', id: again, name: 'n' } as const;
  const next = project(filter(cte(again), compare(column, '<', 10)), {
    n: call('+(int8,int8)', 'int8', column, value(1)),
  });
  const whole: LogicalPlan = {
    kind: 'with',
    definitions: [
      {
        cte: 1,
        name: 'n',
        materialized: 'default',
        plan: { kind: 'values', rows: [[value(1)]], columns: [first] },
        recursive: { plan: next.plan, all: true },
      },
    ],
    input: cte(scan),
    columns: [scan],
  };
  t.is(
    planText(query(whole), shop),
    lines`
      CTE Scan on n
        CTE n
          ->  Recursive Union
                ->  Result
                ->  WorkTable Scan on n
                      Filter: (n.column1 < 10)`,
  );
});

test('a condition on what a window partitions by goes below it, one on its result does not', (t) => {
  const o = orders();
  const id = newId();
  const rank = { kind: 'column', type: 'int8', id, name: 'rank' } as const;
  const window: LogicalPlan = {
    kind: 'window',
    input: o.plan,
    calls: [
      {
        id,
        call: {
          function: 'row_number()',
          isAggregate: false,
          type: 'int8',
          args: [],
          partitionBy: [o.col('user_id')],
          orderBy: [{ expression: o.col('total'), descending: true, nullsFirst: true }],
          frame: {
            mode: 'range',
            start: { kind: 'unboundedPreceding' },
            end: { kind: 'currentRow' },
            exclude: 'none',
          },
        },
      },
    ],
    columns: [...o.plan.columns, id],
  };
  const both = filter(filter(window, compare(rank, '<=', 3)), compare(o.col('user_id'), '=', 'u'));
  t.is(
    planText(query(both, o.col('_id')), shop, {}, { verbose: true }),
    lines`
      Subquery Scan
        Output: orders._id, orders.user_id, orders.total, (row_number() OVER (?))
        Filter: ((row_number() OVER (?)) <= 3)
        ->  WindowAgg
              Output: orders._id, orders.user_id, orders.total, (row_number() OVER (?))
              ->  Index Scan using orders_user on orders
                    Output: orders._id, orders.user_id, orders.total
                    Index Cond: (orders.user_id = 'u')`,
  );
});

function modify(modification: Modification): LogicalPlan {
  return { kind: 'modify', modification, returning: [], columns: [] };
}

test('writes read what they need and say where they find it', (t) => {
  const o = orders();
  const key = o.col('_id').id;
  const seqno = o.col('#').id;
  const update = modify({
    kind: 'update',
    collection: 'orders',
    target: [],
    source: filter(o.plan, compare(o.col('user_id'), '=', 'u')),
    key,
    seqno,
    document: o.col('*').id,
    assignments: [{ path: ['total'], expression: call('+(int8,int8)', 'int8', o.col('total'), value(1)) }],
  });
  const { root } = prepare(query(update), shop);
  if (root.kind !== 'modify' || root.modification.kind !== 'update') return t.fail(root.kind);
  const names = (place: number): unknown =>
    root.input.kind === 'indexScan' && root.input.fields[place].source.kind;
  const { key: k, seqno: s, document: d } = root.modification;
  t.deepEqual([k, s, d].map(names), ['member', 'seqno', 'document']);
  const remove = modify({
    kind: 'delete',
    collection: 'orders',
    target: [],
    source: filter(o.plan, inList(o.col('_id'), 'a', 'b')),
    key,
    seqno,
  });
  t.is(
    planText(query(remove), shop),
    lines`
      Delete on orders
        ->  Index Scan using orders_pkey on orders
              Index Cond: (_id = ANY ('{a,b}'::text[]))`,
  );
  const insert = modify({
    kind: 'insert',
    collection: 'orders',
    target: [],
    source: { kind: 'values', rows: [[value('a')], [value('b')]], columns: [newId()] },
    members: [['_id']],
    onConflict: { kind: 'nothing' },
  });
  t.is(
    planText(query(insert), shop),
    lines`
      Insert on orders
        Conflict Resolution: NOTHING
        ->  Values Scan on "*VALUES*"`,
  );
});

test('short plans are those that are certain to read little', (t) => {
  const o = orders();
  const isShort = (plan: LogicalPlan): boolean => shortPlan(prepare(query(plan, o.col('*')), shop));
  t.true(isShort(filter(o.plan, compare(o.col('_id'), '=', param(0)))));
  t.true(
    isShort(
      limit(sort(filter(o.plan, compare(o.col('user_id'), '=', 'u')), [o.col('created_at'), 'desc']), 10),
    ),
  );
  t.true(isShort(limit(o.plan, 10)));
  t.false(isShort(o.plan));
  t.false(isShort(limit(filter(o.plan, compare(o.col('total'), '=', 5)), 10)));
  t.false(isShort(limit(sort(o.plan, o.col('total')), 10)));
  t.false(isShort(limit(o.plan, param(0))));
});

test('ON CONFLICT reads the document that is there, and what could not be inserted, behind each other', (t) => {
  const [after, there, refused] = [
    table('orders', ['_id']),
    table('orders', ['total']),
    table('orders', ['total']),
  ];
  const fieldsOf = (own: Table) => (own.plan.kind === 'scan' ? own.plan.fields : []);
  const [there_, refused_] = [there.col('total'), refused.col('total')];
  const id = newId();
  const insert: LogicalPlan = {
    kind: 'modify',
    modification: {
      kind: 'insert',
      collection: 'orders',
      target: fieldsOf(after),
      source: { kind: 'values', rows: [[value('a'), value(1)]], columns: [newId(), newId()] },
      members: [['_id'], ['total']],
      onConflict: {
        kind: 'update',
        excluded: fieldsOf(refused),
        existing: fieldsOf(there),
        assignments: [{ path: ['total'], expression: call('+(int8,int8)', 'int8', there_, refused_) }],
        where: compare(there_, '<', refused_),
      },
    },
    returning: [{ id, name: '_id', expression: after.col('_id') }],
    columns: [id],
  };
  const { root } = prepare(query(insert), shop);
  if (root.kind !== 'modify' || root.modification.kind !== 'insert') return t.fail(root.kind);
  const { onConflict } = root.modification;
  if (onConflict?.kind !== 'update') return t.fail();
  t.deepEqual(
    root.target.map(({ name }) => name),
    ['_id', 'total'],
  );
  const places = (expression: unknown): string[] => JSON.stringify(expression).match(/"index":\d/g) ?? [];
  t.deepEqual(places(onConflict.where), ['"index":1', '"index":2']);
  t.deepEqual(places(onConflict.assignments), ['"index":1', '"index":2']);
  t.deepEqual(places(root.returning), ['"index":0']);
});
