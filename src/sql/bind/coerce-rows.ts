/** Casts of a query's columns: a projection over it, where one is needed at all. */
import type { BoundExpression } from '../algebra/expression.js';
import type { ComputedColumn, LogicalPlan, OutputColumn } from '../algebra/logical.js';
import type { SqlType } from '../types/sql-type.js';
import { type Coercion, coerce, decided } from './coerce.js';
import type { BoundRows, StatementContext } from './context.js';

/** A projection of named expressions. */
export function project(input: LogicalPlan, expressions: readonly ComputedColumn[]): LogicalPlan {
  return { kind: 'project', input, expressions, columns: expressions.map(({ id }) => id) };
}

/** `expressions` are over the columns of `rows`, one for each. */
export function coerceRows(
  context: StatementContext,
  rows: BoundRows,
  expressions: readonly BoundExpression[],
): BoundRows {
  const unchanged = expressions.every(
    (expression, place) => expression.kind === 'column' && expression.id === rows.output[place].id,
  );
  if (unchanged) return rows;
  const computed = expressions.map((expression, place) => ({
    id: context.columnId(),
    name: rows.output[place].name,
    expression,
  }));
  const output = computed.map(({ id, name, expression }, place): OutputColumn => {
    return { id, name, type: expression.type, spread: rows.output[place].spread };
  });
  return { plan: project(rows.plan, computed), output };
}

export const columnOf = ({ id, type, name }: OutputColumn): BoundExpression => ({
  kind: 'column',
  id,
  type,
  name,
});

/** Columns with these types; undefined leaves one as it is. */
export function rowsOfTypes(
  context: StatementContext,
  rows: BoundRows,
  types: readonly (SqlType | undefined)[],
  coercion: Coercion,
): BoundRows {
  const expressions = rows.output.map((column, place) => {
    const type = types[place];
    return type === undefined ? columnOf(column) : coerce(context, columnOf(column), type, coercion);
  });
  return coerceRows(context, rows, expressions);
}

/**
 * Output columns whose literals met no type are text; open parameters are `any`. Literals are typed inside of the projection
 * that makes them, which the caller has in hand.
 */
export const decidedColumns = (columns: readonly ComputedColumn[]): ComputedColumn[] =>
  columns.map((column) => ({ ...column, expression: decided(column.expression) }));
