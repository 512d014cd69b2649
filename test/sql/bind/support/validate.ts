/** Checks that a logical plan is consistent: ids unique, columns right, every reference satisfied by what is below. */
import type { BoundExpression, ColumnId } from '../../../../src/sql/algebra/expression.js';
import type { LogicalPlan } from '../../../../src/sql/algebra/logical.js';
import { madeBy } from '../../../../src/sql/bind/free-columns.js';
import { childExpressions, expressionsOf, inputsOf, visitPlan } from '../../../../src/sql/bind/walk.js';

/** Faults of a plan, in words; none for a good one. */
export function validateLogicalPlan(plan: LogicalPlan): string[] {
  const faults: string[] = [];
  const made = new Set<ColumnId>();
  visitPlan(
    plan,
    (expression) => {
      if (expression.type === 'unknown' || expression.type === 'unknown[]')
        faults.push(`an expression of kind ${expression.kind} has no type`);
    },
    (node) => {
      for (const id of madeBy(node)) {
        if (made.has(id)) faults.push(`column ${id} of ${node.kind} is made twice`);
        made.add(id);
      }
    },
  );
  validateNode(plan, new Set(), faults);
  return faults;
}

/** Ids that a node's own expressions may use, beside those of the queries around. */
function visibleIn(plan: LogicalPlan): ColumnId[] {
  const below = inputsOf(plan).flatMap(({ columns }) => columns);
  return plan.kind === 'modify' ? [...below, ...madeBy(plan)] : below;
}

function validateNode(plan: LogicalPlan, around: ReadonlySet<ColumnId>, faults: string[]): void {
  const expected = expectedColumns(plan);
  if (expected !== undefined && JSON.stringify(expected) !== JSON.stringify(plan.columns))
    faults.push(`${plan.kind} lists columns ${plan.columns} instead of ${expected}`);
  const visible = new Set([...around, ...visibleIn(plan)]);
  for (const expression of expressionsOf(plan)) validateExpression(expression, visible, plan.kind, faults);
  if (plan.kind === 'setOperation' && plan.left.columns.length !== plan.right.columns.length)
    faults.push('the sides of a set operation have different widths');
  if (plan.kind === 'setOperation' && plan.left.columns.length !== plan.columns.length)
    faults.push('a set operation has another width than its sides');
  if (plan.kind === 'values' && plan.rows.some((row) => row.length !== plan.columns.length))
    faults.push('rows of values have another width than their columns');
  if (plan.kind === 'join') {
    validateNode(plan.left, around, faults);
    validateNode(plan.right, plan.lateral ? new Set([...around, ...plan.left.columns]) : around, faults);
    return;
  }
  for (const input of inputsOf(plan)) validateNode(input, around, faults);
}

function validateExpression(
  expression: BoundExpression,
  visible: ReadonlySet<ColumnId>,
  kind: string,
  faults: string[],
): void {
  if (expression.kind === 'column' && !visible.has(expression.id))
    faults.push(`${kind} refers to column ${expression.id} (${expression.name}), which is not below it`);
  for (const child of childExpressions(expression)) validateExpression(child, visible, kind, faults);
  if (expression.kind === 'subquery') validateNode(expression.plan, visible, faults);
}

function expectedColumns(plan: LogicalPlan): readonly ColumnId[] | undefined {
  switch (plan.kind) {
    case 'scan':
    case 'systemScan':
    case 'project':
    case 'aggregate':
    case 'modify':
      return plan.kind === 'modify' ? plan.returning.map(({ id }) => id) : madeBy(plan);
    case 'join':
      return [...plan.left.columns, ...plan.right.columns];
    case 'window':
      return [...plan.input.columns, ...madeBy(plan)];
    case 'filter':
    case 'sort':
    case 'limit':
    case 'distinct':
    case 'with':
      return plan.input.columns;
    default:
      return undefined;
  }
}
