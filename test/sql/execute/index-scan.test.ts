import test from 'ava';
import { createPrng } from '../../../src/base/prng.js';
import type { IndexDefinition } from '../../../src/indexes/definition.js';
import type { Expression } from '../../../src/sql/algebra/expression.js';
import type { IndexRange, PhysicalPlan } from '../../../src/sql/algebra/physical.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { compare, constant, member, node, rowsOf, scan, slot } from '../support/plan-builder.js';

const LONG = 'long '.repeat(150);

function library(): MemoryDatabase {
  const prng = createPrng(3);
  const database = new MemoryDatabase(3);
  const values = [1, 2.5, 3, '1', 'a', 'b', `${LONG}1`, `${LONG}2`, true, null, [1], { x: 1 }];
  database.load(
    'books',
    Array.from({ length: 200 }, (_, i) => ({
      _id: `b${String(i).padStart(3, '0')}`,
      v: values[prng.nextBelow(values.length)],
      w: prng.nextBelow(4),
      extra: { deep: i },
    })),
  );
  return database;
}

const FIELDS = [member('_id'), member('v'), member('w'), member('extra.deep')];

function indexScan(
  database: MemoryDatabase,
  index: IndexDefinition,
  ranges: readonly IndexRange[],
  condition: Expression | undefined,
  more: { backward?: boolean; indexOnly?: boolean } = {},
): PhysicalPlan {
  return node(4, {
    kind: 'indexScan',
    table: { collection: 'books', collectionId: database.table('books')?.id ?? 0, alias: 'books' },
    index: index.name,
    indexId: index.id,
    fields: FIELDS,
    ranges,
    backward: more.backward ?? false,
    indexOnly: more.indexOnly ?? false,
    condition,
  });
}

const bound = (value: string | number | boolean, inclusive: boolean) => ({
  value: constant(value),
  inclusive,
});

test('an index gives the documents that a scan gives, also for values that were cut, and index-only', (t) => {
  for (const isDescending of [false, true]) {
    const database = library();
    const index = database.createIndex(
      'by_v',
      'books',
      [{ path: ['v'], descending: isDescending }, { path: ['w'] }],
      {
        include: [['extra', 'deep']],
      },
    );
    const cases: [IndexRange, Expression | undefined][] = [
      [{ equals: [constant(3)] }, compare(slot(1), '=', constant(3))],
      [{ equals: [constant('a')] }, compare(slot(1), '=', constant('a'))],
      [{ equals: [constant(`${LONG}2`)] }, compare(slot(1), '=', constant(`${LONG}2`))],
      [{ equals: [], lower: bound(2, false) }, compare(slot(1), '>', constant(2))],
      [{ equals: [], lower: bound(`${LONG}1`, false) }, compare(slot(1), '>', constant(`${LONG}1`))],
      [{ equals: [], upper: bound('a', true) }, compare(slot(1), '<=', constant('a'))],
      [
        { equals: [], isNull: true },
        { kind: 'isNull', type: 'bool', negated: false, arg: slot(1) },
      ],
      [
        { equals: [constant('b')], lower: bound(1, true), upper: bound(3, false) },
        {
          kind: 'and',
          type: 'bool',
          args: [
            compare(slot(1), '=', constant('b')),
            compare(slot(2), '>=', constant(1)),
            compare(slot(2), '<', constant(3)),
          ],
        },
      ],
      [{ equals: [] }, undefined],
    ];
    for (const [range, condition] of cases) {
      const wanted = rowsOf(scan(database, 'books', FIELDS, condition), database);
      for (const indexOnly of [false, true]) {
        const plan = indexScan(database, index, [range], condition, { indexOnly });
        const rows = rowsOf(plan, database);
        t.deepEqual([...rows].sort(byId), wanted, JSON.stringify(range).slice(0, 100));
        const backward = rowsOf(
          indexScan(database, index, [range], condition, { indexOnly, backward: true }),
          database,
        );
        t.deepEqual(backward, [...rows].reverse());
      }
    }
  }
});

const byId = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);

test('several ranges are read once each, in the order of the index', (t) => {
  const database = library();
  const index = database.createIndex('by_w', 'books', [{ path: ['w'] }]);
  const ranges = [3, 1, 1].map((w): IndexRange => ({ equals: [constant(w)] }));
  const ws = rowsOf(indexScan(database, index, ranges, undefined), database).map(([, , w]) => w);
  const wanted = rowsOf(scan(database, 'books', FIELDS), database)
    .map(([, , w]) => w)
    .filter((w) => w === 1 || w === 3);
  t.deepEqual(ws, [...wanted].sort());
});

test('a bound that is NULL finds nothing', (t) => {
  const database = library();
  const index = database.createIndex('by_w', 'books', [{ path: ['w'] }]);
  const range: IndexRange = { equals: [constant(null)] };
  t.deepEqual(rowsOf(indexScan(database, index, [range], undefined), database), []);
});
