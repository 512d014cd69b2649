/** Comparison operators as sets of the orders that they accept: one bit each for less, equal and greater. Pure. */
import type { ComparisonOperator } from '../algebra/expression.js';

const LESS = 1;
const EQUAL = 2;
const GREATER = 4;

const MASKS: Readonly<Record<ComparisonOperator, number>> = {
  '=': EQUAL,
  '<>': LESS | GREATER,
  '<': LESS,
  '<=': LESS | EQUAL,
  '>': GREATER,
  '>=': GREATER | EQUAL,
};

/** `a op b` is `b FLIPPED[op] a`. */
export const FLIPPED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

export const maskOf = (operator: ComparisonOperator): number => MASKS[operator];

/** `order`: negative, 0 or positive. */
export function acceptsOrder(mask: number, order: number): boolean {
  return (mask & (order < 0 ? LESS : order > 0 ? GREATER : EQUAL)) !== 0;
}
