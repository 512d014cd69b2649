/** Comparisons: operands get types that compare; values whose type is known only at run time compare as they are. */
import type { BoundExpression, ComparisonOperator } from '../algebra/expression.js';
import { sqlError, UNDEFINED_FUNCTION } from '../errors.js';
import { commonType } from '../types/cast.js';
import type { SqlType } from '../types/sql-type.js';
import { coerce, decided, isNumeric } from './coerce.js';
import type { StatementContext } from './context.js';

const OPERATORS: readonly string[] = ['=', '<>', '<', '<=', '>', '>='];

export const isComparison = (symbol: string): symbol is ComparisonOperator => OPERATORS.includes(symbol);

const TIME_KINDS = new Set<SqlType>(['timestamptz', 'timestamp', 'date', 'time', 'interval']);

/** Documents hold times as text, and scalars of JSON are values: these pairs are compared by what the values are. */
function comparesAtRunTime(left: SqlType, right: SqlType): boolean {
  const dynamic = left === 'any' || right === 'any' || left === 'jsonb' || right === 'jsonb';
  const textAndTime =
    (left === 'text' && TIME_KINDS.has(right)) || (right === 'text' && TIME_KINDS.has(left));
  return dynamic || textAndTime || (isNumeric(left) && isNumeric(right));
}

export function comparable(
  context: StatementContext,
  operator: string,
  left: BoundExpression,
  right: BoundExpression,
  location?: number,
): readonly [BoundExpression, BoundExpression] {
  if (left.type === 'unknown' && right.type === 'unknown') {
    if (left.kind === 'param' && right.kind === 'param') return [left, right];
    return [coerce(context, left, 'text'), coerce(context, right, 'text')];
  }
  if (left.type === 'unknown') return [coerce(context, left, right.type), right];
  if (right.type === 'unknown') return [left, coerce(context, right, left.type)];
  if (left.type === right.type || comparesAtRunTime(left.type, right.type))
    return [decided(left), decided(right)];
  const common = commonType([left.type, right.type]);
  if (common === undefined)
    throw sqlError(
      UNDEFINED_FUNCTION,
      `operator does not exist: ${left.type} ${operator} ${right.type}`,
      location,
    );
  return [coerce(context, left, common), coerce(context, right, common)];
}

export function compare(
  context: StatementContext,
  operator: ComparisonOperator,
  left: BoundExpression,
  right: BoundExpression,
  location?: number,
): BoundExpression {
  const [l, r] = comparable(context, operator, left, right, location);
  return context.placed({ kind: 'compare', type: 'bool', operator, left: l, right: r }, location);
}
