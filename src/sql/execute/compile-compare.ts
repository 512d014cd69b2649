/**
 * Comparisons. Two numbers and two strings are compared in place, which is what scans do most; everything else, and NaN, goes
 * through compareForOperator. Strings only for equality there: their order is that of code points, not of UTF-16. One thread.
 */
import type { ComparisonOperator, Expression } from '../algebra/expression.js';
import { compareForOperator } from '../types/compare.js';
import type { SqlValue } from '../types/values.js';
import { acceptsOrder, FLIPPED, maskOf } from './comparison-mask.js';
import type { ExpressionCompiler } from './expressions.js';
import type { Evaluator, Predicate } from './operator.js';

type Compare = Expression & { kind: 'compare' };

/** NULL when they do not compare. */
export function compareValues(a: SqlValue, b: SqlValue, mask: number): boolean | null {
  if (typeof a === 'number' && typeof b === 'number' && !Number.isNaN(a) && !Number.isNaN(b)) {
    return acceptsOrder(mask, a < b ? -1 : a > b ? 1 : 0);
  }
  if (a === null || b === null) return null;
  if (a === b && typeof a === 'string') return acceptsOrder(mask, 0);
  const order = compareForOperator(a, b);
  return order === undefined ? null : acceptsOrder(mask, order);
}

export function compileCompare({ left, right, operator }: Compare, compiler: ExpressionCompiler): Evaluator {
  const a = compiler.compile(left);
  const b = compiler.compile(right);
  const mask = maskOf(operator);
  return (row) => compareValues(a(row), b(row), mask);
}

export function compileComparePredicate(expression: Compare, compiler: ExpressionCompiler): Predicate {
  const { left, right, operator } = expression;
  const constantRight = compiler.constant(right);
  if (constantRight !== undefined) return withConstant(left, operator, constantRight, compiler);
  const constantLeft = compiler.constant(left);
  if (constantLeft !== undefined) return withConstant(right, FLIPPED[operator], constantLeft, compiler);
  const a = compiler.compile(left);
  const b = compiler.compile(right);
  const mask = maskOf(operator);
  return (row) => compareValues(a(row), b(row), mask) === true;
}

function withConstant(
  expression: Expression,
  operator: ComparisonOperator,
  constant: SqlValue,
  compiler: ExpressionCompiler,
): Predicate {
  const evaluate = compiler.compile(expression);
  const mask = maskOf(operator);
  if (constant === null) return () => false;
  if (typeof constant === 'string' && operator === '=') {
    return (row) => {
      const value = evaluate(row);
      if (typeof value === 'string') return value === constant;
      return compareValues(value, constant, mask) === true;
    };
  }
  if (typeof constant === 'number' && expression.kind === 'slot' && !Number.isNaN(constant)) {
    const { index } = expression;
    return (row) => {
      const value = row[index];
      if (typeof value === 'number' && !Number.isNaN(value)) {
        return acceptsOrder(mask, value < constant ? -1 : value > constant ? 1 : 0);
      }
      return compareValues(value, constant, mask) === true;
    };
  }
  return (row) => compareValues(evaluate(row), constant, mask) === true;
}
