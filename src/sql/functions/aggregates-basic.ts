/** count, sum, avg, min, max, bool_and/or, bit_and/or: all mergeable. */
import { compareForOrder } from '../types/compare.js';
import { normalizeInteger, type SqlNumber, toInt8 } from '../types/numbers.js';
import type { SqlType } from '../types/sql-type.js';
import { valueBytes } from '../types/value-bytes.js';
import { Interval, type SqlValue } from '../types/values.js';
import { functionId, sameAsFirst } from './define.js';
import type { AggregateDefinition } from './definition.js';
import { divideInterval } from './interval-arithmetic.js';

/** Sum of numbers: integers exactly, fractions with Neumaier's compensation. Plain data, merges in any order. */
export interface NumberSum {
  count: number;
  /** Of integers, while it is safe. */
  integers: number;
  /** What no longer fitted in `integers`. */
  large: bigint;
  fractions: number;
  compensation: number;
}

export const emptySum = (): NumberSum => ({
  count: 0,
  integers: 0,
  large: 0n,
  fractions: 0,
  compensation: 0,
});

export function addToSum(sum: NumberSum, value: SqlNumber): void {
  sum.count++;
  if (typeof value === 'bigint') sum.large += value;
  else if (Number.isInteger(value)) addInteger(sum, value);
  else addFraction(sum, value);
}

function addInteger(sum: NumberSum, value: number): void {
  const next = sum.integers + value;
  if (Number.isSafeInteger(next)) sum.integers = next;
  // Doubles that large are no exact integers, unless they are few: keep them as what they are.
  else if (Math.abs(value) >= 1e38) addFraction(sum, value);
  else {
    sum.large += BigInt(sum.integers) + BigInt(value);
    sum.integers = 0;
  }
}

function addFraction(sum: NumberSum, value: number): void {
  const next = sum.fractions + value;
  if (!Number.isFinite(next)) {
    sum.fractions = next;
    sum.compensation = 0;
    return;
  }
  sum.compensation +=
    Math.abs(sum.fractions) >= Math.abs(value) ? sum.fractions - next + value : value - next + sum.fractions;
  sum.fractions = next;
}

export function mergeSums(left: NumberSum, right: NumberSum): NumberSum {
  const { count } = left;
  addInteger(left, right.integers);
  left.large += right.large;
  addFraction(left, right.fractions);
  left.compensation = Number.isFinite(left.fractions) ? left.compensation + right.compensation : 0;
  left.count = count + right.count;
  return left;
}

export function totalOf(sum: NumberSum): SqlNumber {
  const fractions = sum.fractions + sum.compensation;
  if (sum.large === 0n) return sum.integers + fractions;
  const integers = sum.large + BigInt(sum.integers);
  return fractions === 0 ? normalizeInteger(integers) : Number(integers) + fractions;
}

function meanOf(sum: NumberSum): SqlNumber {
  const total = totalOf(sum);
  if (typeof total === 'bigint' && total % BigInt(sum.count) === 0n) {
    return normalizeInteger(total / BigInt(sum.count));
  }
  return Number(total) / sum.count;
}

function numberAggregate(
  name: string,
  parameter: SqlType,
  returns: SqlType,
  result: (sum: NumberSum) => SqlNumber,
): AggregateDefinition {
  return {
    id: functionId(name, [parameter]),
    name,
    parameters: [parameter],
    returns,
    skipsNull: true,
    mergeable: true,
    initial: emptySum,
    accumulate(state, args) {
      addToSum(state as NumberSum, args[0] as SqlNumber);
      return state;
    },
    merge: (left, right) => mergeSums(left as NumberSum, right as NumberSum),
    finish: (state) => ((state as NumberSum).count === 0 ? null : result(state as NumberSum)),
  };
}

interface IntervalSum {
  count: number;
  months: number;
  days: number;
  micros: number;
}

function intervalAggregate(name: string, result: (sum: IntervalSum) => Interval): AggregateDefinition {
  const add = (sum: IntervalSum, count: number, value: { months: number; days: number; micros: number }) => {
    sum.count += count;
    sum.months += value.months;
    sum.days += value.days;
    sum.micros += value.micros;
    return sum;
  };
  return {
    id: functionId(name, ['interval']),
    name,
    parameters: ['interval'],
    returns: 'interval',
    skipsNull: true,
    mergeable: true,
    initial: (): IntervalSum => ({ count: 0, months: 0, days: 0, micros: 0 }),
    accumulate: (state, args) => add(state as IntervalSum, 1, args[0] as Interval),
    merge: (left, right) => add(left as IntervalSum, (right as IntervalSum).count, right as IntervalSum),
    finish: (state) => ((state as IntervalSum).count === 0 ? null : result(state as IntervalSum)),
  };
}

const intervalTotal = ({ months, days, micros }: IntervalSum): Interval => new Interval(months, days, micros);

/** An aggregate that keeps one of its values, or combines two into one. */
function fold(
  name: string,
  parameter: SqlType,
  returns: SqlType,
  combine: (a: SqlValue, b: SqlValue) => SqlValue,
  options: Pick<AggregateDefinition, 'returnsFor' | 'sizeBytes'> = {},
): AggregateDefinition {
  const next = (state: unknown, value: SqlValue): SqlValue =>
    state === null ? value : value === null ? (state as SqlValue) : combine(state as SqlValue, value);
  return {
    id: functionId(name, [parameter]),
    name,
    parameters: [parameter],
    returns,
    skipsNull: true,
    mergeable: true,
    stateIsValue: true,
    initial: () => null,
    accumulate: (state, args) => next(state, args[0]),
    merge: (left, right) => next(left, right as SqlValue),
    finish: (state) => state as SqlValue,
    ...options,
  };
}

const counting = (parameters: readonly SqlType[]): AggregateDefinition => ({
  id: functionId('count', parameters),
  name: 'count',
  parameters,
  returns: 'int8',
  skipsNull: parameters.length > 0,
  mergeable: true,
  initial: () => 0,
  accumulate: (state) => (state as number) + 1,
  merge: (left, right) => (left as number) + (right as number),
  finish: (state) => state as number,
});

const bitwise = (combine: (a: bigint, b: bigint) => bigint) => (a: SqlValue, b: SqlValue) =>
  toInt8(combine(BigInt(a as number), BigInt(b as number)));

const and = (a: SqlValue, b: SqlValue): SqlValue => a === true && b === true;
const or = (a: SqlValue, b: SqlValue): SqlValue => a === true || b === true;

/** Of a fold over values that may be large. */
const KEEPS_VALUE = {
  returnsFor: sameAsFirst,
  sizeBytes: (state: unknown): number => valueBytes(state as SqlValue),
};

export const AGGREGATES_BASIC: readonly AggregateDefinition[] = [
  counting([]),
  counting(['any']),
  numberAggregate('sum', 'numeric', 'numeric', totalOf),
  numberAggregate('sum', 'int8', 'numeric', totalOf),
  numberAggregate('sum', 'float8', 'float8', (sum) => Number(totalOf(sum))),
  intervalAggregate('sum', intervalTotal),
  numberAggregate('avg', 'numeric', 'numeric', meanOf),
  numberAggregate('avg', 'int8', 'numeric', meanOf),
  numberAggregate('avg', 'float8', 'float8', (sum) => Number(meanOf(sum))),
  intervalAggregate('avg', (sum) => divideInterval(intervalTotal(sum), sum.count)),
  fold('min', 'any', 'any', (a, b) => (compareForOrder(b, a) < 0 ? b : a), KEEPS_VALUE),
  fold('max', 'any', 'any', (a, b) => (compareForOrder(b, a) > 0 ? b : a), KEEPS_VALUE),
  fold('bool_and', 'bool', 'bool', and),
  fold('every', 'bool', 'bool', and),
  fold('bool_or', 'bool', 'bool', or),
  fold(
    'bit_and',
    'int8',
    'int8',
    bitwise((a, b) => a & b),
  ),
  fold(
    'bit_or',
    'int8',
    'int8',
    bitwise((a, b) => a | b),
  ),
  fold(
    'bit_xor',
    'int8',
    'int8',
    bitwise((a, b) => a ^ b),
  ),
];
