/** Ways through physical plans: inputs, expressions, rebuilding. Pure. */
import { unreachable } from '../../base/assert.js';
import type { Expression } from '../algebra/expression.js';
import type {
  BoundOf,
  IndexRange,
  PhysicalAssignment,
  PhysicalModification,
  PhysicalPlan,
  SortKey,
} from '../algebra/physical.js';
import { mapAggregateCall, mapWindowCall } from './logical-walk.js';

type MapPlan = (plan: PhysicalPlan) => PhysicalPlan;
type MapExpression = (expression: Expression) => Expression;

/** The same node with other inputs and expressions. Inputs are visited before expressions, definitions of CTEs first. */
export function mapPhysical(plan: PhysicalPlan, mapPlan: MapPlan, map: MapExpression): PhysicalPlan {
  const maybe = (expression: Expression | undefined): Expression | undefined =>
    expression === undefined ? undefined : map(expression);
  switch (plan.kind) {
    case 'seqScan':
      return {
        ...plan,
        lower: mapBound(plan.lower, map),
        upper: mapBound(plan.upper, map),
        filter: maybe(plan.filter),
        answered: maybe(plan.answered),
      };
    case 'keyLookup':
      return {
        ...plan,
        keys: plan.keys.map(map),
        filter: maybe(plan.filter),
        answered: maybe(plan.answered),
      };
    case 'indexScan':
      return {
        ...plan,
        ranges: plan.ranges.map((range) => mapRange(range, map)),
        order: plan.order === undefined ? undefined : { ...plan.order, keys: mapKeys(plan.order.keys, map) },
        condition: maybe(plan.condition),
        filter: maybe(plan.filter),
        answered: maybe(plan.answered),
      };
    case 'systemScan':
    case 'cteScan':
      return { ...plan, filter: maybe(plan.filter) };
    case 'values':
      return { ...plan, rows: plan.rows.map((row) => row.map(map)) };
    case 'functionScan':
      return { ...plan, args: plan.args.map(map), filter: maybe(plan.filter) };
    case 'filter':
      return { ...plan, input: mapPlan(plan.input), condition: map(plan.condition) };
    case 'project':
      return { ...plan, input: mapPlan(plan.input), expressions: plan.expressions.map(map) };
    case 'hashJoin':
      return {
        ...plan,
        left: mapPlan(plan.left),
        right: mapPlan(plan.right),
        leftKeys: plan.leftKeys.map(map),
        rightKeys: plan.rightKeys.map(map),
        residual: maybe(plan.residual),
      };
    case 'nestedLoop':
      return {
        ...plan,
        left: mapPlan(plan.left),
        right: mapPlan(plan.right),
        args: plan.args.map(map),
        condition: maybe(plan.condition),
      };
    default:
      return mapUpper(plan, mapPlan, map);
  }
}

type Upper = Exclude<
  PhysicalPlan,
  {
    kind:
      | 'seqScan'
      | 'keyLookup'
      | 'indexScan'
      | 'systemScan'
      | 'cteScan'
      | 'values'
      | 'functionScan'
      | 'filter'
      | 'project'
      | 'hashJoin'
      | 'nestedLoop';
  }
>;

function mapUpper(plan: Upper, mapPlan: MapPlan, map: MapExpression): PhysicalPlan {
  const maybe = (expression: Expression | undefined): Expression | undefined =>
    expression === undefined ? undefined : map(expression);
  switch (plan.kind) {
    case 'aggregate':
      return {
        ...plan,
        input: mapPlan(plan.input),
        groupBy: plan.groupBy.map(map),
        aggregates: plan.aggregates.map((call) => mapAggregateCall(call, map)),
      };
    case 'window':
      return {
        ...plan,
        input: mapPlan(plan.input),
        calls: plan.calls.map((call) => mapWindowCall(call, map)),
      };
    case 'sort':
      return { ...plan, input: mapPlan(plan.input), keys: mapKeys(plan.keys, map) };
    case 'topN':
      return {
        ...plan,
        input: mapPlan(plan.input),
        keys: mapKeys(plan.keys, map),
        limit: map(plan.limit),
        offset: maybe(plan.offset),
      };
    case 'limit':
      return {
        ...plan,
        input: mapPlan(plan.input),
        limit: maybe(plan.limit),
        offset: maybe(plan.offset),
        ties: plan.ties === undefined ? undefined : mapKeys(plan.ties, map),
      };
    case 'distinct':
      return { ...plan, input: mapPlan(plan.input), on: plan.on.map(map) };
    case 'setOperation':
      return { ...plan, left: mapPlan(plan.left), right: mapPlan(plan.right) };
    case 'with':
      return {
        ...plan,
        definitions: plan.definitions.map((definition) => ({
          ...definition,
          plan: mapPlan(definition.plan),
          recursive:
            definition.recursive === undefined
              ? undefined
              : { ...definition.recursive, plan: mapPlan(definition.recursive.plan) },
        })),
        input: mapPlan(plan.input),
      };
    case 'gather':
      return {
        ...plan,
        input: mapPlan(plan.input),
        merge: plan.merge === undefined ? undefined : mapKeys(plan.merge, map),
      };
    case 'modify':
      return {
        ...plan,
        input: mapPlan(plan.input),
        modification: mapModification(plan.modification, map),
        returning: plan.returning.map(map),
      };
    default:
      return unreachable(plan);
  }
}

function mapBound(bound: BoundOf | undefined, map: MapExpression): BoundOf | undefined {
  return bound === undefined ? undefined : { ...bound, value: map(bound.value) };
}

function mapRange(range: IndexRange, map: MapExpression): IndexRange {
  return {
    ...range,
    equals: range.equals.map(map),
    lower: mapBound(range.lower, map),
    upper: mapBound(range.upper, map),
  };
}

function mapKeys(keys: readonly SortKey[], map: MapExpression): SortKey[] {
  return keys.map((key) => ({ ...key, expression: map(key.expression) }));
}

function mapModification(modification: PhysicalModification, map: MapExpression): PhysicalModification {
  const assigned = (assignments: readonly PhysicalAssignment[]): PhysicalAssignment[] =>
    assignments.map(({ path, expression }) => ({
      path,
      expression: expression === 'default' ? 'default' : map(expression),
    }));
  if (modification.kind === 'delete') return modification;
  if (modification.kind === 'update') {
    return { ...modification, assignments: assigned(modification.assignments) };
  }
  const { onConflict } = modification;
  if (onConflict?.kind !== 'update') return modification;
  const { assignments, where } = onConflict;
  return {
    ...modification,
    onConflict: {
      ...onConflict,
      assignments: assigned(assignments),
      where: where === undefined ? undefined : map(where),
    },
  };
}

/** Plans right below, definitions of CTEs first; without those of subqueries. */
export function physicalInputs(plan: PhysicalPlan): PhysicalPlan[] {
  const found: PhysicalPlan[] = [];
  const take = (input: PhysicalPlan): PhysicalPlan => {
    found.push(input);
    return input;
  };
  mapPhysical(plan, take, (expression) => expression);
  return found;
}

/** Expressions of the node itself. */
export function physicalExpressions(plan: PhysicalPlan): Expression[] {
  const found: Expression[] = [];
  const take = (expression: Expression): Expression => {
    found.push(expression);
    return expression;
  };
  mapPhysical(plan, (input) => input, take);
  return found;
}
