/** What a planner may do and with how much. `enable…` switches make tests choose a plan; they are on in service. */

export interface PlannerOptions {
  /** Threads that a gather may use; below 2 there is none. */
  readonly parallelWorkers: number;
  /** Smallest collection, in documents, that is worth the start of several threads. */
  readonly parallelRowsMin: number;
  /** What an operator may hold in memory before it is expected to spill. */
  readonly memoryBudgetBytes: number;
  readonly enableIndexScan: boolean;
  readonly enableIndexOnlyScan: boolean;
  readonly enableHashJoin: boolean;
  readonly enableIndexNestedLoop: boolean;
  readonly enableSortedAggregate: boolean;
  readonly enableUnnesting: boolean;
}

export const DEFAULT_PLANNER_OPTIONS: PlannerOptions = {
  parallelWorkers: 1,
  parallelRowsMin: 20_000,
  memoryBudgetBytes: 64 * 1024 * 1024,
  enableIndexScan: true,
  enableIndexOnlyScan: true,
  enableHashJoin: true,
  enableIndexNestedLoop: true,
  enableSortedAggregate: true,
  enableUnnesting: true,
};
