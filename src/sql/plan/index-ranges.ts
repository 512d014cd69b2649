/** Conditions as ranges of an index: disjoint and in its order. Pure. */
import type { BoundExpression } from '../algebra/expression.js';
import type { SqlValue } from '../types/values.js';
import type { IndexShape } from './index-shape.js';
import type { Sarg } from './sargs.js';
import type { PlannerSupport } from './support.js';

/** Most ranges of one scan: IN lists on several columns multiply. */
export const RANGES_MAX = 500;

export interface MatchedBound {
  readonly value: BoundExpression;
  readonly inclusive: boolean;
}

export interface MatchedRange {
  readonly equals: readonly BoundExpression[];
  readonly lower?: MatchedBound;
  readonly upper?: MatchedBound;
  readonly isNull?: boolean;
  readonly isNotNull?: boolean;
}

export interface Ranges {
  readonly ranges: readonly MatchedRange[];
  readonly sargs: readonly Sarg[];
  readonly equalColumns: number;
}

export function rangesOf(shape: IndexShape, sargs: readonly Sarg[], support: PlannerSupport): Ranges {
  const used: Sarg[] = [];
  let prefixes: (readonly BoundExpression[])[] = [[]];
  let equalColumns = 0;
  for (const column of shape.columns) {
    const own = sargs.filter(({ key }) => key === column.key);
    const values = equalValues(own, column.descending, prefixes.length, support);
    if (values === undefined) {
      const last = lastRange(own);
      used.push(...last.sargs);
      const ranges = prefixes.map((equals) => ({ equals, ...last.range }));
      return { ranges, sargs: used, equalColumns };
    }
    used.push(values.sarg);
    if (values.values.length === 1 && equalColumns === used.length - 1) equalColumns++;
    prefixes = prefixes.flatMap((prefix) => values.values.map((value) => [...prefix, value]));
  }
  return { ranges: prefixes.map((equals) => ({ equals })), sargs: used, equalColumns };
}

/** The values that a column must have: one, or those of an IN list in the order of the index. */
function equalValues(
  sargs: readonly Sarg[],
  descending: boolean,
  prefixes: number,
  support: PlannerSupport,
): { readonly sarg: Sarg; readonly values: readonly BoundExpression[] } | undefined {
  for (const sarg of sargs) {
    if (sarg.test.kind === 'equals') return { sarg, values: [sarg.test.value] };
  }
  for (const sarg of sargs) {
    if (sarg.test.kind !== 'in') continue;
    const values = sortedConstants(sarg.test.values, support);
    if (values === undefined || values.length * prefixes > RANGES_MAX) continue;
    return { sarg, values: descending ? values.reverse() : values };
  }
  return undefined;
}

/** Without NULL and without repetition; undefined when a value is known only at run time. */
function sortedConstants(
  items: readonly BoundExpression[],
  support: PlannerSupport,
): BoundExpression[] | undefined {
  const constants: (BoundExpression & { kind: 'const' })[] = [];
  for (const item of items) {
    if (item.kind !== 'const') return undefined;
    if (item.value !== null) constants.push(item);
  }
  const compare = (a: { value: SqlValue }, b: { value: SqlValue }): number =>
    support.compareForOrder(a.value, b.value);
  constants.sort(compare);
  return constants.filter((item, place) => place === 0 || compare(item, constants[place - 1]) !== 0);
}

/** One range of a column or of `_id`; `sargs` are the conditions that it stands for, each of them as a whole. */
export function lastRange(sargs: readonly Sarg[]): {
  readonly range: Omit<MatchedRange, 'equals'>;
  readonly sargs: readonly Sarg[];
} {
  const isNull = sargs.find(({ test }) => test.kind === 'isNull');
  if (isNull !== undefined) return { range: { isNull: true }, sargs: [isNull] };
  const lower = sargs.find(({ test }) => test.kind === 'lower');
  const upper = sargs.find(({ test }) => test.kind === 'upper');
  const prefix = sargs.find(({ test }) => test.kind === 'prefix');
  const ofPrefix = prefixRange(prefix);
  if (lower !== undefined || upper !== undefined) {
    // A prefix narrows the side that is open; it is not answered by that, so it is none of those that the range stands for.
    const range = { lower: boundOf(lower) ?? ofPrefix.lower, upper: boundOf(upper) ?? ofPrefix.upper };
    return { range, sargs: [lower, upper].filter((sarg) => sarg !== undefined) };
  }
  if (prefix !== undefined) return { range: ofPrefix, sargs: [prefix] };
  const isNotNull = sargs.find(({ test }) => test.kind === 'isNotNull');
  if (isNotNull !== undefined) return { range: { isNotNull: true }, sargs: [isNotNull] };
  return { range: {}, sargs: [] };
}

function prefixRange(sarg: Sarg | undefined): Pick<MatchedRange, 'lower' | 'upper'> {
  if (sarg?.test.kind !== 'prefix') return {};
  const { from, to } = sarg.test;
  const upper = to === undefined ? undefined : { value: text(to), inclusive: false };
  return { lower: { value: text(from), inclusive: true }, upper };
}

function boundOf(sarg: Sarg | undefined): MatchedBound | undefined {
  if (sarg === undefined || !('inclusive' in sarg.test)) return undefined;
  return { value: sarg.test.value, inclusive: sarg.test.inclusive };
}

function text(value: string): BoundExpression {
  return { kind: 'const', type: 'text', value };
}
