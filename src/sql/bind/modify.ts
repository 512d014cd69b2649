/** UPDATE and DELETE: a plan of the rows to change, then the changes. */
import type { DeleteStmt, Node, RangeVar, UpdateStmt, WithClause } from '@pgsql/types';
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import type { CteDefinition, LogicalPlan, Modification } from '../algebra/logical.js';
import type { TableView } from '../catalog-view.js';
import { bindAssignments } from './assignments.js';
import { condition } from './condition.js';
import { ASSIGNMENT, type BoundRows, type StatementContext, WHERE } from './context.js';
import { notSupported } from './errors.js';
import { bindFromItem } from './from.js';
import { CollectionRelation } from './relation.js';
import { bindReturning } from './returning.js';
import { Scope } from './scope.js';
import { collection } from './tables.js';
import { bindWith } from './with.js';

interface Rows {
  readonly table: TableView;
  readonly scope: Scope;
  readonly relation: CollectionRelation;
  readonly definitions?: readonly CteDefinition[];
  readonly key: ColumnId;
  readonly seqno: ColumnId;
}

export function bindUpdate(context: StatementContext, statement: UpdateStmt, around: Scope): BoundRows {
  const rows = targetRows(context, statement.relation ?? {}, statement.withClause, around);
  const { table, scope, relation } = rows;
  const source = changedRows(context, rows, statement.fromClause ?? [], statement.whereClause);
  const assignments = bindAssignments(context, statement.targetList ?? [], table, scope, ASSIGNMENT);
  const document = columnId(relation.whole());
  return modified(context, rows, statement.returningClause, (target) => ({
    kind: 'update',
    collection: table.name,
    target,
    source,
    key: rows.key,
    seqno: rows.seqno,
    document,
    assignments,
  }));
}

export function bindDelete(context: StatementContext, statement: DeleteStmt, around: Scope): BoundRows {
  const rows = targetRows(context, statement.relation ?? {}, statement.withClause, around);
  const source = changedRows(context, rows, statement.usingClause ?? [], statement.whereClause);
  return modified(context, rows, statement.returningClause, (target) => ({
    kind: 'delete',
    collection: rows.table.name,
    target,
    source,
    key: rows.key,
    seqno: rows.seqno,
  }));
}

function targetRows(
  context: StatementContext,
  range: RangeVar,
  written: WithClause | undefined,
  around: Scope,
): Rows {
  const scope = new Scope(around);
  const definitions = written && bindWith(context, written, scope);
  if (range.relname !== undefined && range.schemaname === undefined && scope.cte(range.relname) !== undefined)
    throw notSupported(`changing "${range.relname}", which is a WITH query,`, range.location);
  const table = collection(context, range);
  const relation = new CollectionRelation(context, scope, table, range.alias?.aliasname ?? table.name);
  scope.relations.push(relation);
  context.reads.add(table.name);
  context.writes.add(table.name);
  const key = columnId(relation.column(['_id']));
  const seqno = relation.seqno();
  const made = { table, scope, relation, key, seqno };
  return definitions === undefined ? made : { ...made, definitions };
}

function columnId(expression: BoundExpression): ColumnId {
  if (expression.kind !== 'column') throw new TypeError('a field of a scan is a column');
  return expression.id;
}

function changedRows(
  context: StatementContext,
  { scope, relation }: Rows,
  items: readonly Node[],
  where: Node | undefined,
): LogicalPlan {
  let plan = relation.scan();
  for (const item of items) {
    const before = scope.lateral();
    const right = bindFromItem(context, item, scope, before);
    plan = { kind: 'join', join: 'cross', left: plan, right, lateral: before.used.length > 0, columns: [] };
  }
  if (where === undefined) return plan;
  const bound = condition(context, context.expression(where, scope, WHERE), 'WHERE');
  return { kind: 'filter', input: plan, condition: bound, columns: [] };
}

/** RETURNING sees the changed document under the table's name, and the other relations as they are. */
function modified(
  context: StatementContext,
  { table, scope, relation, definitions }: Rows,
  written: UpdateStmt['returningClause'],
  modification: (target: CollectionRelation['fields']) => Modification,
): BoundRows {
  const seen = scope.aside();
  const target = new CollectionRelation(context, seen, table, relation.alias);
  seen.relations.push(target, ...scope.relations.slice(1));
  const { returning, output } = bindReturning(context, written, seen);
  const made = modification(target.fields);
  const modify: LogicalPlan = { kind: 'modify', modification: made, returning, columns: [] };
  if (definitions === undefined) return { plan: modify, output };
  return { plan: { kind: 'with', definitions, input: modify, columns: [] }, output };
}
