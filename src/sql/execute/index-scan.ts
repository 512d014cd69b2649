/**
 * Reads entries of an index in intervals of their keys, and the documents they belong to. Where entries hold all that is
 * needed (index-only), documents are read only for values that an entry does not have exactly. The whole condition is
 * checked again on the row: intervals may be larger than the condition, for values that were cut short.
 */
import type { IndexDefinition } from '../../indexes/definition.js';
import { KeyDecoder } from '../../indexes/key-decoding.js';
import { indexInterval } from '../../indexes/key-interval.js';
import type { IndexRange, PhysicalPlan } from '../algebra/physical.js';
import type { Row, SqlValue } from '../types/values.js';
import { DocumentReader } from './document-reader.js';
import { EntryReader } from './entry-reader.js';
import { compileEvaluator, compileEvaluators, compilePredicate } from './expressions.js';
import { disjointIntervals, intersectIntervals, type KeyBounds } from './key-bounds.js';
import type { Compilation, Demand, Emit, Evaluator, Operator, Predicate } from './operator.js';
import { ScanMeter } from './scan-meter.js';
import type { DocumentPlace } from './source.js';

type IndexScan = PhysicalPlan & { kind: 'indexScan' };

const NO_ROW: Row = [];
const ALL_SHARDS = -1;

export function buildIndexScan(plan: IndexScan, demand: Demand, compilation: Compilation): Operator {
  const { environment, part, ticker } = compilation;
  const { source } = environment;
  const { collectionId } = plan.table;
  const definition = definitionOf(plan, compilation);
  const intervalsOf = plan.ranges.map((range) => compileRange(range, definition, compilation));
  const assigned = part?.scanId === plan.id ? part.partition : undefined;
  const meter = new ScanMeter(plan, compilation);
  const decoder = new KeyDecoder(definition.columns);
  const reader = new DocumentReader(plan.fields, [plan.condition, plan.filter], demand, compilation);
  const entries = plan.indexOnly ? new EntryReader(plan.fields, definition, decoder, reader.row) : undefined;
  const conditions = entryConditions(plan, compilation);
  const { row } = reader;
  /** Whether the row of the last entry came out of the entry alone. */
  let isFromEntry = false;

  const accept = (entry: DocumentPlace, key: Uint8Array, offset: number, length: number): boolean => {
    if (!decoder.read(key, offset, length)) return false;
    const { idStart } = decoder;
    isFromEntry = entries?.read(entry, key, offset + length) === true;
    if (isFromEntry) return conditions.every((condition) => condition(row));
    if (entries !== undefined) meter.heapFetch();
    const idLength = offset + length - idStart;
    const place = source.getByKey(collectionId, key, idStart, idLength, meter.behindEntries);
    if (place === undefined) return false;
    const isMatch = reader.accept(place);
    if (!isMatch && plan.filter === undefined) meter.removedByRecheck();
    return isMatch;
  };

  const run = (emit: Emit): boolean => {
    let goesOn = true;
    let above = 0;
    const visit = (entry: DocumentPlace, key: Uint8Array, offset: number, length: number): boolean => {
      ticker.tick();
      meter.scanned++;
      if (!accept(entry, key, offset, length)) return true;
      meter.passed++;
      const before = meter.now();
      goesOn = emit(row);
      above += meter.now() - before;
      return goesOn;
    };
    const found = intervalsOf.map((intervalOf) => intervalOf()).filter((interval) => interval !== undefined);
    const intervals = disjointIntervals(found);
    if (plan.backward) intervals.reverse();
    for (const interval of intervals) {
      const bounds = assigned === undefined ? interval : intersectIntervals(interval, assigned);
      if (bounds === undefined) continue;
      meter.begin();
      above = 0;
      const start = meter.now();
      try {
        const partition = { ...bounds, shard: assigned?.shard ?? ALL_SHARDS };
        source.scan(plan.indexId, partition, plan.backward, visit, meter.shards);
      } finally {
        meter.end(meter.now() - start - above);
      }
      if (!goesOn) return false;
    }
    return true;
  };
  if (!reader.hasLateSlots) return { run };
  return {
    run,
    complete: () => {
      if (!isFromEntry) reader.complete();
    },
  };
}

function definitionOf(plan: IndexScan, { environment }: Compilation): IndexDefinition {
  const definition = plan.definition ?? environment.index?.(plan.indexId);
  if (definition === undefined)
    throw new Error(`the plan reads index ${plan.index}, which is not known here`);
  return definition;
}

function entryConditions({ condition, filter }: IndexScan, compilation: Compilation): Predicate[] {
  return [condition, filter]
    .filter((expression) => expression !== undefined)
    .map((expression) => compilePredicate(expression, compilation));
}

/** Values may come from the outer frame, so intervals are made anew for each run. */
function compileRange(
  range: IndexRange,
  definition: IndexDefinition,
  compilation: Compilation,
): () => KeyBounds | undefined {
  const equals = compileEvaluators(range.equals, compilation);
  const boundOf = (
    bound: IndexRange['lower'],
  ): (() => { value: SqlValue; inclusive: boolean }) | undefined => {
    if (bound === undefined) return undefined;
    const value: Evaluator = compileEvaluator(bound.value, compilation);
    return () => ({ value: value(NO_ROW), inclusive: bound.inclusive });
  };
  const lower = boundOf(range.lower);
  const upper = boundOf(range.upper);
  return () =>
    indexInterval(definition.columns, {
      equals: equals.map((evaluate) => evaluate(NO_ROW)),
      lower: lower?.(),
      upper: upper?.(),
      isNull: range.isNull,
      isNotNull: range.isNotNull,
    });
}
