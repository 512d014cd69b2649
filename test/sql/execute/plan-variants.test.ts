import test from 'ava';
import { createPrng, type Prng } from '../../../src/base/prng.js';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { testSeed } from '../../support/random.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql, type SqlOptions } from '../support/memory-sql.js';

const STATEMENTS = 400;

test.before(() => loadParser());

function randomDatabase(prng: Prng): MemoryDatabase {
  const database = new MemoryDatabase(3);
  const text = (): string => ['x', 'y', 'z', 'long '.repeat(120), ''][prng.nextBelow(5)];
  const value = (): unknown =>
    [prng.nextBelow(6), prng.nextBelow(12) / 4, text(), null, true][prng.nextBelow(5)];
  for (const [name, count] of [
    ['s', 60],
    ['r', 25],
  ] as const) {
    database.load(
      name,
      Array.from({ length: count }, (_, i) => ({
        _id: `k${String(i).padStart(2, '0')}`,
        ...(prng.nextBelow(7) === 0 ? {} : { a: prng.nextBelow(8) }),
        ...(prng.nextBelow(7) === 0 ? {} : { b: text() }),
        v: value(),
        o: { p: prng.nextBelow(4) },
      })),
    );
  }
  database.createIndex('s_a', 's', [{ path: ['a'] }, { path: ['b'] }], { include: [['v']] });
  database.createIndex('s_v', 's', [{ path: ['v'], descending: true }]);
  database.createIndex('r_p', 'r', [
    { path: ['o', 'p'] },
    { path: ['a'], descending: true, nullsFirst: false },
  ]);
  return database;
}

const pick = (prng: Prng, choices: readonly string[]): string => choices[prng.nextBelow(choices.length)];

function condition(prng: Prng, table: string, depth = 0): string {
  const column = `${table}.${pick(prng, ['a', 'a', 'b', 'v', 'o.p'])}`;
  switch (prng.nextBelow(depth > 1 ? 6 : 9)) {
    case 0:
      return `${column} IS ${pick(prng, ['', 'NOT '])}NULL`;
    case 1:
      return `${column} IN (1, 3, 5)`;
    case 2:
      return `${pick(prng, [column, `${table}._id`])} ${pick(prng, ['=', '=', '<='])} '${pick(prng, ['x', 'y', 'k03', 'k17', ''])}'`;
    case 3:
      return `${column} BETWEEN ${prng.nextBelow(4)} AND ${prng.nextBelow(6)}`;
    case 4:
    case 5:
      return `${column} ${pick(prng, ['=', '<', '>', '<=', '>=', '<>'])} ${prng.nextBelow(6)}`;
    case 6:
      return `NOT (${condition(prng, table, depth + 1)})`;
    default:
      return `(${condition(prng, table, depth + 1)} ${pick(prng, ['AND', 'AND', 'OR'])} ${condition(prng, table, depth + 1)})`;
  }
}

function statement(prng: Prng): string {
  const where = condition(prng, 's');
  switch (prng.nextBelow(8)) {
    case 0:
      return `SELECT s._id, s.v FROM s WHERE ${where}`;
    case 1:
      return `SELECT s.a, count(*), count(s.b), min(s.v), max(s.b) FROM s WHERE ${where} GROUP BY s.a`;
    case 2:
      return `SELECT s._id, s.a FROM s WHERE ${where} ORDER BY s.a ${pick(prng, ['', 'DESC', 'NULLS FIRST'])}, s._id LIMIT 7 OFFSET ${prng.nextBelow(3)}`;
    case 3:
      return `SELECT s._id, r._id FROM s ${pick(prng, ['', 'LEFT', 'RIGHT', 'FULL'])} JOIN r ON s.a = r.a AND r.o.p = s.o.p WHERE ${pick(prng, ['true', where])}`;
    case 4:
      return `SELECT s._id FROM s WHERE ${pick(prng, ['', 'NOT '])}EXISTS (SELECT 1 FROM r WHERE r.o.p = s.o.p AND ${condition(prng, 'r')}) AND ${where}`;
    case 5:
      return `SELECT s._id FROM s WHERE s.a ${pick(prng, ['', 'NOT '])}IN (SELECT r.a FROM r WHERE ${condition(prng, 'r')})`;
    case 6:
      return `SELECT s.a, s.b FROM s WHERE ${where} ${pick(prng, ['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT ALL'])} SELECT r.a, r.b FROM r`;
    default:
      return `SELECT DISTINCT s.b, (SELECT max(r.a) FROM r WHERE r.o.p = s.o.p) FROM s WHERE ${where}`;
  }
}

const VARIANTS: readonly SqlOptions[] = [
  {
    planner: {
      enableIndexScan: false,
      enableHashJoin: false,
      enableUnnesting: false,
      enableSortedAggregate: false,
    },
  },
  {},
  { planner: { enableHashJoin: false } },
  { planner: { enableIndexOnlyScan: false, enableIndexNestedLoop: false } },
  { planner: { parallelWorkers: 2, parallelRowsMin: 1 }, fragments: true },
];

test('a statement gives the same rows whatever plan it runs by', (t) => {
  const seed = testSeed();
  t.log(`SEED=${seed}`);
  const prng = createPrng(seed);
  for (let round = 0; round < STATEMENTS; round++) {
    const database = randomDatabase(prng);
    const sql = statement(prng);
    const results = VARIANTS.map((options) => {
      const rows = runSql(database, sql, options).rows.map((row) => JSON.stringify(row));
      return sql.includes('ORDER BY') ? rows : rows.sort();
    });
    for (const [variant, rows] of results.entries()) {
      t.deepEqual(rows, results[0], `SEED=${seed} variant ${variant}: ${sql}`);
    }
  }
});
