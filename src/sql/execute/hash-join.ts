/**
 * Hash join: keeps the rows of the right side in a table by their keys and looks each left row up. Keys compare like `=`: a row
 * with a NULL key matches nothing; text meets a timestamp after it has been cast to one.
 */
import type { Expression } from '../algebra/expression.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import { castOrNull } from '../types/cast.js';
import type { SqlType } from '../types/sql-type.js';
import { rowBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import { compileEvaluator, compilePredicate } from './expressions.js';
import { HASH_ENTRY_BYTES, MemoryAccount } from './memory-budget.js';
import { countersOf, noteMemory } from './node-counters.js';
import {
  type Compilation,
  DEMAND_LATE,
  DEMAND_NOW,
  type Demand,
  type Emit,
  type Evaluator,
  type Operator,
} from './operator.js';
import { keyOfValue, keyOfValues, type RowKey } from './row-key.js';
import { forbidLate, markSlots } from './slots.js';

type HashJoin = PhysicalPlan & { kind: 'hashJoin' };

/** A row of the right side; those with the same key are a list. */
interface BuildRow {
  readonly row: Row;
  next: BuildRow | undefined;
  isMatched: boolean;
  /** Of the first one: the end of the list, so that rows stay in their order. */
  last: BuildRow | undefined;
}

/** Undefined when a part is NULL. */
type JoinKey = RowKey | undefined;

const TIME_TYPES: readonly SqlType[] = ['timestamptz', 'timestamp', 'date', 'time', 'interval'];

export function buildHashJoin(plan: HashJoin, demand: Demand, compilation: Compilation): Operator {
  const { join, left, right } = plan;
  const { ticker, environment } = compilation;
  const leftInput = compilation.build(left, leftDemand(plan, demand), compilation);
  const rightInput = compilation.build(right, rightDemand(plan, demand), compilation);
  const keyOfLeft = compileKey(plan.leftKeys, plan.rightKeys, compilation);
  const keyOfRight = compileKey(plan.rightKeys, plan.leftKeys, compilation);
  const residual = plan.residual === undefined ? undefined : compilePredicate(plan.residual, compilation);
  const counters = countersOf(plan, compilation);
  const joined: Row = new Array(left.width + right.width).fill(null);
  const keepsRight = join === 'right' || join === 'full';
  const isHalf = join === 'semi' || join === 'anti';
  const givesLeft = isHalf && plan.width === left.width;

  const putRight = (row: Row | undefined): void => {
    for (let i = 0; i < right.width; i++) joined[left.width + i] = row === undefined ? null : row[i];
  };
  const putLeft = (row: Row): void => {
    for (let i = 0; i < left.width; i++) joined[i] = row[i];
  };

  /** The first right row that matches the left row in `joined` ends the search. */
  const hasMatch = (first: BuildRow | undefined): boolean => {
    for (let entry = first; entry !== undefined; entry = entry.next) {
      if (residual === undefined) return true;
      putRight(entry.row);
      if (residual(joined)) return true;
      if (counters !== undefined) counters.rowsRemovedByJoinFilter++;
    }
    return false;
  };

  const emitMatches = (first: BuildRow | undefined, emit: Emit): boolean => {
    let isMatched = false;
    for (let entry = first; entry !== undefined; entry = entry.next) {
      ticker.tick();
      putRight(entry.row);
      if (residual !== undefined && !residual(joined)) {
        if (counters !== undefined) counters.rowsRemovedByJoinFilter++;
        continue;
      }
      isMatched = true;
      entry.isMatched = true;
      if (!emit(joined)) return false;
    }
    if (isMatched || (join !== 'left' && join !== 'full')) return true;
    putRight(undefined);
    return emit(joined);
  };

  const probe = (table: HashTable, emit: Emit): boolean =>
    leftInput.run((row) => {
      ticker.tick();
      const key = keyOfLeft(row);
      const first = key === undefined ? undefined : table.entries.get(key);
      if (isHalf) {
        if (first !== undefined && residual !== undefined) putLeft(row);
        if (hasMatch(first) !== (join === 'semi')) return true;
        if (givesLeft) return emit(row);
        leftInput.complete?.();
        putLeft(row);
        putRight(undefined);
        return emit(joined);
      }
      if (first === undefined && join !== 'left' && join !== 'full') return true;
      leftInput.complete?.();
      putLeft(row);
      return emitMatches(first, emit);
    });

  const emitUnmatched = (table: HashTable, emit: Emit): boolean => {
    for (let i = 0; i < left.width; i++) joined[i] = null;
    for (const { row, isMatched } of table.all) {
      ticker.tick();
      if (isMatched) continue;
      putRight(row);
      if (!emit(joined)) return false;
    }
    return true;
  };

  return {
    run(emit) {
      const account = new MemoryAccount(environment.budget);
      try {
        const table = fillTable(rightInput, keyOfRight, keepsRight, account);
        if (counters !== undefined) counters.hashEntries = table.entries.size;
        noteMemory(counters, account);
        const isEmpty = table.entries.size === 0;
        if (isEmpty && (join === 'inner' || join === 'semi')) return true;
        if (!probe(table, emit)) return false;
        return keepsRight ? emitUnmatched(table, emit) : true;
      } finally {
        account.close();
      }
    },
    complete: givesLeft ? leftInput.complete : undefined,
  };
}

interface HashTable {
  readonly entries: Map<RowKey, BuildRow>;
  /** In the order of the input; only where rows without a match are wanted. */
  readonly all: BuildRow[];
}

function fillTable(
  input: Operator,
  keyOf: (row: Row) => JoinKey,
  keepsAll: boolean,
  account: MemoryAccount,
): HashTable {
  const entries = new Map<RowKey, BuildRow>();
  const all: BuildRow[] = [];
  input.run((found) => {
    const key = keyOf(found);
    if (key === undefined && !keepsAll) return true;
    const row = found.slice();
    account.charge(rowBytes(row) + HASH_ENTRY_BYTES);
    const entry: BuildRow = { row, next: undefined, isMatched: false, last: undefined };
    const first = key === undefined ? undefined : entries.get(key);
    if (first !== undefined) {
      (first.last ?? first).next = entry;
      first.last = entry;
    } else if (key !== undefined) entries.set(key, entry);
    if (keepsAll) all.push(entry);
    return true;
  });
  return { entries, all };
}

function compileKey(
  keys: readonly Expression[],
  others: readonly Expression[],
  compilation: Compilation,
): (row: Row) => JoinKey {
  const parts = keys.map((key, i) => compileKeyPart(key, others[i].type, compilation));
  if (parts.length === 1) {
    const [part] = parts;
    return (row) => {
      const value = part(row);
      return value === null ? undefined : keyOfValue(value);
    };
  }
  return (row) => {
    const values: SqlValue[] = new Array(parts.length);
    for (let i = 0; i < parts.length; i++) {
      const value = parts[i](row);
      if (value === null) return undefined;
      values[i] = value;
    }
    return keyOfValues(values);
  };
}

function compileKeyPart(key: Expression, other: SqlType, compilation: Compilation): Evaluator {
  const evaluate = compileEvaluator(key, compilation);
  if (!TIME_TYPES.includes(other)) return evaluate;
  return (row) => {
    const value = evaluate(row);
    return typeof value === 'string' ? castOrNull(value, other) : value;
  };
}

/** What is only handed on is asked for when a left row has found its match. */
function leftDemand(plan: HashJoin, demand: Demand): Demand {
  const needs = new Uint8Array(plan.left.width).fill(DEMAND_LATE);
  if (demand !== undefined) {
    for (let i = 0; i < needs.length; i++) needs[i] = demand[i] === DEMAND_NOW ? DEMAND_LATE : demand[i];
  }
  const isHalf = plan.join === 'semi' || plan.join === 'anti';
  if (isHalf) {
    // Rows go on as they are, so what is wanted at once has to be there.
    for (let i = 0; i < needs.length; i++) needs[i] = demand === undefined ? DEMAND_NOW : demand[i];
  }
  for (const key of plan.leftKeys) markSlots(key, needs, DEMAND_NOW);
  if (plan.residual !== undefined) markSlots(plan.residual, needs, DEMAND_NOW);
  forbidLate(needs, plan.residual === undefined ? plan.leftKeys : [...plan.leftKeys, plan.residual]);
  return needs;
}

function rightDemand(plan: HashJoin, demand: Demand): Demand {
  const offset = plan.left.width;
  const needs = new Uint8Array(plan.right.width).fill(demand === undefined ? DEMAND_NOW : 0);
  const isHalf = plan.join === 'semi' || plan.join === 'anti';
  if (isHalf) needs.fill(0);
  else if (demand !== undefined) {
    // Rows are kept: nothing can be asked for later.
    for (let i = 0; i < needs.length; i++) needs[i] = demand[offset + i] === 0 ? 0 : DEMAND_NOW;
  }
  for (const key of plan.rightKeys) markSlots(key, needs, DEMAND_NOW);
  if (plan.residual !== undefined) markSlots(plan.residual, needs, DEMAND_NOW, offset);
  return needs;
}
