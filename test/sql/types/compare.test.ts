import test from 'ava';
import fc from 'fast-check';
import { compareForOperator, compareForOrder, hashKey } from '../../../src/sql/types/compare.js';
import {
  Interval,
  Json,
  SqlDate,
  SqlRecord,
  SqlTime,
  type SqlValue,
  Timestamp,
} from '../../../src/sql/types/values.js';

const DAY = 86_400_000_000;

const scalar: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom<SqlValue>(
    0.5,
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 60,
    2n ** 60n,
    2n ** 60n + 1n,
    9007199254740993n,
  ),
  fc.constantFrom('', 'a', 'b', '1', '\u0000', '\u0000a', '\ue000', '😀', 's1:a'),
  fc.integer({ min: -2, max: 2 }).map((days) => new SqlDate(days)),
  fc
    .tuple(fc.integer({ min: -2, max: 2 }), fc.boolean())
    .map(([days, zone]) => new Timestamp(days * DAY, zone)),
  fc.integer({ min: 0, max: 2 }).map((micros) => new SqlTime(micros)),
  fc.constantFrom<SqlValue>(
    new Interval(1, 0, 0),
    new Interval(0, 30, 0),
    new Interval(0, 0, 30 * DAY),
    new Interval(0, 1, 0),
  ),
  fc.constantFrom<SqlValue>(
    new Json('{"a":1,"b":2}'),
    new Json('{"b": 2, "a": 1.0}'),
    new Json('[1]'),
    new Json('[1.0]'),
    new Json('{}'),
  ),
);
const value: fc.Arbitrary<SqlValue> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }).map((items) => new SqlRecord([], items)) },
);

test('the order of all values is total: antisymmetric and transitive', (t) => {
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      const ab = Math.sign(compareForOrder(a, b));
      if (ab !== -Math.sign(compareForOrder(b, a))) return false;
      return !(ab <= 0 && compareForOrder(b, c) <= 0) || compareForOrder(a, c) <= 0;
    }),
    { numRuns: 5000 },
  );
  t.pass();
});

test('two rows have the same key exactly when their values are equal in that order', (t) => {
  const row = fc.array(value, { minLength: 2, maxLength: 2 });
  const agree = (a: SqlValue[], b: SqlValue[]): boolean => {
    const equal = a.every((item, index) => compareForOrder(item, b[index]) === 0);
    return new Map([[hashKey(a), 1]]).has(hashKey(b)) === equal;
  };
  fc.assert(fc.property(row, row, agree), { numRuns: 3000 });
  fc.assert(
    fc.property(value, value, (a, b) => agree([a], [b])),
    { numRuns: 5000 },
  );
  t.pass();
});

test('numbers of any form compare as the values they are', (t) => {
  t.is(compareForOperator(1, 1n as SqlValue), 0);
  t.true((compareForOperator(9007199254740992, 9007199254740993n) ?? 0) < 0);
  t.true((compareForOperator(Number.NaN, 1e308) ?? 0) > 0);
  t.is(compareForOperator(Number.NaN, Number.NaN), 0);
  t.is(hashKey([1]), hashKey([1n as SqlValue]));
});

test('text is in the order of code points, not of UTF-16 units', (t) => {
  t.true(compareForOrder('\ue000', '😀') < 0);
  t.true(compareForOrder('a\uffff', 'a😀') < 0);
  t.true(compareForOrder('Z', 'a') < 0);
});

test('an operator gives NULL for NULL and for kinds that do not compare', (t) => {
  t.is(compareForOperator(null, 1), undefined);
  t.is(compareForOperator('1', 1), undefined);
  t.is(compareForOperator(true, 'true'), undefined);
  t.is(compareForOperator(new Json('[1]'), new Json('{}')), undefined);
});

test('text is read as a time where it meets one', (t) => {
  const noon = new Timestamp(Date.UTC(2024, 0, 15, 12) * 1000, true);
  t.is(compareForOperator('2024-01-15T12:00:00Z', noon), 0);
  t.true((compareForOperator('2024-01-15', noon) ?? 0) < 0);
  t.true((compareForOperator(noon, '2024-01-15') ?? 0) > 0);
  t.is(compareForOperator('no time at all', noon), undefined);
  t.is(compareForOperator('24 hours', new Interval(0, 1, 0)), 0);
  t.is(compareForOperator(new SqlDate(0), '1970-01-01'), 0);
});

test('a JSON array equals the SQL array of its elements for operators', (t) => {
  t.is(compareForOperator(new Json('["a", "b"]'), ['a', 'b']), 0);
  t.true((compareForOperator(['a'], new Json('["a", "b"]')) ?? 0) < 0);
});

test('records compare with the total order: NULL equals NULL and is the greatest', (t) => {
  const row = (...values: SqlValue[]): SqlRecord => new SqlRecord([], values);
  t.is(compareForOperator(row(1, 2), row(1, 2)), 0);
  t.is(compareForOperator(row(1, null), row(1, null)), 0);
  t.true((compareForOperator(row(1, null), row(2, null)) ?? 0) < 0);
  t.true((compareForOperator(row(1, null), row(1, 2)) ?? 0) > 0);
});
