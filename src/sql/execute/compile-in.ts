/** IN with a list, and ANY and ALL over an array. Lists of constants become a set. One thread. */
import type { ComparisonOperator, Expression } from '../algebra/expression.js';
import type { SqlValue } from '../types/values.js';
import { maskOf } from './comparison-mask.js';
import { compareValues } from './compile-compare.js';
import type { ExpressionCompiler } from './expressions.js';
import { arrayElements } from './json-decoder.js';
import type { Evaluator } from './operator.js';
import { ValueList } from './value-list.js';

export function compileIn(
  { arg, items, negated }: Expression & { kind: 'in' },
  compiler: ExpressionCompiler,
): Evaluator {
  const evaluate = compiler.compile(arg);
  const constants = items.map(compiler.constant);
  const negate = (value: boolean | null): boolean | null => (value === null ? null : value !== negated);
  if (constants.every((constant) => constant !== undefined)) {
    const list = new ValueList(constants);
    return (row) => negate(list.contains(evaluate(row)));
  }
  const evaluators = items.map(compiler.compile);
  const mask = maskOf('=');
  return (row) => {
    const value = evaluate(row);
    let result: boolean | null = false;
    for (let i = 0; i < evaluators.length; i++) {
      const isEqual = compareValues(value, evaluators[i](row), mask);
      if (isEqual === true) return negate(true);
      if (isEqual === null) result = null;
    }
    return negate(result);
  };
}

/** Of something that is no array: NULL, as for kinds that do not compare. */
export function compileQuantified(
  { arg, array, operator, all }: Expression & { kind: 'quantified' },
  compiler: ExpressionCompiler,
): Evaluator {
  const evaluate = compiler.compile(arg);
  const constant = compiler.constant(array);
  if (constant !== undefined && operator === '=' && !all) {
    const elements = arrayElements(constant);
    if (elements === undefined) return () => null;
    const list = new ValueList(elements);
    return (row) => list.contains(evaluate(row));
  }
  const elementsOf = compiler.compile(array);
  return (row) => {
    const elements = arrayElements(elementsOf(row));
    return elements === undefined ? null : quantify(evaluate(row), elements, operator, all);
  };
}

/** `value operator ANY|ALL (values)`. */
export function quantify(
  value: SqlValue,
  values: readonly SqlValue[],
  operator: ComparisonOperator,
  all: boolean,
): boolean | null {
  const mask = maskOf(operator);
  let result: boolean | null = all;
  for (let i = 0; i < values.length; i++) {
    const holds = compareValues(value, values[i], mask);
    if (holds === !all) return holds;
    if (holds === null) result = null;
  }
  return result;
}
