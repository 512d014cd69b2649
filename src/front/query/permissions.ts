/** What a statement needs: read and write on the collections that it names. Pure but for the names of indexes. */
import type { Session } from '../../auth/session.js';
import { unreachable } from '../../base/assert.js';
import type { DefinitionStatement } from '../../sql/algebra/statement.js';
import { requirePermission } from '../access.js';
import type { CollectionRegistry } from '../collections.js';
import { type CompiledStatement, queryOf } from './statement-cache.js';

/** System tables are read under this name: `read:system.slow_queries`. */
const SYSTEM = 'system.';

/** Throws DbError FORBIDDEN for the first thing that the session may not do. */
export function requireStatement(
  session: Session,
  { bound, systemTables }: CompiledStatement,
  collections: CollectionRegistry,
): void {
  const query = queryOf(bound);
  if (query === undefined) {
    for (const name of changedBy(bound as DefinitionStatement, collections))
      requirePermission(session, 'write', name);
    return;
  }
  for (const name of query.reads) requirePermission(session, 'read', name);
  for (const name of query.writes) requirePermission(session, 'write', name);
  for (const name of systemTables)
    requirePermission(session, 'read', name.startsWith(SYSTEM) ? name : `${SYSTEM}${name}`);
}

/** The collections that a definition changes. */
function changedBy(statement: DefinitionStatement, collections: CollectionRegistry): readonly string[] {
  switch (statement.kind) {
    case 'createTable':
    case 'alterTable':
      return [statement.name];
    case 'dropTable':
    case 'truncate':
      return statement.names;
    case 'createIndex':
      return [statement.table];
    case 'dropIndex':
      return statement.names.flatMap((index) => collections.collectionOfIndex(index) ?? []);
    default:
      return unreachable(statement);
  }
}
