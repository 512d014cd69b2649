/** FROM: each item adds its relations to the scope and its rows to the plan. */
import type { Alias, Node, RangeFunction, RangeSubselect, RangeVar } from '@pgsql/types';
import type { LogicalPlan, OutputColumn } from '../algebra/logical.js';
import { PROGRAM_LIMIT_EXCEEDED, sqlError } from '../errors.js';
import { bodyOf, kindOf, locationOf, stringsOf } from '../parse/nodes.js';
import type { StatementContext } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import { bindJoin } from './joins.js';
import { RELATIONS_MAX } from './limits.js';
import { CollectionRelation, DerivedRelation, type Relation, SystemRelation } from './relation.js';
import type { Scope } from './scope.js';
import { bindTableFunction } from './table-function.js';
import { collection, SYSTEM_SCHEMA, unknownSchema, unknownTable } from './tables.js';

/** Without items: one row of nothing. */
export function bindFrom(context: StatementContext, items: readonly Node[], scope: Scope): LogicalPlan {
  let plan: LogicalPlan | undefined;
  for (const item of items) {
    const before = scope.lateral();
    const right = bindFromItem(context, item, scope, before);
    const lateral = before.used.length > 0;
    plan =
      plan === undefined ? right : { kind: 'join', join: 'cross', left: plan, right, lateral, columns: [] };
  }
  return plan ?? { kind: 'values', rows: [[]], columns: [] };
}

/** `left`: what a lateral item sees. Its relations go into `scope`. */
export function bindFromItem(context: StatementContext, item: Node, scope: Scope, left: Scope): LogicalPlan {
  const range = bodyOf(item, 'RangeVar');
  if (range !== undefined) return bindTable(context, range, scope);
  const subselect = bodyOf(item, 'RangeSubselect');
  if (subselect !== undefined) return bindDerived(context, subselect, scope, left);
  const call = bodyOf(item, 'RangeFunction');
  if (call !== undefined) return bindFunction(context, call, scope, left);
  const join = bodyOf(item, 'JoinExpr');
  if (join !== undefined) return bindJoin(context, join, scope, left, bindFromItem);
  if (bodyOf(item, 'RangeTableSample') !== undefined) throw notSupported('TABLESAMPLE', locationOf(item));
  if (bodyOf(item, 'RangeTableFunc') !== undefined) throw notSupported('XMLTABLE', locationOf(item));
  if (bodyOf(item, 'JsonTable') !== undefined) throw notSupported('JSON_TABLE', locationOf(item));
  throw notSupported(`${kindOf(item)} in FROM`, locationOf(item));
}

export function addRelation(scope: Scope, relation: Relation, location?: number): void {
  if (scope.relations.some(({ alias, schema }) => alias === relation.alias && schema === relation.schema))
    throw sqlError('42712', `table name "${relation.alias}" specified more than once`, location);
  if (scope.relations.length >= RELATIONS_MAX)
    throw sqlError(PROGRAM_LIMIT_EXCEEDED, `a query can join at most ${RELATIONS_MAX} relations`, location);
  scope.relations.push(relation);
}

function bindTable(context: StatementContext, range: RangeVar, scope: Scope): LogicalPlan {
  const { schemaname, relname = '', location } = range;
  const alias = range.alias?.aliasname ?? relname;
  if (range.catalogname !== undefined) throw notSupported('a name with a database in it', location);
  if (schemaname === SYSTEM_SCHEMA) return bindSystemTable(context, range, scope, alias);
  if (schemaname !== undefined && schemaname !== 'public') throw unknownSchema(schemaname, location);
  const cte = schemaname === undefined ? scope.cte(relname) : undefined;
  if (cte !== undefined) {
    const columns = cte.columns.map((column) => ({ ...column, id: context.columnId() }));
    addRelation(scope, derived(context, scope, alias, columns, range.alias, location), location);
    const ids = columns.map(({ id }) => id);
    return { kind: 'cteScan', cte: cte.cte, name: cte.name, alias, columns: ids };
  }
  const table = collection(context, range);
  if (range.alias?.colnames !== undefined)
    throw notSupported('a list of column names for a collection', location);
  const relation = new CollectionRelation(context, scope, table, alias);
  addRelation(scope, relation, location);
  context.reads.add(table.name);
  return relation.scan();
}

function bindSystemTable(
  context: StatementContext,
  range: RangeVar,
  scope: Scope,
  alias: string,
): LogicalPlan {
  const { relname = '', location } = range;
  const table = context.catalog.systemTable(relname);
  if (table === undefined) throw unknownTable(context, `${SYSTEM_SCHEMA}.${relname}`, location);
  if (range.alias?.colnames !== undefined)
    throw notSupported('a list of column names for a system table', location);
  const relation = new SystemRelation(context, scope, table, alias);
  addRelation(scope, relation, location);
  return relation.scan();
}

function bindDerived(
  context: StatementContext,
  item: RangeSubselect,
  scope: Scope,
  left: Scope,
): LogicalPlan {
  const select = bodyOf(item.subquery, 'SelectStmt');
  if (select === undefined) throw notSupported('this statement in FROM');
  // Without LATERAL the items on the left are out of sight, the queries around are not.
  const rows = context.query(select, item.lateral ? left : scope.aside());
  const alias = item.alias?.aliasname ?? `subquery_${scope.relations.length + 1}`;
  addRelation(scope, derived(context, scope, alias, rows.output, item.alias));
  return rows.plan;
}

function derived(
  context: StatementContext,
  scope: Scope,
  alias: string,
  columns: readonly OutputColumn[],
  names: Alias | undefined,
  location?: number,
): DerivedRelation {
  const list = stringsOf(names?.colnames);
  if (list.length > columns.length)
    throw sqlError(
      '42P10',
      `table "${alias}" has ${columns.length} columns available but ${list.length} columns specified`,
      location,
    );
  const named = columns.map((column, place) =>
    // A name for a document makes a column of it.
    place < list.length ? { ...column, name: list[place], spread: false } : column,
  );
  return new DerivedRelation(context, scope, alias, named);
}

function bindFunction(
  context: StatementContext,
  item: RangeFunction,
  scope: Scope,
  left: Scope,
): LogicalPlan {
  if (item.functions?.length !== 1) throw notSupported('ROWS FROM with several functions');
  if (item.coldeflist !== undefined) throw notSupported('a column definition list');
  const call = bodyOf(bodyOf(item.functions[0], 'List')?.items?.[0], 'FuncCall');
  if (call === undefined) throw syntaxError('FROM needs a function call here', locationOf(item.functions[0]));
  const made = bindTableFunction(context, call, left, item.alias?.aliasname, item.ordinality ?? false);
  addRelation(
    scope,
    derived(context, scope, made.alias, made.columns, item.alias, call.location),
    call.location,
  );
  return made.plan;
}
