/**
 * The rows of an INSERT. With a list of columns, or into a table that declares them: one column for each member. Into a
 * collection without a schema and without a list: one JSON document a row.
 */
import type { InsertStmt, Node } from '@pgsql/types';
import type { BoundExpression } from '../algebra/expression.js';
import type { LogicalPlan } from '../algebra/logical.js';
import type { TableView } from '../catalog-view.js';
import { bodyOf, locationOf } from '../parse/nodes.js';
import { checkTargets, declarationOf, storable, targetPath } from './assignments.js';
import { coerce } from './coerce.js';
import { coerceRows, columnOf, project } from './coerce-rows.js';
import { type BoundRows, type StatementContext, VALUES } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import type { Scope } from './scope.js';
import { bindStoredExpression } from './stored-expression.js';
import { valuesOf, valuesRows } from './values.js';

export interface InsertSource {
  readonly source: LogicalPlan;
  readonly members: readonly (readonly string[])[] | 'document';
}

type Path = readonly string[];

export function bindInsertSource(
  context: StatementContext,
  statement: InsertStmt,
  table: TableView,
  scope: Scope,
): InsertSource {
  const select = bodyOf(statement.selectStmt, 'SelectStmt');
  const listed = statement.cols?.map((node) => targetPath(bodyOf(node, 'ResTarget') ?? {}));
  const location = statement.cols && bodyOf(statement.cols[0], 'ResTarget')?.location;
  if (listed !== undefined) checkTargets(listed, location);
  if (select === undefined)
    return withDefaults(context, table, [], oneEmptyRow(), statement.relation?.location);
  // VALUES with ORDER BY, LIMIT or WITH is a query like any other; by itself it may say DEFAULT.
  const isPlain = select.valuesLists && !select.sortClause && !select.limitCount && !select.limitOffset;
  if (isPlain && !select.withClause) {
    const rows = valuesRows(select);
    const width = rows[0]?.length ?? 0;
    const declared = table.columns.map(({ name }): Path => [name]);
    if (listed === undefined && declared.length === 0)
      return documents(context, documentValues(context, rows, scope));
    const paths = listed ?? declared.slice(0, width);
    checkWidth(paths.length, width, rows[0]?.[0]);
    return withDefaults(context, table, paths, memberValues(context, rows, table, paths, scope), location);
  }
  const rows = context.branch(select, scope);
  if (listed === undefined && (table.columns.length === 0 || rows.output.some(({ spread }) => spread)))
    return documents(context, rows);
  if (rows.output.some(({ spread }) => spread))
    throw notSupported('* of a collection with a list of columns', location);
  const paths = listed ?? table.columns.map(({ name }): Path => [name]).slice(0, rows.output.length);
  checkWidth(paths.length, rows.output.length, statement.selectStmt);
  const casts = rows.output.map((column, place) => storable(context, columnOf(column), table, paths[place]));
  return withDefaults(context, table, paths, coerceRows(context, rows, casts), location);
}

function checkWidth(targets: number, values: number, node: Node | undefined): void {
  if (targets === values) return;
  const what =
    targets < values ? 'more expressions than target columns' : 'more target columns than expressions';
  throw syntaxError(`INSERT has ${what}`, locationOf(node));
}

const oneEmptyRow = (): BoundRows => ({ plan: { kind: 'values', rows: [[]], columns: [] }, output: [] });

/** One column, which is a document: of several only the one that `*` gave. */
function documents(context: StatementContext, rows: BoundRows): InsertSource {
  const spread = rows.output.filter((column) => column.spread);
  const [column, other] = spread.length > 0 ? spread : rows.output;
  if (column === undefined || other !== undefined)
    throw syntaxError(
      'INSERT without a list of columns takes one JSON document for each row: name the columns to insert values',
    );
  const document = coerce(context, columnOf(column), 'jsonb', { as: 'explicit' });
  if (rows.output.length === 1) {
    return { source: coerceRows(context, rows, [document]).plan, members: 'document' };
  }
  const source = project(rows.plan, [{ id: context.columnId(), name: 'document', expression: document }]);
  return { source, members: 'document' };
}

function documentValues(
  context: StatementContext,
  rows: readonly (readonly Node[])[],
  scope: Scope,
): BoundRows {
  const bound = rows.map((row) => {
    if (row.length !== 1)
      throw syntaxError(
        'INSERT without a list of columns takes one JSON document for each row: name the columns to insert values',
        locationOf(row[1]),
      );
    const value = context.expression(row[0], scope, VALUES);
    return [coerce(context, value, 'jsonb', { as: 'explicit', location: locationOf(row[0]) })];
  });
  return valuesOf(context, bound);
}

function memberValues(
  context: StatementContext,
  rows: readonly (readonly Node[])[],
  table: TableView,
  paths: readonly Path[],
  scope: Scope,
): BoundRows {
  const bound = rows.map((row) =>
    row.map((node, place): BoundExpression => {
      const path = paths[place];
      if (bodyOf(node, 'SetToDefault') !== undefined) return defaultOf(context, table, path);
      return storable(context, context.expression(node, scope, VALUES), table, path);
    }),
  );
  const output = paths.map((path, place) => ({
    id: context.columnId(),
    name: path.join('.'),
    type: typeOfColumn(bound.map((row) => row[place])),
    spread: false,
  }));
  const plan: LogicalPlan = { kind: 'values', rows: bound, columns: output.map(({ id }) => id) };
  return { plan, output };
}

/** Rows of a collection need not agree: each value is stored as what it is. */
function typeOfColumn(items: readonly BoundExpression[]): BoundExpression['type'] {
  const [first] = items;
  return items.every(({ type }) => type === first.type) ? first.type : 'any';
}

function defaultOf(context: StatementContext, table: TableView, path: Path): BoundExpression {
  const declared = path.length === 1 ? declarationOf(table, path) : undefined;
  if (declared?.default === undefined) return { kind: 'const', type: declared?.type ?? 'any', value: null };
  const bound = bindStoredExpression(context, declared.default);
  return storable(context, bound, table, path);
}

/** Declared columns that are not named take their defaults. */
function withDefaults(
  context: StatementContext,
  table: TableView,
  paths: readonly Path[],
  rows: BoundRows,
  location?: number,
): InsertSource {
  const missing = table.columns.filter(
    (declared) => declared.default !== undefined && !paths.some(([name]) => name === declared.name),
  );
  const members = [...paths, ...missing.map(({ name }): Path => [name])];
  if (missing.length === 0) return { source: rows.plan, members };
  const kept = rows.output.map((column) => ({
    id: context.columnId(),
    name: column.name,
    expression: columnOf(column),
  }));
  const added = missing.map(({ name }) => ({
    id: context.columnId(),
    name,
    expression: context.placed(defaultOf(context, table, [name]), location),
  }));
  return { source: project(rows.plan, [...kept, ...added]), members };
}
