/** A bound statement of any kind. Plain data. */
import type { IndexColumn } from '../../indexes/definition.js';
import type { SqlType } from '../types/sql-type.js';
import type { LogicalPlan, OutputColumn } from './logical.js';

export interface BoundQuery {
  readonly kind: 'query';
  readonly plan: LogicalPlan;
  readonly output: readonly OutputColumn[];
  /** $1 first. */
  readonly parameterTypes: readonly SqlType[];
  /** Collections that are read, and those that are written: for permissions. System tables are not among them. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** SELECT, INSERT, UPDATE, DELETE: for the command tag. */
  readonly command: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';
  /** INSERT into a collection that does not exist yet: created first, where the configuration allows it. */
  readonly createsCollection?: string;
}

export interface ExplainOptions {
  readonly analyze: boolean;
  readonly verbose: boolean;
  readonly costs: boolean;
  readonly timing: boolean;
  readonly buffers: boolean;
  readonly summary: boolean;
  readonly format: 'text' | 'json';
}

export interface ColumnDeclaration {
  readonly name: string;
  readonly type: SqlType;
  readonly modifiers?: readonly number[];
  readonly notNull: boolean;
  /** SQL text of a constant expression. */
  readonly default?: string;
  readonly primaryKey: boolean;
}

export interface CheckConstraint {
  readonly name: string;
  /** SQL text. */
  readonly expression: string;
}

export type AlterTableAction =
  | { readonly kind: 'addColumn'; readonly column: ColumnDeclaration; readonly ifNotExists: boolean }
  | { readonly kind: 'dropColumn'; readonly name: string; readonly ifExists: boolean }
  | { readonly kind: 'setNotNull' | 'dropNotNull' | 'dropDefault'; readonly name: string }
  | { readonly kind: 'setDefault'; readonly name: string; readonly default: string }
  | {
      readonly kind: 'setType';
      readonly name: string;
      readonly type: SqlType;
      readonly modifiers?: readonly number[];
    }
  | { readonly kind: 'addCheck'; readonly check: CheckConstraint }
  | { readonly kind: 'dropConstraint'; readonly name: string; readonly ifExists: boolean };

/** Statements that change what there is; they run on the main thread. */
export type DefinitionStatement =
  | {
      readonly kind: 'createTable';
      readonly name: string;
      readonly ifNotExists: boolean;
      readonly columns: readonly ColumnDeclaration[];
      readonly checks: readonly CheckConstraint[];
    }
  | { readonly kind: 'dropTable'; readonly names: readonly string[]; readonly ifExists: boolean }
  | {
      readonly kind: 'alterTable';
      readonly name: string;
      readonly ifExists: boolean;
      readonly actions: readonly AlterTableAction[];
    }
  | { readonly kind: 'truncate'; readonly names: readonly string[] }
  | {
      readonly kind: 'createIndex';
      /** Empty: made from the table's and the columns' names. */
      readonly name: string;
      readonly table: string;
      readonly columns: readonly IndexColumn[];
      readonly include: readonly (readonly string[])[];
      /** SQL text of the predicate. */
      readonly where?: string;
      readonly unique: boolean;
      readonly concurrently: boolean;
      readonly ifNotExists: boolean;
    }
  | {
      readonly kind: 'dropIndex';
      readonly names: readonly string[];
      readonly ifExists: boolean;
      readonly concurrently: boolean;
    };

export type BoundStatement =
  | BoundQuery
  | { readonly kind: 'explain'; readonly options: ExplainOptions; readonly query: BoundQuery }
  | DefinitionStatement;
