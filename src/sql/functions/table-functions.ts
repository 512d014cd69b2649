/** Functions in FROM. Each stops as soon as no more rows are wanted, so that a series may be endless. */
import { INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';
import { compareForOrder } from '../types/compare.js';
import { isJsonArray, isJsonObject, sortedEntries } from '../types/json-tree.js';
import { roundDecimal, type SqlNumber } from '../types/numbers.js';
import type { SqlType } from '../types/sql-type.js';
import { castToText } from '../types/text.js';
import { Interval, type SqlValue, type Timestamp } from '../types/values.js';
import { addInt8, addNumeric, multiplyNumeric } from './arithmetic.js';
import { flatten, splitText } from './arrays.js';
import { elementOf, functionId } from './define.js';
import type { TableFunctionDefinition } from './definition.js';
import { addToTimestamp } from './interval-arithmetic.js';
import { toValue, treeOf } from './json-tools.js';
import { regexGroups, regexSplit } from './regex-functions.js';

type Emit = (row: SqlValue[]) => boolean;
type Columns = readonly (readonly [string, SqlType])[];

interface TableOptions {
  readonly variadic?: boolean;
  readonly columnsFor?: TableFunctionDefinition['columnsFor'];
  /** Called with NULLs among the arguments, too; otherwise there are no rows then. */
  readonly takesNull?: boolean;
}

function table(
  name: string,
  parameters: readonly SqlType[],
  columns: Columns,
  evaluate: (args: readonly SqlValue[], emit: Emit) => void,
  { variadic = false, columnsFor, takesNull = false }: TableOptions = {},
): TableFunctionDefinition {
  return {
    id: functionId(name, parameters),
    name,
    parameters,
    variadic,
    columns: columns.map(([column, type]) => ({ name: column, type })),
    ...(columnsFor === undefined ? {} : { columnsFor }),
    evaluate(args, emit) {
      if (takesNull || !args.includes(null)) evaluate(args, emit);
    },
  };
}

const zeroStep = (): Error => sqlError(INVALID_PARAMETER_VALUE, 'step size cannot equal zero');

function integerSeries([start, stop, step = 1]: readonly SqlValue[], emit: Emit): void {
  const by = step as SqlNumber;
  if (Number(by) === 0) throw zeroStep();
  const sign = by > 0 ? 1 : -1;
  for (let at = start as SqlNumber; sign * compareForOrder(at, stop) <= 0; ) {
    if (!emit([at])) return;
    // The series ends where int8 does.
    if (sign * compareForOrder(at, sign > 0 ? LAST - BigInt(by) : FIRST - BigInt(by)) > 0) return;
    at = addInt8(at, by);
  }
}

const FIRST = -(2n ** 63n);
const LAST = 2n ** 63n - 1n;

const decimals = (value: SqlNumber): number => (/\.(\d+)$/.exec(String(value))?.[1] ?? '').length;

function numericSeries([start, stop, step = 1]: readonly SqlValue[], emit: Emit): void {
  const from = start as SqlNumber;
  const by = step as SqlNumber;
  if ([from, by, stop].some((value) => !Number.isFinite(Number(value)))) {
    throw sqlError(INVALID_PARAMETER_VALUE, 'start, stop and step values must be finite');
  }
  if (Number(by) === 0) throw zeroStep();
  const sign = by > 0 ? 1 : -1;
  // By multiplication and rounded to the operands' decimals: sums of 0.1 would drift.
  const places = Math.max(decimals(from), decimals(by));
  for (let index = 0; ; index++) {
    const at = roundDecimal(addNumeric(from, multiplyNumeric(by, index)), places);
    if (sign * compareForOrder(at, stop) > 0 || !emit([at])) return;
  }
}

function timeSeries([start, stop, step]: readonly SqlValue[], emit: Emit): void {
  const by = step as Interval;
  const order = compareForOrder(by, new Interval(0, 0, 0));
  if (order === 0) throw zeroStep();
  const sign = order > 0 ? 1 : -1;
  for (let at = start as Timestamp; sign * compareForOrder(at, stop) <= 0; at = addToTimestamp(at, by)) {
    if (!emit([at]) || !Number.isFinite(at.micros)) return;
  }
}

function unnest(args: readonly SqlValue[], emit: Emit): void {
  const lists = args.map((array) => (array === null ? [] : flatten(array)));
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  for (let index = 0; index < longest; index++) {
    if (!emit(lists.map((list) => list[index] ?? null))) return;
  }
}

function arrayElements(json: SqlValue, emit: Emit, asText: boolean): void {
  const tree = treeOf(json);
  if (!isJsonArray(tree)) {
    const kind = isJsonObject(tree) ? 'an object' : 'a scalar';
    throw sqlError(INVALID_PARAMETER_VALUE, `cannot extract elements from ${kind}`);
  }
  for (const element of tree) {
    const value = toValue(element);
    if (!emit([asText ? textOf(value) : value])) return;
  }
}

const textOf = (value: SqlValue): SqlValue => (value === null ? null : castToText(value));

function each(json: SqlValue, emit: Emit, row: (key: string, value: SqlValue) => SqlValue[]): void {
  const tree = treeOf(json);
  if (!isJsonObject(tree)) {
    const kind = isJsonArray(tree) ? 'an array' : 'a scalar';
    throw sqlError(INVALID_PARAMETER_VALUE, `cannot take the members of ${kind}`);
  }
  for (const [key, value] of sortedEntries(tree)) if (!emit(row(key, toValue(value)))) return;
}

const emitAll = (values: Iterable<SqlValue>, emit: Emit): void => {
  for (const value of values) if (!emit([value])) return;
};

/** jsonb_… and json_…. */
const both = (
  name: string,
  columns: Columns,
  evaluate: (json: SqlValue, emit: Emit) => void,
): TableFunctionDefinition[] =>
  [name, `json${name.slice('jsonb'.length)}`].map((each) =>
    table(
      each,
      ['jsonb'],
      columns.map(([column, type]) => [column === name ? each : column, type]),
      ([json], emit) => evaluate(json, emit),
    ),
  );

const SERIES_COLUMN = 'generate_series';

function series(
  type: SqlType,
  stepType: SqlType | undefined,
  evaluate: (args: readonly SqlValue[], emit: Emit) => void,
) {
  const parameters = stepType === undefined ? [type, type] : [type, type, stepType];
  return table('generate_series', parameters, [[SERIES_COLUMN, type]], evaluate);
}

export const TABLE_FUNCTIONS: readonly TableFunctionDefinition[] = [
  series('int8', undefined, integerSeries),
  series('int8', 'int8', integerSeries),
  series('numeric', undefined, numericSeries),
  series('numeric', 'numeric', numericSeries),
  series('timestamptz', 'interval', timeSeries),
  series('timestamp', 'interval', timeSeries),
  table('unnest', ['any[]'], [['unnest', 'any']], unnest, {
    variadic: true,
    takesNull: true,
    columnsFor: (types) => types.map((type) => ({ name: 'unnest', type: elementOf(type) })),
  }),
  table(
    'generate_subscripts',
    ['any[]', 'int8'],
    [['generate_subscripts', 'int8']],
    ([array, dimension], emit) => {
      if (dimension === 1)
        emitAll(
          flatten(array).map((_, index) => index + 1),
          emit,
        );
    },
  ),
  ...both('jsonb_array_elements', [['value', 'jsonb']], (json, emit) => arrayElements(json, emit, false)),
  ...both('jsonb_array_elements_text', [['value', 'text']], (json, emit) => arrayElements(json, emit, true)),
  ...both(
    'jsonb_each',
    [
      ['key', 'text'],
      ['value', 'jsonb'],
    ],
    (json, emit) => each(json, emit, (key, value) => [key, value]),
  ),
  ...both(
    'jsonb_each_text',
    [
      ['key', 'text'],
      ['value', 'text'],
    ],
    (json, emit) => each(json, emit, (key, value) => [key, textOf(value)]),
  ),
  ...both('jsonb_object_keys', [['jsonb_object_keys', 'text']], (json, emit) =>
    each(json, emit, (key) => [key]),
  ),
  table('regexp_matches', ['text', 'text'], [['regexp_matches', 'text[]']], ([text, pattern], emit) =>
    emitAll(regexGroups(text as string, pattern as string, ''), emit),
  ),
  table(
    'regexp_matches',
    ['text', 'text', 'text'],
    [['regexp_matches', 'text[]']],
    ([text, pattern, flags], emit) =>
      emitAll(regexGroups(text as string, pattern as string, flags as string), emit),
  ),
  table(
    'regexp_split_to_table',
    ['text', 'text'],
    [['regexp_split_to_table', 'text']],
    ([text, pattern], emit) => emitAll(regexSplit(text as string, pattern as string), emit),
  ),
  table(
    'regexp_split_to_table',
    ['text', 'text', 'text'],
    [['regexp_split_to_table', 'text']],
    ([text, pattern, flags], emit) =>
      emitAll(regexSplit(text as string, pattern as string, flags as string), emit),
  ),
  table(
    'string_to_table',
    ['text', 'text'],
    [['string_to_table', 'text']],
    ([text, delimiter], emit) => {
      if (text !== null) emitAll(splitText(text as string, delimiter as string | null, null), emit);
    },
    { takesNull: true },
  ),
  table(
    'string_to_table',
    ['text', 'text', 'text'],
    [['string_to_table', 'text']],
    ([text, delimiter, nullText], emit) => {
      if (text !== null) {
        emitAll(splitText(text as string, delimiter as string | null, nullText as string | null), emit);
      }
    },
    { takesNull: true },
  ),
];
