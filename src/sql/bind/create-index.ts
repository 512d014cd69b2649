/** CREATE INDEX: members by path, expressions by their text. */
import type { IndexElem, IndexStmt, Node } from '@pgsql/types';
import type { IndexColumn } from '../../indexes/definition.js';
import type { DefinitionStatement } from '../algebra/statement.js';
import { sqlError } from '../errors.js';
import { bodyOf } from '../parse/nodes.js';
import type { StatementContext } from './context.js';
import { indexedExpression, predicateText, type TableInMaking } from './definition-expressions.js';
import { notSupported } from './errors.js';
import { nullsFirst } from './sort-key.js';
import { collection } from './tables.js';

const COLUMNS_MAX = 32;

export function bindCreateIndex(context: StatementContext, statement: IndexStmt): DefinitionStatement {
  const range = statement.relation ?? {};
  const { location } = range;
  const { name, columns: declared } = collection(context, range);
  const table: TableInMaking = { name, columns: declared };
  if (statement.accessMethod !== undefined && statement.accessMethod !== 'btree')
    throw notSupported(`the index method ${statement.accessMethod}`, location);
  if (statement.nulls_not_distinct) throw notSupported('NULLS NOT DISTINCT', location);
  if (statement.options !== undefined) throw notSupported('WITH (storage parameters)', location);
  if (statement.tableSpace !== undefined) throw notSupported('TABLESPACE', location);
  const written = elementsOf(statement.indexParams);
  const included = elementsOf(statement.indexIncludingParams);
  if (written.length + included.length > COLUMNS_MAX)
    throw sqlError('54011', `cannot use more than ${COLUMNS_MAX} columns in an index`, location);
  const columns = written.map((element) => indexColumn(context, element, table, location));
  const include = included.map((element) => includedPath(context, element, table, location));
  const where = statement.whereClause && predicateText(context, statement.whereClause, table);
  return {
    kind: 'createIndex',
    name: statement.idxname ?? '',
    table: name,
    columns,
    include,
    ...(where !== undefined && { where }),
    unique: statement.unique ?? false,
    concurrently: statement.concurrent ?? false,
    ifNotExists: statement.if_not_exists ?? false,
  };
}

const elementsOf = (nodes: readonly Node[] | undefined): IndexElem[] =>
  (nodes ?? []).flatMap((node) => bodyOf(node, 'IndexElem') ?? []);

function indexColumn(
  context: StatementContext,
  element: IndexElem,
  table: TableInMaking,
  location?: number,
): IndexColumn {
  const { name, expr } = element;
  if (element.collation !== undefined) throw notSupported('COLLATE in an index', location);
  if (element.opclass !== undefined) throw notSupported('an operator class', location);
  const descending = element.ordering === 'SORTBY_DESC';
  const order = { descending, nullsFirst: nullsFirst(element.nulls_ordering, descending) };
  if (expr === undefined) return { path: [name ?? ''], ...order };
  return { ...indexedExpression(context, expr, table), ...order };
}

function includedPath(
  context: StatementContext,
  { name, expr }: IndexElem,
  table: TableInMaking,
  location?: number,
): readonly string[] {
  if (expr === undefined) return [name ?? ''];
  const { path, expression } = indexedExpression(context, expr, table);
  if (expression !== undefined) throw notSupported('an expression in INCLUDE', location);
  return path;
}
