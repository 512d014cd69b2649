/** What has to hold in every physical plan: places are inside of rows and frames, widths add up, numbers are unique. */
import type { Expression } from '../../../../src/sql/algebra/expression.js';
import type { PhysicalPlan, PreparedQuery } from '../../../../src/sql/algebra/physical.js';
import { operandsOf } from '../../../../src/sql/plan/expression-walk.js';
import { physicalExpressions, physicalInputs } from '../../../../src/sql/plan/physical-walk.js';

export function faultsOf({ root, nodeCount, columns }: PreparedQuery): string[] {
  const faults: string[] = [];
  const ids = new Set<number>();
  visit(root, 0, faults, ids);
  if (ids.size !== nodeCount || Math.max(...ids) !== nodeCount - 1)
    faults.push('nodes are not numbered densely');
  if (root.width < columns.length) faults.push('the result is wider than its rows');
  return faults;
}

function visit(plan: PhysicalPlan, frame: number, faults: string[], ids: Set<number>): void {
  const fault = (what: string): void => {
    faults.push(`${plan.kind} ${plan.id}: ${what}`);
  };
  if (ids.has(plan.id)) fault('number used twice');
  ids.add(plan.id);
  if (plan.width !== expectedWidth(plan)) fault(`width ${plan.width}, expected ${expectedWidth(plan)}`);
  const { startupCost, totalCost, rows } = plan.estimate;
  if (!Number.isFinite(totalCost) || totalCost < startupCost || !(rows >= 0)) fault('estimate');
  const rowWidth = rowSeen(plan);
  for (const expression of physicalExpressions(plan)) check(expression, rowWidth, frame, fault, faults, ids);
  for (const [place, input] of physicalInputs(plan).entries()) {
    const isInner = plan.kind === 'nestedLoop' && place === 1 && plan.args.length > 0;
    visit(input, isInner ? plan.args.length : frame, faults, ids);
  }
}

function check(
  expression: Expression,
  width: number,
  frame: number,
  fault: (what: string) => void,
  faults: string[],
  ids: Set<number>,
): void {
  if (expression.kind === 'column') fault(`column ${expression.id} is left`);
  if (expression.kind === 'slot' && expression.index >= width) fault(`slot ${expression.index} of ${width}`);
  if (expression.kind === 'outer' && expression.index >= frame)
    fault(`outer ${expression.index} of ${frame}`);
  if (expression.kind === 'subquery') visit(expression.plan, expression.args.length, faults, ids);
  for (const operand of operandsOf(expression)) check(operand, width, frame, fault, faults, ids);
}

/** Width of the rows that the node's expressions may see; generous where they see several kinds. */
function rowSeen(plan: PhysicalPlan): number {
  switch (plan.kind) {
    case 'hashJoin':
    case 'nestedLoop':
      return plan.left.width + plan.right.width;
    case 'modify':
      return Math.max(plan.input.width, plan.target.length * 2);
    case 'seqScan':
    case 'keyLookup':
    case 'indexScan':
    case 'systemScan':
    case 'values':
    case 'functionScan':
    case 'cteScan':
    case 'with':
    case 'setOperation':
      return plan.width;
    default:
      return plan.input.width;
  }
}

function expectedWidth(plan: PhysicalPlan): number {
  switch (plan.kind) {
    case 'seqScan':
    case 'keyLookup':
    case 'indexScan':
    case 'systemScan':
      return plan.fields.length;
    case 'values':
      return plan.rows[0]?.length ?? plan.width;
    case 'functionScan':
    case 'cteScan':
      return plan.width;
    case 'project':
      return plan.expressions.length;
    case 'hashJoin':
    case 'nestedLoop':
      return plan.join === 'semi' || plan.join === 'anti'
        ? plan.left.width
        : plan.left.width + plan.right.width;
    case 'aggregate':
      return plan.groupBy.length + plan.aggregates.length;
    case 'window':
      return plan.input.width + plan.calls.length;
    case 'setOperation':
      return plan.left.width === plan.right.width ? plan.left.width : Number.NaN;
    case 'modify':
      return plan.returning.length;
    default:
      return plan.input.width;
  }
}
