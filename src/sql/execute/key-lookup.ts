/** Documents by their `_id`, and the one document that a write is checked again on. */
import type { DocumentScan, PhysicalPlan } from '../algebra/physical.js';
import type { Row } from '../types/values.js';
import { DocumentReader } from './document-reader.js';
import { compileEvaluators } from './expressions.js';
import type { Compilation, Demand, Emit, Operator } from './operator.js';
import { ScanMeter } from './scan-meter.js';
import type { DocumentPlace } from './source.js';

const NO_ROW: Row = [];

export function buildKeyLookup(
  plan: PhysicalPlan & { kind: 'keyLookup' },
  demand: Demand,
  compilation: Compilation,
): Operator {
  const { source } = compilation.environment;
  const { ticker } = compilation;
  const { collectionId } = plan.table;
  const reader = new DocumentReader(plan.fields, [plan.filter], demand, compilation);
  const meter = new ScanMeter(plan, compilation);
  const keys = compileEvaluators(plan.keys, compilation);
  const { row } = reader;
  const visitAll = (emit: Emit): boolean => {
    const seen = keys.length > 1 ? new Set<string>() : undefined;
    for (const key of keys) {
      const id = key(NO_ROW);
      ticker.tick();
      if (typeof id !== 'string' || seen?.has(id) === true) continue;
      seen?.add(id);
      const place = source.get(collectionId, id, meter.shards);
      if (place === undefined) continue;
      meter.scanned++;
      if (!reader.accept(place)) continue;
      meter.passed++;
      if (!emit(row)) return false;
    }
    return true;
  };
  const run = (emit: Emit): boolean => {
    meter.begin();
    try {
      return visitAll(emit);
    } finally {
      meter.end();
    }
  };
  return { run, complete: reader.hasLateSlots ? () => reader.complete() : undefined };
}

/**
 * Stands for a scan while a write is checked on the document's current version, which has to meet all of its conditions: also
 * those that the scan answers by where it looks.
 */
export function buildSubstitute(
  { fields, filter, answered }: DocumentScan,
  holder: { readonly place: DocumentPlace | undefined },
  compilation: Compilation,
): Operator {
  const reader = new DocumentReader(fields, [answered, filter], undefined, compilation);
  return {
    run(emit) {
      const { place } = holder;
      return place === undefined || !reader.accept(place) || emit(reader.row);
    },
  };
}
