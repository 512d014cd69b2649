/** UNION, INTERSECT and EXCEPT, each with and without ALL. Columns correspond by position; NULLs are equal. */
import type { PhysicalPlan } from '../algebra/physical.js';
import { rowBytes } from '../types/value-bytes.js';
import type { Row } from '../types/values.js';
import { HASH_ENTRY_BYTES, MemoryAccount } from './memory-budget.js';
import { countersOf, noteMemory } from './node-counters.js';
import type { Compilation, Emit, Operator } from './operator.js';
import { keyOfValues, type RowKey } from './row-key.js';

export function buildSetOperation(
  plan: PhysicalPlan & { kind: 'setOperation' },
  compilation: Compilation,
): Operator {
  const left = compilation.build(plan.left, undefined, compilation);
  const right = compilation.build(plan.right, undefined, compilation);
  if (plan.operation === 'union' && plan.all) return { run: (emit) => left.run(emit) && right.run(emit) };
  const counters = countersOf(plan, compilation);
  return {
    run(emit) {
      const account = new MemoryAccount(compilation.environment.budget);
      const state = new CountedRows(account, compilation);
      try {
        if (plan.operation === 'union') return union(left, right, state, emit);
        return plan.operation === 'intersect'
          ? intersect(left, right, plan.all, state, emit)
          : except(left, right, plan.all, state, emit);
      } finally {
        noteMemory(counters, account);
        account.close();
      }
    },
  };
}

/** How often each row has been seen. */
class CountedRows {
  private readonly counts = new Map<RowKey, number>();

  constructor(
    private readonly account: MemoryAccount,
    private readonly compilation: Compilation,
  ) {}

  keyOf(row: Row): RowKey {
    this.compilation.ticker.tick();
    return keyOfValues(row);
  }

  count(key: RowKey): number {
    return this.counts.get(key) ?? 0;
  }

  set(key: RowKey, count: number, row: Row): void {
    if (!this.counts.has(key)) this.account.charge(rowBytes(row) + HASH_ENTRY_BYTES);
    this.counts.set(key, count);
  }

  addAll(input: Operator): void {
    input.run((row) => {
      const key = this.keyOf(row);
      this.set(key, this.count(key) + 1, row);
      return true;
    });
  }
}

function union(left: Operator, right: Operator, seen: CountedRows, emit: Emit): boolean {
  const emitNew: Emit = (row) => {
    const key = seen.keyOf(row);
    if (seen.count(key) > 0) return true;
    seen.set(key, 1, row);
    return emit(row);
  };
  return left.run(emitNew) && right.run(emitNew);
}

function intersect(left: Operator, right: Operator, all: boolean, there: CountedRows, emit: Emit): boolean {
  there.addAll(right);
  return left.run((row) => {
    const key = there.keyOf(row);
    const count = there.count(key);
    if (count === 0) return true;
    // Without ALL a row comes once, with ALL as often as in the side that has fewer of it.
    there.set(key, all ? count - 1 : 0, row);
    return emit(row);
  });
}

function except(left: Operator, right: Operator, all: boolean, there: CountedRows, emit: Emit): boolean {
  there.addAll(right);
  return left.run((row) => {
    const key = there.keyOf(row);
    const count = there.count(key);
    if (count === 0) {
      if (!all) there.set(key, 1, row);
      return emit(row);
    }
    if (all) there.set(key, count - 1, row);
    return true;
  });
}
