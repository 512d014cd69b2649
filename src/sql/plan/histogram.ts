/** Questions to the statistics of one member: how many documents are below a value, have it, or begin with it. Pure. */
import type { FieldStatistics } from '../catalog-view.js';
import { compareText } from '../types/text-order.js';
import type { SqlValue } from '../types/values.js';

/** Part of all documents whose value is smaller and of the same kind; undefined when nothing is known. */
export function fractionBelow(statistics: FieldStatistics | undefined, value: SqlValue): number | undefined {
  if (statistics === undefined) return undefined;
  if (typeof value === 'number' || typeof value === 'bigint') {
    const number = Number(value);
    return combined(statistics, statistics.numberBounds, number, (a, b) => a - b, numberShare, 'number');
  }
  if (typeof value === 'string') {
    return combined(statistics, statistics.textBounds, value, compareText, textShare, 'string');
  }
  return undefined;
}

/** Common values are counted one by one; the histogram is of the others. */
function combined<T extends string | number>(
  statistics: FieldStatistics,
  bounds: readonly T[],
  value: T,
  compare: (a: T, b: T) => number,
  share: (low: T, high: T, value: T) => number,
  kind: 'string' | 'number',
): number | undefined {
  const common = statistics.common.filter((entry) => typeof entry.value === kind);
  if (bounds.length < 2 && common.length === 0) return undefined;
  const commonBelow = common.reduce(
    (sum, entry) => (compare(entry.value as T, value) < 0 ? sum + entry.fraction : sum),
    0,
  );
  if (bounds.length < 2) return commonBelow;
  return commonBelow + histogramPart(statistics, bounds.length) * below(bounds, value, compare, share);
}

/** Part of the documents that a histogram with so many bounds stands for. */
function histogramPart(statistics: FieldStatistics, bounds: number): number {
  const commonSum = statistics.common.reduce((sum, { fraction }) => sum + fraction, 0);
  const rest = Math.max(0, 1 - statistics.nullFraction - commonSum);
  const buckets =
    Math.max(0, statistics.numberBounds.length - 1) + Math.max(0, statistics.textBounds.length - 1);
  return buckets === 0 ? 0 : (rest * (bounds - 1)) / buckets;
}

/** Part of the histogram below the value. */
function below<T>(
  bounds: readonly T[],
  value: T,
  compare: (a: T, b: T) => number,
  share: (low: T, high: T, value: T) => number,
): number {
  const buckets = bounds.length - 1;
  if (compare(value, bounds[0]) <= 0) return 0;
  if (compare(value, bounds[buckets]) > 0) return 1;
  let low = 0;
  let high = buckets;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (compare(bounds[middle], value) < 0) low = middle;
    else high = middle;
  }
  return (low + share(bounds[low], bounds[high], value)) / buckets;
}

function numberShare(low: number, high: number, value: number): number {
  return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
}

/** Texts between two bounds: by the bytes behind what the bounds share. */
function textShare(low: string, high: string, value: string): number {
  let shared = 0;
  while (shared < low.length && shared < high.length && low[shared] === high[shared]) shared++;
  const place = (text: string): number => {
    let sum = 0;
    for (let i = 0; i < 6; i++) sum = sum * 256 + Math.min(255, text.charCodeAt(shared + i) || 0);
    return sum;
  };
  return numberShare(place(low), place(high), place(value));
}

export function fractionOfCommon(statistics: FieldStatistics, value: SqlValue): number | undefined {
  const plain = typeof value === 'bigint' ? Number(value) : value;
  return statistics.common.find((entry) => entry.value === plain)?.fraction;
}

export function fractionWithPrefix(
  statistics: FieldStatistics | undefined,
  prefix: string,
): number | undefined {
  if (statistics === undefined || prefix === '') return undefined;
  const from = fractionBelow(statistics, prefix);
  const to = fractionBelow(statistics, `${prefix}\u{10ffff}`);
  if (from === undefined || to === undefined) return undefined;
  return Math.max(to - from, 1 / Math.max(1, statistics.distinct));
}
