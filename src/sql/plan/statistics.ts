/**
 * Statistics of the members of documents, from a sample. Values come path by path; a reservoir keeps at most so many of each
 * (Vitter's algorithm R), and the number of distinct values of the whole is estimated from it as PostgreSQL does (Haas and
 * Stokes, "Sampling-based estimation of the number of distinct values", Duj1). The results are plain data. Pure.
 */
import type { FieldStatistics } from '../catalog-view.js';
import { compareText } from '../types/text-order.js';

/** Values that statistics are of. Others (objects, arrays) count as present only. */
export type SampledValue = string | number | boolean;

export interface StatisticsOptions {
  /** Values that a reservoir keeps. */
  readonly sampleMax: number;
  /** Frequent values that are listed. */
  readonly commonMax: number;
  /** Buckets of the histograms of a member, together. */
  readonly bucketsMax: number;
  /** Texts are cut to this many characters: only their order matters. */
  readonly textLengthMax: number;
}

export const DEFAULT_STATISTICS_OPTIONS: StatisticsOptions = {
  sampleMax: 10_000,
  commonMax: 100,
  bucketsMax: 100,
  textLengthMax: 64,
};

/** Takes the values of one member; `random` gives numbers in [0, 1). */
export class FieldSample {
  readonly #options: StatisticsOptions;
  readonly #random: () => number;
  readonly #values: SampledValue[] = [];
  /** Scalars, objects and arrays that were seen. */
  #scalars = 0;
  #containers = 0;

  constructor(options: StatisticsOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  add(value: SampledValue): void {
    const { sampleMax, textLengthMax } = this.#options;
    const kept =
      typeof value === 'string' && value.length > textLengthMax ? value.slice(0, textLengthMax) : value;
    this.#scalars++;
    if (this.#values.length < sampleMax) {
      this.#values.push(kept);
      return;
    }
    const place = Math.floor(this.#random() * this.#scalars);
    if (place < sampleMax) this.#values[place] = kept;
  }

  addContainer(): void {
    this.#containers++;
  }

  /** `sampled`: documents that were looked at, `documents`: that there are. */
  statistics(sampled: number, documents: number): FieldStatistics {
    const present = sampled === 0 ? 0 : Math.min(1, (this.#scalars + this.#containers) / sampled);
    const scalarPart = sampled === 0 ? 0 : Math.min(1, this.#scalars / sampled);
    return fieldStatistics(this.#values, scalarPart, 1 - present, documents, this.#options);
  }
}

/** `scalarPart`: part of the documents that have such a value; the rest has none, or an object or array. */
export function fieldStatistics(
  values: readonly SampledValue[],
  scalarPart: number,
  nullFraction: number,
  documents: number,
  options: StatisticsOptions,
): FieldStatistics {
  const counts = new Map<SampledValue, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const total = Math.max(values.length, Math.round(documents * scalarPart));
  const distinct = distinctEstimate(values.length, counts, total);
  const common = commonValues(counts, values.length, distinct, scalarPart, options.commonMax);
  const isCommon = new Set(common.map(({ value }) => value));
  const rest = values.filter((value) => !isCommon.has(value));
  const numbers = rest.filter((value) => typeof value === 'number').sort((a, b) => a - b);
  const texts = rest.filter((value) => typeof value === 'string').sort(compareText);
  const share = numbers.length + texts.length === 0 ? 0 : numbers.length / (numbers.length + texts.length);
  return {
    nullFraction,
    distinct,
    common,
    numberBounds: bounds(numbers, Math.round(options.bucketsMax * share)),
    textBounds: bounds(texts, Math.round(options.bucketsMax * (1 - share))),
  };
}

/** n·d / (n − f1 + f1·n/N): d distinct values among n of N, f1 of them seen once. */
function distinctEstimate(n: number, counts: ReadonlyMap<SampledValue, number>, total: number): number {
  const d = counts.size;
  if (n === 0) return 0;
  let once = 0;
  for (const count of counts.values()) if (count === 1) once++;
  // All different: the member is as good as a key. None only once: there are hardly others.
  if (once === n) return total;
  if (once === 0) return d;
  const estimated = (n * d) / (n - once + (once * n) / total);
  return Math.round(Math.min(total, Math.max(d, estimated)));
}

/** Values that are clearly more frequent than the mean, most frequent first. */
function commonValues(
  counts: ReadonlyMap<SampledValue, number>,
  n: number,
  distinct: number,
  scalarPart: number,
  max: number,
): FieldStatistics['common'] {
  if (n === 0) return [];
  const isComplete = counts.size <= max && distinct <= counts.size;
  const mean = n / Math.max(1, distinct);
  const least = isComplete ? 1 : Math.max(2, mean * 1.25);
  return [...counts]
    .filter(([, count]) => count >= least)
    .sort((a, b) => b[1] - a[1])
    .slice(0, max)
    .map(([value, count]) => ({ value, fraction: (count / n) * scalarPart }));
}

/** Bounds of buckets that hold equally many of the sorted values. */
function bounds<T>(sorted: readonly T[], buckets: number): T[] {
  if (sorted.length < 2) return [];
  const count = Math.max(1, Math.min(buckets, sorted.length - 1));
  return Array.from({ length: count + 1 }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / count)]);
}
