/** WITH: each query is bound once; references to it read its rows. */
import type { CommonTableExpr, Node, SelectStmt, WithClause } from '@pgsql/types';
import type { CteDefinition } from '../algebra/logical.js';
import { sqlError } from '../errors.js';
import { bodyOf, kindOf, stringsOf } from '../parse/nodes.js';
import { coerce, isNumeric } from './coerce.js';
import { coerceRows, columnOf } from './coerce-rows.js';
import type { BoundRows, StatementContext } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import type { Scope } from './scope.js';

const INVALID_RECURSION = '42P19';

/** Binds the definitions, in order, and puts their names into the scope. */
export function bindWith(
  context: StatementContext,
  clause: WithClause,
  scope: Scope,
): readonly CteDefinition[] {
  return (clause.ctes ?? []).map((node) => {
    const written = bodyOf(node, 'CommonTableExpr') ?? {};
    const name = written.ctename ?? '';
    if (scope.ctes.has(name))
      throw sqlError('42712', `WITH query name "${name}" specified more than once`, written.location);
    if (written.search_clause !== undefined) throw notSupported('SEARCH', written.location);
    if (written.cycle_clause !== undefined) throw notSupported('CYCLE', written.location);
    const select = bodyOf(written.ctequery, 'SelectStmt');
    if (select === undefined) {
      const what =
        written.ctequery === undefined ? '' : kindOf(written.ctequery).replace('Stmt', '').toUpperCase();
      throw notSupported(`${what} in WITH`, written.location);
    }
    const isRecursive = clause.recursive === true && refersTo(written.ctequery, name);
    return isRecursive
      ? bindRecursive(context, written, select, scope)
      : bindPlain(context, written, select, scope);
  });
}

const MATERIALIZED = {
  CTEMaterializeDefault: 'default',
  CTEMaterializeAlways: 'always',
  CTEMaterializeNever: 'never',
} as const;

const hintOf = ({
  ctematerialized = 'CTEMaterializeDefault',
}: CommonTableExpr): CteDefinition['materialized'] => MATERIALIZED[ctematerialized];

function bindPlain(
  context: StatementContext,
  written: CommonTableExpr,
  select: SelectStmt,
  scope: Scope,
): CteDefinition {
  const name = written.ctename ?? '';
  const rows = context.query(select, scope.aside());
  const cte = context.cteId();
  scope.ctes.set(name, { name, cte, columns: named(rows, written) });
  return { cte, name, materialized: hintOf(written), plan: rows.plan };
}

function named({ output }: BoundRows, written: CommonTableExpr): BoundRows['output'] {
  const names = stringsOf(written.aliascolnames);
  if (names.length > output.length) {
    const message = `WITH query "${written.ctename}" has ${output.length} columns available but ${names.length} columns specified`;
    throw sqlError('42P10', message, written.location);
  }
  return output.map((column, place) =>
    place < names.length ? { ...column, name: names[place], spread: false } : column,
  );
}

function bindRecursive(
  context: StatementContext,
  written: CommonTableExpr,
  select: SelectStmt,
  scope: Scope,
): CteDefinition {
  const name = written.ctename ?? '';
  const { location } = written;
  const { larg, rarg } = select;
  if (select.op !== 'SETOP_UNION' || larg === undefined || rarg === undefined)
    throw invalid(name, 'does not have the form non-recursive-term UNION [ALL] recursive-term', location);
  if (select.sortClause || select.limitCount || select.limitOffset)
    throw notSupported('ORDER BY or LIMIT in a recursive query', location);
  if (refersTo(larg, name)) throw invalid(name, 'refers to itself in its non-recursive term', location);
  if (referencesIn(rarg, name) > 1) throw invalid(name, 'refers to itself more than once', location);
  const start = context.query(larg, scope.aside());
  const cte = context.cteId();
  const columns = named(start, written);
  scope.ctes.set(name, { name, cte, columns });
  const round = context.branch(rarg, scope.aside());
  if (round.output.length !== columns.length)
    throw syntaxError('each UNION query must have the same number of columns', location);
  const casts = round.output.map((column, place) => {
    const { type } = columns[place];
    if (column.spread !== start.output[place].spread)
      throw notSupported('a recursive * against a named column', location);
    if (type === 'any' || (isNumeric(column.type) && isNumeric(type))) return columnOf(column);
    return coerce(context, columnOf(column), type, { as: 'assignment', location });
  });
  const plan = coerceRows(context, round, casts).plan;
  const recursive = { plan, all: select.all ?? false };
  return { cte, name, materialized: hintOf(written), plan: start.plan, recursive };
}

const invalid = (name: string, what: string, location?: number): Error =>
  sqlError(INVALID_RECURSION, `recursive query "${name}" ${what}`, location);

/** How often a table of this name is read in a tree of the parser. */
function referencesIn(tree: unknown, name: string): number {
  let count = 0;
  const pending: unknown[] = [tree];
  while (pending.length > 0) {
    const item = pending.pop();
    if (typeof item !== 'object' || item === null) continue;
    const range = bodyOf(item as Node, 'RangeVar');
    if (range !== undefined && range.relname === name && range.schemaname === undefined) count++;
    pending.push(...Object.values(item));
  }
  return count;
}

const refersTo = (tree: unknown, name: string): boolean => referencesIn(tree, name) > 0;
