/** Columns that an expression or a plan refers to and does not make itself: for a subquery, its correlations. */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import { visitExpression, visitPlan } from './walk.js';

interface Found {
  readonly used: Set<ColumnId>;
  readonly made: Set<ColumnId>;
}

const collectors = ({
  used,
  made,
}: Found): [(expression: BoundExpression) => void, (plan: LogicalPlan) => void] => [
  (expression) => {
    if (expression.kind === 'column') used.add(expression.id);
  },
  (plan) => {
    for (const id of madeBy(plan)) made.add(id);
  },
];

export function freeColumns(expression: BoundExpression): Set<ColumnId> {
  const found: Found = { used: new Set(), made: new Set() };
  visitExpression(expression, ...collectors(found));
  return free(found);
}

export function freeColumnsOfPlan(plan: LogicalPlan): Set<ColumnId> {
  const found: Found = { used: new Set(), made: new Set() };
  visitPlan(plan, ...collectors(found));
  return free(found);
}

function free({ used, made }: Found): Set<ColumnId> {
  return new Set([...used].filter((id) => !made.has(id)));
}

/** Columns that a node adds to those of its inputs. */
export function madeBy(plan: LogicalPlan): readonly ColumnId[] {
  switch (plan.kind) {
    case 'scan':
    case 'systemScan':
      return plan.fields.map(({ id }) => id);
    case 'values':
    case 'functionScan':
    case 'cteScan':
    case 'setOperation':
      return plan.columns;
    case 'project':
      return plan.expressions.map(({ id }) => id);
    case 'aggregate':
      return [...plan.groupBy, ...plan.aggregates].map(({ id }) => id);
    case 'window':
      return plan.calls.map(({ id }) => id);
    case 'modify': {
      const { modification, returning } = plan;
      const fields = [...modification.target];
      if (modification.kind === 'insert' && modification.onConflict?.kind === 'update')
        fields.push(...modification.onConflict.excluded, ...(modification.onConflict.existing ?? []));
      return [...fields, ...returning].map(({ id }) => id);
    }
    default:
      return [];
  }
}
