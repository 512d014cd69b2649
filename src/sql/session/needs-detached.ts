/** Whether a plan reads or writes other documents while it looks at one, or may make any number of rows of it. Pure. */
import type { PhysicalPlan } from '../algebra/physical.js';

const NESTING = new Set(['hashJoin', 'nestedLoop', 'modify', 'subquery', 'with', 'functionScan']);

/** Plans are plain data: everything in them is looked at. */
export function needsDetachedScans(plan: PhysicalPlan): boolean {
  const isNested = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false;
    const { kind } = value as { kind?: unknown };
    if (typeof kind === 'string' && NESTING.has(kind)) return true;
    return Object.values(value).some(isNested);
  };
  return isNested(plan);
}
