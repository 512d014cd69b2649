/** Latencies: recorded as whole nanoseconds in histograms of node:perf_hooks, told in milliseconds. */
import type { RecordableHistogram } from 'node:perf_hooks';

const NS_PER_MS = 1e6;

export interface Percentiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

export function recordMs(latencyNs: RecordableHistogram, ms: number): void {
  // A histogram takes no 0.
  latencyNs.record(Math.max(1, Math.round(ms * NS_PER_MS)));
}

export function percentileMs(latencyNs: RecordableHistogram, percentile: number): number {
  return latencyNs.percentile(percentile) / NS_PER_MS;
}

export function percentilesMs(latencyNs: RecordableHistogram): Percentiles {
  return {
    p50Ms: percentileMs(latencyNs, 50),
    p99Ms: percentileMs(latencyNs, 99),
    p999Ms: percentileMs(latencyNs, 99.9),
  };
}

export function maxMs(latencyNs: RecordableHistogram): number {
  return latencyNs.max / NS_PER_MS;
}
