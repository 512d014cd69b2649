/** Aggregate calls. Each becomes a column of the query that its arguments belong to; equal calls share one. */
import type { FuncCall, Node } from '@pgsql/types';
import type { AggregateCallOf, BoundExpression, SortKeyOf } from '../algebra/expression.js';
import { structureText } from '../algebra/structure-text.js';
import { GROUPING_ERROR, sqlError } from '../errors.js';
import { resolveAggregate } from '../functions/registry.js';
import { bodyOf } from '../parse/nodes.js';
import { coerce } from './coerce.js';
import { condition } from './condition.js';
import { AGGREGATE_ARGUMENT, type Clause, type StatementContext } from './context.js';
import { freeColumns } from './free-columns.js';
import type { Scope } from './scope.js';
import { sortKey } from './sort-key.js';
import { unknownFunction } from './unknown-function.js';

export function bindAggregate(
  context: StatementContext,
  name: string,
  call: FuncCall,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const { location } = call;
  const bound = aggregateCall(context, name, call, scope);
  const owner = ownerOf(context, bound, scope);
  if (owner === scope && !clause.aggregates)
    throw sqlError(GROUPING_ERROR, `aggregate functions are not allowed in ${clause.name}`, location);
  const shape = structureText(bound);
  const known = owner.aggregates.find((aggregate) => structureText(aggregate.call) === shape);
  const id = known?.id ?? context.columnId();
  if (known === undefined) owner.aggregates.push({ id, call: bound });
  return context.placed({ kind: 'column', type: bound.type, id, name }, location);
}

/** The call without its place; also for aggregates over windows. */
export function aggregateCall(
  context: StatementContext,
  name: string,
  call: FuncCall,
  scope: Scope,
  clause: Clause = AGGREGATE_ARGUMENT,
): AggregateCallOf<BoundExpression> {
  const { location } = call;
  const bind = (node: Node): BoundExpression => context.expression(node, scope, clause);
  const direct = (call.args ?? []).map((arg) => bindArgument(bind, arg));
  const orderBy = (call.agg_order ?? []).map((node) => keyOf(context, node, bind));
  const ordered = call.agg_within_group ? orderBy.map(({ expression }) => expression) : [];
  const args = [...direct, ...ordered];
  const types = args.map(({ type }) => type);
  const resolved = resolveAggregate(name, types);
  if (resolved === undefined) throw unknownFunction(name, call.agg_star ? [] : types, location);
  if (call.agg_star && resolved.definition.parameters.length > 0)
    throw sqlError('42809', `${name}(*) is not an aggregate`, location);
  const filter = call.agg_filter && condition(context, bind(call.agg_filter), 'FILTER');
  const distinct = call.agg_distinct ?? false;
  const coerced = args.map((arg, place) => coerce(context, arg, resolved.casts[place] ?? 'any'));
  if (distinct) checkDistinctOrder(coerced, orderBy, location);
  const { id, returns } = resolved.definition;
  const made = { function: id, type: returns, args: coerced, distinct, orderBy };
  return filter === undefined ? made : { ...made, filter };
}

/** `count(t.*)` counts the rows of t. */
function bindArgument(bind: (node: Node) => BoundExpression, node: Node): BoundExpression {
  const fields = bodyOf(node, 'ColumnRef')?.fields ?? [];
  const isStar = fields.length > 1 && bodyOf(fields[fields.length - 1], 'A_Star') !== undefined;
  if (!isStar) return bind(node);
  return bind({ ColumnRef: { ...bodyOf(node, 'ColumnRef'), fields: fields.slice(0, -1) } });
}

function keyOf(
  context: StatementContext,
  node: Node,
  bind: (node: Node) => BoundExpression,
): SortKeyOf<BoundExpression> {
  const by = bodyOf(node, 'SortBy');
  return sortKey(context, by ?? {}, bind(by?.node as Node));
}

function checkDistinctOrder(
  args: readonly BoundExpression[],
  orderBy: readonly SortKeyOf<BoundExpression>[],
  location?: number,
): void {
  const shapes = args.map(structureText);
  if (orderBy.every(({ expression }) => shapes.includes(structureText(expression)))) return;
  const message = 'in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list';
  throw sqlError('42P10', message, location);
}

/** An aggregate belongs to the innermost of the queries that its arguments refer to; without references, to its own. */
function ownerOf(context: StatementContext, call: AggregateCallOf<BoundExpression>, scope: Scope): Scope {
  let owner: Scope | undefined;
  let nearest = Number.POSITIVE_INFINITY;
  const expressions = [
    ...call.args,
    ...(call.filter ? [call.filter] : []),
    ...call.orderBy.map((key) => key.expression),
  ];
  for (const id of expressions.flatMap((expression) => [...freeColumns(expression)])) {
    const candidate = context.owners.get(id);
    const distance = candidate && scope.distanceTo(candidate);
    if (candidate === undefined || distance === undefined || distance >= nearest) continue;
    owner = candidate;
    nearest = distance;
  }
  return owner ?? scope;
}
