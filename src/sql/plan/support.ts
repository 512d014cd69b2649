/**
 * What the planner needs of types, functions and binder. Handed in, so that the planner is tested with plans made by hand;
 * default-support.ts has the real ones.
 */
import type { BoundExpression } from '../algebra/expression.js';
import type { ScanField } from '../algebra/logical.js';
import type { ColumnDeclaration } from '../algebra/statement.js';
import type { AggregateDefinition, FunctionDefinition } from '../functions/definition.js';
import type { SqlType } from '../types/sql-type.js';
import type { SqlValue } from '../types/values.js';

export interface StandaloneExpression {
  readonly expression: BoundExpression;
  readonly fields: readonly ScanField[];
}

export interface PlannerSupport {
  scalar(id: string): FunctionDefinition | undefined;
  aggregate(id: string): AggregateDefinition | undefined;
  compareForOperator(a: SqlValue, b: SqlValue): number | undefined;
  compareForOrder(a: SqlValue, b: SqlValue): number;
  /** Throws where the cast is impossible. */
  /** `from`: static type of the value. */
  cast(value: SqlValue, to: SqlType, from: SqlType, modifiers?: readonly number[]): SqlValue;
  /** Expressions and predicates of indexes. */
  bindStandalone(sql: string, columns: readonly ColumnDeclaration[]): StandaloneExpression;
}
