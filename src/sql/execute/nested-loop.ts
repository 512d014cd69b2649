/**
 * Nested loop: runs the right side for each left row, with values of that row as its outer frame. A right side that takes none
 * is run once and its rows are kept.
 */
import type { PhysicalPlan } from '../algebra/physical.js';
import type { Row } from '../types/values.js';
import { compileEvaluators, compilePredicate } from './expressions.js';
import { MemoryAccount } from './memory-budget.js';
import { countersOf, noteMemory } from './node-counters.js';
import type { Compilation, Emit, Operator, OuterFrame } from './operator.js';
import { RowStore } from './row-store.js';

type NestedLoop = PhysicalPlan & { kind: 'nestedLoop' };

export function buildNestedLoop(plan: NestedLoop, compilation: Compilation): Operator {
  const { join, left, right } = plan;
  const { ticker, environment } = compilation;
  const leftInput = compilation.build(left, undefined, compilation);
  const args = compileEvaluators(plan.args, compilation);
  const frame: OuterFrame = args.length > 0 ? { values: [] } : compilation.frame;
  const rightInput = compilation.build(right, undefined, { ...compilation, frame });
  const condition = plan.condition === undefined ? undefined : compilePredicate(plan.condition, compilation);
  const counters = countersOf(plan, compilation);
  const joined: Row = new Array(left.width + right.width).fill(null);
  const isHalf = join === 'semi' || join === 'anti';
  const givesLeft = isHalf && plan.width === left.width;
  const keepsLeft = join === 'left' || join === 'full';
  const keepsRight = join === 'right' || join === 'full';

  const clearRight = (): void => {
    for (let i = 0; i < right.width; i++) joined[left.width + i] = null;
  };

  /** One right row against the left row in `joined`. */
  const matches = (row: Row): boolean => {
    ticker.tick();
    for (let i = 0; i < right.width; i++) joined[left.width + i] = row[i];
    if (condition === undefined || condition(joined)) return true;
    if (counters !== undefined) counters.rowsRemovedByJoinFilter++;
    return false;
  };

  const joinRow = (kept: KeptRows | undefined, emit: Emit): boolean => {
    let isMatched = false;
    let goesOn = true;
    forEachRight(kept, rightInput, (row, place) => {
      if (!matches(row)) return true;
      isMatched = true;
      if (isHalf) return false;
      if (kept !== undefined) kept.matched[place] = 1;
      goesOn = emit(joined);
      return goesOn;
    });
    if (!goesOn) return false;
    if (isHalf) return isMatched === (join === 'semi') ? emitLeft(emit) : true;
    if (isMatched || !keepsLeft) return true;
    clearRight();
    return emit(joined);
  };

  const emitLeft = (emit: Emit): boolean => {
    if (givesLeft) return emit(joined.slice(0, left.width));
    clearRight();
    return emit(joined);
  };

  const emitUnmatched = ({ rows, matched }: KeptRows, emit: Emit): boolean => {
    for (let i = 0; i < left.width; i++) joined[i] = null;
    for (let place = 0; place < rows.length; place++) {
      ticker.tick();
      if (matched[place] === 1) continue;
      for (let i = 0; i < right.width; i++) joined[left.width + i] = rows[place][i];
      if (!emit(joined)) return false;
    }
    return true;
  };

  return {
    run(emit) {
      const account = new MemoryAccount(environment.budget);
      let kept: KeptRows | undefined;
      try {
        if (keepsRight) kept = keep(rightInput, account);
        const goesOn = leftInput.run((row) => {
          ticker.tick();
          if (args.length === 0) kept ??= keep(rightInput, account);
          else frame.values = args.map((arg) => arg(row));
          for (let i = 0; i < left.width; i++) joined[i] = row[i];
          return joinRow(kept, emit);
        });
        noteMemory(counters, account);
        if (!goesOn) return false;
        return keepsRight && kept !== undefined ? emitUnmatched(kept, emit) : true;
      } finally {
        account.close();
      }
    },
  };
}

interface KeptRows {
  readonly rows: readonly Row[];
  readonly matched: Uint8Array;
}

function keep(input: Operator, account: MemoryAccount): KeptRows {
  const store = new RowStore(account);
  store.collect(input);
  return { rows: store.rows, matched: new Uint8Array(store.rows.length) };
}

function forEachRight(
  kept: KeptRows | undefined,
  input: Operator,
  visit: (row: Row, place: number) => boolean,
): void {
  if (kept === undefined) {
    input.run((row) => visit(row, -1));
    return;
  }
  const { rows } = kept;
  for (let place = 0; place < rows.length; place++) if (!visit(rows[place], place)) return;
}
