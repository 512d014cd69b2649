/** Small statements that multiply when they are bound or planned: they are refused or planned, in little time. */
import test from 'ava';
import { DbError } from '../../../src/base/errors.js';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { MemoryDatabase } from '../support/memory-database.js';
import { prepareSql } from '../support/memory-sql.js';

test.before(loadParser);

function database(): MemoryDatabase {
  const made = new MemoryDatabase();
  made.load('t', [{ _id: 'a', a: 1, b: 2 }]);
  made.createIndex('by_a', 't', [{ path: ['a'] }, { path: ['b'] }]);
  return made;
}

/** `inner` in itself so many times. */
function nested(depth: number, outer: (inner: string, level: number) => string, inner = 'a'): string {
  let text = inner;
  for (let level = 0; level < depth; level++) text = outer(text, level);
  return text;
}

/** On a machine that is busy; what multiplies would take hours. */
const MS_MAX = 20_000;

const REFUSED: readonly (readonly [string, string])[] = [
  ['nullif', `select ${nested(200, (inner) => `nullif(${inner}, 1)`)} from t`],
  ['between', `select ${nested(200, (inner) => `(${inner} between false and true)`)} from t`],
  [
    'between symmetric',
    `select ${nested(200, (inner) => `(${inner} between symmetric true and false)`)} from t`,
  ],
  ['case', `select ${nested(150, (inner) => `case ${inner} when 1 then 2 when 3 then 4 end`)} from t`],
  [
    'rows',
    `select ${nested(120, (inner) => `((${inner}, true, true) < (true, false, true))`, 'true')} from t`,
  ],
];

for (const [name, text] of REFUSED) {
  test(`a statement that multiplies when it is bound is refused: ${name}`, (t) => {
    t.true(text.length < 16_384);
    const startedMs = performance.now();
    const error = t.throws(() => prepareSql(database(), text), { instanceOf: DbError });
    t.is(error.details?.['sqlstate'], '54000', error.message);
    t.regex(error.message, /too complex/);
    t.true(performance.now() - startedMs < MS_MAX);
  });
}

const PLANNED: readonly (readonly [string, string])[] = [
  ['a filter', `${nested(60, (inner) => `select x + x as x from (${inner}) s`, 'select a as x from t')} `],
  [
    'an order',
    `${nested(60, (inner) => `select x + x as x from (${inner}) s`, 'select a as x from t')} order by 1`,
  ],
];

for (const [name, text] of PLANNED) {
  test(`${name} above subqueries that double a column is planned`, (t) => {
    const startedMs = performance.now();
    t.notThrows(() => prepareSql(database(), text));
    t.notThrows(() => prepareSql(database(), `select * from (${text}) z where x = 1 and x + x > 2`));
    t.true(performance.now() - startedMs < MS_MAX);
  });
}

test('what is long because it is written out is not too complex', (t) => {
  const items = Array.from({ length: 60_000 }, (_, i) => i).join(',');
  t.notThrows(() => prepareSql(database(), `select 1 from t where a in (${items})`));
});
