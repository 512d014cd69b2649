/** What a member of a gather needs to run parts: the plan of the statement and an environment at the leader's snapshot. */
import type { PoolQuery } from '../../front/query/messages.js';
import type { PhysicalPlan } from '../../sql/algebra/physical.js';
import type { ExecutionEnvironment } from '../../sql/execute/environment.js';
import { executeFragment, findGather } from '../../sql/execute/execute.js';
import { MemoryAllowance } from '../../sql/execute/memory-allowance.js';
import { MemoryBudget } from '../../sql/execute/memory-budget.js';
import type { QueryCounters } from '../../sql/explain/counters.js';
import type { SnapshotStatistics } from '../../sql/plan/statistics-snapshot.js';
import { bindParameters } from '../../sql/session/parameters.js';
import { reviveValue } from '../../sql/types/values.js';
import type { MemberRun } from './fragment-member.js';
import type { FragmentOrder } from './fragment-messages.js';
import { planTask } from './plan-task.js';
import { SnapshotSource } from './snapshot-source.js';
import type { StatementRunOptions } from './statement-run.js';

const MICROS_PER_MS = 1000;

/** Throws DbError. */
export function prepareMember(
  options: StatementRunOptions,
  query: PoolQuery,
  statistics: SnapshotStatistics,
  order: FragmentOrder,
): MemberRun {
  const { prepared } = planTask(query, statistics, options.threads);
  const gather = findGather(prepared.root, order.gatherId);
  const { memoryLimitBytes, clock } = options;
  const budget = new MemoryBudget(memoryLimitBytes, new MemoryAllowance(order.memory, memoryLimitBytes));
  const counters: QueryCounters = {
    nodes: new Array(prepared.nodeCount).fill(undefined),
    planningMicros: 0,
    executionMicros: 0,
  };
  const environment: Omit<ExecutionEnvironment, 'cancel'> = {
    source: new SnapshotSource({
      readers: options.readers,
      seqno: order.seqno,
      nowSeconds: order.nowSeconds,
      fillCache: order.fillCache,
      // Rows that leave in the middle of a scan may have to wait for the leader, which must not be done under a pin.
      detached: order.detached || gather === undefined || !keepsRows(gather.input),
      blocks: options.blocks,
    }),
    systemRows: {
      rows: (table) => {
        throw new Error(`a part of a gather reads the system table ${table}`);
      },
    },
    evaluation: options.evaluation(query.startedAtMs * MICROS_PER_MS),
    params: bindParameters(query.params.map(reviveValue), prepared.parameterTypes),
    budget,
    ...(order.isCounted && {
      counters: { query: counters, micros: () => clock.monotonicMs() * MICROS_PER_MS },
    }),
  };
  return {
    runPart: (partition, cancel, emit) =>
      executeFragment(prepared, order.gatherId, partition, { ...environment, cancel }, emit),
    ...(order.isCounted && { nodes: counters.nodes }),
    close: () => budget.close(),
  };
}

/** Whether the first row comes out when the scan has ended. */
function keepsRows({ kind }: PhysicalPlan): boolean {
  return kind === 'aggregate' || kind === 'topN' || kind === 'sort';
}
