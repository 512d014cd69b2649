import test from 'ava';
import { DbError } from '../../../src/base/errors.js';
import { canCast, castOrNull, castValue, commonType } from '../../../src/sql/types/cast.js';
import type { SqlType } from '../../../src/sql/types/sql-type.js';
import { jsonToValue, toJsonText, toText } from '../../../src/sql/types/text.js';
import {
  Interval,
  Json,
  SqlDate,
  SqlRecord,
  type SqlValue,
  Timestamp,
} from '../../../src/sql/types/values.js';

const sqlState = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error instanceof DbError ? error.details?.['sqlstate'] : error;
  }
  return 'no error';
};

test('integers beyond 2^53 stay exact, and only those are bigint', (t) => {
  t.is(castValue('9007199254740993', 'int8'), 9007199254740993n);
  t.is(castValue('9007199254740991', 'int8'), 9007199254740991);
  t.is(castValue('123456789012345678901234567890', 'numeric'), 123456789012345678901234567890n);
  t.is(toJsonText(9007199254740993n), '9007199254740993');
  t.is(jsonToValue('9007199254740993'), 9007199254740993n);
  t.is(jsonToValue('1e3'), 1000);
});

test('errors of casts carry the SQLSTATE of PostgreSQL', (t) => {
  const cases: readonly (readonly [SqlValue, SqlType, string])[] = [
    ['abc', 'int8', '22P02'],
    ['9223372036854775808', 'int8', '22003'],
    ['abc', 'numeric', '22P02'],
    ['1e999', 'float8', '22003'],
    ['perhaps', 'bool', '22P02'],
    ['2024-02-30', 'date', '22008'],
    ['yesterdayish', 'timestamptz', '22007'],
    ['1 fortnight', 'interval', '22007'],
    ['{1,2', 'int8[]', '22P02'],
    ['{bad', 'jsonb', '22P02'],
    ['1},{"w":2', 'jsonb', '22P02'],
    [true, 'timestamptz', '42846'],
    [new Json('{}'), 'int8', '42846'],
  ];
  for (const [value, type, state] of cases)
    t.is(
      sqlState(() => castValue(value, type)),
      state,
      `${value}::${type}`,
    );
});

test('a cast that may fail gives NULL where the value does not fit', (t) => {
  t.is(castOrNull('abc', 'int8'), null);
  t.is(castOrNull(new Json('[]'), 'timestamptz'), null);
  t.deepEqual(castOrNull('2024-01-15', 'date'), new SqlDate(19737));
});

test('now and its like need the time of the statement', (t) => {
  const nowMicros = Date.UTC(2024, 1, 29, 13) * 1000;
  t.is(
    sqlState(() => castValue('now', 'timestamptz')),
    '0A000',
  );
  t.is(toText(castValue('now', 'timestamptz', undefined, { nowMicros })), '2024-02-29 13:00:00+00');
  t.is(toText(castValue('tomorrow', 'date', undefined, { nowMicros })), '2024-03-01');
  t.is(toText(castValue('yesterday 10:30', 'timestamp', undefined, { nowMicros })), '2024-02-28 10:30:00');
});

test('a string out of a document is a JSON string; text is parsed as JSON', (t) => {
  t.is(castValue('"x"', 'jsonb'), 'x');
  t.is(castValue('x', 'jsonb', undefined, { from: 'any' }), 'x');
  t.is(castValue('x', 'text', undefined, { from: 'jsonb' }), '"x"');
  t.is(castValue('null', 'jsonb'), null);
  t.deepEqual(castValue(' {"a" : 1} ', 'jsonb'), new Json('{"a" : 1}'));
});

test('arrays come from text, from JSON and from arrays of other types', (t) => {
  t.deepEqual(castValue('{1,NULL,3}', 'int8[]'), [1, null, 3]);
  t.deepEqual(castValue(new Json('["1", 2, null]'), 'int8[]'), [1, 2, null]);
  t.deepEqual(castValue([1, 2], 'text[]'), ['1', '2']);
  t.deepEqual(castValue('{{a,b},{c,d}}', 'text[]'), [
    ['a', 'b'],
    ['c', 'd'],
  ]);
  t.is(toText(['a b', null, 'NULL', '', '{"']), '{"a b",NULL,"NULL","","{\\""}');
});

test('values become JSON as results show them', (t) => {
  const instant = new Timestamp(Date.UTC(2024, 0, 15, 10, 30, 0, 250) * 1000, true);
  t.is(toJsonText(instant), '"2024-01-15T10:30:00.250Z"');
  t.is(toJsonText(new Timestamp(instant.micros + 1, false)), '"2024-01-15T10:30:00.250001"');
  t.is(toJsonText([1, null, 'x', new SqlDate(0)]), '[1,null,"x","1970-01-01"]');
  t.is(toJsonText(new SqlRecord(['a', 'b'], [1, true])), '{"a":1,"b":true}');
  t.is(toJsonText(Number.POSITIVE_INFINITY), '"Infinity"');
  t.is(toJsonText(new Interval(14, 3, 0)), '"1 year 2 mons 3 days"');
  t.is(toJsonText(new Json('{"b":1,"a":2}')), '{"b":1,"a":2}');
  t.is(toText(new Json('{"bb":1,"a":2}')), '{"a": 2, "bb": 1}');
});

test('the common type follows PostgreSQL, and any wins', (t) => {
  const cases: readonly (readonly [readonly SqlType[], SqlType | undefined])[] = [
    [['int8', 'numeric'], 'numeric'],
    [['numeric', 'float8', 'int8'], 'float8'],
    [['unknown', 'int8'], 'int8'],
    [['unknown', 'unknown'], 'text'],
    [['date', 'timestamptz'], 'timestamptz'],
    [['int8', 'text'], undefined],
    [['any', 'int8'], 'any'],
    [['int8[]', 'numeric[]'], 'numeric[]'],
    [['int8[]', 'any[]'], 'any[]'],
    [['int8', 'int8[]'], undefined],
  ];
  for (const [types, expected] of cases) t.is(commonType(types), expected, types.join(' '));
});

test('which casts are implied, which an assignment does, which must be written', (t) => {
  t.true(canCast('int8', 'numeric', 'implicit'));
  t.false(canCast('numeric', 'int8', 'implicit'));
  t.true(canCast('numeric', 'int8', 'assignment'));
  t.false(canCast('text', 'int8', 'assignment'));
  t.true(canCast('text', 'int8', 'explicit'));
  t.false(canCast('int8', 'text', 'implicit'));
  t.true(canCast('int8', 'text', 'assignment'));
  t.true(canCast('any', 'timestamptz', 'implicit'));
  t.true(canCast('unknown', 'interval', 'implicit'));
  t.false(canCast('bool', 'timestamptz', 'explicit'));
  t.true(canCast('text[]', 'int8[]', 'explicit'));
});
