/** How many nodes an expression has, written out: one that stands in several places counts in each. Pure. */
import type { BoundExpression } from './expression.js';

const sizes = new WeakMap<BoundExpression, number>();

/** Each node is looked at once, however many expressions share it. Without the plans of subqueries. */
export function expressionSize(
  expression: BoundExpression,
  operandsOf: (expression: BoundExpression) => readonly BoundExpression[],
): number {
  const known = sizes.get(expression);
  if (known !== undefined) return known;
  const size = operandsOf(expression).reduce((sum, each) => sum + expressionSize(each, operandsOf), 1);
  if (size > 1) sizes.set(expression, size);
  return size;
}
