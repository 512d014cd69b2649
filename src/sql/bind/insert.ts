/** INSERT: VALUES, a query or DEFAULT VALUES, as members by path or as whole documents. */
import type { InsertStmt, OnConflictClause } from '@pgsql/types';
import type { LogicalPlan, Modification } from '../algebra/logical.js';
import type { TableView } from '../catalog-view.js';
import { sqlError } from '../errors.js';
import { bodyOf } from '../parse/nodes.js';
import { bindAssignments } from './assignments.js';
import { condition } from './condition.js';
import { ASSIGNMENT, type BoundRows, type StatementContext, WHERE } from './context.js';
import { notSupported } from './errors.js';
import { bindInsertSource } from './insert-source.js';
import { CollectionRelation } from './relation.js';
import { bindReturning } from './returning.js';
import { Scope } from './scope.js';
import { collectionName, unknownTable } from './tables.js';
import { bindWith } from './with.js';

type InsertModification = Extract<Modification, { kind: 'insert' }>;

export interface BoundInsert extends BoundRows {
  readonly createsCollection?: string;
}

export function bindInsert(context: StatementContext, statement: InsertStmt, around: Scope): BoundInsert {
  const range = statement.relation ?? {};
  const name = collectionName(range);
  const known = context.catalog.table(name);
  if (known === undefined && !context.catalog.autoCreateCollections)
    throw unknownTable(context, name, range.location);
  if (statement.override !== undefined && statement.override !== 'OVERRIDING_NOT_SET')
    throw notSupported('OVERRIDING', range.location);
  const table: TableView = known ?? { name, id: 0, columns: [], checks: [], indexes: [] };
  const alias = range.alias?.aliasname ?? name;
  const scope = new Scope(around);
  const definitions = statement.withClause && bindWith(context, statement.withClause, scope);
  const { source, members } = bindInsertSource(context, statement, table, scope);
  const conflict =
    statement.onConflictClause && bindConflict(context, statement.onConflictClause, table, alias, around);
  const seen = new Scope(scope);
  const target = new CollectionRelation(context, seen, table, alias);
  seen.relations.push(target);
  const { returning, output } = bindReturning(context, statement.returningClause, seen);
  const modification: InsertModification = {
    kind: 'insert',
    collection: name,
    target: target.fields,
    source,
    members,
    ...(conflict && { onConflict: conflict }),
  };
  const modify: LogicalPlan = { kind: 'modify', modification, returning, columns: [] };
  const plan: LogicalPlan = definitions ? { kind: 'with', definitions, input: modify, columns: [] } : modify;
  context.writes.add(name);
  if (returning.length > 0 || conflict?.kind === 'update') context.reads.add(name);
  return known === undefined ? { plan, output, createsCollection: name } : { plan, output };
}

function bindConflict(
  context: StatementContext,
  clause: OnConflictClause,
  table: TableView,
  alias: string,
  around: Scope,
): InsertModification['onConflict'] {
  const { location } = clause;
  const isUpdate = clause.action === 'ONCONFLICT_UPDATE';
  if (clause.infer?.conname !== undefined) throw notSupported('ON CONFLICT ON CONSTRAINT', location);
  if (clause.infer?.whereClause !== undefined)
    throw notSupported('WHERE in the target of ON CONFLICT', location);
  const elements = clause.infer?.indexElems;
  const names = elements?.map((element) => bodyOf(element, 'IndexElem')?.name);
  if (names !== undefined && (names.length !== 1 || names[0] !== '_id'))
    throw notSupported('ON CONFLICT with anything but (_id)', location);
  if (!isUpdate) return { kind: 'nothing' };
  if (names === undefined)
    throw sqlError('42601', 'ON CONFLICT DO UPDATE requires its target: ON CONFLICT (_id)', location);
  const scope = new Scope(around);
  const existing = new CollectionRelation(context, scope, table, alias);
  const excluded = new CollectionRelation(context, scope, table, 'excluded', true);
  scope.relations.push(existing, excluded);
  const assignments = bindAssignments(context, clause.targetList ?? [], table, scope, ASSIGNMENT);
  const made = {
    kind: 'update',
    excluded: excluded.fields,
    existing: existing.fields,
    assignments,
  } as const;
  if (clause.whereClause === undefined) return made;
  const where = condition(context, context.expression(clause.whereClause, scope, WHERE), 'WHERE');
  return { ...made, where };
}
