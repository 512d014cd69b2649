/** Which admin calls change something, and what the audit log says of those. Pure. */
import type { AdminCall } from '../front/admin-call.js';
import type { DefinitionStatement } from '../sql/algebra/statement.js';

const REPORTS: ReadonlySet<string> = new Set<AdminCall['kind']>([
  'memory',
  'compaction',
  'dump-state',
  'diagnostics',
  'tasks',
  'task',
  'config',
  'queries',
  'cluster',
]);

/** It shows something and changes nothing. */
export function isReport(call: AdminCall): boolean {
  return REPORTS.has(call.kind);
}

/** What is asked for, without the kind, which is the action. */
export function auditedCall(call: AdminCall): { readonly target?: string; readonly after?: unknown } {
  if ('id' in call) return { target: call.id };
  if ('request' in call) return { after: call.request };
  if ('changes' in call) return { after: call.changes };
  return 'targetNode' in call ? { target: call.targetNode } : {};
}

/** What an answer says of values before and after; PATCH /admin/config does. */
export function changesIn(answer: unknown): { readonly before?: unknown; readonly after?: unknown } {
  const body = (answer as { readonly body?: unknown } | undefined)?.body;
  if (typeof body !== 'string') return {};
  const { changed } = JSON.parse(body) as {
    changed?: ReadonlyArray<{ key: string; before: unknown; after: unknown }>;
  };
  if (changed === undefined) return {};
  return {
    before: Object.fromEntries(changed.map(({ key, before }) => [key, before])),
    after: Object.fromEntries(changed.map(({ key, after }) => [key, after])),
  };
}

/** Definitions are called as over HTTP, where there is such a route: a table of SQL is a collection. */
const DEFINITION_ACTIONS: Readonly<Record<DefinitionStatement['kind'], string>> = {
  createTable: 'create-collection',
  dropTable: 'drop-collection',
  alterTable: 'alter-collection',
  truncate: 'truncate-collection',
  createIndex: 'create-index',
  dropIndex: 'drop-index',
};
const SQL_LENGTH_MAX = 2000;

export function definitionAction({ kind }: DefinitionStatement): string {
  return DEFINITION_ACTIONS[kind];
}

export function definitionDetails(
  statement: DefinitionStatement,
  sql: string,
): { readonly target: string; readonly after: unknown } {
  return { target: targetOf(statement), after: { sql: sql.slice(0, SQL_LENGTH_MAX) } };
}

function targetOf(statement: DefinitionStatement): string {
  if ('names' in statement) return statement.names.join(' ');
  return statement.kind === 'createIndex' ? `${statement.table} ${statement.name}`.trim() : statement.name;
}
