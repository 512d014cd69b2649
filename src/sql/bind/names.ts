/** Column references, paths into documents, subscripts, arrays and rows. */
import type { A_ArrayExpr, A_Indices, A_Indirection, ColumnRef, Node, RowExpr } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { PROGRAM_LIMIT_EXCEEDED, sqlError } from '../errors.js';
import { resolveScalar } from '../functions/registry.js';
import { bodyOf, stringOf, stringsOf } from '../parse/nodes.js';
import { arrayOf, elementType, isArrayType, type ScalarType } from '../types/sql-type.js';
import { scalarCall } from './calls.js';
import { coerce, unify } from './coerce.js';
import type { Clause, StatementContext } from './context.js';
import { notSupported, syntaxError, typeError } from './errors.js';
import { PATH_LENGTH_MAX } from './limits.js';
import { operatorCall } from './operators.js';
import { below } from './relation.js';
import type { Scope } from './scope.js';

export function bindColumn(_context: StatementContext, node: ColumnRef, scope: Scope): BoundExpression {
  const fields = node.fields ?? [];
  if (fields.length > PATH_LENGTH_MAX) {
    const message = `a path has ${fields.length} names; no more than ${PATH_LENGTH_MAX} are allowed`;
    throw sqlError(PROGRAM_LIMIT_EXCEEDED, message, node.location);
  }
  const star = fields.findIndex((field) => bodyOf(field, 'A_Star') !== undefined);
  if (star >= 0) {
    if (star === 0) throw syntaxError('* is not allowed here', node.location);
    return scope.relationOfStar(stringsOf(fields.slice(0, star)), node.location).whole();
  }
  return scope.resolve(stringsOf(fields), node.location);
}

export function bindIndirection(
  context: StatementContext,
  node: A_Indirection,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  if (node.arg === undefined) throw syntaxError('a path needs a value to start from');
  const steps = node.indirection ?? [];
  let value = context.expression(node.arg, scope, clause);
  const location = context.placeOf(value);
  for (const step of steps) {
    const name = stringOf(step);
    const indices = bodyOf(step, 'A_Indices');
    if (name !== undefined) value = member(value, name, location);
    else if (indices !== undefined) value = subscript(context, value, indices, scope, clause, location);
    else throw notSupported('.* of a value', location);
    context.placed(value, location);
  }
  return value;
}

function member(value: BoundExpression, name: string, location?: number): BoundExpression {
  if (value.kind === 'row') {
    const place = value.names.indexOf(name);
    if (place >= 0) return value.items[place];
  }
  return below(value, [name], location);
}

/** Arrays of SQL count from 1, those in documents from 0, as PostgreSQL has it for jsonb. */
function subscript(
  context: StatementContext,
  value: BoundExpression,
  indices: A_Indices,
  scope: Scope,
  clause: Clause,
  location?: number,
): BoundExpression {
  const bind = (node: Node | undefined): BoundExpression =>
    node === undefined
      ? { kind: 'const', type: 'int8', value: null }
      : context.expression(node, scope, clause);
  const isArray = isArrayType(value.type);
  if (indices.is_slice) {
    if (!isArray) throw typeError(`a slice of type ${value.type} is not possible`, location);
    const bounds = [bind(indices.lidx), bind(indices.uidx)];
    if (resolveScalar('array_slice', [value.type, 'int8', 'int8']) === undefined)
      throw notSupported('a slice of an array', location);
    const slice = scalarCall(context, 'array_slice', [value, ...bounds], location);
    return { ...slice, type: value.type } as BoundExpression;
  }
  const key = bind(indices.uidx);
  if (!isArray && value.type !== 'any' && value.type !== 'jsonb' && value.type !== 'record')
    throw typeError(`cannot subscript type ${value.type} because it does not support subscripting`, location);
  if (key.kind === 'const' && (typeof key.value === 'number' || typeof key.value === 'string')) {
    const place = isArray ? Number(key.value) - 1 : key.value;
    if (!isArray) return below(value, [place], location);
    const element = elementType(value.type);
    if (typeof place !== 'number' || place < 0) return { kind: 'const', type: element, value: null };
    return { ...below(value, [place], location), type: element } as BoundExpression;
  }
  if (!isArray)
    return operatorCall(
      context,
      '->',
      value,
      key.type === 'any' ? coerce(context, key, 'text') : key,
      location,
    );
  if (resolveScalar('array_get', [value.type, 'int8']) === undefined)
    throw notSupported('a subscript of an array that is no constant', location);
  return {
    ...scalarCall(context, 'array_get', [value, key], location),
    type: elementType(value.type),
  } as BoundExpression;
}

export function bindArray(
  context: StatementContext,
  node: A_ArrayExpr,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const bound = (node.elements ?? []).map((element) => context.expression(element, scope, clause));
  if (bound.length === 0)
    throw syntaxError(
      'cannot determine type of empty array: write ARRAY[]::int8[] or another type',
      node.location,
    );
  if (bound.some(({ type }) => isArrayType(type)))
    throw notSupported('an array of several dimensions', node.location);
  // Literals by themselves wait for what the array is used as.
  if (bound.every(({ kind, type }) => kind === 'const' && type === 'unknown'))
    return context.placed({ kind: 'array', type: 'unknown[]', items: bound }, node.location);
  const common = unify(context, bound);
  if (common === undefined) {
    const types = [...new Set(bound.map(({ type }) => type))].join(' and ');
    throw typeError(`ARRAY types ${types} cannot be matched`, node.location);
  }
  return context.placed(
    { kind: 'array', type: arrayOf(common.type as ScalarType), items: common.items },
    node.location,
  );
}

export function bindRow(
  context: StatementContext,
  node: RowExpr,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const items = (node.args ?? []).flatMap((arg) => {
    const fields = bodyOf(arg, 'ColumnRef')?.fields ?? [];
    const last = fields[fields.length - 1];
    if (bodyOf(last, 'A_Star') === undefined || fields.length < 2)
      return [context.expression(arg, scope, clause)];
    const relation = scope.relationOfStar(stringsOf(fields.slice(0, -1)), node.location);
    return relation.star().map(({ expression }) => expression);
  });
  const names = items.map((_, place) => `f${place + 1}`);
  return context.placed({ kind: 'row', type: 'record', items, names }, node.location);
}
