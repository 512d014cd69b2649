/**
 * Aggregate calls as they run: how a state begins, what a row does to it, what comes out. Plain calls use their definition
 * directly; DISTINCT and ORDER BY keep values first. One thread.
 */
import type { AggregateCall } from '../algebra/physical.js';
import type { AggregateDefinition } from '../functions/definition.js';
import { aggregateById } from '../functions/registry.js';
import { rowBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import { compileEvaluator, compileEvaluators, compilePredicate } from './expressions.js';
import { HASH_ENTRY_BYTES, type MemoryAccount } from './memory-budget.js';
import type { Compilation, Evaluator } from './operator.js';
import { keyBytes, keyOfValues, type RowKey } from './row-key.js';
import { ordersOf } from './row-order.js';
import { sortEntries } from './sort.js';

export interface Accumulator {
  initial(): unknown;
  /** Returns the new state, which may be the old object. */
  add(state: unknown, row: Row, account: MemoryAccount): unknown;
  /** What the operator gives for the call: a value, or the state itself from a partial aggregate. */
  finish(state: unknown): SqlValue;
}

export function aggregateDefinition(id: string): AggregateDefinition {
  const definition = aggregateById(id);
  if (definition === undefined) throw new Error(`the plan calls ${id}, which does not exist`);
  return definition;
}

export function compileAccumulator(
  call: AggregateCall,
  mode: 'single' | 'partial' | 'final',
  compilation: Compilation,
): Accumulator {
  const definition = aggregateDefinition(call.function);
  if (mode === 'final') return finalOf(definition, compileEvaluator(call.args[0], compilation));
  const args = compileEvaluators(call.args, compilation);
  const isKept = call.distinct || call.orderBy.length > 0;
  const plain = isKept ? keptFirst(call, definition, args, compilation) : direct(definition, args);
  const accumulator = call.filter === undefined ? plain : filtered(call, plain, compilation);
  // States travel in the place of values; only the final aggregate looks at them.
  return mode === 'partial' ? { ...accumulator, finish: (state) => state as SqlValue } : accumulator;
}

function filtered(call: AggregateCall, inner: Accumulator, compilation: Compilation): Accumulator {
  if (call.filter === undefined) return inner;
  const accepts = compilePredicate(call.filter, compilation);
  return {
    ...inner,
    add: (state, row, account) => (accepts(row) ? inner.add(state, row, account) : state),
  };
}

function finalOf(definition: AggregateDefinition, stateOf: Evaluator): Accumulator {
  return {
    initial: () => definition.initial(),
    add: (state, row, account) => {
      const { sizeBytes } = definition;
      const before = sizeBytes === undefined ? 0 : sizeBytes(state);
      const next = definition.merge(state, stateOf(row) as unknown);
      if (sizeBytes !== undefined) account.charge(sizeBytes(next) - before);
      return next;
    },
    finish: (state) => definition.finish(state),
  };
}

function direct(definition: AggregateDefinition, args: readonly Evaluator[]): Accumulator {
  const finish = (state: unknown): SqlValue => definition.finish(state);
  const initial = (): unknown => definition.initial();
  const { skipsNull, sizeBytes, stateIsValue = false } = definition;
  const values: SqlValue[] = new Array(args.length).fill(null);
  if ((sizeBytes === undefined || stateIsValue) && args.length === 1) {
    const [first] = args;
    return {
      initial,
      finish,
      add: (state, row, account) => {
        const value = first(row);
        if (value === null && skipsNull) return state;
        values[0] = value;
        const next = definition.accumulate(state, values);
        if (sizeBytes !== undefined && next !== state) account.charge(sizeBytes(next) - sizeBytes(state));
        return next;
      },
    };
  }
  return {
    initial,
    finish,
    add: (state, row, account) => {
      for (let i = 0; i < args.length; i++) values[i] = args[i](row);
      if (skipsNull && args.length > 0 && values[0] === null) return state;
      if (sizeBytes === undefined) return definition.accumulate(state, values);
      const before = sizeBytes(state);
      const next = definition.accumulate(state, values);
      const more = sizeBytes(next) - before;
      if (more !== 0) account.charge(more);
      return next;
    },
  };
}

/** A KeptCall beside its lists. */
const KEPT_CALL_BYTES = 48;

interface KeptCall {
  readonly keys: readonly SqlValue[];
  readonly values: readonly SqlValue[];
}

interface KeptState {
  readonly calls: KeptCall[];
  readonly seen: Set<RowKey> | undefined;
}

/** Collects the arguments, each combination once for DISTINCT, and aggregates them in order at the end. */
function keptFirst(
  { distinct, orderBy }: AggregateCall,
  definition: AggregateDefinition,
  args: readonly Evaluator[],
  compilation: Compilation,
): Accumulator {
  // Different values come in their order, as in PostgreSQL, where the order shows in the result.
  const isByValue = distinct && orderBy.length === 0 && !definition.mergeable;
  const { finishOrdered = definition.finish } = definition;
  const finish = orderBy.length > 0 ? finishOrdered : definition.finish;
  const keys = isByValue ? args : keysOf(definition, orderBy, args, compilation);
  const orders = isByValue ? args.map(() => ({ descending: false, nullsFirst: false })) : ordersOf(orderBy);
  return {
    initial: (): KeptState => ({ calls: [], seen: distinct ? new Set() : undefined }),
    add: (state, row, account) => {
      const kept = state as KeptState;
      const values = args.map((arg) => arg(row));
      if (definition.skipsNull && values[0] === null) return state;
      if (kept.seen !== undefined) {
        const key = keyOfValues(values);
        if (kept.seen.has(key)) return state;
        account.charge(HASH_ENTRY_BYTES + keyBytes(key, values));
        kept.seen.add(key);
      }
      const call = { keys: keys.map((key) => key(row)), values };
      account.charge(KEPT_CALL_BYTES + rowBytes(values) + rowBytes(call.keys as Row));
      kept.calls.push(call);
      return state;
    },
    finish: (state) => {
      const { calls } = state as KeptState;
      if (orders.length > 0) sortEntries(calls, orders, compilation);
      let result = definition.initial();
      for (const { values } of calls) {
        compilation.ticker.tick();
        result = definition.accumulate(result, values);
      }
      return finish(result);
    },
  };
}

/** WITHIN GROUP sorts the last argument, which has been cast to its parameter's type. */
function keysOf(
  { orderedSet }: AggregateDefinition,
  orderBy: AggregateCall['orderBy'],
  args: readonly Evaluator[],
  compilation: Compilation,
): readonly Evaluator[] {
  if (orderedSet === true && orderBy.length === 1) return args.slice(-1);
  const expressions = orderBy.map(({ expression }) => expression);
  return compileEvaluators(expressions, compilation);
}
