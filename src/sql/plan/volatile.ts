/** Whether something gives another result each time it is evaluated, so that where and how often matters. Pure. */
import type { ExpressionOf } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import { someExpression } from './expression-walk.js';
import { expressionsOf, inputsOf } from './logical-walk.js';
import type { PlannerSupport } from './support.js';

export function isVolatile<S>(expression: ExpressionOf<S>, support: PlannerSupport): boolean {
  return someExpression(
    expression,
    (node) => node.kind === 'call' && support.scalar(node.function)?.volatility === 'volatile',
  );
}

export function planIsVolatile(plan: LogicalPlan, support: PlannerSupport): boolean {
  return (
    expressionsOf(plan).some((expression) => isVolatile(expression, support)) ||
    inputsOf(plan).some((input) => planIsVolatile(input, support))
  );
}
