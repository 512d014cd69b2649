/**
 * What the binder and the executor need to know of a function. Implementations are pure: what depends on the statement
 * (its time, its time zone) comes in the context.
 */
import type { SqlType } from '../types/sql-type.js';
import type { SqlValue } from '../types/values.js';

/** Then 'now', 'today' and their like are an error. */
export const NO_STATEMENT = 0;

export interface EvaluationContext {
  /** NOW(): start of the statement, in microseconds since 1970; NO_STATEMENT where values are made outside of statements. */
  readonly nowMicros: number;
  /** clock_timestamp(). */
  clockMicros(): number;
  /** random(): in [0, 1). */
  random(): number;
  /** gen_random_uuid(). */
  uuid(): string;
}

export type ScalarFunction = (args: readonly SqlValue[], context: EvaluationContext) => SqlValue;

/** One overload. `any` and `unknown` arguments match every parameter type and are cast to it. */
export interface FunctionDefinition {
  /** `lower(text)`: unique, stable, usable in stored definitions. Operators: `+(int8,int8)`. */
  readonly id: string;
  readonly name: string;
  readonly parameters: readonly SqlType[];
  /** The last parameter may be repeated, also not at all. */
  readonly variadic: boolean;
  readonly returns: SqlType;
  /** For overloads whose result depends on the arguments' types; a resolution has put its answer into `returns`. */
  readonly returnsFor?: (types: readonly SqlType[]) => SqlType;
  /** All arguments are cast to their common type first: greatest, least. */
  readonly commonArguments?: boolean;
  /** Operators on members of documents: arguments for `any` parameters must have that type, or be literals. */
  readonly membersOnly?: boolean;
  /** NULL in, NULL out, without a call. */
  readonly strict: boolean;
  /** immutable: same result for the same arguments for ever; only these may be indexed and folded. */
  readonly volatility: 'immutable' | 'stable' | 'volatile';
  /** A short text may keep it busy for hours, and nothing interrupts it: no thread that others need may call it. */
  readonly mayRunLong?: true;
  readonly evaluate: ScalarFunction;
  /** Faster forms for one and two arguments that are not NULL; same result. */
  readonly evaluate1?: (a: SqlValue, context: EvaluationContext) => SqlValue;
  readonly evaluate2?: (a: SqlValue, b: SqlValue, context: EvaluationContext) => SqlValue;
}

/** One aggregate. States are plain values or small objects that structuredClone takes: they travel between threads. */
export interface AggregateDefinition {
  readonly id: string;
  readonly name: string;
  readonly parameters: readonly SqlType[];
  readonly returns: SqlType;
  readonly returnsFor?: (types: readonly SqlType[]) => SqlType;
  /**
   * Ordered-set aggregates (percentile_cont … WITHIN GROUP): direct arguments come first, the sorted value last; the
   * executor passes both for each row.
   */
  readonly orderedSet?: boolean;
  /** Rows whose first argument is NULL are passed over. */
  readonly skipsNull: boolean;
  /** Whether partial states can be merged in any order: not for those that depend on the order of rows. */
  readonly mergeable: boolean;
  initial(): unknown;
  /** Returns the new state, which may be the old object. The list of arguments is the caller's, who uses it again. */
  accumulate(state: unknown, args: readonly SqlValue[]): unknown;
  merge(left: unknown, right: unknown): unknown;
  finish(state: unknown): SqlValue;
  /** Of ordered-set aggregates: `finish` for a state whose values came in the order of WITHIN GROUP. */
  finishOrdered?(state: unknown): SqlValue;
  /** A state is one value, which is replaced and never changed: while it is the same, so is its size. */
  readonly stateIsValue?: boolean;
  /** Bytes that a state holds beyond a constant, for the memory budget; absent: none. */
  sizeBytes?(state: unknown): number;
}

/** row_number, lag and their like; aggregates over windows are AggregateDefinitions. */
export interface WindowDefinition {
  readonly id: string;
  readonly name: string;
  readonly parameters: readonly SqlType[];
  readonly variadic: boolean;
  readonly returns: SqlType;
  readonly returnsFor?: (types: readonly SqlType[]) => SqlType;
  evaluate(window: WindowAccess, args: (row: number) => readonly SqlValue[]): SqlValue;
}

/** Rows [start, end) of a partition. */
export interface FramePiece {
  readonly start: number;
  readonly end: number;
}

/** The partition as a window function sees it: rows by their place in it, from 0. */
export interface WindowAccess {
  readonly rows: number;
  readonly current: number;
  /** Places of the current row's peers: [start, end). */
  readonly peerStart: number;
  readonly peerEnd: number;
  /** Its frame, in order: EXCLUDE may have cut it into pieces. None of them is empty. */
  readonly frame: readonly FramePiece[];
  /** 0-based number of the current row's peer group. */
  readonly peerGroup: number;
}

/** A function in FROM that gives rows. */
export interface TableFunctionDefinition {
  readonly id: string;
  readonly name: string;
  readonly parameters: readonly SqlType[];
  readonly variadic: boolean;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  /** For overloads whose columns depend on the arguments' types; a resolution has put its answer into `columns`. */
  readonly columnsFor?: (
    types: readonly SqlType[],
  ) => readonly { readonly name: string; readonly type: SqlType }[];
  /** `emit` returns false when no more rows are wanted. */
  evaluate(args: readonly SqlValue[], emit: (row: SqlValue[]) => boolean, context: EvaluationContext): void;
}
