/** LIMIT, OFFSET and WITH TIES; DISTINCT; the numbers that LIMIT and OFFSET are given. */
import type { Expression } from '../algebra/expression.js';
import type { PhysicalPlan } from '../algebra/physical.js';
import { sqlError } from '../errors.js';
import { valueBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import { compileEvaluator, compileEvaluators } from './expressions.js';
import { HASH_ENTRY_BYTES, MemoryAccount } from './memory-budget.js';
import { countersOf, noteMemory } from './node-counters.js';
import { type Compilation, DEMAND_NOW, type Demand, type Operator } from './operator.js';
import { keyOfValues, type RowKey } from './row-key.js';
import { compareKeys, ordersOf } from './row-order.js';
import { markSlots } from './slots.js';

const NEGATIVE_LIMIT = '2201W';
const NEGATIVE_OFFSET = '2201X';
const NO_ROW: Row = [];

/** NULL and a missing expression are no limit. */
export function compileLimit(expression: Expression | undefined, compilation: Compilation): () => number {
  return compileCount(expression, Number.POSITIVE_INFINITY, NEGATIVE_LIMIT, 'LIMIT', compilation);
}

export function compileOffset(expression: Expression | undefined, compilation: Compilation): () => number {
  return compileCount(expression, 0, NEGATIVE_OFFSET, 'OFFSET', compilation);
}

function compileCount(
  expression: Expression | undefined,
  otherwise: number,
  sqlstate: string,
  word: string,
  compilation: Compilation,
): () => number {
  if (expression === undefined) return () => otherwise;
  const evaluate = compileEvaluator(expression, compilation);
  return () => {
    const value = evaluate(NO_ROW);
    if (value === null) return otherwise;
    const count = typeof value === 'bigint' ? Number(value) : value;
    if (typeof count !== 'number' || Number.isNaN(count))
      throw sqlError(sqlstate, `${word} must be a number`);
    if (count < 0) throw sqlError(sqlstate, `${word} must not be negative`);
    return Math.round(count);
  };
}

export function buildLimit(
  plan: PhysicalPlan & { kind: 'limit' },
  demand: Demand,
  compilation: Compilation,
): Operator {
  const needs = demand?.slice();
  if (needs !== undefined && plan.ties !== undefined) {
    for (const { expression } of plan.ties) markSlots(expression, needs, DEMAND_NOW);
  }
  const input = compilation.build(plan.input, needs, compilation);
  const limitOf = compileLimit(plan.limit, compilation);
  const offsetOf = compileOffset(plan.offset, compilation);
  const { ties } = plan;
  const tieKeys = compileEvaluators(ties?.map(({ expression }) => expression) ?? [], compilation);
  const orders = ordersOf(ties ?? []);
  return {
    run(emit) {
      const limit = limitOf();
      const offset = offsetOf();
      if (limit === 0) return true;
      let seen = 0;
      let last: SqlValue[] = [];
      let isStopped = false;
      input.run((row) => {
        seen++;
        if (seen <= offset) return true;
        const isBeyond = seen - offset > limit;
        if (isBeyond) {
          const keys = tieKeys.map((key) => key(row));
          if (compareKeys(keys, last, orders) !== 0) return false;
        }
        if (!emit(row)) {
          isStopped = true;
          return false;
        }
        if (seen - offset < limit) return true;
        if (ties === undefined) return false;
        if (!isBeyond) last = tieKeys.map((key) => key(row));
        return true;
      });
      return !isStopped;
    },
    complete: input.complete,
  };
}

export function buildDistinct(
  plan: PhysicalPlan & { kind: 'distinct' },
  demand: Demand,
  compilation: Compilation,
): Operator {
  const needs = demand?.slice();
  if (needs !== undefined) for (const expression of plan.on) markSlots(expression, needs, DEMAND_NOW);
  const input = compilation.build(plan.input, needs, compilation);
  const on = compileEvaluators(plan.on, compilation);
  const counters = countersOf(plan, compilation);
  const { ticker, environment } = compilation;
  return {
    run(emit) {
      const account = new MemoryAccount(environment.budget);
      const seen = new Set<RowKey>();
      const values: SqlValue[] = new Array(on.length);
      try {
        return input.run((row) => {
          ticker.tick();
          let bytes = HASH_ENTRY_BYTES;
          for (let i = 0; i < on.length; i++) values[i] = on[i](row);
          const key = keyOfValues(values);
          if (seen.has(key)) return true;
          for (let i = 0; i < on.length; i++) bytes += valueBytes(values[i]);
          account.charge(bytes);
          seen.add(key);
          return emit(row);
        });
      } finally {
        noteMemory(counters, account);
        account.close();
      }
    },
    complete: input.complete,
  };
}
