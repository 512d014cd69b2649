/**
 * Counters of the nodes, for EXPLAIN ANALYZE only. As rows are pushed, the time of a node is the time of its run without the
 * time that the operators above it spent on its rows. One thread.
 */
import type { PhysicalPlan } from '../algebra/physical.js';
import { emptyNodeCounters, type NodeCounters } from '../explain/counters.js';
import type { CounterSink } from './environment.js';
import type { MemoryAccount } from './memory-budget.js';
import type { Compilation, Operator } from './operator.js';

/** Undefined when nobody counts. */
export function countersOf(plan: PhysicalPlan, compilation: Compilation): NodeCounters | undefined {
  const { counters } = compilation.environment;
  if (counters === undefined) return undefined;
  const { nodes } = counters.query;
  let node = nodes[plan.id];
  if (node === undefined) {
    node = emptyNodeCounters();
    nodes[plan.id] = node;
  }
  return node;
}

export function noteMemory(counters: NodeCounters | undefined, account: MemoryAccount): void {
  if (counters === undefined) return;
  counters.memoryBytes = Math.max(counters.memoryBytes ?? 0, account.peakBytes);
}

export function counted(operator: Operator, node: NodeCounters, sink: CounterSink): Operator {
  return {
    run(emit) {
      const start = sink.micros();
      let above = 0;
      let isFirst = true;
      node.loops++;
      try {
        return operator.run((row) => {
          const before = sink.micros();
          if (isFirst) {
            isFirst = false;
            node.startupMicros += before - start;
          }
          node.rows++;
          const goesOn = emit(row);
          above += sink.micros() - before;
          return goesOn;
        });
      } finally {
        const spent = sink.micros() - start - above;
        node.totalMicros += spent;
        if (isFirst) node.startupMicros += spent;
      }
    },
    complete: operator.complete === undefined ? undefined : () => operator.complete?.(),
  };
}
