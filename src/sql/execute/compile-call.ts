/** Calls of functions and operators. One thread. */
import type { Expression } from '../algebra/expression.js';
import type { FunctionDefinition } from '../functions/definition.js';
import { scalarById } from '../functions/registry.js';
import type { SqlValue } from '../types/values.js';
import type { ExpressionCompiler } from './expressions.js';
import type { Evaluator } from './operator.js';
import { forEachPart } from './slots.js';

type Call = Expression & { kind: 'call' };

function definitionOf(id: string): FunctionDefinition {
  const definition = scalarById(id);
  if (definition === undefined) throw new Error(`the plan calls ${id}, which does not exist`);
  return definition;
}

/** Whether evaluating it twice may give two results. */
export function isVolatile(expression: Expression): boolean {
  if (expression.kind === 'call' && definitionOf(expression.function).volatility === 'volatile') return true;
  let result = false;
  forEachPart(expression, (part) => {
    if (isVolatile(part)) result = true;
  });
  return result;
}

export function compileCall(expression: Call, compiler: ExpressionCompiler): Evaluator {
  const definition = definitionOf(expression.function);
  const args = expression.args.map(compiler.compile);
  const context = compiler.compilation.environment.evaluation;
  const { strict, evaluate, evaluate1, evaluate2 } = definition;
  if (strict && args.length === 1 && evaluate1 !== undefined) {
    const [first] = args;
    return (row) => {
      const a = first(row);
      return a === null ? null : evaluate1(a, context);
    };
  }
  if (strict && args.length === 2 && evaluate2 !== undefined) {
    const [first, second] = args;
    return (row) => {
      const a = first(row);
      if (a === null) return null;
      const b = second(row);
      return b === null ? null : evaluate2(a, b, context);
    };
  }
  return (row) => {
    const values: SqlValue[] = new Array(args.length);
    for (let i = 0; i < args.length; i++) {
      const value = args[i](row);
      if (value === null && strict) return null;
      values[i] = value;
    }
    return evaluate(values, context);
  };
}
