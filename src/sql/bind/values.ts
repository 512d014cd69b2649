/** VALUES: rows of expressions, whose columns come to common types. */
import type { Node, SelectStmt } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import type { LogicalPlan, OutputColumn } from '../algebra/logical.js';
import { bodyOf, locationOf } from '../parse/nodes.js';
import { unify } from './coerce.js';
import { columnOf } from './coerce-rows.js';
import { type BoundRows, type StatementContext, VALUES } from './context.js';
import { syntaxError, typeError } from './errors.js';
import { bindLimits, limited, sorted, targetOf } from './order.js';
import type { Scope } from './scope.js';
import { sortKey } from './sort-key.js';

/** The rows' nodes; all have the same number of items. */
export function valuesRows(statement: SelectStmt): readonly (readonly Node[])[] {
  const rows = (statement.valuesLists ?? []).map((list) => bodyOf(list, 'List')?.items ?? []);
  const wrong = rows.find((row) => row.length !== rows[0].length);
  if (wrong !== undefined)
    throw syntaxError('VALUES lists must all be the same length', locationOf(wrong[0]));
  return rows;
}

export function bindValues(context: StatementContext, statement: SelectStmt, scope: Scope): BoundRows {
  const rows = valuesRows(statement).map((row) => row.map((item) => context.expression(item, scope, VALUES)));
  const made = valuesOf(context, rows);
  return ordered(context, statement, scope, made);
}

export function valuesOf(
  context: StatementContext,
  rows: readonly (readonly BoundExpression[])[],
): BoundRows {
  const output: OutputColumn[] = [];
  const columns = (rows[0] ?? []).map((_, place) => {
    const items = rows.map((row) => row[place]);
    // Literals alone stay open: what the rows are used for decides.
    const open = items.every(({ kind, type }) => type === 'unknown' && kind === 'const');
    const common = open ? { type: 'unknown' as const, items } : unify(context, items);
    if (common === undefined) {
      const types = [...new Set(items.map(({ type }) => type))].filter((type) => type !== 'unknown');
      throw typeError(`VALUES types ${types.join(' and ')} cannot be matched`, context.placeOf(items[0]));
    }
    output.push({ id: context.columnId(), name: `column${place + 1}`, type: common.type, spread: false });
    return common.items;
  });
  const typed = rows.map((_, row) => columns.map((column) => column[row]));
  const plan: LogicalPlan = { kind: 'values', rows: typed, columns: output.map(({ id }) => id) };
  return { plan, output };
}

/** ORDER BY and LIMIT over rows that have names only: VALUES and set operations. */
export function ordered(
  context: StatementContext,
  statement: SelectStmt,
  scope: Scope,
  rows: BoundRows,
): BoundRows {
  const keys = (statement.sortClause ?? []).map((node) => {
    const by = bodyOf(node, 'SortBy') ?? {};
    const targets = rows.output.map((column) => ({ ...column, expression: columnOf(column) }));
    const place = targetOf(by.node as Node, targets, 'ORDER BY');
    if (place === undefined)
      throw syntaxError(
        'ORDER BY of UNION, INTERSECT, EXCEPT and VALUES can name output columns only: put the query in FROM',
        by.node && locationOf(by.node),
      );
    return sortKey(context, by, columnOf(rows.output[place]));
  });
  const plan = limited(sorted(rows.plan, keys), bindLimits(context, statement, scope));
  return { plan, output: rows.output };
}
