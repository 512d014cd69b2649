/**
 * The binder: a parsed statement and a picture of the catalog become a statement whose names are resolved and whose types are
 * known. Pure; any thread that has loaded the parser (stored expressions are parsed again).
 */
import type { ExplainStmt, Node } from '@pgsql/types';
import type { BoundQuery, BoundStatement } from '../algebra/statement.js';
import type { CatalogView } from '../catalog-view.js';
import { bodyOf, kindOf } from '../parse/nodes.js';
import type { ParsedStatement } from '../parse/parse.js';
import { type BoundRows, StatementContext } from './context.js';
import { bindDefinition } from './definitions.js';
import { notSupported, syntaxError } from './errors.js';
import { explainOptions } from './explain.js';
import { bindExpression } from './expression.js';
import { finishPlan, parameterTypes } from './finish.js';
import { bindInsert } from './insert.js';
import { bindDelete, bindUpdate } from './modify.js';
import { bindBranch, bindQuery } from './query.js';
import { Scope } from './scope.js';
import { unsupportedStatement } from './unsupported.js';

export interface BindOptions {
  /** Types of parameters that the client has said, $1 first; undefined: from where they are used. */
  readonly parameterTypes?: readonly (BoundQuery['parameterTypes'][number] | undefined)[];
}

export function bindStatement(
  parsed: ParsedStatement,
  catalog: CatalogView,
  options: BindOptions = {},
): BoundStatement {
  const context = new StatementContext(parsed.sql, catalog, {
    expression: bindExpression,
    query: bindQuery,
    branch: bindBranch,
  });
  for (const [index, type] of (options.parameterTypes ?? []).entries())
    if (type !== undefined) context.parameters.set(index, type);
  const explain = bodyOf(parsed.statement, 'ExplainStmt');
  if (explain !== undefined) return bindExplain(context, explain);
  return (
    queryOf(context, parsed.statement) ??
    bindDefinition(context, parsed.statement) ??
    refuse(parsed.statement)
  );
}

function refuse(statement: Node): never {
  throw unsupportedStatement(statement);
}

function bindExplain(context: StatementContext, statement: ExplainStmt): BoundStatement {
  const options = explainOptions(statement);
  if (statement.query === undefined) throw syntaxError('EXPLAIN needs a statement');
  const query = queryOf(context, statement.query);
  if (query === undefined) throw notSupported(`EXPLAIN of ${kindOf(statement.query).replace(/Stmt$/, '')}`);
  return { kind: 'explain', options, query };
}

function queryOf(context: StatementContext, statement: Node): BoundQuery | undefined {
  const around = new Scope(undefined);
  const select = bodyOf(statement, 'SelectStmt');
  if (select !== undefined) return finished(context, 'SELECT', context.query(select, around));
  const insert = bodyOf(statement, 'InsertStmt');
  if (insert !== undefined) {
    const bound = bindInsert(context, insert, around);
    const query = finished(context, 'INSERT', bound);
    const { createsCollection } = bound;
    return createsCollection === undefined ? query : { ...query, createsCollection };
  }
  const update = bodyOf(statement, 'UpdateStmt');
  if (update !== undefined) return finished(context, 'UPDATE', bindUpdate(context, update, around));
  const remove = bodyOf(statement, 'DeleteStmt');
  if (remove !== undefined) return finished(context, 'DELETE', bindDelete(context, remove, around));
  return undefined;
}

function finished(
  context: StatementContext,
  command: BoundQuery['command'],
  { plan, output }: BoundRows,
): BoundQuery {
  finishPlan(context, plan);
  return {
    kind: 'query',
    plan,
    output,
    parameterTypes: parameterTypes(context),
    reads: [...context.reads],
    writes: [...context.writes],
    command,
  };
}
