/** ORDER BY: all rows in memory, or the first few in a heap. Rows that are equal stay in the order in which they came. */
import type { PhysicalPlan, SortKey } from '../algebra/physical.js';
import { rowBytes, SLOT_BYTES, valueBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import { compileEvaluators } from './expressions.js';
import { MemoryAccount } from './memory-budget.js';
import { countersOf, noteMemory } from './node-counters.js';
import { numberOrder } from './number-sort.js';
import {
  type Compilation,
  DEMAND_LATE,
  DEMAND_NOW,
  type Demand,
  type Emit,
  type Evaluator,
  type Operator,
} from './operator.js';
import { compileLimit, compileOffset } from './row-limits.js';
import { compareKey, compareKeys, type KeyOrder, ordersOf } from './row-order.js';
import { forbidLate, markSlots } from './slots.js';

interface SortEntry {
  readonly keys: readonly SqlValue[];
  readonly row: Row;
  readonly place: number;
}

/** Looks at the clock now and then while it compares. */
export function sortEntries<E extends { readonly keys: readonly SqlValue[] }>(
  entries: E[],
  orders: readonly KeyOrder[],
  compilation: Compilation,
): E[] {
  const { ticker } = compilation;
  if (orders.length === 1) {
    const [order] = orders;
    return entries.sort((a, b) => {
      ticker.tick();
      return compareKey(a.keys[0], b.keys[0], order);
    });
  }
  return entries.sort((a, b) => {
    ticker.tick();
    return compareKeys(a.keys, b.keys, orders);
  });
}

export function buildSort(
  plan: PhysicalPlan & { kind: 'sort' },
  demand: Demand,
  compilation: Compilation,
): Operator {
  const input = compilation.build(plan.input, keptDemand(demand, plan.keys), compilation);
  const keys = compileEvaluators(
    plan.keys.map(({ expression }) => expression),
    compilation,
  );
  const orders = ordersOf(plan.keys);
  const counters = countersOf(plan, compilation);
  return {
    run(emit) {
      const account = new MemoryAccount(compilation.environment.budget);
      try {
        const rows: Row[] = [];
        const values: SqlValue[][] = keys.map(() => []);
        input.run((found) => {
          const row = found.slice();
          let bytes = rowBytes(row);
          for (let i = 0; i < keys.length; i++) {
            const value = keys[i](found);
            values[i].push(value);
            bytes += SLOT_BYTES + valueBytes(value);
          }
          account.charge(bytes);
          rows.push(row);
          return true;
        });
        noteMemory(counters, account);
        if (counters !== undefined) counters.sortMethod = 'quicksort';
        const byNumber =
          keys.length === 1 ? numberOrder(values[0], orders[0], compilation.ticker) : undefined;
        if (byNumber !== undefined) return emitInOrder(rows, byNumber, emit, compilation);
        const entries = rows.map((row, i) => ({ keys: values.map((column) => column[i]), row, place: i }));
        sortEntries(entries, orders, compilation);
        return emitEntries(entries, 0, emit, compilation);
      } finally {
        account.close();
      }
    },
  };
}

/** Rows are kept, so what may be needed later has to be had now. */
function keptDemand(demand: Demand, keys: readonly SortKey[]): Demand {
  if (demand === undefined) return undefined;
  const needs = demand.map((wish) => (wish === 0 ? 0 : DEMAND_NOW));
  for (const { expression } of keys) markSlots(expression, needs, DEMAND_NOW);
  return needs;
}

function emitInOrder(
  rows: readonly Row[],
  places: Uint32Array,
  emit: Emit,
  { ticker }: Compilation,
): boolean {
  for (let i = 0; i < places.length; i++) {
    ticker.tick();
    if (!emit(rows[places[i]])) return false;
  }
  return true;
}

function emitEntries(
  entries: readonly SortEntry[],
  offset: number,
  emit: Emit,
  { ticker }: Compilation,
): boolean {
  for (let i = offset; i < entries.length; i++) {
    ticker.tick();
    if (!emit(entries[i].row)) return false;
  }
  return true;
}

export function buildTopN(
  plan: PhysicalPlan & { kind: 'topN' },
  demand: Demand,
  compilation: Compilation,
): Operator {
  const needs = new Uint8Array(plan.input.width).fill(DEMAND_LATE);
  if (demand !== undefined) {
    for (let i = 0; i < needs.length; i++) needs[i] = demand[i] === 0 ? 0 : DEMAND_LATE;
  }
  const expressions = plan.keys.map(({ expression }) => expression);
  for (const expression of expressions) markSlots(expression, needs, DEMAND_NOW);
  forbidLate(needs, expressions);
  const input = compilation.build(plan.input, needs, compilation);
  const keys = compileEvaluators(expressions, compilation);
  const orders = ordersOf(plan.keys);
  const limitOf = compileLimit(plan.limit, compilation);
  const offsetOf = compileOffset(plan.offset, compilation);
  const counters = countersOf(plan, compilation);
  return {
    run(emit) {
      const offset = offsetOf();
      const wanted = limitOf() + offset;
      if (wanted - offset === 0) return true;
      const account = new MemoryAccount(compilation.environment.budget);
      try {
        const heap = new TopRows(wanted, keys, orders, account);
        input.run((row) => {
          compilation.ticker.tick();
          if (heap.admits(row)) {
            input.complete?.();
            heap.add(row);
          }
          return true;
        });
        noteMemory(counters, account);
        if (counters !== undefined) counters.sortMethod = 'top-N heapsort';
        return emitEntries(heap.sorted(), offset, emit, compilation);
      } finally {
        account.close();
      }
    },
  };
}

/** The first `wanted` rows so far; the last of them is at the root of a heap. */
class TopRows {
  private readonly heap: SortEntry[] = [];
  private readonly keys: SqlValue[];
  private places = 0;

  constructor(
    private readonly wanted: number,
    private readonly evaluators: readonly Evaluator[],
    private readonly orders: readonly KeyOrder[],
    private readonly account: MemoryAccount,
  ) {
    this.keys = new Array(evaluators.length).fill(null);
  }

  /** Whether the row comes before the last one that is kept. Its keys are remembered for `add`. */
  admits(row: Row): boolean {
    const { keys, evaluators, heap, wanted, orders } = this;
    for (let i = 0; i < keys.length; i++) keys[i] = evaluators[i](row);
    // An equal row that came later is behind.
    return heap.length < wanted || compareKeys(keys, heap[0].keys, orders) < 0;
  }

  add(row: Row): void {
    const { heap } = this;
    const entry = { keys: this.keys.slice(), row: row.slice(), place: this.places++ };
    this.account.charge(entryBytes(entry));
    if (heap.length < this.wanted) {
      heap.push(entry);
      this.rise(heap.length - 1);
      return;
    }
    this.account.release(entryBytes(heap[0]));
    heap[0] = entry;
    this.sink();
  }

  sorted(): SortEntry[] {
    return this.heap.sort((a, b) => this.compare(a, b));
  }

  private compare(a: SortEntry, b: SortEntry): number {
    return compareKeys(a.keys, b.keys, this.orders) || a.place - b.place;
  }

  private rise(start: number): void {
    const { heap } = this;
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.compare(heap[at], heap[parent]) <= 0) return;
      [heap[at], heap[parent]] = [heap[parent], heap[at]];
      at = parent;
    }
  }

  private sink(): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) return;
      if (child + 1 < heap.length && this.compare(heap[child + 1], heap[child]) > 0) child++;
      if (this.compare(heap[child], heap[at]) <= 0) return;
      [heap[at], heap[child]] = [heap[child], heap[at]];
      at = child;
    }
  }
}

const entryBytes = ({ keys, row }: SortEntry): number => rowBytes(keys as Row) + rowBytes(row);
