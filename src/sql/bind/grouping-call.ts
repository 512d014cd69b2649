/** GROUPING(a, …): bound against the FROM clause here, answered by the grouping when that is known. */
import type { GroupingFunc } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { GROUPING_ERROR, sqlError } from '../errors.js';
import { AGGREGATE_ARGUMENT, type Clause, type StatementContext } from './context.js';
import type { Scope } from './scope.js';

const ARGUMENTS_MAX = 31;

export function bindGroupingCall(
  context: StatementContext,
  node: GroupingFunc,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const { location } = node;
  if (!clause.aggregates)
    throw sqlError(GROUPING_ERROR, `grouping operations are not allowed in ${clause.name}`, location);
  const args = (node.args ?? []).map((arg) => context.expression(arg, scope, AGGREGATE_ARGUMENT));
  if (args.length > ARGUMENTS_MAX)
    throw sqlError('54023', 'GROUPING must have fewer than 32 arguments', location);
  const column = context.columnId();
  scope.groupings.push(location === undefined ? { args, column } : { args, column, location });
  return context.placed({ kind: 'column', type: 'int8', id: column, name: 'grouping' }, location);
}
