/** Expressions outside of plans: over rows, and over the text of single documents (index expressions, CHECK, DEFAULT). */
import type { BoundExpression, Expression } from '../algebra/expression.js';
import type { ScanField } from '../algebra/logical.js';
import type { SqlValue } from '../types/values.js';
import { newCompilation } from './compilation.js';
import { DocumentReader } from './document-reader.js';
import type { ExecutionEnvironment } from './environment.js';
import { compileEvaluator } from './expressions.js';
import type { Evaluator } from './operator.js';
import { slotted } from './slotted.js';

export function compileExpression(expression: Expression, environment: ExecutionEnvironment): Evaluator {
  return compileEvaluator(expression, newCompilation(environment));
}

/** Of the document bytes[offset, offset + length). */
export type DocumentEvaluator = (bytes: Uint8Array, offset: number, length: number) => SqlValue;

/** As bindStandalone leaves it: columns are the members in `fields`. Throws what the expression throws. */
export function compileDocumentExpression(
  expression: BoundExpression,
  fields: readonly ScanField[],
  environment: ExecutionEnvironment,
): DocumentEvaluator {
  const compilation = newCompilation(environment);
  const slots = new Map(fields.map(({ id }, slot) => [id, slot]));
  const reader = new DocumentReader(fields, [], undefined, compilation);
  const evaluate = compileEvaluator(slotted(expression, slots), compilation);
  return (bytes, offset, length) => {
    reader.accept({ bytes, offset, length, seqno: 0 });
    return evaluate(reader.row);
  };
}
