/** Names of tables: collections by themselves, system tables in schema `system`. */
import type { RangeVar } from '@pgsql/types';
import type { TableView } from '../catalog-view.js';
import { sqlError, UNDEFINED_TABLE } from '../errors.js';
import type { StatementContext } from './context.js';
import { notSupported } from './errors.js';
import { didYouMean } from './nearest.js';

export const SYSTEM_SCHEMA = 'system';

/** The collection that a statement names; schema `public` may stand before it. */
export function collectionName({ catalogname, schemaname, relname = '', location }: RangeVar): string {
  if (catalogname !== undefined) throw notSupported('a name with a database in it', location);
  if (schemaname === SYSTEM_SCHEMA)
    throw sqlError('42809', `"system.${relname}" is a system table: it can only be read`, location);
  if (schemaname !== undefined && schemaname !== 'public') throw unknownSchema(schemaname, location);
  return relname;
}

export const unknownSchema = (schema: string, location?: number): Error =>
  sqlError(
    '3F000',
    `schema "${schema}" does not exist${didYouMean(schema, [SYSTEM_SCHEMA, 'public'])}`,
    location,
  );

export function unknownTable(context: StatementContext, name: string, location?: number): Error {
  const hint = didYouMean(name, context.catalog.tableNames());
  return sqlError(UNDEFINED_TABLE, `relation "${name}" does not exist${hint}`, location);
}

export function collection(context: StatementContext, range: RangeVar): TableView {
  const name = collectionName(range);
  const table = context.catalog.table(name);
  if (table === undefined) throw unknownTable(context, name, range.location);
  return table;
}
