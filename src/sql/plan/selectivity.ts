/** Which part of the rows a condition lets through, from the statistics of the members in it. PostgreSQL's rules. Pure. */
import type { BoundExpression } from '../algebra/expression.js';
import type { SqlValue } from '../types/values.js';
import { type ColumnFacts, distinctOf, type Facts, nullFractionOf } from './facts.js';
import { fractionBelow, fractionOfCommon, fractionWithPrefix } from './histogram.js';
import { prefixOfPattern } from './like-prefix.js';

const DEFAULT_RANGE = 1 / 3;
/** Both ends of a range that is not known. */
const DEFAULT_PAIR = 0.005;
const DEFAULT_MATCH = 0.05;
const DEFAULT_CONDITION = 1 / 3;
const LEAST = 1e-10;

/** Of all conditions together; those on two ends of one member's range are taken as a pair. */
export function selectivityOf(conjuncts: readonly BoundExpression[], facts: Facts): number {
  let product = 1;
  const ranges = new Map<number, { lower?: Bound; upper?: Bound }>();
  for (const conjunct of conjuncts) {
    const bound = boundOf(conjunct, facts);
    if (bound === undefined) {
      product *= selectivity(conjunct, facts);
      continue;
    }
    const range = ranges.get(bound.id) ?? {};
    if (bound.isLower ? range.lower !== undefined : range.upper !== undefined) {
      product *= bound.fraction ?? DEFAULT_RANGE;
      continue;
    }
    if (bound.isLower) range.lower = bound;
    else range.upper = bound;
    ranges.set(bound.id, range);
  }
  for (const [id, { lower, upper }] of ranges) product *= rangeSelectivity(lower, upper, facts.get(id));
  return clamp(product);
}

interface Bound {
  readonly id: number;
  readonly isLower: boolean;
  /** Undefined when the value or the histogram is not known. */
  readonly fraction: number | undefined;
}

function rangeSelectivity(
  lower: Bound | undefined,
  upper: Bound | undefined,
  facts: ColumnFacts | undefined,
): number {
  if (lower === undefined || upper === undefined) {
    return (lower ?? upper)?.fraction ?? DEFAULT_RANGE;
  }
  if (lower.fraction === undefined || upper.fraction === undefined) return DEFAULT_PAIR;
  const both = lower.fraction + upper.fraction - (1 - nullFractionOf(facts));
  return Math.max(both, 1 / Math.max(1, distinctOf(facts)));
}

function boundOf(conjunct: BoundExpression, facts: Facts): Bound | undefined {
  if (conjunct.kind !== 'compare' || conjunct.left.kind !== 'column') return undefined;
  const { operator, left, right } = conjunct;
  if (operator === '=' || operator === '<>' || right.kind === 'column') return undefined;
  const isLower = operator === '>' || operator === '>=';
  const known = facts.get(left.id);
  const value = right.kind === 'const' ? right.value : undefined;
  const below = value === undefined ? undefined : fractionBelow(known?.statistics, value);
  const fraction = below === undefined ? undefined : isLower ? 1 - nullFractionOf(known) - below : below;
  return { id: left.id, isLower, fraction: fraction === undefined ? undefined : clamp(fraction) };
}

export function selectivity(condition: BoundExpression, facts: Facts): number {
  switch (condition.kind) {
    case 'const':
      return condition.value === true ? 1 : 0;
    case 'and':
      return selectivityOf(condition.args, facts);
    case 'or':
      return clamp(condition.args.reduce((sum, arg) => unite(sum, selectivity(arg, facts)), 0));
    case 'not':
      return clamp(1 - selectivity(condition.arg, facts));
    case 'compare':
      return comparison(condition, facts);
    case 'distinct': {
      const equal = equality(condition.left, condition.right, facts);
      return clamp(condition.negated ? equal : 1 - equal);
    }
    case 'isNull': {
      const part = condition.arg.kind === 'column' ? nullFraction(condition.arg.id, facts) : 0.005;
      return clamp(condition.negated ? 1 - part : part);
    }
    case 'isTruth': {
      const part = condition.value === null ? 0.005 : 0.5;
      return condition.negated ? 1 - part : part;
    }
    case 'in': {
      const sum = condition.items.reduce((part, item) => part + equality(condition.arg, item, facts), 0);
      return clamp(condition.negated ? 1 - sum : sum);
    }
    case 'quantified':
      return quantified(condition, facts);
    case 'call':
      return match(condition, facts);
    case 'subquery':
    case 'column':
      return 0.5;
    default:
      return DEFAULT_CONDITION;
  }
}

/** Without statistics a missing member is taken to be rare. */
function nullFraction(id: number, facts: Facts): number {
  return facts.get(id)?.statistics?.nullFraction ?? 0.005;
}

function comparison(condition: BoundExpression & { kind: 'compare' }, facts: Facts): number {
  const { operator, left, right } = condition;
  if (operator === '=') return equality(left, right, facts);
  if (operator === '<>') return clamp(1 - equality(left, right, facts));
  const bound = boundOf(condition, facts);
  return bound?.fraction ?? DEFAULT_RANGE;
}

function equality(left: BoundExpression, right: BoundExpression, facts: Facts): number {
  if (right.kind === 'column' && left.kind !== 'column') return equality(right, left, facts);
  if (left.kind !== 'column') return DEFAULT_PAIR;
  const own = facts.get(left.id);
  if (right.kind === 'column') {
    const other = facts.get(right.id);
    const present = (1 - nullFractionOf(own)) * (1 - nullFractionOf(other));
    return clamp(present / Math.max(distinctOf(own), distinctOf(other), 1));
  }
  if (own?.isUnique) return clamp(1 / own.documents);
  if (right.kind === 'const') return equalityWith(right.value, own);
  return clamp((1 - nullFractionOf(own)) / distinctOf(own));
}

function equalityWith(value: SqlValue, facts: ColumnFacts | undefined): number {
  if (value === null) return LEAST;
  const statistics = facts?.statistics;
  if (statistics === undefined) return clamp(1 / distinctOf(facts));
  const common = fractionOfCommon(statistics, value);
  if (common !== undefined) return common;
  const commonSum = statistics.common.reduce((sum, { fraction }) => sum + fraction, 0);
  const others = Math.max(1, statistics.distinct - statistics.common.length);
  const rest = Math.max(0, 1 - statistics.nullFraction - commonSum);
  // Nothing that is not common is more frequent than what is.
  const leastCommon = statistics.common.at(-1)?.fraction ?? 1;
  return clamp(Math.min(rest / others, leastCommon));
}

function quantified(condition: BoundExpression & { kind: 'quantified' }, facts: Facts): number {
  const { arg, array, operator, all } = condition;
  if (operator !== '=' || all) return DEFAULT_CONDITION;
  const one = (value: BoundExpression): number => equality(arg, value, facts);
  if (array.kind === 'array') return clamp(array.items.reduce((sum, item) => sum + one(item), 0));
  if (array.kind === 'const' && Array.isArray(array.value)) {
    const values = array.value as readonly SqlValue[];
    return clamp(values.reduce<number>((sum, value) => sum + one({ kind: 'const', type: 'any', value }), 0));
  }
  return clamp(10 * one(array));
}

function match(condition: BoundExpression & { kind: 'call' }, facts: Facts): number {
  const found = prefixOfPattern(condition);
  if (found === undefined || found.target.kind !== 'column') return DEFAULT_CONDITION;
  const statistics = facts.get(found.target.id)?.statistics;
  const part = fractionWithPrefix(statistics, found.prefix);
  return clamp(part ?? DEFAULT_MATCH);
}

const unite = (a: number, b: number): number => a + b - a * b;

function clamp(fraction: number): number {
  return Math.min(1, Math.max(LEAST, fraction));
}
