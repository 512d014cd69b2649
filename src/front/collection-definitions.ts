/** Binds `schema` and `indexes` of a new collection. Loads the SQL compiler: imported by the first request that has some. Front thread only. */
import { DbError } from '../base/errors.js';
import { type CollectionSchema, schemaOf } from '../catalog/collection-schema.js';
import type { DefinitionStatement } from '../sql/algebra/statement.js';
import { bindStatement } from '../sql/bind/bind.js';
import type { CatalogView, TableView } from '../sql/catalog-view.js';
import { parsedExpression } from '../sql/parse/expression-text.js';
import { bodyOf } from '../sql/parse/nodes.js';
import { loadParser, parseStatement } from '../sql/parse/parse.js';
import { createIndexTexts, createTableText, type SqlPieces } from './schema-body.js';

export interface CollectionDefinitions {
  readonly schema: CollectionSchema | undefined;
  readonly indexes: readonly { readonly statement: DefinitionStatement; readonly sql: string }[];
}

const PIECES: SqlPieces = {
  isExpression: (text) => parsedExpression(text) !== undefined,
  isType(text) {
    const cast = bodyOf(parsedExpression(`NULL::${text}`), 'TypeCast');
    return bodyOf(cast?.arg, 'A_Const')?.isnull === true;
  },
};

/** Throws DbError: VALIDATION with the field, QUERY for what SQL says of it. */
export async function bindDefinitions(
  name: string,
  schema: unknown,
  indexes: unknown,
): Promise<CollectionDefinitions> {
  await loadParser();
  const table =
    schema === undefined ? undefined : definition(createTableText(name, schema, PIECES), noTables);
  if (table !== undefined && table.kind !== 'createTable')
    throw new DbError('INTERNAL', 'this is no CREATE TABLE');
  const { columns, checks } = table ?? { columns: [], checks: [] };
  const view: TableView = { name, id: 0, columns, checks, indexes: [] };
  const texts = indexes === undefined ? [] : createIndexTexts(name, indexes, PIECES);
  return {
    schema: schemaOf({ columns, checks }),
    indexes: texts.map((sql) => ({
      sql,
      statement: definition(sql, (each) => (each === name ? view : undefined)),
    })),
  };
}

const noTables = (): undefined => undefined;

function definition(sql: string, table: CatalogView['table']): DefinitionStatement {
  const catalog = { table, systemTable: noTables, tableNames: () => [], autoCreateCollections: false };
  const bound = bindStatement(parseStatement(sql), catalog);
  if (bound.kind === 'query' || bound.kind === 'explain')
    throw new DbError('INTERNAL', 'this defines nothing');
  return bound;
}
