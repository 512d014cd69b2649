/**
 * Takes away the columns that nobody above asks for: members that a scan need not read, expressions and aggregates that need
 * not be computed. Where columns correspond by place (set operations, CTEs, sources of INSERT) the places stay.
 */
import { unreachable } from '../../base/assert.js';
import type { ColumnId } from '../algebra/expression.js';
import type { LogicalPlan, ScanField } from '../algebra/logical.js';
import { columnsOf, freeColumns } from './columns.js';
import { expressionsOf } from './logical-walk.js';

export function prune(plan: LogicalPlan, required: ReadonlySet<ColumnId>): LogicalPlan {
  switch (plan.kind) {
    case 'scan': {
      // In the order in which they are asked for: then the rows of a simple query are its result.
      const byId = new Map(plan.fields.map((field) => [field.id, field]));
      const fields = [...required].flatMap((id) => byId.get(id) ?? []);
      return { ...plan, fields, columns: fields.map(({ id }) => id) };
    }
    case 'systemScan': {
      const fields = plan.fields.filter(({ id }) => required.has(id));
      return { ...plan, fields, columns: fields.map(({ id }) => id) };
    }
    case 'values': {
      const places = plan.columns.flatMap((id, place) => (required.has(id) ? [place] : []));
      return {
        ...plan,
        rows: plan.rows.map((row) => places.map((place) => row[place])),
        columns: places.map((place) => plan.columns[place]),
      };
    }
    case 'functionScan':
    case 'cteScan':
      return plan;
    case 'project': {
      const expressions = plan.expressions.filter(({ id }) => required.has(id));
      const node = { ...plan, expressions, columns: expressions.map(({ id }) => id) };
      return { ...node, input: prune(plan.input, withUsed(new Set(), node)) };
    }
    case 'aggregate': {
      const aggregates = plan.aggregates.filter(({ id }) => required.has(id));
      const columns = [...plan.groupBy, ...aggregates].map(({ id }) => id);
      const node = { ...plan, aggregates, columns };
      return { ...node, input: prune(plan.input, withUsed(new Set(), node)) };
    }
    case 'window': {
      const calls = plan.calls.filter(({ id }) => required.has(id));
      const node = { ...plan, calls };
      const input = prune(plan.input, withUsed(required, node));
      if (calls.length === 0) return input;
      return { ...node, input, columns: [...input.columns, ...calls.map(({ id }) => id)] };
    }
    case 'filter':
    case 'sort':
    case 'limit':
    case 'distinct': {
      const input = prune(plan.input, withUsed(required, plan));
      return { ...plan, input, columns: input.columns };
    }
    case 'join':
      return pruneJoin(plan, required);
    case 'setOperation':
      return pruneSetOperation(plan, required);
    case 'with':
      return pruneWith(plan, required);
    case 'modify':
      return pruneModify(plan);
    default:
      return unreachable(plan);
  }
}

/** The plan with just these columns in this order. */
export function exactly(plan: LogicalPlan, columns: readonly ColumnId[]): LogicalPlan {
  const pruned = prune(plan, new Set(columns));
  const isSame =
    pruned.columns.length === columns.length && columns.every((id, place) => pruned.columns[place] === id);
  if (isSame) return pruned;
  return {
    kind: 'project',
    input: pruned,
    expressions: columns.map((id) => ({
      id,
      name: `column${id}`,
      expression: { kind: 'column', type: 'any', id, name: `column${id}` },
    })),
    columns,
  };
}

function withUsed(required: ReadonlySet<ColumnId>, plan: LogicalPlan): Set<ColumnId> {
  const used = new Set(required);
  for (const expression of expressionsOf(plan)) columnsOf(expression, used);
  return used;
}

function pruneJoin(plan: LogicalPlan & { kind: 'join' }, required: ReadonlySet<ColumnId>): LogicalPlan {
  const used = withUsed(required, plan);
  const right = prune(plan.right, used);
  // What a lateral right side refers to.
  for (const id of freeColumns(right)) used.add(id);
  const left = prune(plan.left, used);
  const isHalf = plan.join === 'semi' || plan.join === 'anti';
  return { ...plan, left, right, columns: isHalf ? left.columns : [...left.columns, ...right.columns] };
}

function pruneSetOperation(
  plan: LogicalPlan & { kind: 'setOperation' },
  required: ReadonlySet<ColumnId>,
): LogicalPlan {
  // Other operations compare whole rows.
  const isFree = plan.operation === 'union' && plan.all;
  const places = plan.columns.flatMap((id, place) => (!isFree || required.has(id) ? [place] : []));
  const pick = (columns: readonly ColumnId[]): ColumnId[] => places.map((place) => columns[place]);
  return {
    ...plan,
    left: exactly(plan.left, pick(plan.left.columns)),
    right: exactly(plan.right, pick(plan.right.columns)),
    columns: pick(plan.columns),
  };
}

function pruneWith(plan: LogicalPlan & { kind: 'with' }, required: ReadonlySet<ColumnId>): LogicalPlan {
  const whole = (own: LogicalPlan): LogicalPlan => exactly(own, own.columns);
  const definitions = plan.definitions.map((definition) => {
    const { recursive } = definition;
    return {
      ...definition,
      plan: whole(definition.plan),
      recursive: recursive === undefined ? undefined : { ...recursive, plan: whole(recursive.plan) },
    };
  });
  return { ...plan, definitions, input: prune(plan.input, required) };
}

function pruneModify(plan: LogicalPlan & { kind: 'modify' }): LogicalPlan {
  const { modification } = plan;
  const used = withUsed(new Set(), plan);
  const isUsed = (field: ScanField): boolean => used.has(field.id);
  const target = modification.target.filter(isUsed);
  switch (modification.kind) {
    case 'insert': {
      const source = exactly(modification.source, modification.source.columns);
      const { onConflict } = modification;
      if (onConflict?.kind !== 'update')
        return { ...plan, modification: { ...modification, target, source } };
      const excluded = onConflict.excluded.filter(isUsed);
      const existing = onConflict.existing?.filter(isUsed);
      return {
        ...plan,
        modification: { ...modification, target, source, onConflict: { ...onConflict, excluded, existing } },
      };
    }
    case 'update': {
      const { key, seqno, document } = modification;
      const needed = new Set([...used, key, seqno, document]);
      return {
        ...plan,
        modification: { ...modification, target, source: prune(modification.source, needed) },
      };
    }
    case 'delete': {
      const needed = new Set([...used, modification.key, modification.seqno]);
      return {
        ...plan,
        modification: { ...modification, target, source: prune(modification.source, needed) },
      };
    }
    default:
      return unreachable(modification);
  }
}
