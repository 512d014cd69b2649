/** Mathematical functions. numeric and float8 are both doubles; they differ in how halves are rounded and in exact integers. */
import type { DbError } from '../../base/errors.js';
import { INVALID_PARAMETER_VALUE, NUMERIC_VALUE_OUT_OF_RANGE, sqlError } from '../errors.js';
import { compareForOrder } from '../types/compare.js';
import {
  isInteger,
  normalizeInteger,
  roundDecimal,
  roundHalfEven,
  type SqlNumber,
  toInt8,
  truncateDecimal,
} from '../types/numbers.js';
import type { SqlType } from '../types/sql-type.js';
import { isArray } from '../types/text.js';
import type { SqlValue } from '../types/values.js';
import { divideNumeric, overflow, power, powerNumeric } from './arithmetic.js';
import { aliases, many, one, sameAsFirst, two } from './define.js';
import type { FunctionDefinition } from './definition.js';
import { withSmallIntegers } from './small-integers.js';

const outsideDomain = (): DbError => sqlError(NUMERIC_VALUE_OUT_OF_RANGE, 'input is out of range');

/** One double in, one out. NaN out of a number is an error. */
function float(name: string, compute: (x: number) => number): FunctionDefinition {
  return one<SqlNumber>(name, 'float8', 'float8', (value) => {
    const x = Number(value);
    const result = compute(x) + 0;
    if (Number.isNaN(result) && !Number.isNaN(x)) throw outsideDomain();
    if (!Number.isFinite(result) && Number.isFinite(x)) throw overflow();
    return result;
  });
}

/** The same for int8, numeric and float8, each giving its own type. */
function perType(
  name: string,
  number: (x: number) => number,
  bigint: (x: bigint) => bigint = (x) => x,
): FunctionDefinition[] {
  const types: readonly SqlType[] = ['int8', 'numeric', 'float8'];
  return types.map((type) =>
    one<SqlNumber>(name, type, type, (value) => {
      if (typeof value === 'number') return number(value) + 0;
      return type === 'int8' ? toInt8(bigint(value)) : normalizeInteger(bigint(value));
    }),
  );
}

/** Rounding integers gives numeric in PostgreSQL (float8 for ceil); the type matters for what follows. */
function wholes(name: string, compute: (x: number) => number): FunctionDefinition[] {
  const evaluate = (value: SqlNumber): SqlNumber => (typeof value === 'bigint' ? value : compute(value) + 0);
  return [
    one<SqlNumber>(name, 'numeric', 'numeric', evaluate),
    one<SqlNumber>(name, 'float8', 'float8', evaluate),
  ];
}

function squareRoot(x: number): number {
  if (x < 0) throw sqlError('2201F', 'cannot take square root of a negative number');
  return Math.sqrt(x);
}

function checkLogarithm(x: number): void {
  if (x === 0) throw sqlError('2201E', 'cannot take logarithm of zero');
  if (x < 0) throw sqlError('2201E', 'cannot take logarithm of a negative number');
}

const logarithm = (compute: (x: number) => number) => (x: number) => {
  checkLogarithm(x);
  return compute(x);
};

function logarithmOfBase(base: SqlNumber, value: SqlNumber): number {
  const b = Number(base);
  const x = Number(value);
  checkLogarithm(b);
  checkLogarithm(x);
  if (b === 1) throw sqlError('22012', 'division by zero');
  if (b === 10) return Math.log10(x);
  return b === 2 ? Math.log2(x) : Math.log(x) / Math.log(b);
}

function greatestDivisor(a: SqlNumber, b: SqlNumber): SqlNumber {
  let [x, y] = [BigInt(a), BigInt(b)];
  while (y !== 0n) [x, y] = [y, x % y];
  return toInt8(x < 0n ? -x : x);
}

function leastMultiple(a: SqlNumber, b: SqlNumber): SqlNumber {
  if (Number(a) === 0 || Number(b) === 0) return 0;
  const product = (BigInt(a) / BigInt(greatestDivisor(a, b))) * BigInt(b);
  return toInt8(product < 0n ? -product : product);
}

const FACTORIAL_MAX = 170;

function factorial(n: number): SqlNumber {
  if (n < 0) throw outsideDomainOf('factorial of a negative number is undefined');
  if (n > FACTORIAL_MAX) throw sqlError('22003', `factorial is limited to ${FACTORIAL_MAX}`);
  let product = 1n;
  for (let factor = 2n; factor <= BigInt(n); factor++) product *= factor;
  return normalizeInteger(product);
}

const outsideDomainOf = (message: string): DbError => sqlError(NUMERIC_VALUE_OUT_OF_RANGE, message);

/** floor(a / b) toward zero. */
function div(a: SqlNumber, b: SqlNumber): SqlNumber {
  if (isInteger(a) && isInteger(b) && Number(b) !== 0) return normalizeInteger(BigInt(a) / BigInt(b));
  return Math.trunc(Number(divideNumeric(a, b))) + 0;
}

function widthBucket(value: SqlNumber, low: SqlNumber, high: SqlNumber, count: SqlNumber): number {
  const [x, from, to, buckets] = [value, low, high, count].map(Number);
  if (buckets <= 0) throw sqlError('2201G', 'count must be greater than zero');
  if (from === to) throw sqlError('2201G', 'lower bound cannot equal upper bound');
  const isAscending = from < to;
  if (isAscending ? x < from : x > from) return 0;
  if (isAscending ? x >= to : x <= to) return buckets + 1;
  return Math.floor(((x - from) / (to - from)) * buckets) + 1;
}

/** Place among sorted thresholds. */
function widthBucketOf(value: SqlValue, thresholds: readonly SqlValue[]): number {
  let bucket = 0;
  while (bucket < thresholds.length && compareForOrder(value, thresholds[bucket]) >= 0) bucket++;
  return bucket;
}

/** NULLs do not count. */
function extreme(args: readonly SqlValue[], sign: 1 | -1): SqlValue {
  let best: SqlValue = null;
  for (const value of args) {
    if (value !== null && (best === null || sign * compareForOrder(value, best) > 0)) best = value;
  }
  return best;
}

const COMMON = { strict: false, variadic: true, commonArguments: true, returnsFor: sameAsFirst } as const;

const RADIANS = Math.PI / 180;
/** Angles whose functions in degrees are exact. */
const exactDegrees = (compute: (radians: number) => number) => (degrees: number) =>
  Math.round(compute(degrees * RADIANS) * 1e15) / 1e15;

const scaleOf = (value: SqlNumber): number => {
  const match = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  return match === null ? 0 : Math.max(0, (match[1]?.length ?? 0) - Number(match[2] ?? 0));
};

export const MATH: readonly FunctionDefinition[] = [
  ...perType('abs', Math.abs, (x) => (x < 0n ? -x : x)),
  ...perType('@', Math.abs, (x) => (x < 0n ? -x : x)),
  ...perType('sign', Math.sign, (x) => (x < 0n ? -1n : 1n)).filter(
    ({ parameters }) => parameters[0] !== 'int8',
  ),
  ...wholes('ceil', Math.ceil),
  ...wholes('ceiling', Math.ceil),
  ...wholes('floor', Math.floor),
  one<SqlNumber>('round', 'numeric', 'numeric', (value) => roundDecimal(value, 0)),
  one<SqlNumber>('round', 'float8', 'float8', (value) => roundHalfEven(Number(value))),
  withSmallIntegers(two<SqlNumber, number>('round', ['numeric', 'int8'], 'numeric', roundDecimal)),
  one<SqlNumber>('trunc', 'numeric', 'numeric', (value) => truncateDecimal(value, 0)),
  one<SqlNumber>('trunc', 'float8', 'float8', (value) => Math.trunc(Number(value)) + 0),
  withSmallIntegers(two<SqlNumber, number>('trunc', ['numeric', 'int8'], 'numeric', truncateDecimal)),
  float('sqrt', squareRoot),
  float('|/', squareRoot),
  float('cbrt', Math.cbrt),
  float('||/', Math.cbrt),
  float('exp', (x) => {
    const result = Math.exp(x);
    if (result === 0 && Number.isFinite(x)) throw sqlError('22003', 'value out of range: underflow');
    return result;
  }),
  float('ln', logarithm(Math.log)),
  ...aliases(float('log', logarithm(Math.log10)), 'log10'),
  two<SqlNumber>('log', ['numeric', 'numeric'], 'numeric', logarithmOfBase),
  ...['power', 'pow'].flatMap((name) => [
    two<SqlNumber>(name, ['float8', 'float8'], 'float8', power),
    two<SqlNumber>(name, ['numeric', 'numeric'], 'numeric', powerNumeric),
  ]),
  two<SqlNumber>('div', ['numeric', 'numeric'], 'numeric', div),
  two<SqlNumber>('gcd', ['int8', 'int8'], 'int8', greatestDivisor),
  two<SqlNumber>('lcm', ['int8', 'int8'], 'int8', leastMultiple),
  one<number>('factorial', 'int8', 'numeric', factorial),
  one<SqlNumber>('scale', 'numeric', 'int8', scaleOf),
  one<SqlNumber>('trim_scale', 'numeric', 'numeric', (value) => value),
  many('greatest', ['any'], 'any', (args) => extreme(args, 1), COMMON),
  many('least', ['any'], 'any', (args) => extreme(args, -1), COMMON),
  many('pi', [], 'float8', () => Math.PI),
  float('degrees', (x) => x / RADIANS),
  float('radians', (x) => x * RADIANS),
  ...(
    ['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh'] as const
  ).map((name) => float(name, Math[name])),
  float('cot', (x) => 1 / Math.tan(x)),
  float('sind', exactDegrees(Math.sin)),
  float('cosd', exactDegrees(Math.cos)),
  float('tand', exactDegrees(Math.tan)),
  two<SqlNumber>('atan2', ['float8', 'float8'], 'float8', (y, x) => Math.atan2(Number(y), Number(x))),
  many('random', [], 'float8', (_, context) => context.random(), { volatility: 'volatile' }),
  many('width_bucket', ['numeric', 'numeric', 'numeric', 'int8'], 'int8', (args) => {
    const [value, low, high, count] = args as readonly SqlNumber[];
    return widthBucket(value, low, high, count);
  }),
  two('width_bucket', ['any', 'any[]'], 'int8', (value, thresholds) => {
    if (!isArray(thresholds)) throw sqlError(INVALID_PARAMETER_VALUE, 'thresholds must be an array');
    return widthBucketOf(value, thresholds);
  }),
];
