/** Expressions of definitions (defaults), bound in a statement that uses them. */
import type { BoundExpression } from '../algebra/expression.js';
import { parsedExpression } from '../parse/expression-text.js';
import { DEFINITION, type StatementContext } from './context.js';
import { syntaxError } from './errors.js';
import { Scope } from './scope.js';

/** A constant expression: it sees no columns. */
export function bindStoredExpression(context: StatementContext, text: string): BoundExpression {
  const node = parsedExpression(text);
  if (node === undefined) throw syntaxError(`the stored expression "${text}" cannot be parsed`);
  return context.expression(node, new Scope(undefined), DEFINITION);
}
