/** Window functions proper; aggregates over windows are the executor's. */
import { INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';
import type { SqlType } from '../types/sql-type.js';
import type { SqlValue } from '../types/values.js';
import { functionId } from './define.js';
import type { WindowAccess, WindowDefinition } from './definition.js';

type Evaluate = WindowDefinition['evaluate'];

const windowFunction = (
  name: string,
  parameters: readonly SqlType[],
  returns: SqlType,
  evaluate: Evaluate,
): WindowDefinition => ({
  id: functionId(name, parameters),
  name,
  parameters,
  variadic: false,
  returns,
  ...(returns === 'any'
    ? { returnsFor: ([type]: readonly SqlType[]) => (type === 'unknown' ? 'text' : type) }
    : {}),
  evaluate,
});

/** Row of the partition, or undefined outside of it. */
function valueAt(
  window: WindowAccess,
  row: number,
  args: (row: number) => readonly SqlValue[],
): SqlValue | undefined {
  return row >= 0 && row < window.rows ? args(row)[0] : undefined;
}

/** Offset and default are those of the current row; the default stands in for a row that is not there. */
const shifted =
  (sign: 1 | -1): Evaluate =>
  (window, args) => {
    const [, offset = 1, otherwise = null] = args(window.current);
    if (offset === null) return null;
    const value = valueAt(window, window.current + sign * Number(offset), args);
    return value === undefined ? otherwise : value;
  };

function shifts(name: string, sign: 1 | -1): WindowDefinition[] {
  const evaluate = shifted(sign);
  return [
    windowFunction(name, ['any'], 'any', evaluate),
    windowFunction(name, ['any', 'int8'], 'any', evaluate),
    windowFunction(name, ['any', 'int8', 'any'], 'any', evaluate),
  ];
}

function ntile(window: WindowAccess, args: (row: number) => readonly SqlValue[]): SqlValue {
  const buckets = args(window.current)[0];
  if (buckets === null) return null;
  const count = Number(buckets);
  if (count <= 0) throw sqlError(INVALID_PARAMETER_VALUE, 'argument of ntile must be greater than zero');
  // The first buckets are longer by one row where they do not come out even.
  const size = Math.floor(window.rows / count);
  const longer = window.rows % count;
  const inLonger = longer * (size + 1);
  if (window.current < inLonger) return Math.floor(window.current / (size + 1)) + 1;
  return longer + Math.floor((window.current - inLonger) / size) + 1;
}

function nthValue(window: WindowAccess, args: (row: number) => readonly SqlValue[]): SqlValue {
  const n = args(window.current)[1];
  if (n === null) return null;
  if (Number(n) <= 0) throw sqlError('22016', 'argument of nth_value must be greater than zero');
  let rest = Number(n) - 1;
  for (const { start, end } of window.frame) {
    if (rest < end - start) return args(start + rest)[0];
    rest -= end - start;
  }
  return null;
}

export const WINDOW_FUNCTIONS: readonly WindowDefinition[] = [
  windowFunction('row_number', [], 'int8', ({ current }) => current + 1),
  windowFunction('rank', [], 'int8', ({ peerStart }) => peerStart + 1),
  windowFunction('dense_rank', [], 'int8', ({ peerGroup }) => peerGroup + 1),
  windowFunction('percent_rank', [], 'float8', ({ peerStart, rows }) =>
    rows <= 1 ? 0 : peerStart / (rows - 1),
  ),
  windowFunction('cume_dist', [], 'float8', ({ peerEnd, rows }) => peerEnd / rows),
  windowFunction('ntile', ['int8'], 'int8', ntile),
  ...shifts('lag', -1),
  ...shifts('lead', 1),
  windowFunction('first_value', ['any'], 'any', ({ frame }, args) =>
    frame.length === 0 ? null : args(frame[0].start)[0],
  ),
  windowFunction('last_value', ['any'], 'any', ({ frame }, args) =>
    frame.length === 0 ? null : args(frame[frame.length - 1].end - 1)[0],
  ),
  windowFunction('nth_value', ['any', 'int8'], 'any', nthValue),
];
