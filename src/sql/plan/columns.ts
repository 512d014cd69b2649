/** Which columns expressions and plans refer to, and which of those come from outside. Pure. */
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import { operandsOf } from './expression-walk.js';
import { expressionsOf, inputsOf } from './logical-walk.js';

/** Ids of columns that it refers to, also from inside of its subqueries. */
export function columnsOf(expression: BoundExpression, into = new Set<ColumnId>()): Set<ColumnId> {
  if (expression.kind === 'column') into.add(expression.id);
  if (expression.kind === 'subquery') for (const id of freeColumns(expression.plan)) into.add(id);
  for (const operand of operandsOf(expression)) columnsOf(operand, into);
  return into;
}

export function isSubset(ids: Iterable<ColumnId>, of: ReadonlySet<ColumnId>): boolean {
  for (const id of ids) if (!of.has(id)) return false;
  return true;
}

const freeByPlan = new WeakMap<LogicalPlan, ReadonlySet<ColumnId>>();

/** Columns that the plan refers to and that nothing inside of it produces: correlations. */
export function freeColumns(plan: LogicalPlan): ReadonlySet<ColumnId> {
  const known = freeByPlan.get(plan);
  if (known !== undefined) return known;
  const used = new Set<ColumnId>();
  const made = new Set<ColumnId>();
  collect(plan, used, made);
  const free = new Set([...used].filter((id) => !made.has(id)));
  freeByPlan.set(plan, free);
  return free;
}

function collect(plan: LogicalPlan, used: Set<ColumnId>, made: Set<ColumnId>): void {
  for (const id of plan.columns) made.add(id);
  if (plan.kind === 'modify') {
    const { modification } = plan;
    for (const field of modification.target) made.add(field.id);
    if (modification.kind === 'insert' && modification.onConflict?.kind === 'update') {
      const { excluded, existing = [] } = modification.onConflict;
      for (const field of [...excluded, ...existing]) made.add(field.id);
    }
  }
  for (const expression of expressionsOf(plan)) columnsOf(expression, used);
  for (const input of inputsOf(plan)) collect(input, used, made);
}
