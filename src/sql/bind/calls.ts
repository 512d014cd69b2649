/** Calls of scalar functions, and of whatever else is written as a call: dispatches to aggregates and windows. */
import type { FuncCall } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { sqlError, UNDEFINED_FUNCTION } from '../errors.js';
import {
  resolveAggregate,
  resolveScalar,
  resolveTableFunction,
  resolveWindow,
} from '../functions/registry.js';
import { bodyOf, stringsOf } from '../parse/nodes.js';
import type { SqlType } from '../types/sql-type.js';
import { bindAggregate } from './aggregates.js';
import { coerce } from './coerce.js';
import type { Clause, StatementContext } from './context.js';
import { notSupported } from './errors.js';
import type { Scope } from './scope.js';
import { bindSetReturning } from './set-returning.js';
import { unknownFunction } from './unknown-function.js';
import { bindWindowCall } from './window-calls.js';

/** The name without pg_catalog; other schemas have no functions. */
export function functionName(call: FuncCall): string {
  const names = stringsOf(call.funcname);
  const name = names[names.length - 1] ?? '';
  if (names.length > 1 && names[0] !== 'pg_catalog')
    throw sqlError(UNDEFINED_FUNCTION, `function ${names.join('.')} does not exist`, call.location);
  return name;
}

export function bindCall(
  context: StatementContext,
  call: FuncCall,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const name = functionName(call);
  if (call.func_variadic) throw notSupported('VARIADIC in a call', call.location);
  const named = call.args?.find((arg) => bodyOf(arg, 'NamedArgExpr') !== undefined);
  if (named !== undefined) throw notSupported('a named argument', call.location);
  if (call.over !== undefined) return bindWindowCall(context, name, call, scope, clause);
  if (call.agg_star || isAggregateName(name)) return bindAggregate(context, name, call, scope, clause);
  if (call.agg_filter || call.agg_distinct || call.agg_order)
    throw sqlError('42809', `${name} is not an aggregate function`, call.location);
  const args = (call.args ?? []).map((arg) => context.expression(arg, scope, clause));
  const types = args.map(({ type }) => type);
  const scalar = resolveScalar(name, types);
  if (scalar === undefined) {
    if (resolveTableFunction(name, types) !== undefined)
      return bindSetReturning(context, name, args, scope, clause, call.location);
    if (resolveWindow(name, types) !== undefined)
      throw sqlError('42809', `window function ${name} requires an OVER clause`, call.location);
  }
  return scalarCall(context, name, args, call.location);
}

/** Call of a scalar function with arguments that are bound. */
export function scalarCall(
  context: StatementContext,
  name: string,
  args: readonly BoundExpression[],
  location?: number,
): BoundExpression {
  const types = args.map(({ type }) => type);
  const resolved = resolveScalar(name, types);
  if (resolved === undefined) throw unknownFunction(name, types, location);
  const coerced = args.map((arg, place) => coerce(context, arg, resolved.casts[place] ?? 'any'));
  const { id, returns } = resolved.definition;
  return context.placed({ kind: 'call', type: returns, function: id, args: coerced }, location);
}

/** With whatever arguments: a wrong one is then reported as an aggregate's. */
const isAggregateName = (name: string): boolean =>
  [[], ['any'], ['any', 'any']].some((types) => resolveAggregate(name, types as SqlType[]) !== undefined);
