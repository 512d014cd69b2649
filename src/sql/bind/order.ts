/** ORDER BY and LIMIT: keys name output columns by alias or number, or are expressions. */
import type { Node, SelectStmt } from '@pgsql/types';
import type { BoundExpression, SortKeyOf } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import { structureText } from '../algebra/structure-text.js';
import { AMBIGUOUS_COLUMN, sqlError } from '../errors.js';
import { bodyOf, locationOf, stringOf } from '../parse/nodes.js';
import { coerce } from './coerce.js';
import { LIMIT, type StatementContext } from './context.js';
import { syntaxError } from './errors.js';
import { Scope } from './scope.js';
import type { Target } from './targets.js';

/** Place of the target that a node means by number; undefined when it is no number. */
export function targetByNumber(node: Node, count: number, clause: string): number | undefined {
  const constant = bodyOf(node, 'A_Const');
  if (constant === undefined) return undefined;
  const { location } = constant;
  if (constant.ival === undefined) throw syntaxError(`non-integer constant in ${clause}`, location);
  const number = constant.ival.ival ?? 0;
  if (number < 1 || number > count)
    throw sqlError('42P10', `${clause} position ${number} is not in select list`, location);
  return number - 1;
}

/** The single name that a node is, if it is one. */
export function simpleName(node: Node): string | undefined {
  const fields = bodyOf(node, 'ColumnRef')?.fields;
  return fields?.length === 1 ? stringOf(fields[0]) : undefined;
}

/** Place of the target with this name; two different ones are ambiguous. */
export function targetByName(
  name: string,
  targets: readonly {
    readonly name: string;
    readonly spread: boolean;
    readonly expression?: BoundExpression;
  }[],
  clause: string,
  location?: number,
): number | undefined {
  const places = targets.flatMap((target, place) => (target.name === name && !target.spread ? [place] : []));
  const shapes = new Set(places.map((place) => structureText(targets[place].expression ?? place)));
  if (shapes.size > 1) throw sqlError(AMBIGUOUS_COLUMN, `${clause} "${name}" is ambiguous`, location);
  return places[0];
}

/** A key that is a target, by its place, or an expression of its own. */
export interface OrderKey {
  readonly target?: number;
  readonly key: SortKeyOf<BoundExpression>;
}

export function targetOf(node: Node, targets: readonly Target[], clause: string): number | undefined {
  const number = targetByNumber(node, targets.length, clause);
  if (number !== undefined) return number;
  const name = simpleName(node);
  return name === undefined ? undefined : targetByName(name, targets, clause, locationOf(node));
}

export interface Limits {
  readonly limit?: BoundExpression;
  readonly offset?: BoundExpression;
  readonly withTies: boolean;
}

export function bindLimits(
  context: StatementContext,
  statement: SelectStmt,
  scope: Scope,
): Limits | undefined {
  const limit = limitOf(context, statement.limitCount, scope);
  const offset = limitOf(context, statement.limitOffset, scope);
  if (limit === undefined && offset === undefined) return undefined;
  const withTies = statement.limitOption === 'LIMIT_OPTION_WITH_TIES';
  return { withTies, ...(limit && { limit }), ...(offset && { offset }) };
}

/** LIMIT ALL and LIMIT NULL are none. The scope has no relations: columns of the query are not to be seen. */
function limitOf(
  context: StatementContext,
  node: Node | undefined,
  scope: Scope,
): BoundExpression | undefined {
  if (node === undefined || bodyOf(node, 'A_Const')?.isnull) return undefined;
  const bound = context.expression(node, new Scope(scope.parent), LIMIT);
  const limit = coerce(context, bound, 'int8', { as: 'assignment' });
  if (limit.kind === 'const' && typeof limit.value === 'number' && limit.value < 0)
    throw sqlError('2201W', 'LIMIT and OFFSET must not be negative', context.placeOf(bound));
  return limit;
}

export const limited = (input: LogicalPlan, limits: Limits | undefined): LogicalPlan =>
  limits === undefined ? input : { kind: 'limit', input, ...limits, columns: [] };

export const sorted = (input: LogicalPlan, keys: readonly SortKeyOf<BoundExpression>[]): LogicalPlan =>
  keys.length === 0 ? input : { kind: 'sort', input, keys, columns: [] };
