/**
 * Partial indexes: whether the conditions of a query imply that of the index, so that every document that the query wants
 * has an entry. By structure, and for comparisons of one member with constants by their values. Pure.
 */
import type { BoundExpression } from '../algebra/expression.js';
import type { SqlValue } from '../types/values.js';
import type { Sarg } from './sargs.js';
import type { PlannerSupport } from './support.js';

export interface PredicatePart {
  /** Structure by member paths. */
  readonly key: string;
  readonly sarg: Sarg | undefined;
}

/** `have`: the query's conditions; `parts`: what all documents of the index satisfy. */
export function implies(
  have: readonly PredicatePart[],
  parts: readonly PredicatePart[],
  support: PlannerSupport,
): boolean {
  return parts.every((part) =>
    have.some((condition) => condition.key === part.key || impliesPart(condition, part, support)),
  );
}

function impliesPart(have: PredicatePart, want: PredicatePart, support: PlannerSupport): boolean {
  const from = have.sarg;
  const to = want.sarg;
  if (from === undefined || to === undefined || from.key !== to.key) return false;
  // Every comparison is unknown for NULL, so whoever compares has a value.
  if (to.test.kind === 'isNotNull') return from.test.kind !== 'isNull';
  const values = constantsOf(from);
  if (values !== undefined) return values.every((value) => satisfies(value, to, support));
  return impliesRange(from, to, support);
}

/** Values of an equality or IN that are all constants. */
function constantsOf({ test }: Sarg): readonly SqlValue[] | undefined {
  const expressions = test.kind === 'equals' ? [test.value] : test.kind === 'in' ? test.values : undefined;
  if (expressions === undefined) return undefined;
  const values: SqlValue[] = [];
  for (const expression of expressions) {
    if (expression.kind !== 'const') return undefined;
    // NULL in the list is equal to nothing and asks for no entry.
    if (expression.value !== null) values.push(expression.value);
  }
  return values;
}

function satisfies(value: SqlValue, { test }: Sarg, support: PlannerSupport): boolean {
  const compare = (other: BoundExpression): number | undefined =>
    other.kind === 'const' && other.value !== null
      ? support.compareForOperator(value, other.value)
      : undefined;
  switch (test.kind) {
    case 'equals':
      return compare(test.value) === 0;
    case 'in':
      return test.values.some((other) => compare(other) === 0);
    case 'lower':
    case 'upper': {
      const order = compare(test.value);
      if (order === undefined) return false;
      return order === 0 ? test.inclusive : order > 0 === (test.kind === 'lower');
    }
    default:
      return false;
  }
}

function impliesRange(from: Sarg, to: Sarg, support: PlannerSupport): boolean {
  const have = from.test;
  const want = to.test;
  if ((have.kind !== 'lower' && have.kind !== 'upper') || want.kind !== have.kind) return false;
  if (!('value' in have) || !('value' in want)) return false;
  if (have.value.kind !== 'const' || want.value.kind !== 'const') return false;
  const order = support.compareForOperator(have.value.value, want.value.value);
  if (order === undefined) return false;
  if (order === 0) return want.inclusive || !have.inclusive;
  return order > 0 === (want.kind === 'lower');
}
