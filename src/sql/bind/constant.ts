/** Constants, parameters, casts and typed literals. */
import type { A_Const, ParamRef, TypeCast } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { bodyOf } from '../parse/nodes.js';
import { isArrayType } from '../types/sql-type.js';
import { coerce } from './coerce.js';
import type { Clause, StatementContext } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import type { Scope } from './scope.js';
import { typeOfName } from './type-name.js';

const INT8_MIN = -(2n ** 63n);
const INT8_MAX = 2n ** 63n - 1n;

export function bindConstant(context: StatementContext, node: A_Const): BoundExpression {
  const { location } = node;
  const made = (expression: BoundExpression): BoundExpression => context.placed(expression, location);
  if (node.isnull) return made({ kind: 'const', type: 'unknown', value: null });
  if (node.sval) return made({ kind: 'const', type: 'unknown', value: node.sval.sval ?? '' });
  if (node.boolval) return made({ kind: 'const', type: 'bool', value: node.boolval.boolval ?? false });
  if (node.ival) return made({ kind: 'const', type: 'int8', value: node.ival.ival ?? 0 });
  if (node.fval) return made(numberConstant(node.fval.fval ?? '0'));
  throw notSupported('a bit string', location);
}

/** What does not fit 32 bits comes as text: integers of 64 bits are exact, all other numbers are numeric. */
function numberConstant(text: string): BoundExpression {
  const plain = text.replaceAll('_', '');
  if (/^-?(\d+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.test(plain)) {
    const negative = plain.startsWith('-');
    const size = BigInt(negative ? plain.slice(1) : plain);
    const value = negative ? -size : size;
    const small = Number(value);
    const exact = Number.isSafeInteger(small) ? small : value;
    return { kind: 'const', type: value >= INT8_MIN && value <= INT8_MAX ? 'int8' : 'numeric', value: exact };
  }
  return { kind: 'const', type: 'numeric', value: Number(plain) };
}

export function bindParameter(
  context: StatementContext,
  { number = 0, location }: ParamRef,
): BoundExpression {
  if (number < 1) throw syntaxError('parameters are written $1, $2 and so on', location);
  const index = number - 1;
  context.noteParameter(index, location);
  const type = context.parameters.get(index) ?? 'unknown';
  return context.placed({ kind: 'param', type, index }, location);
}

export function bindCast(
  context: StatementContext,
  node: TypeCast,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  if (node.arg === undefined || node.typeName === undefined)
    throw syntaxError('a cast needs a type', node.location);
  const { type, modifiers } = typeOfName(node.typeName);
  const array = bodyOf(node.arg, 'A_ArrayExpr');
  // ARRAY[] has no type but the one it is cast to.
  if (array !== undefined && (array.elements ?? []).length === 0 && isArrayType(type))
    return context.placed({ kind: 'array', type, items: [] }, node.location);
  const arg = context.expression(node.arg, scope, clause);
  const location = context.placeOf(arg) ?? node.location;
  return coerce(context, arg, type, { as: 'explicit', modifiers, location });
}
