/** Statements that change what there is. Whether names are taken is decided where they run; what is wrong with them is found here. */
import type { DropStmt, Node, RangeVar, TruncateStmt } from '@pgsql/types';
import type { DefinitionStatement } from '../algebra/statement.js';
import { bodyOf, stringsOf } from '../parse/nodes.js';
import { bindAlterTable } from './alter-table.js';
import type { StatementContext } from './context.js';
import { bindCreateIndex } from './create-index.js';
import { bindCreateTable } from './create-table.js';
import { notSupported } from './errors.js';
import { collection, collectionName } from './tables.js';

/** Undefined for statements of other kinds. */
export function bindDefinition(context: StatementContext, statement: Node): DefinitionStatement | undefined {
  const create = bodyOf(statement, 'CreateStmt');
  if (create !== undefined) return bindCreateTable(context, create);
  const alter = bodyOf(statement, 'AlterTableStmt');
  if (alter !== undefined) return bindAlterTable(context, alter);
  const index = bodyOf(statement, 'IndexStmt');
  if (index !== undefined) return bindCreateIndex(context, index);
  const drop = bodyOf(statement, 'DropStmt');
  if (drop !== undefined) return bindDrop(context, drop);
  const truncate = bodyOf(statement, 'TruncateStmt');
  return truncate && bindTruncate(context, truncate);
}

/** CASCADE and RESTRICT are the same: nothing depends on a collection but its own indexes. */
function bindDrop(context: StatementContext, statement: DropStmt): DefinitionStatement {
  const ifExists = statement.missing_ok ?? false;
  const ranges = (statement.objects ?? []).map((node) => rangeOf(stringsOf(bodyOf(node, 'List')?.items)));
  if (statement.removeType === 'OBJECT_INDEX') {
    const concurrently = statement.concurrent ?? false;
    return { kind: 'dropIndex', names: ranges.map(collectionName), ifExists, concurrently };
  }
  if (statement.removeType !== 'OBJECT_TABLE') {
    const what = (statement.removeType ?? '').replace('OBJECT_', '').replace('MATVIEW', 'MATERIALIZED VIEW');
    throw notSupported(`DROP ${what}`, 0);
  }
  const names = ranges.map((range) => (ifExists ? collectionName(range) : collection(context, range).name));
  return { kind: 'dropTable', names, ifExists };
}

/** DROP names its objects by lists of names, which have no places. */
function rangeOf(names: readonly string[]): RangeVar {
  const [relname, schemaname, catalogname] = [...names].reverse();
  return { relname, ...(schemaname && { schemaname }), ...(catalogname && { catalogname }) };
}

function bindTruncate(context: StatementContext, statement: TruncateStmt): DefinitionStatement {
  if (statement.restart_seqs) throw notSupported('RESTART IDENTITY', 0);
  const names = (statement.relations ?? []).map(
    (node) => collection(context, bodyOf(node, 'RangeVar') ?? {}).name,
  );
  return { kind: 'truncate', names };
}
