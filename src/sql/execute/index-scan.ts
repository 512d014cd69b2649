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
import { CutRun } from './cut-run.js';
import { DocumentReader } from './document-reader.js';
import { EntryReader } from './entry-reader.js';
import { compileEvaluator, compileEvaluators, compilePredicate } from './expressions.js';
import { disjointIntervals, intersectIntervals, type KeyBounds } from './key-bounds.js';
import { MemoryAccount } from './memory-budget.js';
import {
  type Compilation,
  DEMAND_LATE,
  type Demand,
  type Emit,
  type Evaluator,
  type Operator,
  type Predicate,
} from './operator.js';
import { ScanMeter } from './scan-meter.js';
import { markSlots } from './slots.js';
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
  const conditionsOfPlan = [plan.condition, plan.filter];
  const reader = new DocumentReader(plan.fields, conditionsOfPlan, orderDemand(plan, demand), compilation);
  const entries = plan.indexOnly ? new EntryReader(plan.fields, definition, decoder, reader.row) : undefined;
  const conditions = entryConditions(plan, compilation);
  const { row } = reader;
  const orderKeys = compileEvaluators(
    (plan.order?.keys ?? []).map(({ expression }) => expression),
    compilation,
  );
  /** Whether the row of the last entry came out of the entry alone. */
  let isFromEntry = false;
  /** Whether the row that is emitted has all slots. */
  let isComplete = false;

  /** Once the decoder has read the key. */
  const accept = (entry: DocumentPlace, key: Uint8Array, offset: number, length: number): boolean => {
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

  const complete = (): void => {
    if (!isFromEntry && !isComplete) reader.complete();
  };

  const scan = (emit: Emit, cutRun: CutRun | undefined): boolean => {
    let goesOn = true;
    let above = 0;
    const timed = (give: () => boolean): boolean => {
      const before = meter.now();
      goesOn = give();
      above += meter.now() - before;
      return goesOn;
    };
    const emitHeld = (kept: Row): boolean => {
      isComplete = true;
      return emit(kept);
    };
    const flush = (): boolean => cutRun === undefined || cutRun.isEmpty || timed(() => cutRun.emit(emitHeld));
    const emitOwn = (): boolean => {
      isComplete = false;
      return emit(row);
    };
    const visit = (entry: DocumentPlace, key: Uint8Array, offset: number, length: number): boolean => {
      ticker.tick();
      meter.scanned++;
      if (!decoder.read(key, offset, length)) return true;
      const cutLength = cutRun?.cutLength(decoder) ?? 0;
      const isOfRun = cutLength > 0 && cutRun?.isOf(key, offset, cutLength) === true;
      // The bytes are gone once documents are read.
      const prefix = cutLength > 0 && !isOfRun ? key.slice(offset, offset + cutLength) : undefined;
      if (!accept(entry, key, offset, length)) return isOfRun || flush();
      meter.passed++;
      if (cutRun === undefined || (cutLength === 0 && cutRun.isEmpty)) return timed(emitOwn);
      isComplete = false;
      complete();
      const kept = row.slice();
      if (isOfRun) {
        cutRun.add(kept);
        return true;
      }
      if (!flush()) return false;
      if (prefix === undefined) return timed(() => emitHeld(kept));
      cutRun.begin(prefix, kept);
      return true;
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
    return flush();
  };

  const run = (emit: Emit): boolean => {
    const { order } = plan;
    if (order === undefined) return scan(emit, undefined);
    const account = new MemoryAccount(environment.budget);
    try {
      return scan(emit, new CutRun(order, orderKeys, account, compilation));
    } finally {
      account.close();
    }
  };
  return reader.hasLateSlots ? { run, complete } : { run };
}

/** Rows that are put in order need their keys, perhaps. */
function orderDemand({ order }: IndexScan, demand: Demand): Demand {
  if (demand === undefined || order === undefined) return demand;
  const needs = demand.slice();
  for (const { expression } of order.keys) markSlots(expression, needs, DEMAND_LATE);
  return needs;
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
