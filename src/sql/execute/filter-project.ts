/** Rows that satisfy a condition, and rows of expressions over other rows. Slots that may not be needed are passed on late. */
import type { Expression } from '../algebra/expression.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import type { Row } from '../types/values.js';
import { compileEvaluators, compilePredicate } from './expressions.js';
import { countersOf } from './node-counters.js';
import {
  type Compilation,
  DEMAND_LATE,
  DEMAND_NONE,
  DEMAND_NOW,
  type Demand,
  type Evaluator,
  type Operator,
} from './operator.js';
import { forbidLate, markSlots } from './slots.js';

export function buildFilter(
  plan: PhysicalPlan & { kind: 'filter' },
  demand: Demand,
  compilation: Compilation,
): Operator {
  const needs = demand?.slice();
  if (needs !== undefined) {
    markSlots(plan.condition, needs, DEMAND_NOW);
    forbidLate(needs, [plan.condition]);
  }
  const input = compilation.build(plan.input, needs, compilation);
  const accepts = compilePredicate(plan.condition, compilation);
  const counters = countersOf(plan, compilation);
  const { ticker } = compilation;
  return {
    run: (emit) =>
      input.run((row) => {
        ticker.tick();
        if (accepts(row)) return emit(row);
        if (counters !== undefined) counters.rowsRemovedByFilter++;
        return true;
      }),
    complete: input.complete,
  };
}

export function buildProject(
  plan: PhysicalPlan & { kind: 'project' },
  demand: Demand,
  compilation: Compilation,
): Operator {
  const { expressions } = plan;
  const wish = (place: number): number => (demand === undefined ? DEMAND_NOW : demand[place]);
  const needs = new Uint8Array(plan.input.width);
  for (const [place, expression] of expressions.entries()) {
    if (wish(place) === DEMAND_NOW) markSlots(expression, needs, DEMAND_NOW);
  }
  // Late ones may be evaluated never, but what they read has to be had then.
  for (const [place, expression] of expressions.entries()) {
    if (wish(place) === DEMAND_LATE) markSlots(expression, needs, DEMAND_LATE);
  }
  forbidLate(needs, expressions);
  const input = compilation.build(plan.input, needs, compilation);
  const places = expressions.map((_, place) => place);
  const now = places.filter((place) => wish(place) === DEMAND_NOW);
  const late = places.filter((place) => wish(place) === DEMAND_LATE);
  const compiled = places.map((place): Evaluator | undefined =>
    wish(place) === DEMAND_NONE ? undefined : compileEvaluators([expressions[place]], compilation)[0],
  );
  const row: Row = new Array(expressions.length).fill(null);
  let source: Row = [];
  const fill = (which: readonly number[]): void => {
    for (let i = 0; i < which.length; i++) {
      const place = which[i];
      row[place] = compiled[place]?.(source) ?? null;
    }
  };
  const complete = (): void => {
    input.complete?.();
    fill(late);
  };
  return {
    run: (emit) =>
      input.run((found) => {
        source = found;
        fill(now);
        return emit(row);
      }),
    complete: late.length > 0 ? complete : undefined,
  };
}

/** The slots of an input that expressions read, for operators that hand on nothing else. */
export function demandOf(width: number, expressions: readonly Expression[]): Uint8Array {
  const needs = new Uint8Array(width);
  for (const expression of expressions) markSlots(expression, needs, DEMAND_NOW);
  return needs;
}
