/** Queries of every form: WITH around a SELECT, VALUES or a set operation. */
import type { SelectStmt } from '@pgsql/types';
import type { BoundRows, StatementContext } from './context.js';
import { Scope } from './scope.js';
import { bindSelect } from './select.js';
import { bindSetOperation } from './set-operation.js';
import { bindValues, ordered } from './values.js';
import { bindWith } from './with.js';

/** A query whose columns have types: literals that met nothing are text, open parameters `any`. */
export function bindQuery(context: StatementContext, statement: SelectStmt, around: Scope): BoundRows {
  const { plan, output } = bindBranch(context, statement, around);
  return {
    plan,
    output: output.map((column) => (column.type === 'unknown' ? { ...column, type: 'text' } : column)),
  };
}

export function bindBranch(context: StatementContext, statement: SelectStmt, around: Scope): BoundRows {
  const scope = new Scope(around);
  if (statement.withClause === undefined) return bindBody(context, statement, scope);
  const definitions = bindWith(context, statement.withClause, scope);
  const rows = bindBody(context, statement, scope);
  const plan = { kind: 'with', definitions, input: rows.plan, columns: [] } as const;
  return { plan, output: rows.output };
}

function bindBody(context: StatementContext, statement: SelectStmt, scope: Scope): BoundRows {
  if (statement.valuesLists !== undefined) return bindValues(context, statement, scope);
  if (statement.op === undefined || statement.op === 'SETOP_NONE')
    return bindSelect(context, statement, scope);
  return ordered(context, statement, scope, bindSetOperation(context, statement, scope));
}
