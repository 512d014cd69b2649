/** + - * / % ^ and the bit operators on numbers. int8 is exact and checked; numeric is exact for integers; float8 is not. */
import type { DbError } from '../../base/errors.js';
import { NUMERIC_VALUE_OUT_OF_RANGE, sqlError } from '../errors.js';
import {
  divisionByZero,
  exactOr,
  isInteger,
  normalizeInteger,
  type SqlNumber,
  toInt8,
} from '../types/numbers.js';
import { one, two } from './define.js';
import type { FunctionDefinition } from './definition.js';

const areNumbers = (a: SqlNumber, b: SqlNumber): boolean => typeof a === 'number' && typeof b === 'number';

export function addInt8(a: SqlNumber, b: SqlNumber): SqlNumber {
  const sum = areNumbers(a, b) ? (a as number) + (b as number) : Number.NaN;
  return Number.isSafeInteger(sum) ? sum : toInt8(BigInt(a) + BigInt(b));
}

export function subtractInt8(a: SqlNumber, b: SqlNumber): SqlNumber {
  const difference = areNumbers(a, b) ? (a as number) - (b as number) : Number.NaN;
  return Number.isSafeInteger(difference) ? difference : toInt8(BigInt(a) - BigInt(b));
}

export function multiplyInt8(a: SqlNumber, b: SqlNumber): SqlNumber {
  const product = areNumbers(a, b) ? (a as number) * (b as number) : Number.NaN;
  return Number.isSafeInteger(product) ? product + 0 : toInt8(BigInt(a) * BigInt(b));
}

export function divideInt8(a: SqlNumber, b: SqlNumber): SqlNumber {
  if (Number(b) === 0) throw divisionByZero();
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b))
    return Math.trunc((a as number) / (b as number)) + 0;
  return toInt8(BigInt(a) / BigInt(b));
}

export function moduloInt8(a: SqlNumber, b: SqlNumber): SqlNumber {
  if (Number(b) === 0) throw divisionByZero();
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b)) return ((a as number) % (b as number)) + 0;
  return toInt8(BigInt(a) % BigInt(b));
}

export const overflow = (): DbError => sqlError(NUMERIC_VALUE_OUT_OF_RANGE, 'value out of range: overflow');

/** Infinite only when an operand was. */
function checked(result: number, a: SqlNumber, b: SqlNumber): number {
  if (result === Number.POSITIVE_INFINITY || result === Number.NEGATIVE_INFINITY) {
    if (Number.isFinite(Number(a)) && Number.isFinite(Number(b))) throw overflow();
  }
  return result + 0;
}

/** numeric; also what members of documents use. */
export function addNumeric(a: SqlNumber, b: SqlNumber): SqlNumber {
  const sum = Number(a) + Number(b);
  if (areNumbers(a, b) && (Number.isSafeInteger(sum) || !Number.isInteger(sum))) return checked(sum, a, b);
  return exactOr(checked(sum, a, b), a, b, (x, y) => x + y);
}

export function subtractNumeric(a: SqlNumber, b: SqlNumber): SqlNumber {
  const difference = Number(a) - Number(b);
  if (areNumbers(a, b) && (Number.isSafeInteger(difference) || !Number.isInteger(difference))) {
    return checked(difference, a, b);
  }
  return exactOr(checked(difference, a, b), a, b, (x, y) => x - y);
}

export function multiplyNumeric(a: SqlNumber, b: SqlNumber): SqlNumber {
  const product = Number(a) * Number(b);
  if (areNumbers(a, b) && (Number.isSafeInteger(product) || !Number.isInteger(product))) {
    return checked(product, a, b);
  }
  return exactOr(checked(product, a, b), a, b, (x, y) => x * y);
}

export function divideNumeric(a: SqlNumber, b: SqlNumber): SqlNumber {
  if (Number(b) === 0) throw divisionByZero();
  const isExact = !areNumbers(a, b) && isInteger(a) && isInteger(b);
  if (isExact && BigInt(a) % BigInt(b) === 0n) return normalizeInteger(BigInt(a) / BigInt(b));
  return checked(Number(a) / Number(b), a, b);
}

export function moduloNumeric(a: SqlNumber, b: SqlNumber): SqlNumber {
  if (Number(b) === 0) throw divisionByZero();
  if (areNumbers(a, b)) return ((a as number) % (b as number)) + 0;
  if (isInteger(a) && isInteger(b)) return normalizeInteger(BigInt(a) % BigInt(b));
  return (Number(a) % Number(b)) + 0;
}

export function power(base: SqlNumber, exponent: SqlNumber): number {
  const x = Number(base);
  const y = Number(exponent);
  if (x === 0 && y < 0) throw sqlError('2201F', 'zero raised to a negative power is undefined');
  if (x < 0 && Number.isFinite(x) && Number.isFinite(y) && !Number.isInteger(y)) {
    throw sqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  }
  // JavaScript says NaN for both.
  if (x === 1 || y === 0) return 1;
  return checked(x ** y, x, y);
}

const POWER_EXPONENT_MAX = 128;

/** Exact for integers as long as EXACT_INTEGER_MAX allows. */
export function powerNumeric(base: SqlNumber, exponent: SqlNumber): SqlNumber {
  const result = power(base, exponent);
  const isSmall = exponent >= 0 && exponent <= POWER_EXPONENT_MAX;
  return isSmall ? exactOr(result, base, exponent, (x, y) => x ** y) : result;
}

export function negate(value: SqlNumber): SqlNumber {
  if (typeof value === 'number') return -value + 0;
  return normalizeInteger(-value);
}

const float = (a: SqlNumber): number => Number(a);

type Binary = (a: SqlNumber, b: SqlNumber) => SqlNumber;

function operators(symbol: string, int8: Binary, numeric: Binary): FunctionDefinition[] {
  return [
    two<SqlNumber>(symbol, ['int8', 'int8'], 'int8', int8),
    two<SqlNumber>(symbol, ['numeric', 'numeric'], 'numeric', numeric),
    two<SqlNumber>(symbol, ['float8', 'float8'], 'float8', (a, b) => numeric(float(a), float(b))),
  ];
}

const bits = (symbol: string, combine: (a: bigint, b: bigint) => bigint): FunctionDefinition =>
  two<SqlNumber>(symbol, ['int8', 'int8'], 'int8', (a, b) =>
    toInt8(BigInt.asIntN(64, combine(BigInt(a), BigInt(b)))),
  );

export const ARITHMETIC: readonly FunctionDefinition[] = [
  ...operators('+', addInt8, addNumeric),
  ...operators('-', subtractInt8, subtractNumeric),
  ...operators('*', multiplyInt8, multiplyNumeric),
  ...operators('/', divideInt8, divideNumeric),
  two<SqlNumber>('%', ['int8', 'int8'], 'int8', moduloInt8),
  two<SqlNumber>('%', ['numeric', 'numeric'], 'numeric', moduloNumeric),
  two<SqlNumber>('mod', ['int8', 'int8'], 'int8', moduloInt8),
  two<SqlNumber>('mod', ['numeric', 'numeric'], 'numeric', moduloNumeric),
  two<SqlNumber>('^', ['float8', 'float8'], 'float8', power),
  two<SqlNumber>('^', ['numeric', 'numeric'], 'numeric', powerNumeric),
  one<SqlNumber>('-', 'int8', 'int8', (a) => (typeof a === 'number' ? -a + 0 : toInt8(-a))),
  one<SqlNumber>('-', 'numeric', 'numeric', negate),
  one<SqlNumber>('-', 'float8', 'float8', (a) => -float(a) + 0),
  one<SqlNumber>('+', 'int8', 'int8', (a) => a),
  one<SqlNumber>('+', 'numeric', 'numeric', (a) => a),
  one<SqlNumber>('+', 'float8', 'float8', (a) => a),
  bits('&', (a, b) => a & b),
  bits('|', (a, b) => a | b),
  bits('#', (a, b) => a ^ b),
  bits('<<', (a, b) => a << (b & 63n)),
  bits('>>', (a, b) => a >> (b & 63n)),
  one<SqlNumber>('~', 'int8', 'int8', (a) => toInt8(~BigInt(a))),
];
