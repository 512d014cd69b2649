/**
 * Runs prepared queries: the whole of one, or the part of a gather's input that another thread was given. Synchronous; the plan
 * is compiled once for each run.
 */
import type { PhysicalPlan, PreparedQuery } from '../algebra/physical.js';
import { newCompilation } from './compilation.js';
import type { ExecutionEnvironment, ExecutionResult } from './environment.js';
import { partitionedScan } from './gather.js';
import type { Emit } from './operator.js';
import type { ScanPartition } from './source.js';

/**
 * `emit` gets the rows of the result, which may be longer than `prepared.columns` by hidden ones, and is used again for the
 * next row. It returns false when it wants no more. Throws DbError.
 */
export function executeQuery(
  prepared: PreparedQuery,
  environment: ExecutionEnvironment,
  emit: Emit,
): ExecutionResult {
  const compilation = newCompilation(environment);
  compilation.ticker.look();
  const operator = compilation.build(prepared.root, undefined, compilation);
  let rowsReturned = 0;
  operator.run((row) => {
    rowsReturned++;
    return emit(row);
  });
  return { ...compilation.statistics, rowsReturned };
}

/** Runs the input of the gather with this number over one part of the scan below it. */
export function executeFragment(
  prepared: PreparedQuery,
  gatherId: number,
  partition: ScanPartition,
  environment: ExecutionEnvironment,
  emit: Emit,
): ExecutionResult {
  const gather = findGather(prepared.root, gatherId);
  const scan = gather === undefined ? undefined : partitionedScan(gather.input);
  if (gather === undefined || scan === undefined) throw new Error(`the plan has no gather ${gatherId}`);
  const compilation = { ...newCompilation(environment), part: { scanId: scan.id, partition } };
  compilation.ticker.look();
  const operator = compilation.build(gather.input, undefined, compilation);
  let rowsReturned = 0;
  operator.run((row) => {
    rowsReturned++;
    return emit(row);
  });
  return { ...compilation.statistics, rowsReturned };
}

type Gather = PhysicalPlan & { kind: 'gather' };

/** Gathers are in expressions' subqueries too, so everything is searched; plans are plain data. */
export function findGather(value: unknown, id: number): Gather | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('kind' in value && value.kind === 'gather' && 'id' in value && value.id === id) return value as Gather;
  for (const part of Object.values(value)) {
    const found = findGather(part, id);
    if (found !== undefined) return found;
  }
  return undefined;
}
