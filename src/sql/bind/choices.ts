/** CASE, COALESCE, GREATEST and LEAST: several expressions that come to one type. */
import type { CaseExpr, CoalesceExpr, MinMaxExpr, Node } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { bodyOf } from '../parse/nodes.js';
import { scalarCall } from './calls.js';
import { unify } from './coerce.js';
import { compare } from './comparison.js';
import { condition, constant } from './condition.js';
import type { Clause, StatementContext } from './context.js';
import { typeError } from './errors.js';
import type { Scope } from './scope.js';

function common(
  context: StatementContext,
  construct: string,
  items: readonly BoundExpression[],
  location?: number,
): { readonly type: BoundExpression['type']; readonly items: readonly BoundExpression[] } {
  const found = unify(context, items);
  if (found !== undefined) return found;
  const types = [...new Set(items.map(({ type }) => type))].filter((type) => type !== 'unknown');
  throw typeError(`${construct} types ${types.join(' and ')} cannot be matched`, location);
}

export function bindCoalesce(
  context: StatementContext,
  node: CoalesceExpr,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const bound = (node.args ?? []).map((arg) => context.expression(arg, scope, clause));
  const { type, items } = common(context, 'COALESCE', bound, node.location);
  return context.placed({ kind: 'coalesce', type, args: items }, node.location);
}

export function bindMinMax(
  context: StatementContext,
  node: MinMaxExpr,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const name = node.op === 'IS_LEAST' ? 'least' : 'greatest';
  const bound = (node.args ?? []).map((arg) => context.expression(arg, scope, clause));
  const { type, items } = common(context, name.toUpperCase(), bound, node.location);
  const called = scalarCall(context, name, items, node.location);
  return called.type === 'any'
    ? context.placed({ ...called, type } as BoundExpression, node.location)
    : called;
}

export function bindCase(
  context: StatementContext,
  node: CaseExpr,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const bind = (each: Node): BoundExpression => context.expression(each, scope, clause);
  const branches = (node.args ?? []).map((arg) => {
    const { expr, result } = bodyOf(arg, 'CaseWhen') ?? {};
    const when =
      node.arg === undefined
        ? condition(context, bind(expr as Node), 'CASE/WHEN')
        : compare(context, '=', bind(node.arg), bind(expr as Node), node.location);
    // biome-ignore lint/suspicious/noThenProperty: the name of SQL; nobody awaits a branch
    return { when, then: bind(result as Node) };
  });
  const otherwise = node.defresult === undefined ? constant(null, 'unknown') : bind(node.defresult);
  const results = [...branches.map(({ then }) => then), otherwise];
  const { type, items } = common(context, 'CASE', results, node.location);
  // biome-ignore lint/suspicious/noThenProperty: the name of SQL; nobody awaits a branch
  const typed = branches.map(({ when }, place) => ({ when, then: items[place] }));
  return context.placed(
    { kind: 'case', type, branches: typed, otherwise: items[items.length - 1] },
    node.location,
  );
}
