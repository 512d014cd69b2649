/**
 * NOT IN is an anti join only if no comparison in it can be NULL: neither side is NULL, and both are of one kind, since
 * values of different kinds do not compare. Pure.
 */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { SqlType } from '../types/sql-type.js';
import { conjunctsOf } from './expression-walk.js';
import { rejectsNulls } from './strict.js';
import type { PlannerSupport } from './support.js';

type Kind = 'text' | 'number' | 'bool';

export function kindOfType(type: SqlType): Kind | undefined {
  switch (type) {
    case 'text':
      return 'text';
    case 'int8':
    case 'float8':
    case 'numeric':
      return 'number';
    case 'bool':
      return 'bool';
    default:
      return undefined;
  }
}

export function isNeverNull(
  left: LogicalPlan,
  test: BoundExpression,
  output: ColumnId,
  right: LogicalPlan,
  support: PlannerSupport,
): boolean {
  const leftKind = kindWhenNeverNull(left, test, support);
  if (leftKind === undefined) return false;
  const column: BoundExpression = { kind: 'column', type: 'any', id: output, name: 'column' };
  return kindWhenNeverNull(right, column, support) === leftKind;
}

/** Kind of an expression over the plan's rows that is certain not to be NULL; undefined: nothing is certain. */
function kindWhenNeverNull(
  plan: LogicalPlan,
  expression: BoundExpression,
  support: PlannerSupport,
): Kind | undefined {
  if (expression.kind === 'const') {
    return expression.value === null ? undefined : kindOfType(expression.type);
  }
  if (expression.kind !== 'column') return undefined;
  const { id } = expression;
  switch (plan.kind) {
    case 'scan': {
      const source = plan.fields.find((field) => field.id === id)?.source;
      return source?.kind === 'member' && source.path.length === 1 && source.path[0] === '_id'
        ? 'text'
        : undefined;
    }
    case 'filter': {
      const below = kindWhenNeverNull(plan.input, expression, support);
      if (below !== undefined) return below;
      const ids = new Set([id]);
      const rejected = conjunctsOf(plan.condition).some((conjunct) => rejectsNulls(conjunct, ids, support));
      return rejected ? kindOfType(declaredType(plan.input, id)) : undefined;
    }
    case 'project': {
      const column = plan.expressions.find((computed) => computed.id === id);
      return column === undefined ? undefined : kindWhenNeverNull(plan.input, column.expression, support);
    }
    case 'sort':
    case 'limit':
    case 'distinct':
      return kindWhenNeverNull(plan.input, expression, support);
    case 'join':
      if (plan.join !== 'inner' && plan.join !== 'cross') return undefined;
      return kindWhenNeverNull(plan.left.columns.includes(id) ? plan.left : plan.right, expression, support);
    default:
      return undefined;
  }
}

function declaredType(plan: LogicalPlan, id: ColumnId): SqlType {
  if (plan.kind === 'scan') return plan.fields.find((field) => field.id === id)?.type ?? 'any';
  return plan.kind === 'filter' ? declaredType(plan.input, id) : 'any';
}
