import test from 'ava';
import { createPrng, type Prng } from '../../../src/base/prng.js';
import type { Expression, WindowFrame } from '../../../src/sql/algebra/expression.js';
import type { JoinKind } from '../../../src/sql/algebra/logical.js';
import type { PhysicalPlan } from '../../../src/sql/algebra/physical.js';
import { executeFragment } from '../../../src/sql/execute/execute.js';
import { RowDecoder, RowEncoder } from '../../../src/sql/execute/row-codec.js';
import type { FragmentRunner } from '../../../src/sql/execute/source.js';
import type { Row } from '../../../src/sql/types/values.js';
import { MemoryDatabase } from '../support/memory-database.js';
import {
  aggregateCall,
  ascending,
  compare,
  constant,
  descending,
  environmentOf,
  member,
  node,
  outer,
  rowsOf,
  scan,
  slot,
  valuesOf,
  wholeDocument,
} from '../support/plan-builder.js';

interface Order {
  readonly _id: string;
  readonly user?: string | null;
  readonly amount?: number | string;
  readonly n?: number;
}

function randomOrders(prng: Prng, count: number): Order[] {
  return Array.from({ length: count }, (_, i) => ({
    _id: `o${String(i).padStart(4, '0')}`,
    ...(prng.nextBelow(8) === 0 ? {} : { user: prng.nextBelow(10) === 0 ? null : `u${prng.nextBelow(6)}` }),
    ...(prng.nextBelow(9) === 0
      ? {}
      : { amount: prng.nextBelow(12) === 0 ? 'none' : prng.nextBelow(40) / 4 }),
    n: prng.nextBelow(5),
  }));
}

function shop(seed = 1): {
  database: MemoryDatabase;
  orders: Order[];
  users: { _id: string; name: string }[];
} {
  const database = new MemoryDatabase(3);
  const orders = randomOrders(createPrng(seed), 300);
  const users = ['u0', 'u1', 'u2', 'u3', 'u9'].map((_id) => ({ _id, name: `name of ${_id}` }));
  database.load('orders', orders as never);
  database.load('users', users);
  return { database, orders, users };
}

const sorted = (rows: readonly Row[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

test('a filter on bytes and one on values let the same documents through', (t) => {
  const { database, orders } = shop();
  const conditions: [Expression, (order: Order) => boolean][] = [
    [compare(slot(1), '=', constant('u1', 'text')), ({ user }) => user === 'u1'],
    [compare(slot(1), '<>', constant('u1', 'text')), ({ user }) => user != null && user !== 'u1'],
    [compare(constant('u3', 'text'), '<=', slot(1)), ({ user }) => user != null && user >= 'u3'],
    [compare(slot(2), '<', constant(5, 'int8')), ({ amount }) => typeof amount === 'number' && amount < 5],
    [
      compare(slot(2), '>=', constant(2.25, 'numeric')),
      ({ amount }) => typeof amount === 'number' && amount >= 2.25,
    ],
    [{ kind: 'isNull', type: 'bool', negated: false, arg: slot(1) }, ({ user }) => user == null],
    [{ kind: 'isNull', type: 'bool', negated: true, arg: slot(2) }, ({ amount }) => amount !== undefined],
    [compare(slot(2), '=', constant('none', 'text')), ({ amount }) => amount === 'none'],
  ];
  for (const [condition, holds] of conditions) {
    const wanted = orders.filter(holds).map(({ _id }) => _id);
    const fields = [member('_id'), member('user'), member('amount')];
    const onBytes = scan(database, 'orders', fields, condition);
    t.deepEqual(
      rowsOf(onBytes, database).map(([id]) => id),
      wanted,
      JSON.stringify(condition),
    );
    const onValues = node(3, { kind: 'filter', input: scan(database, 'orders', fields), condition });
    t.deepEqual(
      rowsOf(onValues, database).map(([id]) => id),
      wanted,
      JSON.stringify(condition),
    );
  }
});

const JOINS: readonly JoinKind[] = ['inner', 'left', 'right', 'full', 'semi', 'anti'];

function joinByHand(
  orders: readonly Order[],
  users: readonly { _id: string; name: string }[],
  kind: JoinKind,
): Row[] {
  const rows: Row[] = [];
  const matched = new Set<string>();
  for (const order of orders) {
    const left = [order._id, order.user ?? null];
    const found = users.filter(({ _id }) => _id === order.user && (order.n ?? 0) > 0);
    for (const { _id } of found) matched.add(_id);
    if (kind === 'semi' || kind === 'anti') {
      if (found.length > 0 === (kind === 'semi')) rows.push([...left, order.n ?? null]);
      continue;
    }
    for (const { _id, name } of found) rows.push([...left, order.n ?? null, _id, name]);
    if (found.length === 0 && (kind === 'left' || kind === 'full'))
      rows.push([...left, order.n ?? null, null, null]);
  }
  if (kind === 'right' || kind === 'full') {
    for (const { _id, name } of users) if (!matched.has(_id)) rows.push([null, null, null, _id, name]);
  }
  return rows;
}

test('every kind of join gives the rows of its definition, by hashing and by loops', (t) => {
  const { database, orders, users } = shop();
  for (const join of JOINS) {
    const isHalf = join === 'semi' || join === 'anti';
    const left = scan(database, 'orders', [member('_id'), member('user'), member('n')]);
    const right = scan(database, 'users', [member('_id'), member('name')]);
    const residual = compare(slot(2), '>', constant(0, 'int8'));
    const width = isHalf ? 3 : 5;
    const wanted = sorted(joinByHand(orders, users, join));
    const hash = node(width, {
      kind: 'hashJoin',
      join,
      left,
      right,
      leftKeys: [slot(1)],
      rightKeys: [slot(0)],
      residual,
    });
    t.deepEqual(sorted(rowsOf(hash, database)), wanted, `hash ${join}`);
    const condition: Expression = {
      kind: 'and',
      type: 'bool',
      args: [compare(slot(1), '=', slot(3)), residual],
    };
    const loop = node(width, { kind: 'nestedLoop', join, left, right, args: [], condition });
    t.deepEqual(sorted(rowsOf(loop, database)), wanted, `loop ${join}`);
    if (join === 'right' || join === 'full') continue;
    const lookup = node(2, {
      kind: 'keyLookup',
      table: { collection: 'users', collectionId: database.table('users')?.id ?? 0, alias: 'u' },
      fields: [member('_id'), member('name')],
      keys: [outer(0)],
      filter: compare(outer(1), '>', constant(0, 'int8')),
    });
    const inner = node(width, { kind: 'nestedLoop', join, left, right: lookup, args: [slot(1), slot(2)] });
    t.deepEqual(sorted(rowsOf(inner, database)), wanted, `lookup ${join}`);
  }
});

const numeric = (arg: Expression): Expression => ({ kind: 'cast', type: 'numeric', arg });

function groupsByHand(orders: readonly Order[]): Row[] {
  const users = [...new Set(orders.map(({ user }) => user ?? null))];
  return users.map((user) => {
    const group = orders.filter((order) => (order.user ?? null) === user);
    const ns = group.flatMap(({ n }) => (n === undefined ? [] : [n]));
    const sum = ns.reduce((a, b) => a + b, 0);
    return [user, group.length, sum / ns.length, new Set(ns).size, group.filter(({ n }) => n === 3).length];
  });
}

const GROUP_CALLS = [
  aggregateCall('count()'),
  aggregateCall('avg(numeric)', [numeric(slot(1))]),
  aggregateCall('count(any)', [slot(1)], { distinct: true }),
  aggregateCall('count()', [], { filter: compare(slot(1), '=', constant(3, 'int8')) }),
];

test('groups have the aggregates of their rows, hashed and sorted', (t) => {
  const { database, orders } = shop();
  const input = scan(database, 'orders', [member('user'), member('n')]);
  const shape = { groupBy: [slot(0)], aggregates: GROUP_CALLS, mode: 'single' as const };
  const hashed = node(5, { kind: 'aggregate', input, ...shape, sorted: false });
  const wanted = sorted(groupsByHand(orders));
  t.deepEqual(sorted(rowsOf(hashed, database)), wanted);
  const ordered = node(2, { kind: 'sort', input, keys: [ascending(slot(0))] });
  const bySort = node(5, { kind: 'aggregate', input: ordered, ...shape, sorted: true });
  t.deepEqual(sorted(rowsOf(bySort, database)), wanted);
});

test('without groups there is one row, even of nothing; grouping sets add NULL keys', (t) => {
  const { database, orders } = shop();
  const nothing = scan(database, 'orders', [member('n')], constant(false, 'bool'));
  const calls = [aggregateCall('count()'), aggregateCall('sum(numeric)', [numeric(slot(0))])];
  const all = node(2, {
    kind: 'aggregate',
    input: nothing,
    groupBy: [],
    aggregates: calls,
    mode: 'single',
    sorted: false,
  });
  t.deepEqual(rowsOf(all, database), [[0, null]]);
  const input = scan(database, 'orders', [member('n')]);
  const rollup = node(2, {
    kind: 'aggregate',
    input,
    groupBy: [slot(0)],
    groupingSets: [[0], []],
    aggregates: [aggregateCall('count()')],
    mode: 'single',
    sorted: false,
  });
  const rows = rowsOf(rollup, database);
  t.is(rows.length, 6);
  t.deepEqual(
    rows.find(([key]) => key === null),
    [null, orders.length],
  );
});

/** Runs parts one after the other, with rows encoded as between threads. */
function localFragments(plan: PhysicalPlan, database: MemoryDatabase): FragmentRunner {
  return {
    run(gatherId, partitions, emit) {
      let rowsScanned = 0;
      const prepared = { root: plan, columns: [], parameterTypes: [], nodeCount: 0, collections: [] };
      for (const [part, partition] of partitions.entries()) {
        const encoder = new RowEncoder();
        const environment = environmentOf(database);
        const result = executeFragment(prepared, gatherId, partition, environment, (row) => {
          encoder.addRow(row);
          return true;
        });
        rowsScanned += result.rowsScanned;
        const decoder = new RowDecoder(encoder.finish());
        for (let row = decoder.next(); row !== undefined; row = decoder.next()) if (!emit(row, part)) break;
      }
      return { rowsScanned, workers: 1 };
    },
  };
}

test('partial aggregates of parts are merged to the same groups, sorted parts to the same order', (t) => {
  const { database, orders } = shop();
  const input = scan(database, 'orders', [member('user'), member('n')]);
  const calls = GROUP_CALLS.filter(({ distinct }) => !distinct);
  const partial = node(4, {
    kind: 'aggregate',
    input,
    groupBy: [slot(0)],
    aggregates: calls,
    mode: 'partial',
    sorted: false,
  });
  const gather = node(4, { kind: 'gather', input: partial, workers: 2 });
  const states = calls.map((call, i) => ({ ...call, args: [slot(1 + i)], filter: undefined }));
  const final = node(4, {
    kind: 'aggregate',
    input: gather,
    groupBy: [slot(0)],
    aggregates: states,
    mode: 'final',
    sorted: false,
  });
  const wanted = sorted(groupsByHand(orders).map(([user, count, avg, , three]) => [user, count, avg, three]));
  t.deepEqual(sorted(rowsOf(final, database)), wanted);
  t.deepEqual(sorted(rowsOf(final, database, { fragments: localFragments(final, database) })), wanted);

  const keys = [descending(slot(1)), ascending(slot(0))];
  const part = scan(database, 'orders', [member('_id'), member('n')]);
  const merged = node(2, {
    kind: 'gather',
    input: node(2, { kind: 'sort', input: part, keys }),
    merge: keys,
    workers: 3,
  });
  const whole = rowsOf(node(2, { kind: 'sort', input: part, keys }), database);
  t.deepEqual(rowsOf(merged, database, { fragments: localFragments(merged, database) }), whole);
});

test('top-N is the beginning of the sort, with whole documents decoded late', (t) => {
  const { database } = shop();
  const input = scan(database, 'orders', [wholeDocument, member('amount'), member('n')]);
  const keys = [descending(slot(1)), ascending(slot(2))];
  const all = rowsOf(node(3, { kind: 'sort', input, keys }), database);
  for (const [limit, offset] of [
    [1, 0],
    [10, 0],
    [7, 5],
    [1000, 0],
    [0, 3],
  ]) {
    const top = node(3, {
      kind: 'topN',
      input,
      keys,
      limit: constant(limit, 'int8'),
      offset: constant(offset, 'int8'),
    });
    t.deepEqual(rowsOf(top, database), all.slice(offset, offset + limit), `${limit} ${offset}`);
    const projected = node(1, { kind: 'project', input: top, expressions: [slot(0)] });
    t.deepEqual(
      rowsOf(projected, database),
      all.slice(offset, offset + limit).map(([document]) => [document]),
    );
  }
});

test('LIMIT stops the scan, WITH TIES goes on while rows are equal, a negative one is an error', (t) => {
  const { database, orders } = shop();
  const input = scan(database, 'orders', [member('n')]);
  const keys = [ascending(slot(0))];
  const ordered = node(1, { kind: 'sort', input, keys });
  const ties = node(1, { kind: 'limit', input: ordered, limit: constant(1, 'int8'), ties: keys });
  t.is(rowsOf(ties, database).length, orders.filter(({ n }) => n === 0).length);
  const some = node(1, { kind: 'limit', input, limit: constant(3, 'int8'), offset: constant(2, 'int8') });
  t.deepEqual(rowsOf(some, database), rowsOf(input, database).slice(2, 5));
  const none = node(1, { kind: 'limit', input, limit: constant(null, 'int8') });
  t.is(rowsOf(none, database).length, orders.length);
  const negative = node(1, { kind: 'limit', input, limit: constant(-1, 'int8') });
  t.throws(() => rowsOf(negative, database), { message: /negative/ });
});

test('set operations count rows as SQL does', (t) => {
  const { database } = shop();
  const left = valuesOf([[1], [1], [1], [2], [null], [null]]);
  const right = valuesOf([[1], [1], [null], [3]]);
  const run = (operation: 'union' | 'intersect' | 'except', all: boolean): string[] =>
    sorted(rowsOf(node(1, { kind: 'setOperation', operation, all, left, right }), database));
  t.deepEqual(run('union', true).length, 10);
  t.deepEqual(run('union', false), ['[1]', '[2]', '[3]', '[null]']);
  t.deepEqual(run('intersect', false), ['[1]', '[null]']);
  t.deepEqual(run('intersect', true), ['[1]', '[1]', '[null]']);
  t.deepEqual(run('except', false), ['[2]']);
  t.deepEqual(run('except', true), ['[1]', '[2]', '[null]']);
});

const plus = (left: Expression, right: Expression): Expression => ({
  kind: 'call',
  type: 'int8',
  function: '+(int8,int8)',
  args: [left, right],
});

test('a recursive CTE stops at a LIMIT, with UNION at rows that were there, with UNION ALL at the memory limit', (t) => {
  const { database } = shop();
  const self = node(1, { kind: 'cteScan', cte: 1, name: 'r', alias: 'r' });
  const next = node(1, { kind: 'project', input: self, expressions: [plus(slot(0), constant(1, 'int8'))] });
  const withRows = (input: PhysicalPlan, step: PhysicalPlan, all: boolean): PhysicalPlan =>
    node(1, {
      kind: 'with',
      definitions: [{ cte: 1, name: 'r', plan: valuesOf([[1]]), recursive: { plan: step, all } }],
      input,
    });
  const reader = node(1, { kind: 'cteScan', cte: 1, name: 'r', alias: 'r' });
  const five = node(1, { kind: 'limit', input: reader, limit: constant(5, 'int8') });
  t.deepEqual(rowsOf(withRows(five, next, true), database), [[1], [2], [3], [4], [5]]);
  const cycle = node(1, {
    kind: 'project',
    input: self,
    expressions: [
      {
        kind: 'call',
        type: 'int8',
        function: '%(int8,int8)',
        args: [plus(slot(0), constant(1)), constant(4)],
      },
    ],
  });
  t.deepEqual(rowsOf(withRows(reader, cycle, false), database), [[1], [2], [3], [0]]);
  const error = t.throws(() => rowsOf(withRows(reader, next, true), database));
  t.regex(error?.message ?? '', /query\.memory_limit/);
});

test('cancelled and late queries end in the middle of a scan and of a sort', (t) => {
  const { database } = shop();
  const rows = valuesOf(Array.from({ length: 3000 }, (_, i) => [(i * 7919) % 3000]));
  const plan = node(1, { kind: 'sort', input: rows, keys: [ascending(slot(0))] });
  let looks = 0;
  const later = (reason: 'cancelled' | 'timeout') => ({
    isCancelled: () => (++looks > 2 ? reason : ('no' as const)),
  });
  t.throws(() => rowsOf(plan, database, { cancel: later('cancelled') }), { message: /user request/ });
  looks = 0;
  t.throws(() => rowsOf(plan, database, { cancel: later('timeout') }), { message: /timeout/ });
});

const ROWS_RUNNING: WindowFrame = {
  mode: 'rows',
  start: { kind: 'unboundedPreceding' },
  end: { kind: 'currentRow' },
  exclude: 'none',
};

test('window frames cover the rows that their definition says', (t) => {
  const { database } = shop();
  const values = [1, 2, 2, 4, 7, 7, 7, 10];
  const input = valuesOf(values.map((value) => [value]));
  const bounds: WindowFrame['start'][] = [
    { kind: 'unboundedPreceding' },
    { kind: 'preceding', offset: 2 },
    { kind: 'currentRow' },
    { kind: 'following', offset: 1 },
    { kind: 'unboundedFollowing' },
  ];
  const groupOf = (value: number): number => [...new Set(values)].indexOf(value);
  const edge = (
    mode: WindowFrame['mode'],
    bound: WindowFrame['start'],
    row: number,
    isStart: boolean,
  ): ((at: number) => boolean) => {
    if (bound.kind === 'unboundedPreceding') return () => isStart;
    if (bound.kind === 'unboundedFollowing') return () => !isStart;
    const offset = bound.kind === 'preceding' ? -bound.offset : bound.kind === 'following' ? bound.offset : 0;
    const place = (at: number): number =>
      mode === 'rows' ? at : mode === 'groups' ? groupOf(values[at]) : values[at];
    const target = place(row) + offset;
    return (at) => (isStart ? place(at) >= target : place(at) <= target);
  };
  for (const mode of ['rows', 'range', 'groups'] as const) {
    for (const exclude of ['none', 'current', 'group', 'ties'] as const) {
      for (const [s, start] of bounds.entries()) {
        for (const end of bounds.slice(s)) {
          if (start.kind === 'unboundedFollowing' || end.kind === 'unboundedPreceding') continue;
          const frame: WindowFrame = { mode, start, end, exclude };
          const call = {
            function: 'sum(numeric)',
            isAggregate: true,
            type: 'numeric' as const,
            args: [slot(0)],
            partitionBy: [],
            orderBy: [ascending(slot(0))],
            frame,
          };
          const rows = rowsOf(node(2, { kind: 'window', input, calls: [call] }), database);
          const wanted = values.map((value, row) => {
            const inside = values.filter((other, at) => {
              if (!edge(mode, start, row, true)(at) || !edge(mode, end, row, false)(at)) return false;
              if (exclude === 'current') return at !== row;
              if (exclude === 'group') return other !== value;
              return exclude !== 'ties' || at === row || other !== value;
            });
            return [value, inside.length === 0 ? null : inside.reduce((a, b) => a + b, 0)];
          });
          t.deepEqual(rows, wanted, JSON.stringify(frame));
        }
      }
    }
  }
});

test('windows over different partitions come together in one row', (t) => {
  const { database, orders } = shop();
  const input = scan(database, 'orders', [member('_id'), member('user'), member('n')]);
  const count = {
    function: 'count()',
    isAggregate: true,
    type: 'int8' as const,
    args: [],
    frame: ROWS_RUNNING,
  };
  const calls = [
    { ...count, partitionBy: [slot(1)], orderBy: [ascending(slot(0))] },
    { ...count, partitionBy: [], orderBy: [ascending(slot(0))] },
  ];
  const rows = rowsOf(node(5, { kind: 'window', input, calls }), database);
  t.deepEqual(
    rows.map(([id, , , , all]) => [id, all]),
    orders.map(({ _id }, i) => [_id, i + 1]),
  );
  const seen = new Map<string, number>();
  for (const [id, user, , own] of rows) {
    const key = String(user);
    seen.set(key, (seen.get(key) ?? 0) + 1);
    t.is(own, seen.get(key) ?? 0, String(id));
  }
});
