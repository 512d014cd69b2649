import test from 'ava';
import type { PhysicalPlan, PreparedQuery } from '../../../src/sql/algebra/physical.js';
import type { ExplainOptions } from '../../../src/sql/algebra/statement.js';
import {
  emptyNodeCounters,
  mergeQueryCounters,
  type NodeCounters,
  type QueryCounters,
} from '../../../src/sql/explain/counters.js';
import { explainJson, explainText } from '../../../src/sql/explain/explain.js';
import { database } from '../plan/support/database.js';
import { lines, prepare } from '../plan/support/golden.js';
import { aggregate, and, compare, filter, join, limit, query, sort, table } from '../plan/support/logical.js';

const ANALYZE: ExplainOptions = {
  analyze: true,
  verbose: false,
  costs: true,
  timing: true,
  buffers: false,
  summary: true,
  format: 'text',
};

const shop = database({
  orders: { documents: 10_000, fields: { user_id: { distinct: 80 } } },
  users: { documents: 100 },
});

const counted = (of: Partial<NodeCounters>): NodeCounters => ({ ...emptyNodeCounters(), loops: 1, ...of });

function manualsQuery(): PreparedQuery {
  const o = table('orders', ['user_id', 'created_at', '*']);
  const condition = and(
    compare(o.col('user_id'), '=', 'user-123'),
    compare(o.col('created_at'), '>', '2024-01-01'),
  );
  return prepare(query(filter(o.plan, condition), o.col('*')), shop);
}

const manualsCounters: QueryCounters = {
  nodes: [
    counted({
      rows: 118,
      startupMicros: 15,
      totalMicros: 12_345,
      rowsRemovedByFilter: 9882,
      shards: [
        { shard: 0, rows: 5000, micros: 412, blocksHit: 12, blocksRead: 0 },
        { shard: 1, rows: 5000, micros: 398.5, blocksHit: 9, blocksRead: 3 },
      ],
    }),
  ],
  planningMicros: 125,
  executionMicros: 12_456,
};

test("the manual's example has its shape, with a line for each shard", (t) => {
  const text = explainText(manualsQuery(), manualsCounters, ANALYZE);
  t.regex(
    text[0],
    /^Seq Scan on orders {2}\(cost=0\.00\.\.\d+\.\d\d rows=\d+ width=\d+\) \(actual time=0\.015\.\.12\.345 rows=118 loops=1\)$/,
  );
  t.deepEqual(text.slice(1), [
    "  Filter: ((user_id = 'user-123') AND (created_at > '2024-01-01'))",
    '  Rows Removed by Filter: 9882',
    '  Shard 0: rows=5000 time=0.412 ms blocks hit=12 read=0',
    '  Shard 1: rows=5000 time=0.399 ms blocks hit=9 read=3',
    'Planning Time: 0.125 ms',
    'Execution Time: 12.456 ms',
  ]);
});

test('without ANALYZE there are only costs, and options take parts away', (t) => {
  const prepared = manualsQuery();
  const plain = explainText(prepared, undefined, { ...ANALYZE, analyze: false });
  t.is(plain.length, 2);
  t.notRegex(plain[0], /actual/);
  t.is(
    explainText(prepared, undefined, { ...ANALYZE, analyze: false, costs: false })[0],
    'Seq Scan on orders',
  );
  const noTime = explainText(prepared, manualsCounters, {
    ...ANALYZE,
    costs: false,
    timing: false,
    summary: false,
  });
  t.deepEqual(noTime, [
    'Seq Scan on orders (actual rows=118 loops=1)',
    "  Filter: ((user_id = 'user-123') AND (created_at > '2024-01-01'))",
    '  Rows Removed by Filter: 9882',
    '  Shard 0: rows=5000 blocks hit=12 read=0',
    '  Shard 1: rows=5000 blocks hit=9 read=3',
  ]);
});

test('VERBOSE has the output of each node', (t) => {
  const text = explainText(manualsQuery(), undefined, {
    ...ANALYZE,
    analyze: false,
    costs: false,
    verbose: true,
  });
  t.deepEqual(text, [
    'Seq Scan on orders',
    '  Output: orders.*, orders.user_id, orders.created_at',
    "  Filter: ((orders.user_id = 'user-123') AND (orders.created_at > '2024-01-01'))",
  ]);
});

/** Counters by the kind of the node, wherever it is. */
function countersFor(prepared: PreparedQuery, byKind: Readonly<Record<string, NodeCounters>>): QueryCounters {
  const nodes: (NodeCounters | undefined)[] = [];
  const visit = (plan: PhysicalPlan): void => {
    nodes[plan.id] = byKind[plan.kind];
    for (const key of ['input', 'left', 'right'] as const) {
      const below = (plan as unknown as Record<string, PhysicalPlan | undefined>)[key];
      if (below !== undefined) visit(below);
    }
  };
  visit(prepared.root);
  return { nodes, planningMicros: 0, executionMicros: 0 };
}

test('a top-N prints as a limit over a sort with its method and memory', (t) => {
  const o = table('orders', ['total', '*']);
  const prepared = prepare(query(limit(sort(o.plan, [o.col('total'), 'desc']), 10), o.col('*')), shop);
  const counters = countersFor(prepared, {
    topN: counted({ rows: 10, startupMicros: 3000, totalMicros: 3001, memoryBytes: 25_000 }),
    seqScan: counted({ rows: 10_000, startupMicros: 1, totalMicros: 2000 }),
  });
  t.is(
    explainText(prepared, counters, { ...ANALYZE, costs: false, summary: false }).join('\n'),
    lines`
      Limit (actual time=3.000..3.001 rows=10 loops=1)
        ->  Sort (actual time=3.000..3.001 rows=10 loops=1)
              Sort Key: total DESC
              Sort Method: top-N heapsort  Memory: 25kB
              ->  Seq Scan on orders (actual time=0.001..2.000 rows=10000 loops=1)`,
  );
});

test('times and rows are per loop, and what never ran says so', (t) => {
  const o = table('orders', ['user_id', 'total'], 'o');
  const u = table('users', ['_id', 'city'], 'u');
  const joined = join('inner', o.plan, u.plan, compare(o.col('user_id'), '=', u.col('_id')));
  const small = filter(joined, compare(o.col('total'), '=', 7));
  const prepared = prepare(query(small, u.col('city')), shop, { enableHashJoin: false });
  const counters = countersFor(prepared, {
    nestedLoop: counted({ rows: 40, startupMicros: 10, totalMicros: 900 }),
    seqScan: counted({ rows: 40, startupMicros: 5, totalMicros: 600, rowsRemovedByFilter: 9960 }),
    keyLookup: counted({ rows: 40, loops: 40, startupMicros: 80, totalMicros: 120 }),
  });
  const options = { ...ANALYZE, costs: false, summary: false };
  t.is(
    explainText(prepared, counters, options).join('\n'),
    lines`
      Nested Loop (actual time=0.010..0.900 rows=40 loops=1)
        ->  Seq Scan on orders o (actual time=0.005..0.600 rows=40 loops=1)
              Filter: (o.total = 7)
              Rows Removed by Filter: 9960
        ->  Index Scan using users_pkey on users u (actual time=0.002..0.003 rows=1 loops=40)
              Index Cond: (u._id = o.user_id)`,
  );
  const nothing = { ...counters, nodes: counters.nodes.map((node, i) => (i === 0 ? node : undefined)) };
  t.regex(explainText(prepared, nothing, options).join('\n'), /users_pkey on users u \(never executed\)/);
});

test("FORMAT JSON has PostgreSQL's keys", (t) => {
  const o = table('orders', ['user_id', 'total']);
  const a = aggregate(o.plan, { user: o.col('user_id') }, { n: ['count(*)'] });
  const prepared = prepare(query(sort(filter(a.plan, compare(a.col('n'), '>', 1)), a.col('n'))), shop);
  const [{ Plan: plan }] = explainJson(prepared, undefined, { ...ANALYZE, analyze: false, format: 'json' });
  t.is(plan['Node Type'], 'Sort');
  t.deepEqual(plan['Sort Key'], ['(count(*))']);
  const [group] = plan['Plans'] as Record<string, unknown>[];
  t.is(group['Node Type'], 'Aggregate');
  t.is(group['Strategy'], 'Hashed');
  t.is(group['Partial Mode'], 'Simple');
  t.is(group['Parent Relationship'], 'Outer');
  t.deepEqual(group['Group Key'], ['user_id']);
  t.is(group['Filter'], '(count(*) > 1)');
  const [scan] = group['Plans'] as Record<string, unknown>[];
  t.is(scan['Relation Name'], 'orders');
  t.is(scan['Plan Rows'], 10_000);
  const [analyzed] = explainJson(manualsQuery(), manualsCounters, { ...ANALYZE, format: 'json' });
  t.is(analyzed['Planning Time'], 0.125);
  t.is(analyzed.Plan['Actual Rows'], 118);
  t.is(analyzed.Plan['Rows Removed by Filter'], 9882);
  t.deepEqual((analyzed.Plan['Shards'] as unknown[])[1], {
    Shard: 1,
    Rows: 5000,
    Time: 0.399,
    'Blocks Hit': 9,
    'Blocks Read': 3,
  });
  t.notThrows(() => JSON.stringify(analyzed));
});

test('counters of several threads are added node by node and shard by shard', (t) => {
  const into: QueryCounters = { nodes: [counted({ rows: 1 })], planningMicros: 5, executionMicros: 7 };
  const shard = (number: number, rows: number) => ({
    shard: number,
    rows,
    micros: 1,
    blocksHit: 1,
    blocksRead: 0,
  });
  const own = { ...into.nodes[0], shards: [shard(1, 2)] } as NodeCounters;
  const other = counted({ rows: 2, shards: [shard(0, 4), shard(1, 3)], memoryBytes: 10 });
  into.nodes[0] = own;
  mergeQueryCounters(into, { nodes: [other, counted({ rows: 9 })], planningMicros: 1, executionMicros: 1 });
  t.is(into.nodes[0]?.rows, 3);
  t.is(into.nodes[0]?.loops, 2);
  t.is(into.nodes[1]?.rows, 9);
  t.is(into.executionMicros, 7);
  t.deepEqual(
    into.nodes[0]?.shards?.map(({ shard: number, rows, blocksHit }) => [number, rows, blocksHit]),
    [
      [0, 4, 1],
      [1, 5, 2],
    ],
  );
});
