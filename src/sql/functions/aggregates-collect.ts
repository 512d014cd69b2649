/** Aggregates that keep what they are given: string_agg, array_agg, json_agg, and the ordered-set ones. */
import { sqlError } from '../errors.js';
import { compareForOrder, hashValue } from '../types/compare.js';
import type { SqlType } from '../types/sql-type.js';
import { castToText, isArray, toJsonText } from '../types/text.js';
import { valueBytes } from '../types/value-bytes.js';
import { Interval, Json, type SqlValue } from '../types/values.js';
import { arrayTypeOf, functionId } from './define.js';
import type { AggregateDefinition } from './definition.js';
import { addIntervals, multiplyInterval, subtractIntervals } from './interval-arithmetic.js';
import { checkTextLength } from './text-limit.js';

/** Rough cost of a value in a list. */
const VALUE_BYTES = 16;

const sizeOf = (value: SqlValue): number => {
  if (typeof value === 'string') return VALUE_BYTES + value.length * 2;
  if (value instanceof Json) return VALUE_BYTES + value.text.length * 2;
  return typeof value === 'object' ? VALUE_BYTES + valueBytes(value) : VALUE_BYTES;
};

interface Texts {
  parts: string[];
  length: number;
}

function addText(state: Texts, text: string): void {
  state.length += text.length;
  checkTextLength(state.length);
  state.parts.push(text);
}

/** The delimiter of a row stands before its value, so the first one's is not used. */
const STRING_AGG: AggregateDefinition = {
  id: functionId('string_agg', ['text', 'text']),
  name: 'string_agg',
  parameters: ['text', 'text'],
  returns: 'text',
  skipsNull: true,
  mergeable: false,
  initial: (): Texts => ({ parts: [], length: 0 }),
  accumulate(state, [value, delimiter]) {
    const texts = state as Texts;
    if (texts.parts.length > 0) addText(texts, (delimiter as string | null) ?? '');
    addText(texts, value as string);
    return texts;
  },
  merge: (left) => left,
  finish: (state) => ((state as Texts).parts.length === 0 ? null : (state as Texts).parts.join('')),
  sizeBytes: (state) => (state as Texts).length * 2 + (state as Texts).parts.length * VALUE_BYTES,
};

interface Values {
  list: SqlValue[];
  bytes: number;
}

const noValues = (): Values => ({ list: [], bytes: 0 });

function addValue(state: Values, value: SqlValue): Values {
  state.list.push(value);
  state.bytes += sizeOf(value);
  return state;
}

const mergeValues = (left: Values, right: Values): Values => {
  for (const value of right.list) left.list.push(value);
  left.bytes += right.bytes;
  return left;
};

type CollectOptions = Pick<AggregateDefinition, 'returnsFor'>;

/** A list in the order of the rows. */
const collect = (
  name: string,
  parameters: readonly SqlType[],
  returns: SqlType,
  finish: (list: readonly SqlValue[]) => SqlValue,
  options: CollectOptions = {},
): AggregateDefinition => ({
  id: functionId(name, parameters),
  name,
  parameters,
  returns,
  skipsNull: false,
  mergeable: false,
  initial: noValues,
  accumulate: (state, args) => {
    for (const value of args) addValue(state as Values, value);
    return state;
  },
  merge: (left, right) => mergeValues(left as Values, right as Values),
  finish: (state) => ((state as Values).list.length === 0 ? null : finish((state as Values).list)),
  sizeBytes: (state) => (state as Values).bytes,
  ...options,
});

const toJsonArray = (list: readonly SqlValue[]): SqlValue => {
  const parts = list.map(toJsonText);
  checkTextLength(parts.reduce((sum, part) => sum + part.length + 1, 0));
  return new Json(`[${parts.join(',')}]`);
};

function toJsonObject(list: readonly SqlValue[]): SqlValue {
  const members = new Map<string, string>();
  for (let index = 0; index < list.length; index += 2) {
    const key = list[index];
    if (key === null) throw sqlError('22004', 'field name must not be null');
    members.set(castToText(key), toJsonText(list[index + 1]));
  }
  return new Json(`{${[...members].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`);
}

/** State of the ordered-set aggregates: the direct argument of any row, and all values. */
interface SortedValues extends Values {
  fraction: SqlValue;
}

const orderedSet = (
  name: string,
  parameters: readonly SqlType[],
  returns: SqlType,
  finish: (sorted: readonly SqlValue[], fraction: SqlValue) => SqlValue,
  options: CollectOptions = {},
): AggregateDefinition => {
  const finishSet = (
    { list, fraction }: SortedValues,
    sort: (list: readonly SqlValue[]) => readonly SqlValue[],
  ): SqlValue =>
    list.length === 0 || (parameters.length > 1 && fraction === null) ? null : finish(sort(list), fraction);
  return {
    id: functionId(name, parameters),
    name,
    parameters,
    returns,
    orderedSet: true,
    skipsNull: false,
    mergeable: true,
    initial: (): SortedValues => ({ ...noValues(), fraction: null }),
    accumulate(state, args) {
      const values = state as SortedValues;
      if (parameters.length > 1) values.fraction = args[0];
      const value = args[args.length - 1];
      return value === null ? values : addValue(values, value);
    },
    merge(left, right) {
      (left as SortedValues).fraction ??= (right as SortedValues).fraction;
      return mergeValues(left as Values, right as Values);
    },
    finish: (state) => finishSet(state as SortedValues, (list) => [...list].sort(compareForOrder)),
    finishOrdered: (state) => finishSet(state as SortedValues, (list) => list),
    sizeBytes: (state) => (state as Values).bytes,
    ...options,
  };
};

/** One fraction, or each of an array. */
function forFractions(fraction: SqlValue, pick: (fraction: number) => SqlValue): SqlValue {
  if (isArray(fraction)) return fraction.map((item) => (item === null ? null : forFractions(item, pick)));
  const value = Number(fraction);
  if (!(value >= 0 && value <= 1)) {
    throw sqlError('22003', `percentile value ${value} is not between 0 and 1`);
  }
  return pick(value);
}

const continuous = (sorted: readonly SqlValue[], fraction: SqlValue): SqlValue =>
  forFractions(fraction, (part) => {
    const place = part * (sorted.length - 1);
    const low = sorted[Math.floor(place)];
    const high = sorted[Math.ceil(place)];
    return interpolate(low, high, place - Math.floor(place));
  });

function interpolate(low: SqlValue, high: SqlValue, part: number): SqlValue {
  if (part === 0) return low;
  if (low instanceof Interval && high instanceof Interval) {
    return addIntervals(low, multiplyInterval(subtractIntervals(high, low), part));
  }
  return Number(low) + (Number(high) - Number(low)) * part;
}

const discrete = (sorted: readonly SqlValue[], fraction: SqlValue): SqlValue =>
  forFractions(fraction, (part) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]);

/** Of several equally frequent ones, the first. */
function mode(sorted: readonly SqlValue[]): SqlValue {
  const counts = new Map<ReturnType<typeof hashValue>, number>();
  let best: SqlValue = null;
  let bestCount = 0;
  for (const value of sorted) {
    const key = hashValue(value);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count > bestCount) {
      bestCount = count;
      best = value;
    }
  }
  return best;
}

const both = (name: string, ...rest: ReadonlyTuple): AggregateDefinition[] =>
  [name, `json${name.slice('jsonb'.length)}`].map((each) => collect(each, ...rest));
type ReadonlyTuple = [readonly SqlType[], SqlType, (list: readonly SqlValue[]) => SqlValue];

export const AGGREGATES_COLLECT: readonly AggregateDefinition[] = [
  STRING_AGG,
  collect('array_agg', ['any'], 'any[]', (list) => [...list], { returnsFor: ([type]) => arrayTypeOf(type) }),
  ...both('jsonb_agg', ['any'], 'jsonb', toJsonArray),
  ...both('jsonb_object_agg', ['any', 'any'], 'jsonb', toJsonObject),
  orderedSet('percentile_cont', ['float8', 'float8'], 'float8', continuous),
  orderedSet('percentile_cont', ['float8', 'interval'], 'interval', continuous),
  orderedSet('percentile_cont', ['float8[]', 'float8'], 'float8[]', continuous),
  orderedSet('percentile_disc', ['float8', 'any'], 'any', discrete, { returnsFor: ([, type]) => type }),
  orderedSet('percentile_disc', ['float8[]', 'any'], 'any[]', discrete, {
    returnsFor: ([, type]) => arrayTypeOf(type),
  }),
  orderedSet('mode', ['any'], 'any', mode, { returnsFor: ([type]) => type }),
];
