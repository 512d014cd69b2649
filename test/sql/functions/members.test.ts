import test from 'ava';
import { DbError } from '../../../src/base/errors.js';
import { resolveAggregate, resolveOperator, resolveScalar } from '../../../src/sql/functions/registry.js';
import type { SqlType } from '../../../src/sql/types/sql-type.js';
import { toText } from '../../../src/sql/types/text.js';
import { Interval, Json, type SqlValue, Timestamp } from '../../../src/sql/types/values.js';
import { call, type Typed } from './evaluate.js';

const member = (value: SqlValue): Typed => ({ type: 'any', value });
const typed = (type: SqlType, value: SqlValue): Typed => ({ type, value });
const literal = (value: string): Typed => ({ type: 'unknown', value });
const apply = (name: string, ...args: Typed[]): SqlValue => call(name, args).value;

const JANUARY = new Timestamp(Date.UTC(2024, 0, 15) * 1000, true);

test('numbers of documents divide as numeric, integers of SQL as integers', (t) => {
  t.is(apply('/', member(7), member(2)), 3.5);
  t.is(apply('/', member(7), typed('int8', 2)), 3.5);
  t.is(apply('/', typed('int8', 7), typed('int8', 2)), 3);
  t.is(resolveOperator('/', 'any', 'int8')?.definition.returns, 'numeric');
});

test('integers of documents stay exact in sums and products', (t) => {
  t.is(apply('+', member(9007199254740993n), member(2)), 9007199254740995n);
  t.is(apply('*', member(9007199254740993n), typed('int8', 3)), 27021597764222979n);
});

test('arithmetic on a member that is no number is an error', (t) => {
  t.throws(() => apply('+', member('abc'), typed('int8', 1)), { instanceOf: DbError });
  t.throws(() => apply('*', member(true), member(2)), { instanceOf: DbError });
  t.throws(() => apply('-', member(new Json('{}'))), { instanceOf: DbError });
});

test('timestamps in documents take part in date arithmetic', (t) => {
  const later = apply('+', member('2024-01-15T00:00:00Z'), typed('interval', new Interval(0, 1, 0)));
  t.is(toText(later), '2024-01-16 00:00:00+00');
  t.is(toText(apply('-', typed('timestamptz', JANUARY), member('2024-01-14'))), '1 day');
  t.is(toText(apply('-', member('2024-01-15'), member('2024-01-10'))), '5 days');
  t.is(apply('extract', literal('year'), member('2024-01-15')), 2024);
  t.is(
    toText(apply('date_trunc', literal('month'), member('2024-01-15T10:00:00Z'))),
    '2024-01-01 00:00:00+00',
  );
  t.is(apply('to_char', member('2024-01-15T10:00:00Z'), literal('YYYY/MM')), '2024/01');
  t.is(apply('to_char', member(1234.5), literal('9,999.9')), ' 1,234.5');
});

test('|| joins texts, or JSON where one side is an object or array', (t) => {
  t.is(apply('||', member('a'), literal('b')), 'ab');
  t.is(apply('||', member(1), typed('text', 'b')), '1b');
  t.deepEqual(apply('||', member(new Json('[1]')), literal('[2]')), new Json('[1,2]'));
  t.deepEqual(
    apply('||', member(new Json('{"a":1}')), member(new Json('{"b":2}'))),
    new Json('{"a":1,"b":2}'),
  );
});

test('JSON operators take members as they are', (t) => {
  t.is(apply('->>', member(new Json('{"a":{"b":1}}')), literal('a')), '{"b": 1}');
  t.is(apply('->', member(new Json('["x"]')), typed('int8', 0)), 'x');
  t.is(apply('->', member('no object'), literal('a')), null);
  t.is(apply('@>', member(new Json('{"tags":["a","b"]}')), literal('{"tags":["b"]}')), true);
  t.is(apply('?', member(new Json('["a"]')), literal('a')), true);
  t.is(apply('jsonb_typeof', member('x')), 'string');
});

test('array functions take JSON arrays', (t) => {
  const tags = member(new Json('["a","b",null]'));
  t.is(apply('array_length', tags, typed('int8', 1)), 3);
  t.is(apply('array_position', tags, literal('b')), 2);
  t.is(apply('&&', tags, typed('text[]', ['b', 'z'])), true);
  t.is(apply('@>', tags, typed('text[]', ['a', 'b'])), true);
  t.is(apply('array_to_string', tags, literal('-')), 'a-b');
});

test('functions of one kind cast members to it', (t) => {
  t.is(apply('lower', member('ABC')), 'abc');
  t.is(apply('length', member(12345)), 5);
  t.is(apply('round', member(2.5)), 3);
  t.is(apply('~~', member('abc'), literal('a%')), true);
  t.throws(() => apply('abs', member('x')), { instanceOf: DbError });
});

test('operators of SQL types do not fall back to those of members', (t) => {
  t.is(resolveOperator('+', 'text', 'int8'), undefined);
  t.is(resolveOperator('||', 'int8', 'int8'), undefined);
  t.is(resolveScalar('lower', ['int8']), undefined);
  t.is(resolveScalar('no_such_function', []), undefined);
});

test('types of results follow the arguments', (t) => {
  t.is(resolveAggregate('max', ['timestamptz'])?.definition.returns, 'timestamptz');
  t.is(resolveAggregate('array_agg', ['int8'])?.definition.returns, 'int8[]');
  t.is(resolveAggregate('sum', ['any'])?.definition.returns, 'numeric');
  t.is(resolveScalar('greatest', ['int8', 'numeric'])?.definition.returns, 'numeric');
  t.is(resolveScalar('array_append', ['int8[]', 'unknown'])?.definition.returns, 'int8[]');
  t.deepEqual(resolveScalar('array_append', ['int8[]', 'unknown'])?.casts, ['int8[]', 'int8']);
  t.deepEqual(resolveOperator('+', 'int8', 'unknown')?.casts, ['int8', 'int8']);
});
