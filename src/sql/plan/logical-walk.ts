/** Ways through logical plans: inputs, expressions, rebuilding. Pure. */
import { unreachable } from '../../base/assert.js';
import type { AggregateCallOf, BoundExpression, WindowCallOf } from '../algebra/expression.js';
import type { Assignment, CteDefinition, LogicalPlan, Modification } from '../algebra/logical.js';

/** Plans below, those of CTEs first. */
export function inputsOf(plan: LogicalPlan): readonly LogicalPlan[] {
  switch (plan.kind) {
    case 'scan':
    case 'systemScan':
    case 'values':
    case 'functionScan':
    case 'cteScan':
      return [];
    case 'filter':
    case 'project':
    case 'aggregate':
    case 'window':
    case 'sort':
    case 'limit':
    case 'distinct':
      return [plan.input];
    case 'join':
    case 'setOperation':
      return [plan.left, plan.right];
    case 'with':
      return [
        ...plan.definitions.flatMap(({ plan: definition, recursive }) =>
          recursive === undefined ? [definition] : [definition, recursive.plan],
        ),
        plan.input,
      ];
    case 'modify':
      return [plan.modification.source];
    default:
      return unreachable(plan);
  }
}

/** Expressions of the node itself. */
export function expressionsOf(plan: LogicalPlan): readonly BoundExpression[] {
  const found: BoundExpression[] = [];
  mapNode(
    plan,
    (input) => input,
    (expression) => {
      found.push(expression);
      return expression;
    },
  );
  return found;
}

type MapExpression = (expression: BoundExpression) => BoundExpression;
type MapPlan = (plan: LogicalPlan) => LogicalPlan;

/** The same node with other inputs and other expressions. */
export function mapNode(plan: LogicalPlan, mapInput: MapPlan, map: MapExpression): LogicalPlan {
  switch (plan.kind) {
    case 'scan':
    case 'systemScan':
    case 'cteScan':
      return plan;
    case 'values':
      return { ...plan, rows: plan.rows.map((row) => row.map(map)) };
    case 'functionScan':
      return { ...plan, args: plan.args.map(map) };
    case 'filter':
      return { ...plan, input: mapInput(plan.input), condition: map(plan.condition) };
    case 'project':
      return {
        ...plan,
        input: mapInput(plan.input),
        expressions: plan.expressions.map((column) => ({ ...column, expression: map(column.expression) })),
      };
    case 'join':
      return {
        ...plan,
        left: mapInput(plan.left),
        right: mapInput(plan.right),
        condition: plan.condition === undefined ? undefined : map(plan.condition),
      };
    case 'aggregate':
      return {
        ...plan,
        input: mapInput(plan.input),
        groupBy: plan.groupBy.map((column) => ({ ...column, expression: map(column.expression) })),
        aggregates: plan.aggregates.map(({ id, call }) => ({ id, call: mapAggregateCall(call, map) })),
      };
    case 'window':
      return {
        ...plan,
        input: mapInput(plan.input),
        calls: plan.calls.map(({ id, call }) => ({ id, call: mapWindowCall(call, map) })),
      };
    case 'sort':
      return {
        ...plan,
        input: mapInput(plan.input),
        keys: plan.keys.map((key) => ({ ...key, expression: map(key.expression) })),
      };
    case 'limit':
      return {
        ...plan,
        input: mapInput(plan.input),
        limit: plan.limit === undefined ? undefined : map(plan.limit),
        offset: plan.offset === undefined ? undefined : map(plan.offset),
      };
    case 'distinct':
      return { ...plan, input: mapInput(plan.input), on: plan.on.map(map) };
    case 'setOperation':
      return { ...plan, left: mapInput(plan.left), right: mapInput(plan.right) };
    case 'with':
      return {
        ...plan,
        definitions: plan.definitions.map((definition) => mapDefinition(definition, mapInput)),
        input: mapInput(plan.input),
      };
    case 'modify':
      return {
        ...plan,
        modification: mapModification(plan.modification, mapInput, map),
        returning: plan.returning.map((column) => ({ ...column, expression: map(column.expression) })),
      };
    default:
      return unreachable(plan);
  }
}

function mapDefinition(definition: CteDefinition, mapInput: MapPlan): CteDefinition {
  const { plan, recursive } = definition;
  return {
    ...definition,
    plan: mapInput(plan),
    recursive: recursive === undefined ? undefined : { ...recursive, plan: mapInput(recursive.plan) },
  };
}

/** Works on calls of either dialect. */
export function mapAggregateCall<A, B>(
  call: AggregateCallOf<A>,
  map: (expression: A) => B,
): AggregateCallOf<B> {
  return {
    ...call,
    args: call.args.map(map),
    filter: call.filter === undefined ? undefined : map(call.filter),
    orderBy: call.orderBy.map((key) => ({ ...key, expression: map(key.expression) })),
  };
}

export function mapWindowCall<A, B>(call: WindowCallOf<A>, map: (expression: A) => B): WindowCallOf<B> {
  return {
    ...call,
    args: call.args.map(map),
    filter: call.filter === undefined ? undefined : map(call.filter),
    partitionBy: call.partitionBy.map(map),
    orderBy: call.orderBy.map((key) => ({ ...key, expression: map(key.expression) })),
  };
}

function mapModification(modification: Modification, mapInput: MapPlan, map: MapExpression): Modification {
  const mapAssignments = (assignments: readonly Assignment[]): Assignment[] =>
    assignments.map(({ path, expression }) => ({
      path,
      expression: expression === 'default' ? 'default' : map(expression),
    }));
  const source = mapInput(modification.source);
  switch (modification.kind) {
    case 'delete':
      return { ...modification, source };
    case 'update':
      return { ...modification, source, assignments: mapAssignments(modification.assignments) };
    case 'insert': {
      const { onConflict } = modification;
      if (onConflict?.kind !== 'update') return { ...modification, source };
      const { assignments, where } = onConflict;
      return {
        ...modification,
        source,
        onConflict: {
          ...onConflict,
          assignments: mapAssignments(assignments),
          where: where === undefined ? undefined : map(where),
        },
      };
    }
    default:
      return unreachable(modification);
  }
}

/** Whether the plan or one below it, not in subqueries, satisfies the test. */
export function somePlan(plan: LogicalPlan, test: (plan: LogicalPlan) => boolean): boolean {
  return test(plan) || inputsOf(plan).some((input) => somePlan(input, test));
}
