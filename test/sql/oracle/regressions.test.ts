import test from 'ava';
import { DbError } from '../../../src/base/errors.js';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { runSql } from '../support/memory-sql.js';

test.before(loadParser);

function database(): MemoryDatabase {
  const made = new MemoryDatabase();
  made.load('docs', [
    { _id: 'a', n: 1, k: 2, d: 1.75, w: 'apple' },
    { _id: 'b', n: 2, k: 1, d: -0.5, w: 'fig' },
  ]);
  return made;
}

const rows = (text: string): readonly (readonly unknown[])[] => runSql(database(), text).json.rows;

test('a decimal member next to an integer is not rounded', (t) => {
  const text = 'SELECT mod(d, 5), d % 3, 2 + d, 6 - d, least(6 - d, 9) FROM docs ORDER BY _id';
  t.deepEqual(rows(text), [
    [1.75, 1.75, 3.75, 4.25, 4.25],
    [-0.5, -0.5, 1.5, 6.5, 6.5],
  ]);
});

test('a subquery in ON sees the common tables of its query', (t) => {
  const on = 'a.n = b.n AND a.k <> (SELECT min(n) FROM c)';
  t.deepEqual(rows(`WITH c AS (SELECT n FROM docs) SELECT a._id FROM docs a JOIN docs b ON ${on}`), [['a']]);
});

test('nullif of an integer and a decimal is a decimal', (t) => {
  const text =
    'SELECT nullif(9, 2::numeric) / 4, nullif(9, d) / 4, nullif(9, 2) / 4, nullif(2, 2::numeric) FROM docs';
  t.deepEqual(rows(text)[0], [2.25, 2.25, 2, null]);
});

test('an OR of thousands of equalities becomes IN in linear time', (t) => {
  const others = Array.from({ length: 5000 }, (_, i) => ` OR n = ${i + 10}`).join('');
  const startedMs = performance.now();
  t.deepEqual(rows(`SELECT _id FROM docs WHERE n = 1${others}`), [['a']]);
  t.true(performance.now() - startedMs < 10_000);
});

for (const call of [
  "substr('abc', 9223372036854775807)",
  "substr('abc', -9223372036854775807, 9223372036854775807)",
  "left('abc', 9223372036854775807)",
  "lpad('abc', 9223372036854775807)",
  "repeat('abc', 9223372036854775807)",
  'round(1.5, 9223372036854775807)',
  "date '2024-01-01' + 9223372036854775807",
  "'[1]'::jsonb -> 9223372036854775807",
  'make_date(9223372036854775807, 1, 1)',
]) {
  test(`an integer that is too large for it is an error: ${call}`, (t) => {
    const error = t.throws(() => rows(`SELECT ${call}`), { instanceOf: DbError });
    t.is(error.details?.['sqlstate'], '22003');
  });
}
