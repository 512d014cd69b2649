/** Orders that plans take from indexes, over texts that are too long for the entries: as without any index. */
import test from 'ava';
import { loadParser } from '../../../src/sql/parse/parse.js';
import type { PlannerOptions } from '../../../src/sql/plan/options.js';
import { seededPrng } from '../../support/random.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { explainSql, runSql } from '../support/memory-sql.js';

const X = 'x'.repeat(600);
const Y = 'y'.repeat(700);
const WITHOUT_INDEXES: Partial<PlannerOptions> = { enableIndexScan: false, enableIndexOnlyScan: false };

test.before(loadParser);

const rows = (database: MemoryDatabase, text: string, planner: Partial<PlannerOptions> = {}): unknown =>
  runSql(database, text, { planner }).json.rows;

function alternating(): MemoryDatabase {
  const database = new MemoryDatabase(3);
  database.load(
    't',
    Array.from({ length: 6 }, (_, i) => ({ _id: `k${i}`, v: `${X}${i % 2 === 0 ? 'b' : 'a'}`, w: i })),
  );
  database.createIndex('by_v', 't', [{ path: ['v'] }]);
  return database;
}

test('groups, limits and extremes of long texts are right with an index on them', (t) => {
  const database = alternating();
  t.deepEqual(rows(database, "select right(v, 1), count(*) from t where v like 'x%' group by v order by v"), [
    ['a', 3],
    ['b', 3],
  ]);
  t.deepEqual(rows(database, 'select _id from t order by v, _id limit 2'), [['k1'], ['k3']]);
  t.deepEqual(rows(database, 'select _id from t order by v desc, _id desc limit 4'), [
    ['k4'],
    ['k2'],
    ['k0'],
    ['k5'],
  ]);
  t.deepEqual(rows(database, 'select right(min(v), 1), right(max(v), 1) from t'), [['a', 'b']]);
});

test('random orders over an index with long texts are those of a sort', (t) => {
  const prng = seededPrng(t);
  const pick = <T>(items: readonly T[]): T => items[prng.nextBelow(items.length)];
  const value = (): unknown =>
    pick([`${X}a`, `${X}b`, `${X}c`, `${Y}1`, `${Y}0`, 'x', 'y', '', 3, null, true, [X, 1], [X, 0]]);
  let fromIndex = 0;
  for (let round = 0; round < 8; round++) {
    const database = new MemoryDatabase(3);
    const documents = Array.from({ length: 80 }, (_, i) => ({
      _id: `k${String(i).padStart(2, '0')}`,
      ...(prng.nextBelow(9) === 0 ? {} : { v: value() }),
      u: value(),
      w: prng.nextBelow(3),
    }));
    database.load('t', documents);
    const columns = ['v', 'u', 'w'].map((name) => ({ path: [name], descending: prng.nextBelow(2) === 0 }));
    const own = columns.slice(prng.nextBelow(2), 2 + prng.nextBelow(2));
    database.createIndex('i', 't', own, { include: prng.nextBelow(2) === 0 ? [['w'], ['v']] : [] });
    for (let i = 0; i < 12; i++) {
      const turned = prng.nextBelow(2) === 0;
      const keys = own.map(({ path, descending }) => `${path[0]} ${descending === turned ? 'asc' : 'desc'}`);
      const order = [
        ...keys.slice(0, 1 + prng.nextBelow(keys.length)),
        ...pick([[], [`_id ${turned ? 'desc' : 'asc'}`]]),
      ];
      const where = pick([
        '',
        "where v like 'x%'",
        'where w < 2',
        `where v in ('${X}a', '${X}c', 'y')`,
        `where v = '${X}b'`,
      ]);
      const limit = pick(['', 'limit 3', 'limit 10 offset 5']);
      const columnsAsked = pick(['_id, v, u, w', 'v, w', 'v', 'w, u']);
      // Keys alone are compared, as rows with equal ones may come in any order.
      const asked =
        order.length > keys.length ? columnsAsked : order.map((key) => key.split(' ')[0]).join(', ');
      const text = `select ${asked} from t ${where} order by ${order.join(', ')} ${limit}`;
      const plan = explainSql(database, text);
      if (plan.includes('Index') && !plan.includes('Sort')) fromIndex++;
      t.deepEqual(
        rows(database, text),
        rows(database, text, WITHOUT_INDEXES),
        `${text.slice(0, 300)} ${plan}`,
      );
      const grouped = `select ${own[0].path[0]} as k, count(*) from t ${where} group by 1`;
      const sorted = `select * from (${grouped}) x order by k`;
      t.deepEqual(rows(database, sorted), rows(database, sorted, WITHOUT_INDEXES), sorted.slice(0, 300));
    }
  }
  t.true(fromIndex > 20, `${fromIndex} plans had their order from the index`);
});
