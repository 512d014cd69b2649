/**
 * Whether a scan must not hold its documents by a pin: the plan reads or writes other documents while it looks at one, makes any
 * number of rows of it, or calls a function that may not come back. A shard recycles no memtable that is pinned. Pure.
 */
import type { PhysicalPlan } from '../algebra/physical.js';
import { scalarById } from '../functions/registry.js';

const NESTING = new Set(['hashJoin', 'nestedLoop', 'modify', 'subquery', 'with', 'functionScan']);

/** Plans are plain data: everything in them is looked at. */
export function needsDetachedScans(plan: PhysicalPlan): boolean {
  const isReason = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false;
    const { kind, function: id } = value as { kind?: unknown; function?: unknown };
    if (typeof kind === 'string' && NESTING.has(kind)) return true;
    if (kind === 'call' && scalarById(id as Parameters<typeof scalarById>[0])?.mayRunLong === true)
      return true;
    return Object.values(value).some(isReason);
  };
  return isReason(plan);
}
