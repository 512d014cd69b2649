/** Comparisons of rows, which are written out member by member. */
import type { BoundExpression, ComparisonOperator } from '../algebra/expression.js';
import { compare } from './comparison.js';
import { and, or } from './condition.js';
import type { StatementContext } from './context.js';
import { syntaxError } from './errors.js';

type RowExpression = Extract<BoundExpression, { kind: 'row' }>;

export const isRow = (expression: BoundExpression): expression is RowExpression => expression.kind === 'row';

export function compareRows(
  context: StatementContext,
  operator: ComparisonOperator,
  left: BoundExpression,
  right: BoundExpression,
  location?: number,
): BoundExpression {
  if (!isRow(left) || !isRow(right) || left.items.length !== right.items.length)
    throw syntaxError('unequal number of entries in row expressions', location);
  if (left.items.length === 0) throw syntaxError('cannot compare rows of zero length', location);
  const pairs = left.items.map((item, place): readonly [BoundExpression, BoundExpression] => [
    item,
    right.items[place],
  ]);
  const each = (
    symbol: ComparisonOperator,
    [l, r]: readonly [BoundExpression, BoundExpression],
  ): BoundExpression => compare(context, symbol, l, r, location);
  if (operator === '=') return and(pairs.map((pair) => each('=', pair)));
  if (operator === '<>') return or(pairs.map((pair) => each('<>', pair)));
  // (a, b) < (c, d): a < c OR (a = c AND b < d); only the last pair may be equal for <= and >=.
  const strict = operator === '<' || operator === '<=' ? '<' : '>';
  const alternatives = pairs.map((pair, place) => {
    const isLast = place === pairs.length - 1;
    return and([
      ...pairs.slice(0, place).map((before) => each('=', before)),
      each(isLast ? operator : strict, pair),
    ]);
  });
  return or(alternatives);
}
