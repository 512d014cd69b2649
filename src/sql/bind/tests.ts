/** AND, OR, NOT, IS NULL and IS TRUE. */
import type { BoolExpr, BooleanTest, NullTest } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { decided } from './coerce.js';
import { and, condition, not, or } from './condition.js';
import type { Clause, StatementContext } from './context.js';
import { syntaxError } from './errors.js';
import { isRow } from './rows.js';
import type { Scope } from './scope.js';

export function bindConnective(
  context: StatementContext,
  node: BoolExpr,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const word = node.boolop === 'OR_EXPR' ? 'OR' : node.boolop === 'NOT_EXPR' ? 'NOT' : 'AND';
  const args = (node.args ?? []).map((arg) =>
    condition(context, context.expression(arg, scope, clause), word),
  );
  if (word === 'NOT') return context.placed(negated(args[0]), node.location);
  return context.placed(word === 'OR' ? or(args) : and(args), node.location);
}

/** NOT before what has a negation of its own: `a NOT IN …` and `NOT EXISTS` stay simple for the planner. */
function negated(arg: BoundExpression): BoundExpression {
  if (arg.kind === 'in') return { ...arg, negated: !arg.negated };
  return not(arg);
}

export function bindNullTest(
  context: StatementContext,
  node: NullTest,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  if (node.arg === undefined) throw syntaxError('IS NULL needs an argument', node.location);
  const bound = decided(context.expression(node.arg, scope, clause));
  const isNot = node.nulltesttype === 'IS_NOT_NULL';
  const test = (arg: BoundExpression): BoundExpression => ({
    kind: 'isNull',
    type: 'bool',
    negated: isNot,
    arg,
  });
  // A row is NULL when all of its members are, and NOT NULL when none of them is.
  if (isRow(bound) && bound.items.length > 0) return and(bound.items.map((item) => test(decided(item))));
  return context.placed(test(bound), node.location);
}

export function bindTruthTest(
  context: StatementContext,
  node: BooleanTest,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  if (node.arg === undefined) throw syntaxError('IS TRUE needs an argument', node.location);
  const arg = condition(context, context.expression(node.arg, scope, clause), 'IS TRUE');
  const kind = node.booltesttype ?? 'IS_TRUE';
  const value = kind.endsWith('TRUE') ? true : kind.endsWith('FALSE') ? false : null;
  const isNot = kind.startsWith('IS_NOT');
  return context.placed({ kind: 'isTruth', type: 'bool', value, negated: isNot, arg }, node.location);
}
