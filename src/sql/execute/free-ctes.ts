/** Which CTEs a plan reads that are defined around it. Pure. */
import type { Expression } from '../algebra/expression.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import { physicalExpressions, physicalInputs } from '../plan/physical-walk.js';
import { forEachPart } from './slots.js';

const freeByPlan = new WeakMap<PhysicalPlan, ReadonlySet<number>>();

export function freeCtes(plan: PhysicalPlan): ReadonlySet<number> {
  const known = freeByPlan.get(plan);
  if (known !== undefined) return known;
  const free = new Set<number>();
  for (const input of physicalInputs(plan)) for (const cte of freeCtes(input)) free.add(cte);
  for (const expression of physicalExpressions(plan)) addOf(expression, free);
  if (plan.kind === 'cteScan') free.add(plan.cte);
  // Their numbers are unique in a statement, so that those read elsewhere are not meant.
  if (plan.kind === 'with') for (const { cte } of plan.definitions) free.delete(cte);
  freeByPlan.set(plan, free);
  return free;
}

function addOf(expression: Expression, free: Set<number>): void {
  if (expression.kind === 'subquery') for (const cte of freeCtes(expression.plan)) free.add(cte);
  forEachPart(expression, (part) => addOf(part, free));
}
