/**
 * Expressions become closures over rows, once per execution. Parts without columns are evaluated here once; an error in one
 * is kept until a row really asks for it, as CASE may never do so. Shapes that scans are full of have closures of
 * their own in compile-compare.ts. One thread.
 */
import { unreachable } from '../../base/assert.js';
import type { Expression } from '../algebra/expression.js';
import { NO_STATEMENT } from '../functions/definition.js';
import { castValue, optionsFrom } from '../types/cast.js';
import { compareForOperator, compareForOrder } from '../types/compare.js';
import type { SqlType } from '../types/sql-type.js';
import { SqlRecord, type SqlValue } from '../types/values.js';
import { compileCall, isVolatile } from './compile-call.js';
import { compileCompare, compileComparePredicate } from './compile-compare.js';
import { compileIn, compileQuantified } from './compile-in.js';
import { compilePath } from './compile-path.js';
import { compileSubquery } from './compile-subquery.js';
import type { Compilation, Evaluator, Predicate } from './operator.js';
import { isRowless } from './slots.js';

/** Hands the compiler to the files that compile a kind of expression with parts. */
export interface ExpressionCompiler {
  readonly compilation: Compilation;
  compile(expression: Expression): Evaluator;
  predicate(expression: Expression): Predicate;
  constant(expression: Expression): SqlValue | undefined;
}

function compilerFor(compilation: Compilation): ExpressionCompiler {
  return {
    compilation,
    compile: (expression) => compileEvaluator(expression, compilation),
    predicate: (expression) => compilePredicate(expression, compilation),
    constant: (expression) => constantOf(expression, compilation),
  };
}

export function compileEvaluator(expression: Expression, compilation: Compilation): Evaluator {
  const constant = constantOf(expression, compilation);
  if (constant !== undefined) return () => constant;
  return compileNode(expression, compilerFor(compilation));
}

export function compileEvaluators(expressions: readonly Expression[], compilation: Compilation): Evaluator[] {
  return expressions.map((expression) => compileEvaluator(expression, compilation));
}

/**
 * The value of an expression that is the same for every row; undefined when it may differ or when it has none: evaluating it
 * is an error, which the rows will meet.
 */
export function constantOf(expression: Expression, compilation: Compilation): SqlValue | undefined {
  if (expression.kind === 'const') return expression.value;
  if (expression.kind === 'param') return compilation.environment.params[expression.index] ?? null;
  const { constants } = compilation;
  if (constants.has(expression)) return constants.get(expression);
  const value = evaluateOnce(expression, compilation);
  constants.set(expression, value);
  return value;
}

function evaluateOnce(expression: Expression, compilation: Compilation): SqlValue | undefined {
  if (!isRowless(expression) || isVolatile(expression)) return undefined;
  try {
    return compileNode(expression, compilerFor(compilation))([]);
  } catch {
    return undefined;
  }
}

/** For filters, which do not tell false from NULL. */
export function compilePredicate(expression: Expression, compilation: Compilation): Predicate {
  const compiler = compilerFor(compilation);
  switch (expression.kind) {
    case 'and':
      return allOf(expression.args.map(compiler.predicate));
    case 'or':
      return anyOf(expression.args.map(compiler.predicate));
    case 'compare':
      return compileComparePredicate(expression, compiler);
    default: {
      const evaluate = compileEvaluator(expression, compilation);
      return (row) => evaluate(row) === true;
    }
  }
}

function allOf(predicates: readonly Predicate[]): Predicate {
  if (predicates.length === 1) return predicates[0];
  if (predicates.length === 2) {
    const [first, second] = predicates;
    return (row) => first(row) && second(row);
  }
  return (row) => {
    for (let i = 0; i < predicates.length; i++) if (!predicates[i](row)) return false;
    return true;
  };
}

function anyOf(predicates: readonly Predicate[]): Predicate {
  return (row) => {
    for (let i = 0; i < predicates.length; i++) if (predicates[i](row)) return true;
    return false;
  };
}

function compileNode(expression: Expression, compiler: ExpressionCompiler): Evaluator {
  switch (expression.kind) {
    case 'const':
      return () => expression.value;
    case 'param': {
      const value = compiler.compilation.environment.params[expression.index] ?? null;
      return () => value;
    }
    case 'column':
      throw new Error(`column ${expression.name} was not lowered`);
    case 'slot': {
      const { index } = expression;
      return (row) => row[index];
    }
    case 'outer': {
      const { index } = expression;
      const { frame } = compiler.compilation;
      return () => frame.values[index];
    }
    case 'call':
      return compileCall(expression, compiler);
    case 'compare':
      return compileCompare(expression, compiler);
    case 'distinct':
      return compileDistinct(expression, compiler);
    case 'and':
      return compileAnd(expression.args.map(compiler.compile));
    case 'or':
      return compileOr(expression.args.map(compiler.compile));
    case 'not': {
      const arg = compiler.compile(expression.arg);
      return (row) => {
        const value = arg(row);
        return value === null ? null : value !== true;
      };
    }
    case 'isNull': {
      const arg = compiler.compile(expression.arg);
      const { negated } = expression;
      return (row) => (arg(row) === null) !== negated;
    }
    case 'isTruth': {
      const arg = compiler.compile(expression.arg);
      const { value, negated } = expression;
      return (row) => (arg(row) === value) !== negated;
    }
    case 'case':
      return compileCase(expression, compiler);
    case 'coalesce':
      return compileCoalesce(expression.args.map(compiler.compile));
    case 'in':
      return compileIn(expression, compiler);
    case 'quantified':
      return compileQuantified(expression, compiler);
    case 'cast':
      return compileCast(expression, compiler);
    case 'array': {
      const items = expression.items.map(compiler.compile);
      return (row) => items.map((item) => item(row));
    }
    case 'row': {
      const items = expression.items.map(compiler.compile);
      const { names } = expression;
      return (row) =>
        new SqlRecord(
          names,
          items.map((item) => item(row)),
        );
    }
    case 'path':
      return compilePath(expression, compiler);
    case 'subquery':
      return compileSubquery(expression, compiler);
    default:
      return unreachable(expression);
  }
}

function compileDistinct(
  { left, right, negated }: Expression & { kind: 'distinct' },
  compiler: ExpressionCompiler,
): Evaluator {
  const a = compiler.compile(left);
  const b = compiler.compile(right);
  return (row) => {
    const x = a(row);
    const y = b(row);
    const isDistinct = x === null || y === null ? x !== y : x !== y && !areSame(x, y);
    return isDistinct !== negated;
  };
}

/** As `=` says; where that says nothing, values of different kinds are distinct. */
const areSame = (a: SqlValue, b: SqlValue): boolean =>
  (compareForOperator(a, b) ?? compareForOrder(a, b)) === 0;

/** NULL unless one is false. */
function compileAnd(args: readonly Evaluator[]): Evaluator {
  return (row) => {
    let result: boolean | null = true;
    for (let i = 0; i < args.length; i++) {
      const value = args[i](row);
      if (value === false) return false;
      if (value === null) result = null;
    }
    return result;
  };
}

function compileOr(args: readonly Evaluator[]): Evaluator {
  return (row) => {
    let result: boolean | null = false;
    for (let i = 0; i < args.length; i++) {
      const value = args[i](row);
      if (value === true) return true;
      if (value === null) result = null;
    }
    return result;
  };
}

function compileCase(expression: Expression & { kind: 'case' }, compiler: ExpressionCompiler): Evaluator {
  const conditions = expression.branches.map(({ when }) => compiler.predicate(when));
  const results = expression.branches.map((branch) => compiler.compile(branch.then));
  const otherwise = compiler.compile(expression.otherwise);
  return (row) => {
    for (let i = 0; i < conditions.length; i++) if (conditions[i](row)) return results[i](row);
    return otherwise(row);
  };
}

function compileCoalesce(args: readonly Evaluator[]): Evaluator {
  return (row) => {
    for (let i = 0; i < args.length; i++) {
      const value = args[i](row);
      if (value !== null) return value;
    }
    return null;
  };
}

function compileCast(
  { type, arg, modifiers }: Expression & { kind: 'cast' },
  compiler: ExpressionCompiler,
): Evaluator {
  const evaluate = compiler.compile(arg);
  const { nowMicros } = compiler.compilation.environment.evaluation;
  // 'now' and its like in documents stay an error: indexes of such a cast cannot know the statement's time.
  const isClockKnown = nowMicros !== NO_STATEMENT && isRowless(arg);
  const options = isClockKnown ? { ...optionsFrom(arg.type), nowMicros } : optionsFrom(arg.type);
  return (row) => {
    const value = evaluate(row);
    if (value === null) return null;
    return modifiers === undefined && isOfType(value, type)
      ? value
      : castValue(value, type, modifiers, options);
  };
}

/** Only the cases where the cast changes nothing and that are frequent. */
function isOfType(value: SqlValue, type: SqlType): boolean {
  if (typeof value === 'string') return type === 'text';
  if (typeof value === 'number') return type === 'numeric' || type === 'float8';
  return false;
}
