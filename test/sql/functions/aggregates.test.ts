import test from 'ava';
import fc from 'fast-check';
import type { AggregateDefinition } from '../../../src/sql/functions/definition.js';
import { resolveAggregate } from '../../../src/sql/functions/registry.js';
import type { SqlType } from '../../../src/sql/types/sql-type.js';
import { toText } from '../../../src/sql/types/text.js';
import { Interval, Json, type SqlValue } from '../../../src/sql/types/values.js';

function aggregate(name: string, types: readonly SqlType[]): AggregateDefinition {
  const resolution = resolveAggregate(name, types);
  if (resolution === undefined) throw new Error(`no aggregate ${name}`);
  return resolution.definition;
}

const accumulate = (definition: AggregateDefinition, rows: readonly (readonly SqlValue[])[]): unknown => {
  let state = definition.initial();
  for (const row of rows) {
    if (definition.skipsNull && row[0] === null) continue;
    state = definition.accumulate(state, row);
  }
  return state;
};

const run = (name: string, types: readonly SqlType[], rows: readonly (readonly SqlValue[])[]): SqlValue => {
  const definition = aggregate(name, types);
  return definition.finish(accumulate(definition, rows));
};
const of = (name: string, type: SqlType, ...values: SqlValue[]): SqlValue =>
  run(
    name,
    [type],
    values.map((v) => [v]),
  );

test('NULLs are passed over, and nothing gives NULL but a count of zero', (t) => {
  t.is(of('count', 'any', 1, null, 2), 2);
  t.is(run('count', [], [[], []]), 2);
  t.is(of('count', 'any'), 0);
  for (const name of ['sum', 'avg', 'min', 'max', 'stddev']) t.is(of(name, 'numeric', null), null, name);
  t.is(of('sum', 'int8', 1, null, 2), 3);
  t.is(of('bool_and', 'bool', true, null, true), true);
  t.is(of('bool_or', 'bool'), null);
});

test('sums of integers are exact beyond doubles and beyond int8', (t) => {
  t.is(of('sum', 'int8', 9007199254740993n, 1, 9007199254740993n), 18014398509481987n);
  t.is(of('sum', 'int8', ...new Array<number>(4).fill(9007199254740991)), 36028797018963964n);
  t.is(of('sum', 'int8', 2n ** 63n - 1n, 2n ** 63n - 1n), 2n ** 64n - 2n);
  t.is(of('avg', 'int8', 9007199254740993n, 9007199254740995n), 9007199254740994n);
  t.is(of('sum', 'int8', 2n ** 62n, -(2n ** 62n), 5), 5);
});

test('sums of fractions lose nothing that was small', (t) => {
  t.is(of('sum', 'float8', 0.5, 1e100, 0.25, -1e100), 0.75);
  t.is(of('sum', 'numeric', ...new Array<number>(10).fill(0.1)), 1);
  t.is(of('sum', 'float8', Number.POSITIVE_INFINITY, 1.5), Number.POSITIVE_INFINITY);
  t.true(Number.isNaN(of('sum', 'float8', Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) as number));
});

test('partial states merge to what one pass gives', (t) => {
  const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.constant(null));
  const names = ['count', 'sum', 'avg', 'min', 'max', 'stddev', 'var_pop'];
  fc.assert(
    fc.property(fc.array(number), fc.array(number), fc.constantFrom(...names), (left, right, name) => {
      const definition = aggregate(name, [name === 'count' ? 'any' : 'numeric']);
      const rows = (values: readonly SqlValue[]): SqlValue[][] => values.map((value) => [value]);
      const whole = definition.finish(accumulate(definition, rows([...left, ...right])));
      const parts = [left, right].map((part) => structuredClone(accumulate(definition, rows(part))));
      const merged = definition.finish(definition.merge(parts[0], parts[1]));
      if (typeof whole !== 'number' || typeof merged !== 'number') return whole === merged;
      return Math.abs(whole - merged) <= 1e-9 * Math.max(1, Math.abs(whole));
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('the variance of large close numbers is not lost', (t) => {
  t.is(of('var_samp', 'float8', 1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16), 30);
  t.is(of('variance', 'numeric', 5), null);
  t.is(of('var_pop', 'numeric', 5), 0);
  t.is(of('stddev_pop', 'numeric', 2, 4, 4, 4, 5, 5, 7, 9), 2);
});

test('regression over pairs of (y, x)', (t) => {
  const rows = [
    [3, 1],
    [5, 2],
    [7, 3],
    [null, 4],
    [9, null],
  ];
  const types: SqlType[] = ['float8', 'float8'];
  t.is(run('regr_slope', types, rows), 2);
  t.is(run('regr_intercept', types, rows), 1);
  t.is(run('corr', types, rows), 1);
  t.is(run('regr_count', types, rows), 3);
  t.is(run('covar_pop', types, rows), 4 / 3);
});

test('texts, arrays and JSON are collected in the order of the rows', (t) => {
  t.is(
    run(
      'string_agg',
      ['text', 'unknown'],
      [
        ['a', ','],
        [null, ','],
        ['b', '-'],
      ],
    ),
    'a-b',
  );
  t.deepEqual(of('array_agg', 'int8', 1, null, 2), [1, null, 2]);
  t.is(of('array_agg', 'int8'), null);
  t.deepEqual(of('json_agg', 'any', 1, 'x', null, new Json('{"a":1}')), new Json('[1,"x",null,{"a":1}]'));
  t.deepEqual(
    run(
      'jsonb_object_agg',
      ['text', 'any'],
      [
        ['a', 1],
        ['b', null],
        ['a', 2],
      ],
    ),
    new Json('{"a":2,"b":null}'),
  );
});

test('ordered-set aggregates sort what they are given', (t) => {
  const rows = (fraction: SqlValue, ...values: SqlValue[]): SqlValue[][] =>
    values.map((value) => [fraction, value]);
  t.is(run('percentile_cont', ['numeric', 'int8'], rows(0.5, 4, 1, 3, 2)), 2.5);
  t.is(run('percentile_disc', ['numeric', 'int8'], rows(0.5, 4, 1, 3, 2)), 2);
  t.is(run('percentile_cont', ['numeric', 'any'], rows(0.95, 10, null, 20)), 19.5);
  t.deepEqual(run('percentile_cont', ['numeric[]', 'int8'], rows([0.25, 0.75], 1, 2, 3, 4, 5)), [2, 4]);
  t.is(
    toText(
      run(
        'percentile_cont',
        ['numeric', 'interval'],
        rows(0.5, new Interval(0, 1, 0), new Interval(0, 2, 0)),
      ),
    ),
    '1 day 12:00:00',
  );
  t.is(run('percentile_disc', ['numeric', 'text'], rows(1, 'b', 'a')), 'b');
  t.is(of('mode', 'any', 'b', 'a', 'b', 'a', 'c'), 'a');
  t.throws(() => run('percentile_cont', ['numeric', 'int8'], rows(1.5, 1)));
});

test('intervals sum and average', (t) => {
  const [day, hours] = [new Interval(0, 1, 0), new Interval(0, 0, 7_200_000_000)];
  t.is(toText(of('sum', 'interval', day, hours)), '1 day 02:00:00');
  t.is(toText(of('avg', 'interval', day, hours)), '13:00:00');
});

test('bits are combined', (t) => {
  t.is(of('bit_and', 'int8', 6, 3), 2);
  t.is(of('bit_or', 'int8', 6, 3), 7);
});
