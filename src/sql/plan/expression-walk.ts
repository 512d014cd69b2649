/** Ways through expressions: operands, rebuilding, conjuncts, structural identity. Pure. */
import { unreachable } from '../../base/assert.js';
import type { BoundExpression, ColumnId, ExpressionOf } from '../algebra/expression.js';
import { structureText } from '../types/structure-text.js';

export const TRUE: BoundExpression = { kind: 'const', type: 'bool', value: true };
export const FALSE: BoundExpression = { kind: 'const', type: 'bool', value: false };

/** Direct operands, not those inside of subplans. */
export function operandsOf<S>(expression: ExpressionOf<S>): readonly ExpressionOf<S>[] {
  switch (expression.kind) {
    case 'const':
    case 'param':
    case 'column':
    case 'slot':
    case 'outer':
      return [];
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
      return expression.args;
    case 'compare':
    case 'distinct':
      return [expression.left, expression.right];
    case 'not':
    case 'isNull':
    case 'isTruth':
    case 'cast':
    case 'path':
      return [expression.arg];
    case 'case':
      return [...expression.branches.flatMap(({ when, then }) => [when, then]), expression.otherwise];
    case 'in':
      return [expression.arg, ...expression.items];
    case 'quantified':
      return [expression.arg, expression.array];
    case 'array':
    case 'row':
      return expression.items;
    case 'subquery':
      return [...expression.tests, ...expression.args];
    default:
      return unreachable(expression);
  }
}

/** The same expression with other operands and, in subqueries, another plan. */
export function mapOperands<S, T>(
  expression: ExpressionOf<S>,
  map: (operand: ExpressionOf<S>) => ExpressionOf<T>,
  mapPlan: (plan: S) => T,
): ExpressionOf<T> {
  switch (expression.kind) {
    case 'const':
    case 'param':
    case 'column':
    case 'slot':
    case 'outer':
      return expression;
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
      return { ...expression, args: expression.args.map(map) };
    case 'compare':
    case 'distinct':
      return { ...expression, left: map(expression.left), right: map(expression.right) };
    case 'not':
    case 'isNull':
    case 'isTruth':
    case 'cast':
    case 'path':
      return { ...expression, arg: map(expression.arg) };
    case 'case':
      return {
        ...expression,
        // biome-ignore lint/suspicious/noThenProperty: the name of SQL; nobody awaits a branch
        branches: expression.branches.map(({ when, then }) => ({ when: map(when), then: map(then) })),
        otherwise: map(expression.otherwise),
      };
    case 'in':
      return { ...expression, arg: map(expression.arg), items: expression.items.map(map) };
    case 'quantified':
      return { ...expression, arg: map(expression.arg), array: map(expression.array) };
    case 'array':
    case 'row':
      return { ...expression, items: expression.items.map(map) };
    case 'subquery':
      return {
        ...expression,
        tests: expression.tests.map(map),
        args: expression.args.map(map),
        plan: mapPlan(expression.plan),
      };
    default:
      return unreachable(expression);
  }
}

/** Bottom up, plans of subqueries as they are. */
export function rewriteExpression(
  expression: BoundExpression,
  rewrite: (expression: BoundExpression) => BoundExpression,
): BoundExpression {
  return rewrite(
    mapOperands(
      expression,
      (operand) => rewriteExpression(operand, rewrite),
      (plan) => plan,
    ),
  );
}

/** Whether one of its nodes satisfies the test; does not look into subplans. */
export function someExpression<S>(
  expression: ExpressionOf<S>,
  test: (expression: ExpressionOf<S>) => boolean,
): boolean {
  return test(expression) || operandsOf(expression).some((operand) => someExpression(operand, test));
}

export function hasSubquery<S>(expression: ExpressionOf<S>): boolean {
  return someExpression(expression, ({ kind }) => kind === 'subquery');
}

export function substituteColumns(
  expression: BoundExpression,
  replacement: (id: ColumnId) => BoundExpression | undefined,
): BoundExpression {
  return rewriteExpression(expression, (node) =>
    node.kind === 'column' ? (replacement(node.id) ?? node) : node,
  );
}

/** Operands of the ANDs at its top, flat. TRUE gives none. */
export function conjunctsOf(condition: BoundExpression | undefined): BoundExpression[] {
  if (condition === undefined) return [];
  if (condition.kind === 'and') return condition.args.flatMap(conjunctsOf);
  if (condition.kind === 'const' && condition.value === true) return [];
  return [condition];
}

export function conjunctionOf<S>(conjuncts: readonly ExpressionOf<S>[]): ExpressionOf<S> | undefined {
  if (conjuncts.length < 2) return conjuncts[0];
  return { kind: 'and', type: 'bool', args: conjuncts };
}

/** Text that two expressions share exactly when they are the same; `nameOf` gives columns a name beyond their id. */
export function structuralKey(
  expression: BoundExpression,
  nameOf: (id: ColumnId) => string = (id) => `#${id}`,
): string {
  const plain = rewriteExpression(expression, (node) =>
    node.kind === 'column'
      ? ({ kind: 'param', type: 'unknown', index: -1, name: nameOf(node.id) } as never)
      : node,
  );
  return structureText(plain);
}
