/** Reads a collection, or a part of it, from one end to the other. */
import type { BoundOf, PhysicalPlan } from '../algebra/physical.js';
import type { Row } from '../types/values.js';
import { DocumentReader } from './document-reader.js';
import { compileEvaluator } from './expressions.js';
import { intersectIntervals, type KeyBounds } from './key-bounds.js';
import type { Compilation, Demand, Emit, Evaluator, Operator } from './operator.js';
import { ScanMeter } from './scan-meter.js';
import type { DocumentPlace, ScanPartition } from './source.js';

type SeqScan = PhysicalPlan & { kind: 'seqScan' };

const NO_ROW: Row = [];
const ALL_SHARDS = -1;

export function buildSequentialScan(plan: SeqScan, demand: Demand, compilation: Compilation): Operator {
  const { source } = compilation.environment;
  const { ticker, part } = compilation;
  const { collectionId } = plan.table;
  const reader = new DocumentReader(plan.fields, [plan.filter], demand, compilation);
  const meter = new ScanMeter(plan, compilation);
  const boundsOf = compileIdBounds(plan.lower, plan.upper, compilation);
  const assigned = part?.scanId === plan.id ? part.partition : undefined;
  const { row } = reader;

  const run = (emit: Emit): boolean => {
    const bounds = boundsOf();
    if (bounds === undefined) return true;
    let goesOn = true;
    let above = 0;
    const visit = meter.isTimed
      ? (place: DocumentPlace): boolean => {
          ticker.tick();
          meter.scanned++;
          if (!reader.accept(place)) return true;
          meter.passed++;
          const before = meter.now();
          goesOn = emit(row);
          above += meter.now() - before;
          return goesOn;
        }
      : (place: DocumentPlace): boolean => {
          ticker.tick();
          meter.scanned++;
          if (!reader.accept(place)) return true;
          meter.passed++;
          goesOn = emit(row);
          return goesOn;
        };
    for (const partition of partitionsOf(plan, bounds, assigned, source.shards)) {
      meter.begin();
      above = 0;
      const start = meter.now();
      try {
        source.scan(collectionId, partition, plan.backward, visit, meter.shards);
      } finally {
        meter.end(meter.now() - start - above);
      }
      if (!goesOn) return false;
    }
    return true;
  };
  return { run, complete: reader.hasLateSlots ? () => reader.complete() : undefined };
}

/** Shard by shard where no order is asked for: that spares merging them. */
function partitionsOf(
  { ordered }: SeqScan,
  bounds: KeyBounds,
  assigned: ScanPartition | undefined,
  shards: number,
): ScanPartition[] {
  const interval = assigned === undefined ? bounds : intersectIntervals(bounds, assigned);
  if (interval === undefined) return [];
  const shard = assigned?.shard ?? ALL_SHARDS;
  if (shard !== ALL_SHARDS || ordered) return [{ ...interval, shard }];
  return Array.from({ length: shards }, (_, number) => ({ ...interval, shard: number }));
}

/** Undefined when nothing can be inside: a bound is NULL or no text. */
function compileIdBounds(
  lower: BoundOf | undefined,
  upper: BoundOf | undefined,
  compilation: Compilation,
): () => KeyBounds | undefined {
  const low = lower === undefined ? undefined : compileEvaluator(lower.value, compilation);
  const high = upper === undefined ? undefined : compileEvaluator(upper.value, compilation);
  return () => {
    const first = low === undefined ? undefined : keyAt(low, lower?.inclusive === false);
    const last = high === undefined ? undefined : keyAt(high, upper?.inclusive === true);
    if (first === null || last === null) return undefined;
    return { lower: first, upper: last };
  };
}

/** `isBehind`: the first key behind it. */
function keyAt(evaluate: Evaluator, isBehind: boolean): Uint8Array | null {
  const value = evaluate(NO_ROW);
  if (typeof value !== 'string') return null;
  return new TextEncoder().encode(isBehind ? `${value}\0` : value);
}
