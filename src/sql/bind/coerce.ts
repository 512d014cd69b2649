/**
 * Makes expressions have the type that their place asks for. A quoted literal takes the type at once, a parameter whose type
 * is open is given it, everything else gets a cast. What is `any` says at run time what it is.
 */
import { DbError } from '../../base/errors.js';
import type { BoundExpression } from '../algebra/expression.js';
import { DATATYPE_MISMATCH, sqlError } from '../errors.js';
import { canCast, castValue, commonType, optionsFrom } from '../types/cast.js';
import { arrayOf, elementType, isArrayType, type ScalarType, type SqlType } from '../types/sql-type.js';
import type { StatementContext } from './context.js';

export type CoercionContext = 'implicit' | 'assignment' | 'explicit';

export interface Coercion {
  readonly as: CoercionContext;
  readonly modifiers?: readonly number[];
  readonly location?: number;
}

const IMPLICIT: Coercion = { as: 'implicit' };
const CANNOT_COERCE = '42846';

export function coerce(
  context: StatementContext,
  expression: BoundExpression,
  target: SqlType,
  coercion: Coercion = IMPLICIT,
): BoundExpression {
  const { modifiers } = coercion;
  const location = coercion.location ?? context.placeOf(expression);
  if (target === 'unknown') return expression;
  if (expression.type === 'unknown') {
    if (expression.kind === 'param') return typedParameter(context, expression, target, coercion);
    if (expression.kind === 'const') return literal(context, expression, target, modifiers, location);
  }
  if (expression.kind === 'array' && expression.type === 'unknown[]' && isArrayType(target))
    return arrayItems(context, expression, target, coercion);
  if (target === 'any') return decided(expression);
  if (expression.type === target && modifiers === undefined) return expression;
  if (
    expression.type !== 'any' &&
    expression.type !== target &&
    !canCast(expression.type, target, coercion.as)
  ) {
    const said = coercion.as === 'explicit' ? 'cannot cast type' : 'cannot convert type';
    const state = coercion.as === 'explicit' ? CANNOT_COERCE : DATATYPE_MISMATCH;
    throw sqlError(state, `${said} ${expression.type} to ${target}`, location);
  }
  const cast: BoundExpression =
    modifiers === undefined
      ? { kind: 'cast', type: target, arg: expression }
      : { kind: 'cast', type: target, arg: expression, modifiers };
  return context.placed(cast, location);
}

/** A literal that met nothing is text; a parameter stays open until something types it, and is `any` in the end. */
export function decided(expression: BoundExpression): BoundExpression {
  if (expression.type === 'unknown' && expression.kind === 'const') return { ...expression, type: 'text' };
  if (expression.type === 'unknown[]') return { ...expression, type: 'text[]' } as BoundExpression;
  return expression;
}

/** The type that several expressions share; all of them are coerced to it. Undefined when there is none. */
export function unify(
  context: StatementContext,
  expressions: readonly BoundExpression[],
): { readonly type: SqlType; readonly items: readonly BoundExpression[] } | undefined {
  const type = commonType(expressions.map((expression) => expression.type));
  if (type === undefined) return undefined;
  if (expressions.every((expression) => expression.type === 'unknown' && expression.kind === 'param'))
    return { type: 'any', items: expressions };
  return { type, items: expressions.map((expression) => coerceForCommon(context, expression, type)) };
}

/** Numbers of any type mix as they are: a value says what it is. */
function coerceForCommon(
  context: StatementContext,
  expression: BoundExpression,
  type: SqlType,
): BoundExpression {
  if (expression.type === 'any')
    return type === 'any' || type === 'text' ? expression : coerce(context, expression, type);
  if (isNumeric(expression.type) && isNumeric(type)) return expression;
  return coerce(context, expression, type);
}

export const isNumeric = (type: SqlType): boolean =>
  type === 'int8' || type === 'numeric' || type === 'float8';

function typedParameter(
  context: StatementContext,
  parameter: Extract<BoundExpression, { kind: 'param' }>,
  target: SqlType,
  coercion: Coercion,
): BoundExpression {
  const known = context.parameters.get(parameter.index);
  if (known === undefined) context.parameters.set(parameter.index, target);
  const typed: BoundExpression = { ...parameter, type: known ?? target };
  if ((known ?? target) === target && coercion.modifiers === undefined) return typed;
  return coerce(context, typed, target, coercion);
}

const CLOCK_WORDS = /\b(now|today|tomorrow|yesterday)\b/i;
const TIME_TYPES = new Set<SqlType>(['timestamptz', 'timestamp', 'date', 'time']);

const isOfTimes = (type: SqlType): boolean => TIME_TYPES.has(isArrayType(type) ? elementType(type) : type);

function literal(
  context: StatementContext,
  expression: Extract<BoundExpression, { kind: 'const' }>,
  target: SqlType,
  modifiers: readonly number[] | undefined,
  location: number | undefined,
): BoundExpression {
  const type = target === 'any' ? 'text' : target;
  const { value } = expression;
  // The clock's words depend on when the statement runs: they stay a cast.
  if (typeof value === 'string' && isOfTimes(type) && CLOCK_WORDS.test(value)) {
    const arg: BoundExpression = { ...expression, type: 'text' };
    const cast: BoundExpression = { kind: 'cast', type, arg };
    return context.placed(modifiers === undefined ? cast : { ...cast, modifiers }, location);
  }
  try {
    const converted = value === null ? null : castValue(value, type, modifiers, optionsFrom(expression.type));
    return context.placed({ kind: 'const', type, value: converted }, location);
  } catch (error) {
    throw located(error, location);
  }
}

/** An error of a value's conversion, with the place of the value. */
export function located(error: unknown, location: number | undefined): unknown {
  if (!(error instanceof DbError) || error.code !== 'QUERY' || location === undefined || location < 0)
    return error;
  if (error.details?.position !== undefined) return error;
  return new DbError('QUERY', error.message, { ...error.details, position: location + 1 });
}

function arrayItems(
  context: StatementContext,
  expression: Extract<BoundExpression, { kind: 'array' }>,
  target: SqlType,
  coercion: Coercion,
): BoundExpression {
  const element: ScalarType = elementType(target);
  const items = expression.items.map((item) => coerce(context, item, element, coercion));
  return { ...expression, type: arrayOf(element), items };
}
