/** Subqueries in expressions. What they refer to outside of themselves stays as free column ids: their correlations. */
import type { SubLink } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import { bodyOf, stringsOf } from '../parse/nodes.js';
import { arrayOf, isArrayType, type ScalarType } from '../types/sql-type.js';
import { decided } from './coerce.js';
import { coerceRows } from './coerce-rows.js';
import { comparable, isComparison } from './comparison.js';
import type { BoundRows, Clause, StatementContext } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import { isRow } from './rows.js';
import type { Scope } from './scope.js';

export function bindSubquery(
  context: StatementContext,
  node: SubLink,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const { location } = node;
  const select = bodyOf(node.subselect, 'SelectStmt');
  if (select === undefined) throw notSupported('a subquery that is no SELECT', location);
  const rows = context.query(select, scope);
  const [first, second] = rows.output;
  const made = (expression: BoundExpression): BoundExpression => context.placed(expression, location);
  const simple = { kind: 'subquery', tests: [], plan: rows.plan, args: [] } as const;
  switch (node.subLinkType) {
    case 'EXISTS_SUBLINK':
      return made({ ...simple, mode: 'exists', type: 'bool' });
    case 'EXPR_SUBLINK':
      if (first === undefined || second !== undefined)
        throw syntaxError('subquery must return only one column', location);
      return made({ ...simple, mode: 'scalar', type: first.type });
    case 'ARRAY_SUBLINK':
      if (first === undefined || second !== undefined)
        throw syntaxError('subquery must return only one column', location);
      if (isArrayType(first.type)) throw notSupported('an array of several dimensions', location);
      return made({ ...simple, mode: 'array', type: arrayOf(first.type as ScalarType) });
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK':
      return made(quantified(context, node, rows, scope, clause));
    default:
      throw notSupported('this form of subquery', location);
  }
}

function quantified(
  context: StatementContext,
  node: SubLink,
  rows: BoundRows,
  scope: Scope,
  clause: Clause,
): BoundExpression {
  const { location } = node;
  const operator = stringsOf(node.operName)[0] ?? '=';
  if (!isComparison(operator)) throw notSupported(`the operator ${operator} with a subquery`, location);
  if (node.testexpr === undefined) throw syntaxError('a subquery comparison needs a left side', location);
  const test = context.expression(node.testexpr, scope, clause);
  const tests = isRow(test) ? test.items : [test];
  if (tests.length !== rows.output.length)
    throw syntaxError(
      `subquery has too ${tests.length > rows.output.length ? 'few' : 'many'} columns`,
      location,
    );
  const pairs = tests.map((each, place) => {
    const { id, type, name } = rows.output[place];
    return comparable(context, operator, each, { kind: 'column', id, type, name }, location);
  });
  const inner = coerceRows(
    context,
    rows,
    pairs.map(([, right]) => right),
  );
  const mode = node.subLinkType === 'ALL_SUBLINK' ? 'all' : 'any';
  const left = pairs.map(([each]) => decided(each));
  return { kind: 'subquery', type: 'bool', mode, operator, tests: left, plan: inner.plan, args: [] };
}
