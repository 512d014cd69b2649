import test from 'ava';
import type { WindowAccess } from '../../../src/sql/functions/definition.js';
import {
  functionNames,
  resolveTableFunction,
  resolveWindow,
  tableFunctionById,
  windowById,
} from '../../../src/sql/functions/registry.js';
import { castValue } from '../../../src/sql/types/cast.js';
import type { SqlType } from '../../../src/sql/types/sql-type.js';
import { toText } from '../../../src/sql/types/text.js';
import { Json, type SqlValue } from '../../../src/sql/types/values.js';
import { testContext } from './evaluate.js';

function rowsOf(name: string, types: readonly SqlType[], args: readonly SqlValue[], max = 20): SqlValue[][] {
  const resolution = resolveTableFunction(name, types);
  if (resolution === undefined) throw new Error(`no table function ${name}`);
  const rows: SqlValue[][] = [];
  const values = args.map((arg, index) =>
    castValue(arg, resolution.casts[index], undefined, { from: types[index] }),
  );
  resolution.definition.evaluate(
    values,
    (row) => {
      rows.push(row);
      return rows.length < max;
    },
    testContext,
  );
  return rows;
}

const first = (rows: SqlValue[][]): SqlValue[] => rows.map(([value]) => value);

test('series of integers, decimals and points in time', (t) => {
  const int = (...args: number[]): SqlValue[] =>
    first(
      rowsOf(
        'generate_series',
        args.map(() => 'int8'),
        args,
      ),
    );
  t.deepEqual(int(1, 4), [1, 2, 3, 4]);
  t.deepEqual(int(5, 1, -2), [5, 3, 1]);
  t.deepEqual(int(3, 1), []);
  t.throws(() => int(1, 2, 0));
  t.deepEqual(
    first(rowsOf('generate_series', ['numeric', 'numeric', 'numeric'], [0, 0.4, 0.1])),
    [0, 0.1, 0.2, 0.3, 0.4],
  );
  const months = rowsOf(
    'generate_series',
    ['unknown', 'timestamptz', 'unknown'],
    ['2024-01-31', castValue('2024-04-30', 'timestamptz'), '1 month'],
  );
  t.deepEqual(
    first(months).map((value) => toText(value)),
    ['2024-01-31 00:00:00+00', '2024-02-29 00:00:00+00', '2024-03-29 00:00:00+00', '2024-04-29 00:00:00+00'],
  );
});

test('an endless series ends when no more rows are wanted, or where int8 ends', (t) => {
  t.is(rowsOf('generate_series', ['int8', 'int8'], [1, 2n ** 63n - 1n], 3).length, 3);
  t.deepEqual(first(rowsOf('generate_series', ['int8', 'int8'], [2n ** 63n - 2n, 2n ** 63n - 1n])), [
    2n ** 63n - 2n,
    2n ** 63n - 1n,
  ]);
});

test('arrays and JSON arrays become rows; the shorter of several ends in NULLs', (t) => {
  t.deepEqual(first(rowsOf('unnest', ['int8[]'], [[1, 2]])), [1, 2]);
  t.deepEqual(first(rowsOf('unnest', ['any'], [new Json('["a",{"b":1}]')])), ['a', new Json('{"b":1}')]);
  t.deepEqual(rowsOf('unnest', ['int8[]', 'text[]'], [[1, 2], ['a']]), [
    [1, 'a'],
    [2, null],
  ]);
  t.deepEqual(rowsOf('unnest', ['int8[]'], [null]), []);
  t.deepEqual(resolveTableFunction('unnest', ['int8[]'])?.definition.columns, [
    { name: 'unnest', type: 'int8' },
  ]);
});

test('JSON is taken apart', (t) => {
  const json = '{"bb": 1, "a": "x"}';
  t.deepEqual(rowsOf('jsonb_each', ['unknown'], [json]), [
    ['a', 'x'],
    ['bb', 1],
  ]);
  t.deepEqual(rowsOf('jsonb_each_text', ['unknown'], [json]), [
    ['a', 'x'],
    ['bb', '1'],
  ]);
  t.deepEqual(first(rowsOf('jsonb_object_keys', ['unknown'], [json])), ['a', 'bb']);
  t.deepEqual(first(rowsOf('jsonb_array_elements', ['any'], [new Json('[1,"x",null]')])), [1, 'x', null]);
  t.deepEqual(first(rowsOf('json_array_elements_text', ['unknown'], ['[1,true]'])), ['1', 'true']);
  t.throws(() => rowsOf('jsonb_array_elements', ['unknown'], ['{}']));
});

test('texts are taken apart', (t) => {
  t.deepEqual(rowsOf('regexp_matches', ['text', 'unknown', 'unknown'], ['a1b2', '([a-z])([0-9])', 'g']), [
    [['a', '1']],
    [['b', '2']],
  ]);
  t.deepEqual(first(rowsOf('string_to_table', ['text', 'unknown'], ['a,b', ','])), ['a', 'b']);
  t.deepEqual(first(rowsOf('regexp_split_to_table', ['text', 'unknown'], ['a  b', '\\s+'])), ['a', 'b']);
});

/** Values 10, 20, 20, 30 of one partition, in that order; the frame is the default one. */
const PARTITION = [10, 20, 20, 30];
const ACCESS: readonly WindowAccess[] = [
  { rows: 4, current: 0, peerStart: 0, peerEnd: 1, frame: [{ start: 0, end: 1 }], peerGroup: 0 },
  { rows: 4, current: 1, peerStart: 1, peerEnd: 3, frame: [{ start: 0, end: 3 }], peerGroup: 1 },
  { rows: 4, current: 2, peerStart: 1, peerEnd: 3, frame: [{ start: 0, end: 3 }], peerGroup: 1 },
  { rows: 4, current: 3, peerStart: 3, peerEnd: 4, frame: [{ start: 0, end: 4 }], peerGroup: 2 },
];

function windowOf(name: string, types: readonly SqlType[], args: (value: number) => SqlValue[]): SqlValue[] {
  const definition = resolveWindow(name, types)?.definition;
  if (definition === undefined) throw new Error(`no window function ${name}`);
  return ACCESS.map((access) => definition.evaluate(access, (row) => args(PARTITION[row])));
}

test('window functions see ranks, neighbours and the frame', (t) => {
  const none = (): SqlValue[] => [];
  t.deepEqual(windowOf('row_number', [], none), [1, 2, 3, 4]);
  t.deepEqual(windowOf('rank', [], none), [1, 2, 2, 4]);
  t.deepEqual(windowOf('dense_rank', [], none), [1, 2, 2, 3]);
  t.deepEqual(windowOf('percent_rank', [], none), [0, 1 / 3, 1 / 3, 1]);
  t.deepEqual(windowOf('cume_dist', [], none), [0.25, 0.75, 0.75, 1]);
  t.deepEqual(
    windowOf('ntile', ['int8'], () => [3]),
    [1, 1, 2, 3],
  );
  t.deepEqual(
    windowOf('ntile', ['int8'], () => [10]),
    [1, 2, 3, 4],
  );
  t.deepEqual(
    windowOf('lag', ['int8'], (value) => [value]),
    [null, 10, 20, 20],
  );
  t.deepEqual(
    windowOf('lead', ['int8', 'int8', 'int8'], (value) => [value, 2, 0]),
    [20, 30, 0, 0],
  );
  t.deepEqual(
    windowOf('first_value', ['int8'], (value) => [value]),
    [10, 10, 10, 10],
  );
  t.deepEqual(
    windowOf('last_value', ['int8'], (value) => [value]),
    [10, 20, 20, 30],
  );
  t.deepEqual(
    windowOf('nth_value', ['int8', 'int8'], (value) => [value, 2]),
    [null, 20, 20, 20],
  );
  t.is(resolveWindow('lag', ['timestamptz'])?.definition.returns, 'timestamptz');
});

test('definitions are found by their ids, and names are listed', (t) => {
  t.is(windowById('lag(any,int8)')?.name, 'lag');
  t.is(tableFunctionById('unnest(any[])')?.name, 'unnest');
  t.true(functionNames().includes('date_trunc'));
  t.false(functionNames().includes('||'));
});
