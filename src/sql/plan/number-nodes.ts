/** Gives the nodes of a finished plan their numbers, from 0 in the order from top to bottom, those of subqueries too. */
import type { Expression } from '../algebra/expression.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import { mapOperands } from './expression-walk.js';
import { mapPhysical } from './physical-walk.js';

export function numberNodes(root: PhysicalPlan): { readonly root: PhysicalPlan; readonly nodeCount: number } {
  let next = 0;
  const number = (plan: PhysicalPlan): PhysicalPlan => {
    const id = next++;
    return { ...mapPhysical(plan, number, inExpression), id };
  };
  const inExpression = (expression: Expression): Expression => mapOperands(expression, inExpression, number);
  const numbered = number(root);
  return { root: numbered, nodeCount: next };
}
