/**
 * Whether a plan should touch few documents, so that the thread that took the request may run it itself instead of handing it
 * to a query thread. Keys and small limits make that certain; for values of an index it is an estimate, and whoever runs the
 * plan has to stop where it was wrong (front/query/bounded-source.ts). Pure.
 */
import type { Expression } from '../algebra/expression.js';
import type { IndexRange, PhysicalPlan, PreparedQuery } from '../algebra/physical.js';
import { DEFAULT_SUPPORT } from './default-support.js';
import { someExpression } from './expression-walk.js';
import { physicalExpressions } from './physical-walk.js';
import type { PlannerSupport } from './support.js';

type IsOpen = (expression: Expression) => boolean;

/** Most documents that a short plan is expected to read. */
export const SHORT_ROWS_MAX = 100;

export function shortPlan(
  { root }: PreparedQuery,
  { scalar }: Pick<PlannerSupport, 'scalar'> = DEFAULT_SUPPORT,
): boolean {
  // Estimates and limits are of documents; what these cost nobody knows.
  const isOpen = (expression: Expression): boolean =>
    someExpression(
      expression,
      (node) =>
        node.kind === 'subquery' || (node.kind === 'call' && scalar(node.function)?.mayRunLong === true),
    );
  const bound = documentsBound(root, undefined, isOpen);
  return bound !== undefined && bound <= SHORT_ROWS_MAX;
}

/** How many documents are read, at most or as estimated; undefined: nobody knows. `limit`: the consumer stops after so many rows. */
function documentsBound(plan: PhysicalPlan, limit: number | undefined, isOpen: IsOpen): number | undefined {
  if (physicalExpressions(plan).some(isOpen)) return undefined;
  switch (plan.kind) {
    case 'keyLookup':
      return plan.keys.length;
    case 'indexScan':
      return indexBound(plan, limit);
    case 'seqScan':
      return plan.filter === undefined && limit !== undefined ? limit : undefined;
    case 'values':
      return plan.rows.length;
    case 'project':
      return documentsBound(plan.input, limit, isOpen);
    case 'filter':
    case 'sort':
    case 'topN':
    case 'distinct':
    case 'aggregate':
    case 'window':
      return documentsBound(plan.input, undefined, isOpen);
    case 'limit':
      return documentsBound(plan.input, limitOf(plan), isOpen);
    case 'nestedLoop':
    case 'hashJoin':
      return joinBound(plan, isOpen);
    default:
      // Writes wait for the disk, and the others for other threads or for rows without number.
      return undefined;
  }
}

function indexBound(
  plan: PhysicalPlan & { kind: 'indexScan' },
  limit: number | undefined,
): number | undefined {
  if (plan.filter === undefined && limit !== undefined) return limit;
  const isSelective = plan.ranges.every(hasEquality);
  return isSelective && plan.ranges.length <= SHORT_ROWS_MAX ? plan.estimate.rows : undefined;
}

const hasEquality = ({ equals }: IndexRange): boolean => equals.length > 0;

function limitOf(plan: PhysicalPlan & { kind: 'limit' }): number | undefined {
  const limit = numberOf(plan.limit);
  const offset = plan.offset === undefined ? 0 : numberOf(plan.offset);
  return limit === undefined || offset === undefined || plan.ties !== undefined ? undefined : limit + offset;
}

function numberOf(expression: Expression | undefined): number | undefined {
  return expression?.kind === 'const' && typeof expression.value === 'number' ? expression.value : undefined;
}

function joinBound(
  plan: PhysicalPlan & { kind: 'nestedLoop' | 'hashJoin' },
  isOpen: IsOpen,
): number | undefined {
  const left = documentsBound(plan.left, undefined, isOpen);
  const right = documentsBound(plan.right, undefined, isOpen);
  if (left === undefined || right === undefined) return undefined;
  return plan.kind === 'hashJoin' ? left + right : left * (1 + right);
}
