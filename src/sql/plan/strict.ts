/** What a condition says of columns that are NULL: outer joins whose missing side it rejects are inner joins. Pure. */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { PlannerSupport } from './support.js';

/** Whether the condition cannot be true when all of these columns are NULL. */
export function rejectsNulls(
  condition: BoundExpression,
  ids: ReadonlySet<ColumnId>,
  support: PlannerSupport,
): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.args.some((arg) => rejectsNulls(arg, ids, support));
    case 'or':
      return condition.args.every((arg) => rejectsNulls(arg, ids, support));
    case 'isNull':
      return condition.negated && isNullWith(condition.arg, ids, support);
    case 'isTruth':
      return !condition.negated && condition.value !== null && isNullWith(condition.arg, ids, support);
    case 'quantified':
      return !condition.all && isNullWith(condition.arg, ids, support);
    default:
      return isNullWith(condition, ids, support);
  }
}

/** Whether the expression is certain to be NULL when all of these columns are. */
export function isNullWith(
  expression: BoundExpression,
  ids: ReadonlySet<ColumnId>,
  support: PlannerSupport,
): boolean {
  const isNull = (operand: BoundExpression): boolean => isNullWith(operand, ids, support);
  switch (expression.kind) {
    case 'column':
      return ids.has(expression.id);
    case 'const':
      return expression.value === null;
    case 'compare':
      return isNull(expression.left) || isNull(expression.right);
    case 'not':
    case 'cast':
    case 'path':
      return isNull(expression.arg);
    case 'in':
      return expression.items.length > 0 && isNull(expression.arg);
    case 'call':
      return support.scalar(expression.function)?.strict === true && expression.args.some(isNull);
    case 'and':
    case 'or':
    case 'coalesce':
      return expression.args.every(isNull);
    default:
      return false;
  }
}
