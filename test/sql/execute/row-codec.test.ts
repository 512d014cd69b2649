import test from 'ava';
import { RowDecoder, RowEncoder } from '../../../src/sql/execute/row-codec.js';
import { Interval, Json, SqlDate, SqlRecord, SqlTime, Timestamp } from '../../../src/sql/types/values.js';

const ROW: unknown[] = [
  null,
  undefined,
  true,
  false,
  0,
  -0,
  1,
  -1,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  0.1,
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  123456789012345678901234567890n,
  -5n,
  '',
  'text',
  'é',
  '日本 😀',
  'x'.repeat(5000),
  'ж'.repeat(5000),
  ['a', [1, null]],
  new Timestamp(1_700_000_000_000_001, true),
  new Timestamp(Number.POSITIVE_INFINITY, false),
  new SqlDate(-5),
  new SqlTime(1),
  new Interval(1, 2, 3),
  new Json('{"a":[1,2]}'),
  new SqlRecord(['f1', 'f2'], [1, 'x']),
  { count: 3, large: 7n, deep: { list: [1, 2] } },
  new Map<unknown, unknown>([
    ['a', 1],
    [2, new Json('[]')],
  ]),
  new Set([1, 'b', null]),
  Uint8Array.of(1, 2, 255),
];

test('rows and states of aggregates come out as they went in', (t) => {
  const encoder = new RowEncoder();
  encoder.addRow(ROW as never);
  encoder.addRow([]);
  encoder.addRow([1, 2, 3], 2);
  const decoder = new RowDecoder(encoder.finish());
  t.deepEqual(decoder.next() as unknown[], ROW);
  t.deepEqual(decoder.next(), []);
  t.deepEqual(decoder.next(), [1, 2]);
  t.is(decoder.next(), undefined);
  encoder.reset();
  t.is(encoder.finish().length, 0);
});
