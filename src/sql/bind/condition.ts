/** Conditions and the connectives between them. */
import type { BoundExpression } from '../algebra/expression.js';
import { coerce } from './coerce.js';
import type { StatementContext } from './context.js';
import { typeError } from './errors.js';

/** An expression where a truth value is asked for. A member of a document is checked at run time. */
export function condition(
  context: StatementContext,
  expression: BoundExpression,
  place: string,
): BoundExpression {
  if (expression.type === 'bool') return expression;
  if (expression.type !== 'any' && expression.type !== 'unknown' && expression.type !== 'jsonb')
    throw typeError(
      `argument of ${place} must be type bool, not type ${expression.type}`,
      context.placeOf(expression),
    );
  return coerce(context, expression, 'bool', { as: 'explicit' });
}

export const and = (args: readonly BoundExpression[]): BoundExpression =>
  args.length === 1 ? args[0] : { kind: 'and', type: 'bool', args };

export const or = (args: readonly BoundExpression[]): BoundExpression =>
  args.length === 1 ? args[0] : { kind: 'or', type: 'bool', args };

export const not = (arg: BoundExpression): BoundExpression => ({ kind: 'not', type: 'bool', arg });

export const constant = (
  value: boolean | number | string | null,
  type: BoundExpression['type'],
): BoundExpression => ({
  kind: 'const',
  type,
  value,
});
