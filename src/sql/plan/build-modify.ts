/** INSERT, UPDATE, DELETE: a source of rows and what is done with them. */
import type { Expression } from '../algebra/expression.js';
import type { Assignment, LogicalPlan, Modification, ScanField } from '../algebra/logical.js';
import type {
  FieldAccess,
  PhysicalAssignment,
  PhysicalModification,
  PhysicalPlan,
  TableReference,
} from '../algebra/physical.js';
import { sqlError, UNDEFINED_TABLE } from '../errors.js';
import { CPU_TUPLE_COST, estimate } from './cost.js';
import type { Frame } from './frame.js';
import { arranged, complete, lower, slotsOf } from './lower.js';
import type { Built, Planner, Slots } from './planner.js';

type Modify = LogicalPlan & { kind: 'modify' };

/** A durable write of one document, its part in the commit included. */
const WRITE_COST = 0.5;

export function buildModify(plan: Modify, frame: Frame, planner: Planner): Built {
  const { modification } = plan;
  const table = referenceOf(modification.collection, planner);
  const source = complete(planner.build(modification.source, frame), planner);
  const input =
    modification.kind === 'insert' ? arranged(source, modification.source.columns, planner) : source.plan;
  // What a conflict reads of the document that is there are more fields of the same list.
  const fields = [...modification.target, ...existingFields(modification)];
  const target = fields.map(fieldAccess);
  const targetSlots = slotsOf(fields.map(({ id }) => id));
  // Behind the fields of the target: the other relations of UPDATE ... FROM and DELETE ... USING, as the input has them.
  const seen =
    modification.kind === 'insert' ? targetSlots : withSource(targetSlots, fields.length, source.slots);
  const returning = plan.returning.map(({ expression }) => lower(expression, seen, frame, planner));
  const { startupCost, totalCost, rows } = input.estimate;
  const isQuiet = returning.length === 0;
  const guess = estimate(
    startupCost,
    totalCost + rows * (WRITE_COST + CPU_TUPLE_COST),
    rows,
    returning.length * 8,
  );
  const node: PhysicalPlan = {
    kind: 'modify',
    id: -1,
    width: returning.length,
    estimate: isQuiet ? { ...guess, rows: 0 } : guess,
    input,
    modification: lowerModification(modification, source.slots, table, targetSlots, frame, planner),
    returning,
    target,
  };
  return { plan: node, slots: slotsOf(plan.returning.map(({ id }) => id)), ordered: false };
}

function withSource(target: Slots, width: number, source: Slots): Slots {
  return new Map([...[...source].map(([id, slot]) => [id, width + slot] as const), ...target]);
}

function existingFields(modification: Modification): readonly ScanField[] {
  if (modification.kind !== 'insert' || modification.onConflict?.kind !== 'update') return [];
  return modification.onConflict.existing ?? [];
}

function referenceOf(collection: string, planner: Planner): TableReference {
  const table = planner.catalog.table(collection);
  if (table !== undefined) return { collection, collectionId: table.id, alias: collection };
  // INSERT may create it; its number is not known before that.
  if (planner.catalog.autoCreateCollections) return { collection, collectionId: -1, alias: collection };
  throw sqlError(UNDEFINED_TABLE, `relation "${collection}" does not exist`);
}

const fieldAccess = ({ source, type, name }: ScanField): FieldAccess => ({ source, type, name });

function lowerModification(
  modification: Modification,
  slots: Slots,
  table: TableReference,
  targetSlots: Slots,
  frame: Frame,
  planner: Planner,
): PhysicalModification {
  const slot = (id: number): number => {
    const place = slots.get(id);
    if (place === undefined) throw new Error(`the source of the change lacks column ${id}`);
    return place;
  };
  switch (modification.kind) {
    case 'delete':
      return { kind: 'delete', table, key: slot(modification.key), seqno: slot(modification.seqno) };
    case 'update':
      return {
        kind: 'update',
        table,
        key: slot(modification.key),
        seqno: slot(modification.seqno),
        document: slot(modification.document),
        assignments: lowerAssignments(modification.assignments, slots, frame, planner),
      };
    default:
      return lowerInsert(modification, table, targetSlots, frame, planner);
  }
}

function lowerInsert(
  modification: Modification & { kind: 'insert' },
  table: TableReference,
  targetSlots: Slots,
  frame: Frame,
  planner: Planner,
): PhysicalModification {
  const { members, onConflict } = modification;
  if (onConflict === undefined || onConflict.kind === 'nothing') {
    return { kind: 'insert', table, members, onConflict };
  }
  const { excluded, assignments, where } = onConflict;
  const both = new Map(targetSlots);
  for (const [place, { id }] of excluded.entries()) both.set(id, targetSlots.size + place);
  return {
    kind: 'insert',
    table,
    members,
    onConflict: {
      kind: 'update',
      excluded: excluded.map(fieldAccess),
      assignments: lowerAssignments(assignments, both, frame, planner),
      where: where === undefined ? undefined : lower(where, both, frame, planner),
    },
  };
}

function lowerAssignments(
  assignments: readonly Assignment[],
  slots: Slots,
  frame: Frame,
  planner: Planner,
): PhysicalAssignment[] {
  return assignments.map(({ path, expression }) => ({
    path,
    expression:
      expression === 'default' ? 'default' : (lower(expression, slots, frame, planner) as Expression),
  }));
}
