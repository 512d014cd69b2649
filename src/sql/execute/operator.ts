/**
 * How the operators of a running plan meet. Rows are pushed: an operator calls `emit` for each of its rows and stops as soon
 * as it returns false. The row belongs to the operator and is overwritten by the next one; who keeps it copies it.
 */
import type { Expression } from '../algebra/expression.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import type { Row, SqlValue } from '../types/values.js';
import type { ExecutionEnvironment, ExecutionStatistics } from './environment.js';
import type { DocumentPlace, ScanPartition } from './source.js';
import type { Ticker } from './ticker.js';

/** Returns false when no more rows are wanted. */
export type Emit = (row: Row) => boolean;

export interface Operator {
  /** May be called again when it has returned: inner sides of loops, subqueries. False: it was stopped by `emit`. */
  run(emit: Emit): boolean;
  /** Fills in the slots that were demanded LATE. Only while `emit` is running. */
  complete?(): void;
}

/** What the operator above needs of each slot; undefined: all of them, at once. */
export type Demand = Uint8Array | undefined;
export const DEMAND_NONE = 0;
export const DEMAND_NOW = 1;
/** Perhaps: it then calls `complete`. */
export const DEMAND_LATE = 2;

/** Values of the enclosing query, replaced before each run of what reads them. */
export interface OuterFrame {
  values: readonly SqlValue[];
}

/** Rows of a CTE while its WITH is running. */
export interface CteTable {
  /** Changes when the rows are others than before: the WITH runs again, or a recursion goes on. Only grows. */
  readonly generation: number;
  /** Reads the rows; runs the definition when they are asked for first. */
  scan(emit: Emit): boolean;
}

/** One execution of a plan (or of a subplan: with a frame of its own). */
export interface Compilation {
  readonly environment: ExecutionEnvironment;
  readonly statistics: ExecutionStatistics;
  readonly ticker: Ticker;
  readonly frame: OuterFrame;
  readonly ctes: Map<number, CteTable>;
  /**
   * What constantOf found, undefined included: an expression that fails is asked for again by each one around it, and would
   * be compiled twice as often with every level.
   */
  readonly constants: Map<Expression, SqlValue | undefined>;
  /** The scan with this number reads only this part: a fragment of a gather. */
  readonly part?: { readonly scanId: number; readonly partition: ScanPartition };
  /** The scan with this number sees this one document instead of the collection: a write is checked again. */
  readonly substitute?: { readonly scanId: number; readonly holder: { place: DocumentPlace | undefined } };
  /** Handed in, because expressions hold plans and plans hold expressions. */
  build(plan: PhysicalPlan, demand: Demand, compilation: Compilation): Operator;
}

export type Evaluator = (row: Row) => SqlValue;
export type Predicate = (row: Row) => boolean;
