/**
 * One expression by itself, over the members of one document: index expressions and predicates, CHECK constraints and
 * defaults. It has no parameters, no subqueries and no aggregates.
 */
import type { BoundExpression } from '../algebra/expression.js';
import type { ScanField } from '../algebra/logical.js';
import type { ColumnDeclaration } from '../algebra/statement.js';
import type { CatalogView, TableView } from '../catalog-view.js';
import { parsedExpression } from '../parse/expression-text.js';
import { parseStatement } from '../parse/parse.js';
import { decided } from './coerce.js';
import { DEFINITION, StatementContext } from './context.js';
import { notSupported, syntaxError } from './errors.js';
import { bindExpression } from './expression.js';
import { finishTree } from './finish.js';
import { CollectionRelation } from './relation.js';
import { Scope } from './scope.js';
import { visitExpression } from './walk.js';

export interface StandaloneExpression {
  readonly expression: BoundExpression;
  /** The members that it reads, as columns. */
  readonly fields: ScanField[];
}

const NO_CATALOG: CatalogView = {
  table: () => undefined,
  systemTable: () => undefined,
  tableNames: () => [],
  autoCreateCollections: false,
};

export interface StandaloneOptions {
  /** The table's name may stand before a column; without it only columns are known. */
  readonly table?: string;
}

export function bindStandalone(
  sqlText: string,
  tableColumns: readonly ColumnDeclaration[] = [],
  { table = '' }: StandaloneOptions = {},
): StandaloneExpression {
  const node = parsedExpression(sqlText);
  if (node === undefined) {
    // For the parser's own error, if there is one.
    parseStatement(`SELECT (${sqlText}\n)`);
    throw syntaxError(`"${sqlText}" is not one expression`);
  }
  const refuse = (): never => {
    throw notSupported('a subquery in a definition');
  };
  const context = new StatementContext(sqlText, NO_CATALOG, {
    expression: bindExpression,
    query: refuse,
    branch: refuse,
  });
  const scope = new Scope(undefined);
  const view: TableView = { name: table, id: 0, columns: tableColumns, checks: [], indexes: [] };
  const relation = new CollectionRelation(context, scope, view, table);
  scope.relations.push(relation);
  const expression = decided(context.expression(node, scope, DEFINITION));
  if (context.parameterCount > 0) throw notSupported('a parameter in a definition');
  finishTree(context, expression);
  visitExpression(expression, (each) => {
    if (each.kind === 'subquery') throw notSupported('a subquery in a definition');
  });
  return { expression, fields: relation.fields };
}
