/**
 * GROUP BY and aggregates: a hash table of groups, or group by group over an input that is sorted by the keys. A partial
 * aggregate gives states in the place of results and a final one merges them. Without keys there is one group,
 * whatever the input.
 */
import type { PhysicalPlan } from '../algebra/physical.js';
import { rowBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import { type Accumulator, compileAccumulator } from './accumulators.js';
import { compileEvaluators } from './expressions.js';
import { demandOf } from './filter-project.js';
import { HASH_ENTRY_BYTES, MemoryAccount } from './memory-budget.js';
import { countersOf, noteMemory } from './node-counters.js';
import type { Compilation, Emit, Evaluator, Operator } from './operator.js';
import { keyBytes, keyOfValue, keyOfValues, type RowKey } from './row-key.js';
import { sameKeys } from './row-order.js';

type Aggregate = PhysicalPlan & { kind: 'aggregate' };

const STATE_BYTES = 40;

interface Group {
  readonly keys: readonly SqlValue[];
  readonly states: unknown[];
}

interface Aggregation {
  readonly keys: readonly Evaluator[];
  readonly accumulators: readonly Accumulator[];
  readonly compilation: Compilation;
}

export function buildAggregate(plan: Aggregate, compilation: Compilation): Operator {
  const { groupBy, aggregates, mode, groupingSets } = plan;
  const read = [
    ...groupBy,
    ...aggregates.flatMap(({ args, filter, orderBy }) => [
      ...args,
      ...(filter === undefined ? [] : [filter]),
      ...orderBy.map(({ expression }) => expression),
    ]),
  ];
  const input = compilation.build(plan.input, demandOf(plan.input.width, read), compilation);
  const aggregation: Aggregation = {
    keys: compileEvaluators(groupBy, compilation),
    accumulators: aggregates.map((call) => compileAccumulator(call, mode, compilation)),
    compilation,
  };
  const counters = countersOf(plan, compilation);
  return {
    run(emit) {
      const account = new MemoryAccount(compilation.environment.budget);
      try {
        if (groupingSets === undefined && groupBy.length === 0) {
          return emitGroup(aggregateAll(input, aggregation, account), aggregation, emit);
        }
        if (plan.sorted && groupingSets === undefined) {
          return aggregateSorted(input, aggregation, account, emit);
        }
        const tables =
          groupingSets === undefined
            ? [fillTable(input, aggregation, account)]
            : fillTables(input, aggregation, groupingSets, account);
        if (counters !== undefined) counters.hashEntries = tables.reduce((sum, { size }) => sum + size, 0);
        noteMemory(counters, account);
        return tables.every((table) => emitTable(table, aggregation, emit));
      } finally {
        account.close();
      }
    },
  };
}

/** `key`: of the group in its table, if it is in one. */
function newGroup(
  keys: readonly SqlValue[],
  { accumulators }: Aggregation,
  account: MemoryAccount,
  key: RowKey = null,
): Group {
  const entryBytes = HASH_ENTRY_BYTES + keyBytes(key, keys as Row);
  account.charge(rowBytes(keys as Row) + entryBytes + accumulators.length * STATE_BYTES);
  return { keys, states: accumulators.map((accumulator) => accumulator.initial()) };
}

function emitTable(table: ReadonlyMap<RowKey, Group>, aggregation: Aggregation, emit: Emit): boolean {
  for (const group of table.values()) {
    aggregation.compilation.ticker.tick();
    if (!emitGroup(group, aggregation, emit)) return false;
  }
  return true;
}

function emitGroup({ keys, states }: Group, { accumulators }: Aggregation, emit: Emit): boolean {
  const row: Row = [...keys];
  for (let i = 0; i < accumulators.length; i++) row.push(accumulators[i].finish(states[i]));
  return emit(row);
}

function accumulate(
  states: unknown[],
  accumulators: readonly Accumulator[],
  row: Row,
  account: MemoryAccount,
): void {
  for (let i = 0; i < accumulators.length; i++) states[i] = accumulators[i].add(states[i], row, account);
}

function aggregateAll(input: Operator, aggregation: Aggregation, account: MemoryAccount): Group {
  const group = newGroup([], aggregation, account);
  const { accumulators, compilation } = aggregation;
  const { ticker } = compilation;
  const { states } = group;
  if (accumulators.length === 1) {
    const [accumulator] = accumulators;
    let state = states[0];
    input.run((row) => {
      ticker.tick();
      state = accumulator.add(state, row, account);
      return true;
    });
    states[0] = state;
    return group;
  }
  input.run((row) => {
    ticker.tick();
    accumulate(states, accumulators, row, account);
    return true;
  });
  return group;
}

function fillTable(input: Operator, aggregation: Aggregation, account: MemoryAccount): Map<RowKey, Group> {
  const { keys, accumulators, compilation } = aggregation;
  const { ticker } = compilation;
  const table = new Map<RowKey, Group>();
  if (keys.length === 1) {
    const [first] = keys;
    input.run((row) => {
      ticker.tick();
      const value = first(row);
      const key = keyOfValue(value);
      let group = table.get(key);
      if (group === undefined) {
        group = newGroup([value], aggregation, account, key);
        table.set(key, group);
      }
      accumulate(group.states, accumulators, row, account);
      return true;
    });
    return table;
  }
  const values: SqlValue[] = new Array(keys.length).fill(null);
  input.run((row) => {
    ticker.tick();
    for (let i = 0; i < keys.length; i++) values[i] = keys[i](row);
    const key = keyOfValues(values);
    let group = table.get(key);
    if (group === undefined) {
      group = newGroup(values.slice(), aggregation, account, key);
      table.set(key, group);
    }
    accumulate(group.states, accumulators, row, account);
    return true;
  });
  return table;
}

/** One table per set; keys that a set lacks are NULL. The empty set has its group without any row, too. */
function fillTables(
  input: Operator,
  aggregation: Aggregation,
  sets: readonly (readonly number[])[],
  account: MemoryAccount,
): Map<RowKey, Group>[] {
  const { keys, accumulators, compilation } = aggregation;
  const noKeys: SqlValue[] = new Array(keys.length).fill(null);
  const tables = sets.map((set) => {
    const table = new Map<RowKey, Group>();
    if (set.length === 0) table.set(keyOfValues([]), newGroup(noKeys, aggregation, account));
    return table;
  });
  input.run((row) => {
    compilation.ticker.tick();
    const values = keys.map((key) => key(row));
    for (let s = 0; s < sets.length; s++) {
      const set = sets[s];
      const key = keyOfValues(set.map((place) => values[place]));
      let group = tables[s].get(key);
      if (group === undefined) {
        group = newGroup(
          values.map((value, place) => (set.includes(place) ? value : null)),
          aggregation,
          account,
          key,
        );
        tables[s].set(key, group);
      }
      accumulate(group.states, accumulators, row, account);
    }
    return true;
  });
  return tables;
}

function aggregateSorted(
  input: Operator,
  aggregation: Aggregation,
  account: MemoryAccount,
  emit: Emit,
): boolean {
  const { keys, accumulators, compilation } = aggregation;
  const values: SqlValue[] = new Array(keys.length).fill(null);
  let group: Group | undefined;
  const goesOn = input.run((row) => {
    compilation.ticker.tick();
    for (let i = 0; i < keys.length; i++) values[i] = keys[i](row);
    if (group === undefined || !sameKeys(group.keys, values)) {
      if (group !== undefined && !emitGroup(group, aggregation, emit)) return false;
      account.close();
      group = newGroup(values.slice(), aggregation, account);
    }
    accumulate(group.states, accumulators, row, account);
    return true;
  });
  if (!goesOn) return false;
  return group === undefined || emitGroup(group, aggregation, emit);
}
