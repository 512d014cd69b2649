/** Targets of writes: paths of members, and values of the types that the table declares for them. */
import type { Node, ResTarget } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import type { Assignment } from '../algebra/logical.js';
import type { ColumnDeclaration } from '../algebra/statement.js';
import type { TableView } from '../catalog-view.js';
import { sqlError, UNDEFINED_COLUMN } from '../errors.js';
import { bodyOf, stringOf } from '../parse/nodes.js';
import { coerce, decided } from './coerce.js';
import type { Clause, StatementContext } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import type { Scope } from './scope.js';

/** `a.b` of a list of columns or of SET. A table's own name may not stand before it, as in PostgreSQL. */
export function targetPath({ name = '', indirection, location }: ResTarget): readonly string[] {
  const steps = (indirection ?? []).map((step) => {
    const member = stringOf(step);
    if (member === undefined) throw notSupported('writing to an element of an array', location);
    return member;
  });
  return [name, ...steps];
}

/** No target may be written twice, nor a member together with what contains it. */
export function checkTargets(paths: readonly (readonly string[])[], location?: number): void {
  const seen = paths.map((path) => JSON.stringify(path).slice(0, -1));
  for (const [place, path] of seen.entries()) {
    const clash = seen.findIndex(
      (other, at) =>
        at < place && (other === path || other.startsWith(`${path},`) || path.startsWith(`${other},`)),
    );
    if (clash >= 0)
      throw sqlError('42701', `column "${paths[place].join('.')}" specified more than once`, location);
  }
}

export const declarationOf = (table: TableView, path: readonly string[]): ColumnDeclaration | undefined =>
  table.columns.find(({ name }) => name === path[0]);

/** A value as it may be stored under this path. */
export function storable(
  context: StatementContext,
  expression: BoundExpression,
  table: TableView,
  path: readonly string[],
): BoundExpression {
  const declared = declarationOf(table, path);
  const location = context.placeOf(expression);
  if (path.length > 1) {
    if (declared !== undefined && declared.type !== 'jsonb' && declared.type !== 'any')
      throw sqlError(
        UNDEFINED_COLUMN,
        `column "${path[0]}" of type ${declared.type} has no member "${path[1]}"`,
        location,
      );
    return decided(expression);
  }
  const type = declared?.type ?? (path[0] === '_id' ? 'text' : undefined);
  if (type === undefined) return decided(expression);
  return coerce(context, expression, type, { as: 'assignment', modifiers: declared?.modifiers, location });
}

export function bindAssignments(
  context: StatementContext,
  nodes: readonly Node[],
  table: TableView,
  scope: Scope,
  clause: Clause,
): readonly Assignment[] {
  const assignments = nodes.map((node): Assignment => {
    const target = bodyOf(node, 'ResTarget') ?? {};
    const path = targetPath(target);
    if (path[0] === '_id') throw notSupported('changing "_id", the key of a document,', target.location);
    const value = valueNode(target);
    if (bodyOf(value, 'SetToDefault') !== undefined) return { path, expression: 'default' };
    const bound = context.expression(value, scope, clause);
    return { path, expression: storable(context, bound, table, path) };
  });
  checkTargets(
    assignments.map(({ path }) => path),
    bodyOf(nodes[0], 'ResTarget')?.location,
  );
  return assignments;
}

/** `(a, b) = (1, 2)` comes as one target for each, which share the row. */
function valueNode(target: ResTarget): Node {
  const { val, location } = target;
  if (val === undefined) throw syntaxError('SET needs a value', location);
  const multiple = bodyOf(val, 'MultiAssignRef');
  if (multiple === undefined) return val;
  const row = bodyOf(multiple.source, 'RowExpr')?.args;
  if (row === undefined)
    throw notSupported(
      'SET of several columns from a subquery: use FROM, or one subquery for each; this',
      location,
    );
  if (row.length !== multiple.ncolumns)
    throw syntaxError('number of columns does not match number of values', location);
  return row[(multiple.colno ?? 1) - 1];
}
