/**
 * The last pass over a bound statement. Scans learn what they read while expressions over them are bound, so that only now
 * every node's columns are known; and parameters may have got their types after their first use. Changes the plan in place:
 * nobody else has it yet.
 */
import { unreachable } from '../../base/assert.js';
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { SqlType } from '../types/sql-type.js';
import type { StatementContext } from './context.js';
import { visitExpression, visitPlan } from './walk.js';

export function finishPlan(context: StatementContext, plan: LogicalPlan): void {
  visitPlan(plan, (expression) => finishExpression(context, expression), setColumns);
}

export function finishTree(context: StatementContext, expression: BoundExpression): void {
  visitExpression(expression, (each) => finishExpression(context, each), setColumns);
}

export const parameterTypes = (context: StatementContext): readonly SqlType[] =>
  Array.from({ length: context.parameterCount }, (_, index) => context.parameters.get(index) ?? 'any');

function finishExpression(context: StatementContext, expression: BoundExpression): void {
  const open = expression as { type: SqlType };
  if (expression.type === 'unknown[]') open.type = 'text[]';
  if (expression.type !== 'unknown') return;
  open.type = expression.kind === 'param' ? (context.parameters.get(expression.index) ?? 'any') : 'text';
}

function setColumns(plan: LogicalPlan): void {
  (plan as { columns: readonly ColumnId[] }).columns = columnsOf(plan);
}

function columnsOf(plan: LogicalPlan): readonly ColumnId[] {
  switch (plan.kind) {
    case 'scan':
    case 'systemScan':
      return plan.fields.map(({ id }) => id);
    case 'filter':
    case 'sort':
    case 'limit':
    case 'distinct':
    case 'with':
      return plan.input.columns;
    case 'join':
      return [...plan.left.columns, ...plan.right.columns];
    case 'aggregate':
      return [...plan.groupBy, ...plan.aggregates].map(({ id }) => id);
    case 'window':
      return [...plan.input.columns, ...plan.calls.map(({ id }) => id)];
    case 'modify':
      return plan.returning.map(({ id }) => id);
    case 'values':
    case 'functionScan':
    case 'project':
    case 'setOperation':
    case 'cteScan':
      return plan.columns;
    default:
      return unreachable(plan);
  }
}
