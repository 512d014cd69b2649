/** A_Expr: operators, and the constructs that the parser writes as operators (IN, LIKE, BETWEEN, NULLIF …). */
import type { A_Expr, Node } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { sqlError, UNDEFINED_FUNCTION } from '../errors.js';
import { resolveOperator } from '../functions/registry.js';
import { bodyOf, stringsOf } from '../parse/nodes.js';
import { arrayOf, elementType, isArrayType } from '../types/sql-type.js';
import { coerce, decided, isNumeric, unify } from './coerce.js';
import { comparable, compare, isComparison } from './comparison.js';
import { and, not, or } from './condition.js';
import type { Clause, StatementContext } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import { compareRows, isRow } from './rows.js';
import type { Scope } from './scope.js';

interface Place {
  readonly context: StatementContext;
  readonly scope: Scope;
  readonly clause: Clause;
  readonly location?: number;
}

export function bindOperator(
  context: StatementContext,
  node: A_Expr,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const names = stringsOf(node.name);
  const symbol = names[names.length - 1] ?? '';
  const place: Place = { context, scope, clause, location: node.location };
  if (names.length > 1 && names[0] !== 'pg_catalog')
    throw notSupported(`an operator of schema "${names[0]}"`, node.location);
  const { lexpr, rexpr } = node;
  if (rexpr === undefined) throw notSupported('a postfix operator', node.location);
  switch (node.kind) {
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      return quantified(place, symbol, required(lexpr), rexpr, node.kind === 'AEXPR_OP_ALL');
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const [left, right] = comparable(
        context,
        '=',
        operand(place, required(lexpr)),
        operand(place, rexpr),
        node.location,
      );
      const negated = node.kind === 'AEXPR_NOT_DISTINCT';
      return context.placed({ kind: 'distinct', type: 'bool', negated, left, right }, node.location);
    }
    case 'AEXPR_NULLIF':
      return nullIf(place, required(lexpr), rexpr);
    case 'AEXPR_IN':
      return inList(place, required(lexpr), rexpr, symbol === '<>');
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return between(place, required(lexpr), rexpr, node.kind);
    default:
      return binary(place, symbol, lexpr && operand(place, lexpr), operand(place, rexpr));
  }
}

function required(node: Node | undefined): Node {
  if (node === undefined) throw syntaxError('an operator lacks its left side');
  return node;
}

const operand = ({ context, scope, clause }: Place, node: Node): BoundExpression =>
  context.expression(node, scope, clause);

function binary(
  { context, location }: Place,
  symbol: string,
  left: BoundExpression | undefined,
  right: BoundExpression,
): BoundExpression {
  if (left !== undefined && isComparison(symbol)) {
    if (isRow(left) && isRow(right)) return compareRows(context, symbol, left, right, location);
    return compare(context, symbol, left, right, location);
  }
  return operatorCall(context, symbol, left, right, location);
}

/** Call of an operator that is a function of the registry. */
export function operatorCall(
  context: StatementContext,
  symbol: string,
  left: BoundExpression | undefined,
  right: BoundExpression,
  location?: number,
): BoundExpression {
  const operands = left === undefined ? [right] : [left, right];
  const resolved = resolveOperator(symbol, left?.type, right.type);
  if (resolved === undefined) {
    const positive = symbol.startsWith('!')
      ? resolveOperator(symbol.slice(1), left?.type, right.type)
      : undefined;
    if (positive !== undefined)
      return context.placed(not(operatorCall(context, symbol.slice(1), left, right, location)), location);
    const types = operands.map(({ type }) => type);
    const written = left === undefined ? `${symbol} ${types[0]}` : `${types[0]} ${symbol} ${types[1]}`;
    throw sqlError(UNDEFINED_FUNCTION, `operator does not exist: ${written}`, location);
  }
  const args = operands.map((each, place) => coerce(context, each, resolved.casts[place] ?? 'any'));
  const { id, returns } = resolved.definition;
  return context.placed({ kind: 'call', type: returns, function: id, args }, location);
}

/** The left side is bound twice, so that no two expressions share the columns of a subquery. */
function nullIf(place: Place, left: Node, right: Node): BoundExpression {
  const { context, location } = place;
  const other = operand(place, right);
  const when = compare(context, '=', operand(place, left), other, location);
  const first = decided(operand(place, left));
  // PostgreSQL's has the type in which the two were compared: dividing what comes of (9, 2.0) is not to cut.
  const isWidened = first.type === 'int8' && (other.type === 'any' || isNumeric(other.type));
  const otherwise = isWidened ? coerce(context, first, other.type === 'any' ? 'numeric' : other.type) : first;
  const nothing: BoundExpression = { kind: 'const', type: otherwise.type, value: null };
  // biome-ignore lint/suspicious/noThenProperty: the name of SQL; nobody awaits a branch
  return { kind: 'case', type: otherwise.type, branches: [{ when, then: nothing }], otherwise };
}

function inList(place: Place, test: Node, list: Node, negated: boolean): BoundExpression {
  const { context, location } = place;
  const arg = operand(place, test);
  const items = (bodyOf(list, 'List')?.items ?? []).map((item) => operand(place, item));
  if (isRow(arg) || items.some(isRow)) {
    const equal = or(items.map((item) => compareRows(context, '=', arg, item, location)));
    return negated ? not(equal) : equal;
  }
  // Each item is compared with the argument by itself; the argument is evaluated once, so its type must suit them all.
  const all = unify(context, [arg, ...items]);
  if (all !== undefined && all.type !== 'any') {
    const [typed, ...rest] = all.items;
    return context.placed({ kind: 'in', type: 'bool', negated, arg: typed, items: rest }, location);
  }
  const pairs = items.map((item) => comparable(context, '=', arg, item, location));
  const left = pairs[0]?.[0] ?? arg;
  const sides = pairs.map(([, right]) => right);
  return context.placed({ kind: 'in', type: 'bool', negated, arg: left, items: sides }, location);
}

function between(place: Place, test: Node, list: Node, kind: string): BoundExpression {
  const { context, location } = place;
  const [low, high] = bodyOf(list, 'List')?.items ?? [];
  const range = (from: Node, to: Node): BoundExpression =>
    and([
      compare(context, '>=', operand(place, test), operand(place, from), location),
      compare(context, '<=', operand(place, test), operand(place, to), location),
    ]);
  const symmetric = kind === 'AEXPR_BETWEEN_SYM' || kind === 'AEXPR_NOT_BETWEEN_SYM';
  const inside = symmetric ? or([range(low, high), range(high, low)]) : range(low, high);
  return kind === 'AEXPR_NOT_BETWEEN' || kind === 'AEXPR_NOT_BETWEEN_SYM' ? not(inside) : inside;
}

function quantified(place: Place, symbol: string, test: Node, list: Node, all: boolean): BoundExpression {
  const { context, location } = place;
  if (!isComparison(symbol)) return everyItem(place, symbol, test, list, all);
  let arg = operand(place, test);
  let array = operand(place, list);
  if (array.type === 'unknown') {
    arg = decided(arg);
    const element = arg.type === 'unknown' || isArrayType(arg.type) ? 'text' : (arg.type as never);
    array = coerce(context, array, arrayOf(element));
  }
  if (isArrayType(array.type)) {
    const sample: BoundExpression = { kind: 'const', type: elementType(array.type), value: null };
    const [left, item] = comparable(context, symbol, arg, sample, location);
    arg = left;
    if (item.type !== sample.type && !isArrayType(item.type))
      array = coerce(context, array, arrayOf(item.type as never));
  } else if (array.type !== 'any' && array.type !== 'jsonb') {
    throw sqlError(
      '42809',
      `op ${all ? 'ALL' : 'ANY'} (array) requires an array on its right side`,
      location,
    );
  }
  const operator = symbol;
  return context.placed(
    { kind: 'quantified', type: 'bool', operator, all, arg: decided(arg), array },
    location,
  );
}

/** `x LIKE ANY (ARRAY[…])`: an operator that is a function, with a list that is written out. */
function everyItem(place: Place, symbol: string, test: Node, list: Node, all: boolean): BoundExpression {
  const items = bodyOf(list, 'A_ArrayExpr')?.elements;
  if (items === undefined || items.length === 0)
    throw notSupported(
      `the operator ${symbol} with ${all ? 'ALL' : 'ANY'} of an array that is not written out`,
      place.location,
    );
  const each = items.map((item) => binary(place, symbol, operand(place, test), operand(place, item)));
  return all ? and(each) : or(each);
}
