import test from 'ava';
import { DbError } from '../../../src/base/errors.js';
import { expressionText } from '../../../src/sql/parse/expression-text.js';
import { bodyOf } from '../../../src/sql/parse/nodes.js';
import { fingerprint, loadParser, parseStatement, queryPattern } from '../../../src/sql/parse/parse.js';

test.before(loadParser);

const positionOf = (sql: string): unknown => {
  try {
    parseStatement(sql);
  } catch (error) {
    return error instanceof DbError ? error.details?.position : error;
  }
  return 'parsed';
};

test('a syntax error has the place of its byte', (t) => {
  t.is(positionOf('selec 1'), 1);
  t.is(positionOf("select 'é' frm.x.y z"), Buffer.byteLength("select 'é' frm") + 1);
});

test('one statement is parsed, several and none are refused', (t) => {
  t.notThrows(() => parseStatement('select 1;'));
  t.is(positionOf('select 1; select 2'), 11);
  t.throws(() => parseStatement('  '), { message: /empty/ });
  t.throws(() => parseStatement(' ; -- nothing'), { message: /empty/ });
  t.throws(() => parseStatement('select 1', { statementBytesMax: 5 }), { message: /more than 5 bytes/ });
});

test('patterns and fingerprints do not depend on constants', (t) => {
  t.is(queryPattern("select * from t where a = 'x'"), 'select * from t where a = $1');
  t.is(fingerprint('select 1'), fingerprint('SELECT   2'));
});

test('the text of an expression is cut out whole', (t) => {
  for (const text of [
    'a.b',
    "lower(x) || 'é'",
    '((a + b) * (c))',
    "a -> 'b' ->> 'c'",
    'NOT a IS NULL',
    "date '2024-01-01'",
  ]) {
    const sql = `select /* é */ 1 from t where (${text}) limit 1`;
    const where = bodyOf(parseStatement(sql).statement, 'SelectStmt')?.whereClause;
    t.true(text.includes(where === undefined ? '?' : expressionText(sql, where)), text);
  }
});
