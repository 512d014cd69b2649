import test from 'ava';
import type { ResultColumn } from '../../../src/sql/algebra/physical.js';
import { LineResult, TableResult } from '../../../src/sql/execute/result-json.js';
import { Json, type Row, Timestamp } from '../../../src/sql/types/values.js';

const column = (name: string, spread = false): ResultColumn => ({ name, type: 'any', spread });
const OPTIONS = { waitingBytesMax: 1_000_000 };

function table(
  columns: readonly ResultColumn[],
  rows: readonly Row[],
  options: ConstructorParameters<typeof TableResult>[2] = OPTIONS,
): unknown {
  let text = '';
  const result = new TableResult(columns, (chunk) => (text += Buffer.from(chunk).toString()), options);
  for (const row of rows) result.add(row);
  result.end();
  return JSON.parse(`{${text}}`);
}

test('values are JSON of their kind, hidden columns are dropped', (t) => {
  const rows: Row[] = [
    [1, 'a"b', true, 'hidden'],
    [null, new Timestamp(0, true), new Json('{"x":1.50}'), 'hidden'],
  ];
  t.deepEqual(table([column('a'), column('b'), column('c')], rows), {
    columns: ['a', 'b', 'c'],
    rows: [
      [1, 'a"b', true],
      [null, '1970-01-01T00:00:00.000Z', { x: 1.5 }],
    ],
  });
  t.deepEqual(table([column('a')], []), { columns: ['a'], rows: [] });
});

test('a spread document becomes the union of the members, in order of appearance, null where missing', (t) => {
  const rows: Row[] = [
    [new Json('{"_id":"1","b":1}'), 'x'],
    [new Json('{"_id":"2","a":2,"b":{"c":[1]}}'), 'y'],
    [null, 'z'],
  ];
  t.deepEqual(table([column('t', true), column('more')], rows), {
    columns: ['_id', 'b', 'a', 'more'],
    rows: [
      ['1', 1, null, 'x'],
      ['2', { c: [1] }, 2, 'y'],
      [null, null, null, 'z'],
    ],
  });
  const declared = { ...OPTIONS, declared: ['_id', 'a', 'z'] };
  t.deepEqual(table([column('t', true)], [rows[0]], declared), {
    columns: ['_id', 'a', 'z', 'b'],
    rows: [['1', null, null, 1]],
  });
});

test('rows that wait for the names of the columns have a limit', (t) => {
  const rows = Array.from({ length: 100 }, (_, i): Row => [new Json(`{"_id":"${i}"}`)]);
  const error = t.throws(() => table([column('t', true)], rows, { waitingBytesMax: 1000 }));
  t.regex(error?.message ?? '', /1000 bytes/);
});

test('lines are objects; documents keep their text', (t) => {
  let text = '';
  const columns = [column('n'), column('t', true)];
  const result = new LineResult(columns, (chunk) => (text += Buffer.from(chunk).toString()));
  result.add([1, new Json('{"a": 1.10, "b":12345678901234567890}')]);
  result.add([2, new Json('{}')]);
  result.end();
  t.is(text, '{"n":1,"a":1.10,"b":12345678901234567890}\n{"n":2}\n');
  t.is(result.rowCount, 2);
});
