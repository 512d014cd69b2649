/** Latencies and counts of one load, per kind of operation. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { OPERATIONS, type Operation } from './workloads.js';

export interface LatencyFigures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export type LatencyByOperation = Partial<Record<Operation, LatencyFigures>>;

const NS_PER_MS = 1e6;

export class LatencyBook {
  /** Operations that ended in the time that counts. */
  operations = 0;
  private readonly histograms: Readonly<Record<Operation, RecordableHistogram>>;

  private fromMs = Number.POSITIVE_INFINITY;
  /** When the load is to end; a driver that never opened the book ends at once. */
  toMs = Number.NEGATIVE_INFINITY;

  constructor() {
    this.histograms = Object.fromEntries(
      OPERATIONS.map((operation) => [operation, createHistogram()]),
    ) as Record<Operation, RecordableHistogram>;
  }

  /** Counts operations that begin from `fromMs` on; begun before `toMs`, they count for latency whenever they end. */
  open(fromMs: number, toMs: number): void {
    this.fromMs = fromMs;
    this.toMs = toMs;
  }

  record(operation: Operation, startMs: number, endMs: number): void {
    if (startMs < this.fromMs) return;
    this.histograms[operation].record(Math.max(1, Math.round((endMs - startMs) * NS_PER_MS)));
    if (endMs <= this.toMs) this.operations++;
  }

  figures(): LatencyByOperation {
    const used = OPERATIONS.filter((operation) => this.histograms[operation].count > 0);
    return Object.fromEntries(used.map((operation) => [operation, figuresOf(this.histograms[operation])]));
  }
}

function figuresOf(histogram: RecordableHistogram): LatencyFigures {
  return {
    count: histogram.count,
    p50Ms: histogram.percentile(50) / NS_PER_MS,
    p99Ms: histogram.percentile(99) / NS_PER_MS,
    p999Ms: histogram.percentile(99.9) / NS_PER_MS,
    maxMs: histogram.max / NS_PER_MS,
  };
}
