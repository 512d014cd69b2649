/** Nodes of EXPLAIN that stand for several of a plan: their estimates and counters together. Pure. */
import type { Estimate, PhysicalPlan } from '../algebra/physical.js';
import type { NodeCounters } from './counters.js';
import type { ExplainNode } from './node.js';

/** Operands of a chain of the same UNION. */
export function unionParts(plan: PhysicalPlan, all: boolean): PhysicalPlan[] {
  if (plan.kind !== 'setOperation' || plan.operation !== 'union' || plan.all !== all) return [plan];
  return [...unionParts(plan.left, all), ...unionParts(plan.right, all)];
}

export function sumOf(nodes: readonly ExplainNode[]): Estimate {
  return {
    startupCost: Math.min(...nodes.map(({ estimate }) => estimate.startupCost)),
    totalCost: nodes.reduce((sum, { estimate }) => sum + estimate.totalCost, 0),
    rows: nodes.reduce((sum, { estimate }) => sum + estimate.rows, 0),
    width: Math.max(...nodes.map(({ estimate }) => estimate.width)),
  };
}

export function appended(nodes: readonly ExplainNode[]): NodeCounters | undefined {
  const [first] = nodes;
  if (first.counters === undefined) return undefined;
  const sum = (pick: (counters: NodeCounters) => number): number =>
    nodes.reduce((total, { counters }) => total + (counters === undefined ? 0 : pick(counters)), 0);
  return {
    ...first.counters,
    rows: sum(({ rows }) => rows),
    totalMicros: sum(({ totalMicros }) => totalMicros),
    loops: first.counters.loops,
    shards: undefined,
  };
}

export function countRelations(plan: PhysicalPlan): number {
  let count = 0;
  JSON.stringify(plan, (key, value) => {
    if (typeof value === 'bigint') return String(value);
    if (key === 'kind' && /^(seqScan|keyLookup|indexScan|systemScan|functionScan|cteScan)$/.test(value))
      count++;
    return value;
  });
  return count;
}
