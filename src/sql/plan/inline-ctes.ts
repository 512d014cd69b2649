/**
 * WITH: a query that is used once, has no effect and is not MATERIALIZED takes the place of its use, so that conditions and
 * columns reach into it. One that is not used at all goes. Pure.
 */
import type { BoundExpression } from '../algebra/expression.js';
import type { CteDefinition, LogicalPlan } from '../algebra/logical.js';
import { mapOperands, operandsOf } from './expression-walk.js';
import { expressionsOf, inputsOf, mapNode } from './logical-walk.js';
import type { PlannerSupport } from './support.js';
import { planIsVolatile } from './volatile.js';

interface Uses {
  readonly count: Map<number, number>;
  /** Used by the recursive part of another one, which runs many times. */
  readonly repeated: Set<number>;
}

export function inlineCtes(plan: LogicalPlan, support: PlannerSupport): LogicalPlan {
  const uses: Uses = { count: new Map(), repeated: new Set() };
  countUses(plan, uses, false);
  const inlined = new Map<number, LogicalPlan>();
  return uses.count.size === 0 && !containsWith(plan) ? plan : rewrite(plan, uses, inlined, support);
}

function containsWith(plan: LogicalPlan): boolean {
  return (
    plan.kind === 'with' ||
    inputsOf(plan).some(containsWith) ||
    expressionsOf(plan).some((expression) => subplansOf(expression).some(containsWith))
  );
}

/** Plans of the subqueries in an expression, not those inside of these. */
export function subplansOf(expression: BoundExpression): LogicalPlan[] {
  const below = operandsOf(expression).flatMap(subplansOf);
  return expression.kind === 'subquery' ? [expression.plan, ...below] : below;
}

function countUses(plan: LogicalPlan, uses: Uses, isRepeated: boolean): void {
  if (plan.kind === 'cteScan') {
    uses.count.set(plan.cte, (uses.count.get(plan.cte) ?? 0) + 1);
    if (isRepeated) uses.repeated.add(plan.cte);
  }
  for (const expression of expressionsOf(plan)) {
    for (const subplan of subplansOf(expression)) countUses(subplan, uses, isRepeated);
  }
  if (plan.kind !== 'with') {
    for (const input of inputsOf(plan)) countUses(input, uses, isRepeated);
    return;
  }
  for (const { plan: definition, recursive } of plan.definitions) {
    countUses(definition, uses, isRepeated);
    if (recursive !== undefined) countUses(recursive.plan, uses, true);
  }
  countUses(plan.input, uses, isRepeated);
}

function rewrite(
  plan: LogicalPlan,
  uses: Uses,
  inlined: Map<number, LogicalPlan>,
  support: PlannerSupport,
): LogicalPlan {
  const again = (input: LogicalPlan): LogicalPlan => rewrite(input, uses, inlined, support);
  if (plan.kind === 'cteScan') return inPlaceOf(plan, inlined.get(plan.cte));
  if (plan.kind !== 'with') return mapNode(plan, again, (expression) => inExpression(expression, again));
  const kept: CteDefinition[] = [];
  for (const definition of plan.definitions) {
    const { recursive } = definition;
    const own: CteDefinition = {
      ...definition,
      plan: again(definition.plan),
      recursive: recursive === undefined ? undefined : { ...recursive, plan: again(recursive.plan) },
    };
    const count = uses.count.get(definition.cte) ?? 0;
    if (count === 0 && !hasEffect(own.plan)) continue;
    if (isInlined(own, count, uses, support)) inlined.set(own.cte, own.plan);
    else kept.push(own);
  }
  const input = again(plan.input);
  return kept.length === 0 ? input : { ...plan, definitions: kept, input };
}

function inExpression(expression: BoundExpression, map: (plan: LogicalPlan) => LogicalPlan): BoundExpression {
  return mapOperands(expression, (operand) => inExpression(operand, map), map);
}

function isInlined(definition: CteDefinition, count: number, uses: Uses, support: PlannerSupport): boolean {
  if (definition.recursive !== undefined || definition.materialized === 'always') return false;
  if (count !== 1 || uses.repeated.has(definition.cte)) return false;
  return !hasEffect(definition.plan) && !planIsVolatile(definition.plan, support);
}

function hasEffect(plan: LogicalPlan): boolean {
  return plan.kind === 'modify' || inputsOf(plan).some(hasEffect);
}

/** The use's columns are the definition's, by place. */
function inPlaceOf(use: LogicalPlan & { kind: 'cteScan' }, plan: LogicalPlan | undefined): LogicalPlan {
  if (plan === undefined) return use;
  return {
    kind: 'project',
    input: plan,
    expressions: use.columns.map((id, place) => ({
      id,
      name: `column${place + 1}`,
      expression: { kind: 'column', type: 'any', id: plan.columns[place], name: `column${place + 1}` },
    })),
    columns: use.columns,
  };
}
