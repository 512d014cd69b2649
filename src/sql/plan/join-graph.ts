/** Inner joins as a graph: relations and the conditions between them, whatever the order in which they were written. Pure. */
import type { BoundExpression } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import { columnsOf } from './columns.js';
import { conjunctsOf } from './expression-walk.js';
import type { Facts } from './facts.js';
import { inputsOf } from './logical-walk.js';
import { selectivityOf } from './selectivity.js';

/** Relations are known by their place in the list. */
export interface JoinGraph {
  readonly relations: readonly LogicalPlan[];
  readonly edges: readonly Edge[];
}

export interface Edge {
  readonly conjunct: BoundExpression;
  /** Relations that it refers to. */
  readonly relations: ReadonlySet<number>;
}

export function joinGraph(plan: LogicalPlan): JoinGraph {
  const relations: LogicalPlan[] = [];
  const conjuncts: BoundExpression[] = [];
  flatten(plan, relations, conjuncts);
  const owner = new Map<number, number>();
  for (const [place, relation] of relations.entries()) {
    for (const id of relation.columns) owner.set(id, place);
  }
  const edges = conjuncts.map((conjunct): Edge => {
    const used = [...columnsOf(conjunct)].flatMap((id) => owner.get(id) ?? []);
    return { conjunct, relations: new Set(used) };
  });
  return { relations, edges };
}

export function isReorderable(plan: LogicalPlan): boolean {
  return plan.kind === 'join' && (plan.join === 'inner' || plan.join === 'cross') && !plan.lateral;
}

/**
 * Whether the plan may be built once more with conditions from outside: with many joins inside of each other, each of which
 * tries that, the time to plan would double with every level.
 */
export function isRepeatable(plan: LogicalPlan): boolean {
  return countJoins(plan) <= REPEATED_JOINS_MAX;
}

const REPEATED_JOINS_MAX = 1;

function countJoins(plan: LogicalPlan): number {
  return inputsOf(plan).reduce((sum, input) => sum + countJoins(input), plan.kind === 'join' ? 1 : 0);
}

function flatten(plan: LogicalPlan, relations: LogicalPlan[], conjuncts: BoundExpression[]): void {
  if (plan.kind !== 'join' || !isReorderable(plan)) {
    relations.push(plan);
    return;
  }
  flatten(plan.left, relations, conjuncts);
  flatten(plan.right, relations, conjuncts);
  conjuncts.push(...conjunctsOf(plan.condition));
}

/** Conditions that can be decided with both sets together and with neither alone. */
export function edgesBetween(
  edges: readonly Edge[],
  left: ReadonlySet<number>,
  right: ReadonlySet<number>,
): Edge[] {
  return edges.filter(({ relations }) => {
    let isLeft = false;
    let isRight = false;
    for (const relation of relations) {
      if (left.has(relation)) isLeft = true;
      else if (right.has(relation)) isRight = true;
      else return false;
    }
    return isLeft && isRight;
  });
}

/**
 * Conditions that tie no two relations together: those that refer to none of them, and those that stayed above the one they
 * refer to because they change with each evaluation. They are checked on the joined rows.
 */
export function looseConjuncts({ edges }: JoinGraph): BoundExpression[] {
  return edges.filter(({ relations }) => relations.size < 2).map(({ conjunct }) => conjunct);
}

export function joinedRows(left: number, right: number, edges: readonly Edge[], facts: Facts): number {
  const conjuncts = edges.map(({ conjunct }) => conjunct);
  return Math.max(1, left * right * selectivityOf(conjuncts, facts));
}
