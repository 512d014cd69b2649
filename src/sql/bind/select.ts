/** One SELECT with a FROM clause of its own, without WITH and set operations. */
import type { Node, SelectStmt } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import { GROUPING_ERROR, sqlError } from '../errors.js';
import { bodyOf, locationOf } from '../parse/nodes.js';
import { condition } from './condition.js';
import {
  type BoundRows,
  GROUP_BY,
  HAVING,
  ORDER_BY,
  type StatementContext,
  TARGETS,
  WHERE,
} from './context.js';
import { notSupported } from './errors.js';
import { bindFrom } from './from.js';
import { Grouping } from './grouping.js';
import { setsOf } from './grouping-sets.js';
import { mapWindow } from './map.js';
import { bindLimits, type OrderKey, simpleName, targetByName, targetByNumber, targetOf } from './order.js';
import type { Scope } from './scope.js';
import { arrange } from './select-output.js';
import { sortKey } from './sort-key.js';
import { bindTargets, nameOf, type Target } from './targets.js';
import { visitExpression } from './walk.js';

/** A SELECT's expressions, all over the same rows. */
export interface SelectParts {
  readonly targets: readonly Target[];
  readonly order: readonly OrderKey[];
  readonly distinct: 'none' | 'all' | readonly BoundExpression[];
}

export function bindSelect(context: StatementContext, statement: SelectStmt, scope: Scope): BoundRows {
  refuseUnsupported(statement);
  let plan = bindFrom(context, statement.fromClause ?? [], scope);
  if (statement.whereClause !== undefined) {
    const where = condition(context, context.expression(statement.whereClause, scope, WHERE), 'WHERE');
    plan = { kind: 'filter', input: plan, condition: where, columns: [] };
  }
  for (const node of statement.windowClause ?? []) {
    const window = bodyOf(node, 'WindowDef');
    if (window?.name !== undefined) scope.namedWindows.set(window.name, window);
  }
  const parts = bindParts(context, statement, scope);
  const having =
    statement.havingClause &&
    condition(context, context.expression(statement.havingClause, scope, HAVING), 'HAVING');
  const groupNodes = statement.groupClause ?? [];
  const grouped =
    groupNodes.length > 0 ||
    having !== undefined ||
    scope.aggregates.length > 0 ||
    scope.groupings.length > 0;
  if (!grouped) return finish(context, statement, scope, plan, parts);
  const grouping = group(context, statement, scope, parts.targets);
  const over = overGroups(parts, grouping, scope);
  const condense = having && grouping.over(having);
  plan = grouping.plan(plan);
  if (condense !== undefined) plan = { kind: 'filter', input: plan, condition: condense, columns: [] };
  return finish(context, statement, scope, plan, over);
}

function refuseUnsupported(statement: SelectStmt): void {
  const lock = bodyOf(statement.lockingClause?.[0], 'LockingClause');
  if (lock !== undefined) {
    const strength = (lock.strength ?? '').replace('LCS_FOR', '').replace('NOKEYUPDATE', 'NO KEY UPDATE');
    throw notSupported(`FOR ${strength.replace('KEYSHARE', 'KEY SHARE')}`);
  }
  if (statement.intoClause !== undefined)
    throw notSupported('SELECT INTO', statement.intoClause.rel?.location);
}

function bindParts(context: StatementContext, statement: SelectStmt, scope: Scope): SelectParts {
  const targets = bindTargets(context, statement.targetList ?? [], scope, TARGETS);
  const order = (statement.sortClause ?? []).map((node) => orderKey(context, node, targets, scope));
  const { distinctClause } = statement;
  if (distinctClause === undefined) return { targets, order, distinct: 'none' };
  // A plain DISTINCT is a list of one empty node.
  const on = distinctClause.filter((node) => Object.keys(node).length > 0);
  if (on.length === 0) return { targets, order, distinct: 'all' };
  const distinct = on.map((node) => {
    const place = targetOf(node, targets, 'SELECT DISTINCT ON');
    return place === undefined ? context.expression(node, scope, ORDER_BY) : targets[place].expression;
  });
  return { targets, order, distinct };
}

function orderKey(context: StatementContext, node: Node, targets: readonly Target[], scope: Scope): OrderKey {
  const by = bodyOf(node, 'SortBy') ?? {};
  const place = targetOf(by.node as Node, targets, 'ORDER BY');
  if (place !== undefined) return { target: place, key: sortKey(context, by, targets[place].expression) };
  return { key: sortKey(context, by, context.expression(by.node as Node, scope, ORDER_BY)) };
}

function group(
  context: StatementContext,
  statement: SelectStmt,
  scope: Scope,
  targets: readonly Target[],
): Grouping {
  const grouping = new Grouping(context, scope);
  const items = statement.groupClause ?? [];
  const key = (node: Node): number => {
    const place = groupTarget(node, targets, scope);
    if (place === undefined) {
      const expression = context.expression(node, scope, GROUP_BY);
      return grouping.key(expression, nameOf(node) ?? 'key');
    }
    const { expression, name } = targets[place];
    refuseInGroupBy(context, expression, scope, locationOf(node));
    return grouping.key(expression, name);
  };
  const sets = setsOf(items, key);
  if (items.some((item) => bodyOf(item, 'GroupingSet') !== undefined)) {
    const unique = new Map(sets.map((set) => [[...set].sort((a, b) => a - b).join(), set]));
    grouping.groupingSets(statement.groupDistinct ? [...unique.values()] : sets);
  }
  grouping.answerGroupings();
  return grouping;
}

/**
 * A name in GROUP BY is a column that is declared first, an alias second and a member of an open document last. So
 * `date_trunc('day', t) AS day … GROUP BY day` groups by the alias, though any document may have a member `day`.
 */
function groupTarget(node: Node, targets: readonly Target[], scope: Scope): number | undefined {
  const number = targetByNumber(node, targets.length, 'GROUP BY');
  if (number !== undefined) return number;
  const name = simpleName(node);
  if (name === undefined) return undefined;
  const isColumn = scope.relations.some((relation) => relation.hasColumn(name));
  if (isColumn || scope.merged.some((column) => column.name === name)) return undefined;
  return targetByName(name, targets, 'GROUP BY', locationOf(node));
}

function refuseInGroupBy(
  context: StatementContext,
  expression: BoundExpression,
  scope: Scope,
  location?: number,
): void {
  const ids = new Set([...scope.aggregates, ...scope.windows].map(({ id }) => id));
  visitExpression(expression, (each) => {
    if (each.kind === 'column' && ids.has(each.id))
      throw sqlError(
        GROUPING_ERROR,
        'aggregate and window functions are not allowed in GROUP BY',
        location ?? context.placeOf(expression),
      );
  });
}

function overGroups(parts: SelectParts, grouping: Grouping, scope: Scope): SelectParts {
  const { over } = grouping;
  scope.windows.forEach(({ id, call }, place) => {
    scope.windows[place] = { id, call: mapWindow(call, over) };
  });
  scope.setReturning.forEach((call, place) => {
    scope.setReturning[place] = { ...call, args: call.args.map(over) };
  });
  return {
    targets: parts.targets.map((target) => ({ ...target, expression: over(target.expression) })),
    order: parts.order.map(({ target, key }) => ({
      target,
      key: { ...key, expression: over(key.expression) },
    })),
    distinct: typeof parts.distinct === 'string' ? parts.distinct : parts.distinct.map(over),
  };
}

function finish(
  context: StatementContext,
  statement: SelectStmt,
  scope: Scope,
  input: LogicalPlan,
  parts: SelectParts,
): BoundRows {
  let plan = input;
  if (scope.windows.length > 0) plan = { kind: 'window', input: plan, calls: scope.windows, columns: [] };
  for (const call of scope.setReturning) {
    const { args, columns, name } = call;
    const right: LogicalPlan = {
      kind: 'functionScan',
      function: call.function,
      args,
      alias: name,
      ordinality: false,
      columns,
    };
    plan = { kind: 'join', join: 'cross', left: plan, right, lateral: true, columns: [] };
  }
  return arrange(context, plan, parts, bindLimits(context, statement, scope));
}
