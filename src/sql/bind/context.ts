/**
 * What is known of one statement while it is bound: the catalog, the numbers that were given out, the types of its parameters,
 * what it reads and writes. One object a statement. Binding of expressions and of queries calls each other; they meet here, so
 * that the files do not import each other in a circle.
 */
import type { Node, SelectStmt } from '@pgsql/types';
import type { BoundExpression, ColumnId } from '../algebra/expression.js';
import { expressionSize } from '../algebra/expression-size.js';
import type { LogicalPlan, OutputColumn } from '../algebra/logical.js';
import type { CatalogView } from '../catalog-view.js';
import { PROGRAM_LIMIT_EXCEEDED, sqlError } from '../errors.js';
import type { SqlType } from '../types/sql-type.js';
import {
  EXPRESSION_NODES_MAX,
  EXPRESSION_NODES_PER_BYTE,
  NESTING_DEPTH_MAX,
  PARAMETERS_MAX,
} from './limits.js';
import type { Scope } from './scope.js';
import { childExpressions } from './walk.js';

export interface BoundRows {
  readonly plan: LogicalPlan;
  readonly output: readonly OutputColumn[];
}

/** Which calls an expression may contain where it stands, and what to call the place in errors. */
export interface Clause {
  readonly name: string;
  readonly aggregates: boolean;
  readonly windows: boolean;
  readonly setReturning: boolean;
}

export interface Binders {
  expression(context: StatementContext, node: Node, scope: Scope, clause: Clause): BoundExpression;
  query(context: StatementContext, statement: SelectStmt, scope: Scope): BoundRows;
  /** A side of a set operation: literals among its columns keep the type `unknown`, so that they take the other side's. */
  branch(context: StatementContext, statement: SelectStmt, scope: Scope): BoundRows;
}

export class StatementContext {
  readonly reads = new Set<string>();
  readonly writes = new Set<string>();
  /** Scope in whose FROM a column is made: which query a reference belongs to. */
  readonly owners = new Map<ColumnId, Scope>();
  /** Types of the parameters that something has said the type of. */
  readonly parameters = new Map<number, SqlType>();
  parameterCount = 0;
  private nextColumn = 1;
  private nextCte = 1;
  private depth = 0;
  private nodes = 0;
  private readonly places = new WeakMap<object, number>();

  constructor(
    readonly sql: string,
    readonly catalog: CatalogView,
    private readonly binders: Binders,
  ) {}

  columnId(owner?: Scope): ColumnId {
    const id = this.nextColumn++;
    if (owner !== undefined) this.owners.set(id, owner);
    return id;
  }

  cteId(): number {
    return this.nextCte++;
  }

  expression(node: Node, scope: Scope, clause: Clause): BoundExpression {
    const before = this.nodes;
    const bound = this.nested(() => this.binders.expression(this, node, scope, clause));
    // Its operands were counted when they were bound; what is used several times is not bound so often.
    this.nodes = Math.max(this.nodes + 1, before + expressionSize(bound, childExpressions));
    if (this.nodes > EXPRESSION_NODES_MAX + this.sql.length * EXPRESSION_NODES_PER_BYTE)
      throw sqlError(PROGRAM_LIMIT_EXCEEDED, 'the statement is too complex', this.placeOf(bound));
    return bound;
  }

  query(statement: SelectStmt, scope: Scope): BoundRows {
    return this.nested(() => this.binders.query(this, statement, scope));
  }

  branch(statement: SelectStmt, scope: Scope): BoundRows {
    return this.nested(() => this.binders.branch(this, statement, scope));
  }

  /** Remembers where an expression stands in the text, for errors that are found later. */
  placed<E extends BoundExpression>(expression: E, location: number | undefined): E {
    if (location !== undefined && location >= 0) this.places.set(expression, location);
    return expression;
  }

  placeOf(expression: BoundExpression): number | undefined {
    return this.places.get(expression);
  }

  noteParameter(index: number, location?: number): void {
    if (index < 0 || index >= PARAMETERS_MAX)
      throw sqlError(PROGRAM_LIMIT_EXCEEDED, `parameters go from $1 to $${PARAMETERS_MAX}`, location);
    this.parameterCount = Math.max(this.parameterCount, index + 1);
  }

  private nested<T>(bind: () => T): T {
    if (this.depth >= NESTING_DEPTH_MAX)
      throw sqlError(PROGRAM_LIMIT_EXCEEDED, `the statement nests deeper than ${NESTING_DEPTH_MAX} levels`);
    this.depth++;
    try {
      return bind();
    } finally {
      this.depth--;
    }
  }
}

const clause = (name: string, aggregates = false, windows = false, setReturning = false): Clause => ({
  name,
  aggregates,
  windows,
  setReturning,
});

export const WHERE = clause('WHERE');
export const JOIN_CONDITION = clause('JOIN conditions');
export const FROM = clause('FROM');
export const GROUP_BY = clause('GROUP BY');
export const HAVING = clause('HAVING', true);
export const TARGETS = clause('the select list', true, true, true);
export const ORDER_BY = clause('ORDER BY', true, true);
export const LIMIT = clause('LIMIT');
export const VALUES = clause('VALUES');
export const RETURNING = clause('RETURNING');
export const ASSIGNMENT = clause('UPDATE');
export const AGGREGATE_ARGUMENT = clause('the arguments of an aggregate');
export const WINDOW_ARGUMENT = clause('a window', true);
export const DEFINITION = clause('a definition');
