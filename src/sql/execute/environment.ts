/**
 * Everything an execution needs from outside of its plan. Made by whoever runs a query, for one run; one thread. Nothing in
 * here is global, so several executions may live in one thread one after the other.
 */
import type { IndexDefinition } from '../../indexes/definition.js';
import type { QueryCounters } from '../explain/counters.js';
import type { EvaluationContext } from '../functions/definition.js';
import type { SqlValue } from '../types/values.js';
import type { MemoryBudget } from './memory-budget.js';
import type { DocumentSource, DocumentWriter, FragmentRunner, SystemRows } from './source.js';

/** Why an execution has to end early; `shutdown` and its like may come later, so any other text ends it too. */
export type CancelReason = 'no' | 'cancelled' | 'timeout';

export interface CancelView {
  /** Asked every few thousand rows: has to be cheap, such as one load from shared memory. */
  isCancelled(): CancelReason;
}

/** Only for EXPLAIN ANALYZE: nothing is timed without it. */
export interface CounterSink {
  readonly query: QueryCounters;
  /** Monotonic time in microseconds. */
  micros(): number;
}

export interface ExecutionEnvironment {
  readonly source: DocumentSource;
  /** Absent where nothing may be written: fragments, read-only statements. */
  readonly writer?: DocumentWriter;
  readonly systemRows: SystemRows;
  readonly evaluation: EvaluationContext;
  /** $1 first, already of the types that the prepared query asks for. */
  readonly params: readonly SqlValue[];
  readonly budget: MemoryBudget;
  readonly cancel: CancelView;
  readonly counters?: CounterSink;
  /** Absent: gathers run their input in this thread. */
  readonly fragments?: FragmentRunner;
  /** For index scans whose plan does not carry the definition. */
  index?(indexId: number): IndexDefinition | undefined;
}

/** What a statement did, counted always. */
export interface ExecutionStatistics {
  /** Documents, index entries and system rows that scans have read, before filters. */
  rowsScanned: number;
  /** Documents that were written or deleted. */
  rowsAffected: number;
}

export interface ExecutionResult extends ExecutionStatistics {
  readonly rowsReturned: number;
}
