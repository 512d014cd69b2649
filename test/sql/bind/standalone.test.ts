import test from 'ava';
import { bindStandalone } from '../../../src/sql/bind/standalone.js';
import { loadParser } from '../../../src/sql/parse/parse.js';
import { printExpression } from './support/print.js';

test.before(loadParser);

test('an expression by itself lists the members that it reads', (t) => {
  const { expression, fields } = bindStandalone("lower(address.city) = 'x' and total > 1");
  t.deepEqual(
    fields.map(({ source }) => source),
    [
      { kind: 'member', path: ['address', 'city'] },
      { kind: 'member', path: ['total'] },
    ],
  );
  t.regex(printExpression(expression), /^and\(/);
});

test("declared columns have their types, and the table's name may stand before them", (t) => {
  const columns = [{ name: 'n', type: 'int8', notNull: false, primaryKey: false }] as const;
  t.is(bindStandalone('t.n + 1', columns, { table: 't' }).expression.type, 'int8');
});

test('definitions have no subqueries and no parameters', (t) => {
  t.throws(() => bindStandalone('(select 1)'), { message: /subquery/ });
  t.throws(() => bindStandalone('a > $1'), { message: /parameter/ });
  t.throws(() => bindStandalone('a >'), { message: /syntax error/ });
});
