/**
 * Gather: hands parts of its input to other threads and takes their rows as they come, or merges sorted parts. Without other
 * threads its input simply runs here, as a whole.
 */
import { unreachable } from '../../base/assert.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import { rowBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import { compileEvaluators } from './expressions.js';
import { MemoryAccount } from './memory-budget.js';
import { countersOf } from './node-counters.js';
import type { Compilation, Demand, Emit, Operator } from './operator.js';
import { compareKeys, ordersOf } from './row-order.js';
import type { FragmentRunner, FragmentStatistics, ScanPartition } from './source.js';

type Gather = PhysicalPlan & { kind: 'gather' };

/** More parts than threads, so that one that ends early takes another. */
const PARTS_PER_WORKER = 4;

export function buildGather(plan: Gather, demand: Demand, compilation: Compilation): Operator {
  const { fragments } = compilation.environment;
  if (fragments === undefined) return compilation.build(plan.input, demand, compilation);
  return {
    run(emit) {
      const partitions = gatherPartitions(plan, compilation);
      return plan.merge === undefined
        ? takeRows(plan, fragments, partitions, emit, compilation)
        : mergeRows(plan, fragments, partitions, emit, compilation);
    },
  };
}

/** The parts that a gather's input is cut into. */
export function gatherPartitions(plan: Gather, { environment }: Compilation): readonly ScanPartition[] {
  const scan = partitionedScan(plan.input);
  if (scan === undefined) throw new Error('a gather has no scan below it that can be cut into parts');
  const collectionId = scan.kind === 'indexScan' ? scan.indexId : scan.table.collectionId;
  return environment.source.partitions(collectionId, plan.workers * PARTS_PER_WORKER);
}

/** The scan that is deepest on the left; each thread reads a part of it. */
export function partitionedScan(
  plan: PhysicalPlan,
): (PhysicalPlan & { kind: 'seqScan' | 'indexScan' }) | undefined {
  switch (plan.kind) {
    case 'seqScan':
    case 'indexScan':
      return plan;
    case 'filter':
    case 'project':
    case 'aggregate':
    case 'window':
    case 'sort':
    case 'topN':
    case 'limit':
    case 'distinct':
    case 'gather':
    case 'with':
    case 'modify':
      return partitionedScan(plan.input);
    case 'hashJoin':
    case 'nestedLoop':
    case 'setOperation':
      return partitionedScan(plan.left);
    case 'keyLookup':
    case 'systemScan':
    case 'values':
    case 'functionScan':
    case 'cteScan':
      return undefined;
    default:
      return unreachable(plan);
  }
}

function takeRows(
  plan: Gather,
  fragments: FragmentRunner,
  partitions: readonly ScanPartition[],
  emit: Emit,
  compilation: Compilation,
): boolean {
  const { ticker } = compilation;
  let goesOn = true;
  const done = fragments.run(plan.id, partitions, (row) => {
    ticker.tick();
    goesOn = goesOn && emit(row);
    return goesOn;
  });
  note(plan, done, compilation);
  return goesOn;
}

function note(plan: Gather, { rowsScanned, workers }: FragmentStatistics, compilation: Compilation): void {
  compilation.statistics.rowsScanned += rowsScanned;
  const counters = countersOf(plan, compilation);
  if (counters !== undefined) counters.workers = Math.max(counters.workers ?? 0, workers);
}

interface SortedPart {
  readonly rows: Row[];
  readonly keys: SqlValue[][];
  at: number;
}

function mergeRows(
  plan: Gather,
  fragments: FragmentRunner,
  partitions: readonly ScanPartition[],
  emit: Emit,
  compilation: Compilation,
): boolean {
  const merge = plan.merge ?? [];
  const evaluators = compileEvaluators(
    merge.map(({ expression }) => expression),
    compilation,
  );
  const account = new MemoryAccount(compilation.environment.budget);
  const parts: SortedPart[] = partitions.map(() => ({ rows: [], keys: [], at: 0 }));
  try {
    const done = fragments.run(plan.id, partitions, (found, part) => {
      compilation.ticker.tick();
      const row = found.slice();
      const keys = evaluators.map((evaluate) => evaluate(row));
      account.charge(rowBytes(row) + rowBytes(keys));
      parts[part].rows.push(row);
      parts[part].keys.push(keys);
      return true;
    });
    note(plan, done, compilation);
    return emitMerged(parts, ordersOf(merge), emit, compilation);
  } finally {
    account.close();
  }
}

/** There are few parts: looking at the head of each is as good as a heap. */
function emitMerged(
  parts: readonly SortedPart[],
  orders: ReturnType<typeof ordersOf>,
  emit: Emit,
  { ticker }: Compilation,
): boolean {
  for (;;) {
    let first: SortedPart | undefined;
    for (const part of parts) {
      if (part.at === part.rows.length) continue;
      if (first === undefined || compareKeys(part.keys[part.at], first.keys[first.at], orders) < 0)
        first = part;
    }
    if (first === undefined) return true;
    ticker.tick();
    if (!emit(first.rows[first.at++])) return false;
  }
}
