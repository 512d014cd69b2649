/** Expressions inside of definitions: checked where they stand, stored as their text. */
import type { Node } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import type { ColumnDeclaration } from '../algebra/statement.js';
import { sqlError } from '../errors.js';
import { scalarById } from '../functions/registry.js';
import { expressionText } from '../parse/expression-text.js';
import { locationOf } from '../parse/nodes.js';
import type { SqlType } from '../types/sql-type.js';
import { coerce } from './coerce.js';
import { condition } from './condition.js';
import { DEFINITION, type StatementContext } from './context.js';
import { notSupported } from './errors.js';
import { CollectionRelation } from './relation.js';
import { Scope } from './scope.js';
import { visitExpression } from './walk.js';

export interface TableInMaking {
  readonly name: string;
  readonly columns: readonly ColumnDeclaration[];
}

/** Binds an expression over the documents of a table and answers it; what cannot be stored is refused. */
function bindOver(context: StatementContext, node: Node, table: TableInMaking | undefined): BoundExpression {
  const scope = new Scope(undefined);
  if (table !== undefined) {
    const view = { ...table, id: 0, checks: [], indexes: [] };
    scope.relations.push(new CollectionRelation(context, scope, view, table.name));
  }
  const expression = context.expression(node, scope, DEFINITION);
  visitExpression(expression, (each) => {
    const location = context.placeOf(each) ?? locationOf(node);
    if (each.kind === 'subquery') throw notSupported('a subquery in a definition', location);
    if (each.kind === 'param') throw notSupported('a parameter in a definition', location);
  });
  return expression;
}

function requireImmutable(context: StatementContext, expression: BoundExpression, what: string): void {
  visitExpression(expression, (each) => {
    const definition = each.kind === 'call' ? scalarById(each.function) : undefined;
    if (definition === undefined || definition.volatility === 'immutable') return;
    const message = `functions in ${what} must be immutable: ${definition.name}() gives other results at other times`;
    throw sqlError('42P17', message, context.placeOf(each));
  });
}

export function checkText(context: StatementContext, node: Node, table: TableInMaking): string {
  const bound = condition(context, bindOver(context, node, table), 'CHECK');
  requireImmutable(context, bound, 'a CHECK constraint');
  return expressionText(context.sql, node);
}

export function predicateText(context: StatementContext, node: Node, table: TableInMaking): string {
  const bound = condition(context, bindOver(context, node, table), 'WHERE');
  requireImmutable(context, bound, 'an index predicate');
  return expressionText(context.sql, node);
}

/** A member by its path, or the text of an expression. */
export function indexedExpression(
  context: StatementContext,
  node: Node,
  table: TableInMaking,
): { readonly path: readonly string[]; readonly expression?: string } {
  const scope = new Scope(undefined);
  const view = { ...table, id: 0, checks: [], indexes: [] };
  const relation = new CollectionRelation(context, scope, view, table.name);
  scope.relations.push(relation);
  const bound = context.expression(node, scope, DEFINITION);
  const field = bound.kind === 'column' ? relation.fields.find(({ id }) => id === bound.id) : undefined;
  if (field?.source.kind === 'member') return { path: field.source.path };
  if (field !== undefined) throw notSupported('an index on a whole document', locationOf(node));
  requireImmutable(context, bindOver(context, node, table), 'an index expression');
  return { path: [], expression: expressionText(context.sql, node) };
}

export function defaultText(
  context: StatementContext,
  node: Node,
  type: SqlType,
  modifiers?: readonly number[],
): string {
  const bound = bindOver(context, node, undefined);
  coerce(context, bound, type, { as: 'assignment', modifiers, location: locationOf(node) });
  return expressionText(context.sql, node);
}
