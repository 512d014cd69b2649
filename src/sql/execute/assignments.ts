/** SET: the changes that assignments make of a row. DEFAULT takes a member away. */
import type { PhysicalAssignment } from '../algebra/physical.js';
import type { Row } from '../types/values.js';
import type { MemberChange } from './document-text.js';
import { compileEvaluator } from './expressions.js';
import type { Compilation, Evaluator } from './operator.js';

export function compileAssignments(
  assignments: readonly PhysicalAssignment[],
  compilation: Compilation,
): (row: Row) => MemberChange[] {
  const compiled = assignments.map(({ path, expression }) => ({
    path,
    evaluate: expression === 'default' ? undefined : compileEvaluator(expression, compilation),
  }));
  const valueFrom = (evaluate: Evaluator | undefined, row: Row): MemberChange['value'] =>
    evaluate === undefined ? undefined : evaluate(row);
  return (row) => compiled.map(({ path, evaluate }) => ({ path, value: valueFrom(evaluate, row) }));
}
