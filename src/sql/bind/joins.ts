/** JOIN: inner, left, right, full and cross, with ON, USING and NATURAL. */
import type { JoinExpr, Node } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import type { JoinKind, LogicalPlan } from '../algebra/logical.js';
import { sqlError, UNDEFINED_COLUMN } from '../errors.js';
import { locationOf, stringsOf } from '../parse/nodes.js';
import { unify } from './coerce.js';
import { compare } from './comparison.js';
import { and, condition } from './condition.js';
import { JOIN_CONDITION, type StatementContext } from './context.js';
import { notSupported, syntaxError, typeError } from './errors.js';
import type { Relation } from './relation.js';
import type { MergedColumn, Scope } from './scope.js';

const KINDS: Readonly<Record<string, JoinKind>> = {
  JOIN_INNER: 'inner',
  JOIN_LEFT: 'left',
  JOIN_RIGHT: 'right',
  JOIN_FULL: 'full',
};

type BindItem = (context: StatementContext, item: Node, scope: Scope, left: Scope) => LogicalPlan;

export function bindJoin(
  context: StatementContext,
  join: JoinExpr,
  scope: Scope,
  outside: Scope,
  bindItem: BindItem,
): LogicalPlan {
  const { larg, rarg } = join;
  if (larg === undefined || rarg === undefined) throw syntaxError('a join needs two sides');
  if (join.alias !== undefined) throw notSupported('an alias for a join in parentheses', locationOf(larg));
  if (join.join_using_alias !== undefined) throw notSupported('an alias for USING', locationOf(larg));
  const kind = KINDS[join.jointype ?? 'JOIN_INNER'];
  if (kind === undefined) throw notSupported('this kind of join', locationOf(larg));
  const first = scope.relations.length;
  const mergedBefore = scope.merged;
  const left = bindItem(context, larg, scope, outside);
  const middle = scope.relations.length;
  // The right side may look at the left one, and at what stands before the join.
  const before = scope.lateral();
  const leftMerged = scope.merged;
  scope.merged = mergedBefore;
  const right = bindItem(context, rarg, scope, before);
  const rightMerged = scope.merged;
  const own = new Set(scope.relations.slice(first, middle));
  const lateral = before.used.some((relation) => own.has(relation));
  outside.used.push(...before.used.filter((relation) => !own.has(relation)));
  if (lateral && (kind === 'right' || kind === 'full'))
    throw sqlError(
      '42P10',
      'a lateral item cannot be on the right of a RIGHT or FULL join',
      locationOf(rarg),
    );
  scope.merged = [...new Set([...leftMerged, ...rightMerged])];
  const sides: Sides = {
    left: sideScope(scope, scope.relations.slice(first, middle), leftMerged),
    right: sideScope(scope, scope.relations.slice(middle), rightMerged),
    kind,
  };
  const on = joinCondition(context, join, scope, sides, first);
  const common = { left, right, lateral, columns: [] } as const;
  if (on === undefined) return { kind: 'join', join: kind === 'inner' ? 'cross' : kind, ...common };
  return { kind: 'join', join: kind, condition: on, ...common };
}

interface Sides {
  readonly left: Scope;
  readonly right: Scope;
  readonly kind: JoinKind;
}

function sideScope(scope: Scope, relations: readonly Relation[], merged: readonly MergedColumn[]): Scope {
  const side = scope.aside();
  side.relations.push(...relations);
  side.merged = merged;
  return side;
}

function joinCondition(
  context: StatementContext,
  join: JoinExpr,
  scope: Scope,
  sides: Sides,
  first: number,
): BoundExpression | undefined {
  const location = join.larg && locationOf(join.larg);
  if (join.isNatural) return using(context, naturalNames(sides, location), scope, sides, location);
  if (join.usingClause !== undefined)
    return using(context, stringsOf(join.usingClause), scope, sides, location);
  if (join.quals === undefined) return undefined;
  // ON sees the two sides, not the other items of FROM.
  const seen = sideScope(scope, scope.relations.slice(first), scope.merged);
  return condition(context, context.expression(join.quals, seen, JOIN_CONDITION), 'JOIN/ON');
}

function naturalNames({ left, right }: Sides, location?: number): string[] {
  if ([...left.relations, ...right.relations].some(({ isOpen }) => isOpen))
    throw notSupported('NATURAL JOIN of collections, whose columns are not known (use USING); it', location);
  const names = new Set(right.relations.flatMap((relation) => relation.columnNames()));
  return [...new Set(left.relations.flatMap((relation) => relation.columnNames()))].filter((name) =>
    names.has(name),
  );
}

function using(
  context: StatementContext,
  names: readonly string[],
  scope: Scope,
  sides: Sides,
  location?: number,
): BoundExpression | undefined {
  const merged: MergedColumn[] = [];
  const conditions = names.map((name) => {
    const left = sideColumn(sides.left, name, 'left', location);
    const right = sideColumn(sides.right, name, 'right', location);
    merged.push({
      name,
      expression: mergedOf(context, sides.kind, left, right, location),
      relations: ownersOf(sides, name),
    });
    return compare(context, '=', left, right, location);
  });
  const rest = scope.merged.filter(({ name }) => !names.includes(name));
  scope.merged = [...merged, ...rest];
  return conditions.length === 0 ? undefined : and(conditions);
}

function sideColumn(scope: Scope, name: string, side: string, location?: number): BoundExpression {
  const isThere =
    scope.merged.some((column) => column.name === name) ||
    scope.relations.some((relation) => relation.isOpen || relation.hasColumn(name));
  if (isThere) return scope.resolve([name], location);
  const message = `column "${name}" specified in USING clause does not exist in ${side} table`;
  throw sqlError(UNDEFINED_COLUMN, message, location);
}

const ownersOf = ({ left, right }: Sides, name: string): ReadonlySet<Relation> =>
  new Set([...left.relations, ...right.relations].filter((relation) => relation.hasColumn(name)));

function mergedOf(
  context: StatementContext,
  kind: JoinKind,
  left: BoundExpression,
  right: BoundExpression,
  location?: number,
): BoundExpression {
  if (kind === 'right') return right;
  if (kind !== 'full') return left;
  const common = unify(context, [left, right]);
  if (common === undefined) throw typeError('JOIN/USING types cannot be matched', location);
  return { kind: 'coalesce', type: common.type, args: common.items };
}
