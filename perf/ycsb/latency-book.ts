/** Latencies and counts of one load, per kind of operation. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { maxMs, type Percentiles, percentilesMs, recordMs } from '../latency.js';
import { OPERATIONS, type Operation } from './workloads.js';

export interface LatencyFigures extends Percentiles {
  readonly count: number;
  readonly maxMs: number;
}

export type LatencyByOperation = Partial<Record<Operation, LatencyFigures>>;

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
    recordMs(this.histograms[operation], endMs - startMs);
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
    ...percentilesMs(histogram),
    maxMs: maxMs(histogram),
  };
}
