/** Quantiles out of the buckets of a histogram, as Prometheus' histogram_quantile() estimates them. */
import type { Series } from './exposition.js';

interface Bucket {
  /** Upper bound. */
  readonly le: number;
  /** Observations up to it, those of the lower buckets included. */
  readonly count: number;
}

/** Adds up the `_bucket` series of any number of histograms with the same bounds, lowest bound first. */
export function bucketsOf(series: readonly Series[]): Bucket[] {
  const counts = new Map<number, number>();
  for (const { labels, value } of series) {
    const le = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']);
    counts.set(le, (counts.get(le) ?? 0) + value);
  }
  return [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le);
}

/**
 * The value below which `share` (0 to 1) of the observations lie, taking those of a bucket as spread evenly; null when nothing
 * was observed. In the last bucket, which has no upper bound, it is the lower one.
 */
export function quantile(share: number, buckets: readonly Bucket[]): number | null {
  const count = buckets.at(-1)?.count ?? 0;
  if (count <= 0) return null;
  const rank = share * count;
  const index = buckets.findIndex((bucket) => bucket.count >= rank);
  const { le: low, count: below } = index === 0 ? { le: 0, count: 0 } : buckets[index - 1];
  const { le: high, count: upTo } = buckets[index];
  if (high === Number.POSITIVE_INFINITY) return low;
  return upTo === below ? high : low + (high - low) * ((rank - below) / (upTo - below));
}
