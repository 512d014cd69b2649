import test from 'ava';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { refusal } from './support/bound.js';
import { testCatalog } from './support/catalog.js';

test.before(loadParser);

/** Statement with `‸` before the place of the error, SQLSTATE, a part of the message. */
const ERRORS: readonly (readonly [string, string, RegExp])[] = [
  ['select * from ‸ordres', '42P01', /relation "ordres" does not exist \(did you mean "orders"\?\)/],
  ['select * from ‸system.indices', '42P01', /relation "system.indices" does not exist/],
  ['select ‸usage from system.indexes', '42703', /column "usage" does not exist/],
  ["select 'é', ‸x.a from system.indexes", '42P01', /missing FROM-clause entry for table "x"/],
  ['select ‸lowr(a) from orders', '42883', /function lowr\(any\) does not exist \(did you mean "lower"\?\)/],
  ['select a, ‸b from system.indexes', '42703', /"a" does not exist|"b" does not exist/],
  ['select ‸total, count(*) from orders', '42803', /"orders.total" must appear in the GROUP BY clause/],
  ['select * from orders where ‸count(*) > 1', '42803', /not allowed in WHERE/],
  ['select * from orders where ‸rank() over () > 1', '42P20', /not allowed in WHERE/],
  ['select ‸a from orders, users', '42702', /ambiguous/],
  ['select * from orders natural join users', '0A000', /NATURAL JOIN/],
  ['select * from orders for update', '0A000', /FOR UPDATE is not supported/],
  ['‸begin', '0A000', /BEGIN/],
  ['grant select on ‸orders to x', '0A000', /GRANT/],
  ['select 1 order by ‸2', '42P10', /position 2 is not in select list/],
  ["select 1 + '2024-01-01'::date::int", '42846', /cannot cast type date to int8/],
  ["select ‸'x'::int8", '22P02', /invalid input syntax/],
  ['create table t (a ‸serial)', '0A000', /serial/],
  ['create table t (a int ‸primary key)', '0A000', /PRIMARY KEY/],
  ['create index on orders using hash (a)', '0A000', /hash/],
  ['with a as (delete from orders returning *) select * from a', '0A000', /DELETE in WITH/],
  ['insert into orders (a, ‸a) values (1, 2)', '42701', /more than once/],
  ['select ‸$99999999', '54000', /parameters go from/],
];

for (const [marked, state, message] of ERRORS) {
  test(`refused with ${state}: ${marked}`, (t) => {
    const found = refusal(marked.replace('‸', ''));
    t.regex(found.message, message);
    t.is(found.state, state);
    const place = marked.indexOf('‸');
    if (place >= 0 && !/a, ‸b|a, ‸a|1 \+ ‸/.test(marked))
      t.is(found.position, Buffer.byteLength(marked.slice(0, place)) + 1);
  });
}

test('a collection that is not there is created only where the configuration allows it', (t) => {
  t.is(refusal('insert into fresh (a) values (1)', testCatalog(false)).state, '42P01');
});

test('deep nesting is a limit with a name, and the binder works on', (t) => {
  const deep = `select ${'('.repeat(600)}1${' + 1)'.repeat(600)}`;
  t.is(refusal(deep).state, '54000');
  t.is(refusal(`select ${'('.repeat(100_000)}1`).state, '54000');
  t.is(refusal('select nothing.a').state, '42P01');
});
