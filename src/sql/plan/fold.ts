/**
 * Constant folding: calls of immutable functions over constants become their result. What fails stays as it is, so that the
 * error comes at run time and only if the expression is reached. Pure.
 */
import type { BoundExpression, ComparisonOperator } from '../algebra/expression.js';
import type { EvaluationContext } from '../functions/definition.js';
import type { SqlType } from '../types/sql-type.js';
import type { SqlValue } from '../types/values.js';
import { FALSE, TRUE } from './expression-walk.js';
import type { PlannerSupport } from './support.js';

/** Immutable functions ask for nothing of this. */
const NO_CONTEXT: EvaluationContext = {
  nowMicros: 0,
  clockMicros: () => 0,
  random: () => 0,
  uuid: () => '',
};

/** One node whose operands are folded already. */
export function foldNode(expression: BoundExpression, support: PlannerSupport): BoundExpression {
  try {
    return folded(expression, support) ?? expression;
  } catch {
    return expression;
  }
}

function folded(expression: BoundExpression, support: PlannerSupport): BoundExpression | undefined {
  switch (expression.kind) {
    case 'call':
      return foldCall(expression, support);
    case 'cast':
      return foldCast(expression, support);
    case 'compare': {
      const { left, right, operator } = expression;
      if (isNullConstant(left) || isNullConstant(right)) return constant('bool', null);
      if (left.kind !== 'const' || right.kind !== 'const') return undefined;
      return constant('bool', compareValues(operator, left.value, right.value, support));
    }
    case 'isNull': {
      const { arg, negated } = expression;
      return arg.kind === 'const' ? constant('bool', (arg.value === null) !== negated) : undefined;
    }
    case 'isTruth': {
      const { arg, negated, value } = expression;
      return arg.kind === 'const' ? constant('bool', (arg.value === value) !== negated) : undefined;
    }
    case 'not':
      if (expression.arg.kind !== 'const') return undefined;
      return constant('bool', expression.arg.value === null ? null : expression.arg.value !== true);
    case 'and':
      return foldJunction(expression.args, false, 'and');
    case 'or':
      return foldJunction(expression.args, true, 'or');
    case 'coalesce':
      return foldCoalesce(expression);
    case 'case':
      return foldCase(expression);
    case 'in':
      return expression.items.length === 0
        ? constant('bool', expression.negated)
        : foldIn(expression, support);
    case 'array': {
      const values = expression.items.map((item) => (item.kind === 'const' ? item.value : undefined));
      if (values.includes(undefined)) return undefined;
      return constant(expression.type, values as SqlValue[]);
    }
    default:
      return undefined;
  }
}

function foldCall(
  expression: BoundExpression & { kind: 'call' },
  support: PlannerSupport,
): BoundExpression | undefined {
  const definition = support.scalar(expression.function);
  if (definition === undefined || definition.volatility !== 'immutable') return undefined;
  if (definition.strict && expression.args.some(isNullConstant)) return constant(expression.type, null);
  // Fronts plan, too.
  if (definition.mayRunLong) return undefined;
  const values: SqlValue[] = [];
  for (const arg of expression.args) {
    if (arg.kind !== 'const') return undefined;
    values.push(arg.value);
  }
  return constant(expression.type, definition.evaluate(values, NO_CONTEXT));
}

function foldCast(
  expression: BoundExpression & { kind: 'cast' },
  support: PlannerSupport,
): BoundExpression | undefined {
  const { arg, type, modifiers } = expression;
  if (arg.kind !== 'const') return undefined;
  if (arg.value === null) return constant(type, null);
  // 'now', 'today' and their like are constants of the moment, not of the plan, which is kept.
  if (typeof arg.value === 'string' && isTimeType(type) && /[a-z]{3}/i.test(arg.value)) {
    if (/now|today|tomorrow|yesterday|allballs/i.test(arg.value)) return undefined;
  }
  return constant(type, support.cast(arg.value, type, arg.type, modifiers));
}

const isTimeType = (type: SqlType): boolean => type === 'date' || type.startsWith('time');

/** AND with `absorbing` false, OR with true. */
function foldJunction(
  args: readonly BoundExpression[],
  absorbing: boolean,
  kind: 'and' | 'or',
): BoundExpression | undefined {
  const flat = args.flatMap((arg) => (arg.kind === kind ? arg.args : [arg]));
  if (flat.some((arg) => arg.kind === 'const' && arg.value === absorbing)) return absorbing ? TRUE : FALSE;
  const rest = flat.filter((arg) => !(arg.kind === 'const' && arg.value === !absorbing));
  if (rest.length === 0) return absorbing ? FALSE : TRUE;
  if (rest.length === 1) return rest[0];
  return { kind, type: 'bool', args: rest };
}

function foldCoalesce(expression: BoundExpression & { kind: 'coalesce' }): BoundExpression | undefined {
  const args = expression.args.filter((arg) => !isNullConstant(arg));
  if (args.length === 0) return constant(expression.type, null);
  if (args[0].kind === 'const' && args[0].type === expression.type) return args[0];
  return args.length === expression.args.length ? undefined : { ...expression, args };
}

function foldCase(expression: BoundExpression & { kind: 'case' }): BoundExpression | undefined {
  const branches = expression.branches.filter(({ when }) => when.kind !== 'const' || when.value === true);
  const first = branches[0];
  if (first === undefined) return expression.otherwise;
  if (first.when.kind === 'const') return first.then;
  return branches.length === expression.branches.length ? undefined : { ...expression, branches };
}

function foldIn(
  expression: BoundExpression & { kind: 'in' },
  support: PlannerSupport,
): BoundExpression | undefined {
  const { arg, items, negated } = expression;
  if (arg.kind !== 'const' || items.some((item) => item.kind !== 'const')) return undefined;
  let isUnknown = false;
  for (const item of items) {
    const equal = compareValues('=', arg.value, (item as { value: SqlValue }).value, support);
    if (equal === true) return constant('bool', !negated);
    if (equal === null) isUnknown = true;
  }
  return constant('bool', isUnknown ? null : negated);
}

export function compareValues(
  operator: ComparisonOperator,
  left: SqlValue,
  right: SqlValue,
  support: PlannerSupport,
): boolean | null {
  const order = left === null || right === null ? undefined : support.compareForOperator(left, right);
  if (order === undefined) return null;
  switch (operator) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
}

export function constant(type: SqlType, value: SqlValue): BoundExpression {
  return { kind: 'const', type, value };
}

export function isNullConstant(expression: BoundExpression): boolean {
  return expression.kind === 'const' && expression.value === null;
}
