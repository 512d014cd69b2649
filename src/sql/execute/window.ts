/**
 * Window functions. All rows are kept; for each different pair of PARTITION BY and ORDER BY they are sorted, cut into partitions,
 * and each call adds a column. Rows come out in the order of the last sort.
 */
import type { PhysicalPlan, WindowCall } from '../algebra/physical.js';
import { structureText } from '../algebra/structure-text.js';
import { rowBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import { compileEvaluators } from './expressions.js';
import { MemoryAccount } from './memory-budget.js';
import { countersOf, noteMemory } from './node-counters.js';
import type { Compilation, Evaluator, Operator } from './operator.js';
import { compareKeys, type KeyOrder, ordersOf } from './row-order.js';
import { emitRows, RowStore } from './row-store.js';
import { sortEntries } from './sort.js';
import { compileWindowCall, type WindowColumn } from './window-call.js';
import type { Partition } from './window-frame.js';

type Window = PhysicalPlan & { kind: 'window' };

/** Calls over the same partitions in the same order. */
interface WindowGroup {
  readonly keys: readonly Evaluator[];
  readonly orders: readonly KeyOrder[];
  readonly partitionKeys: number;
  readonly columns: { readonly place: number; readonly column: WindowColumn }[];
}

interface Entry {
  readonly keys: readonly SqlValue[];
  readonly row: Row;
}

const PARTITION_ORDER: KeyOrder = { descending: false, nullsFirst: false };

export function buildWindow(plan: Window, compilation: Compilation): Operator {
  const input = compilation.build(plan.input, undefined, compilation);
  const groups = groupsOf(plan, compilation);
  const counters = countersOf(plan, compilation);
  const width = plan.input.width;
  return {
    run(emit) {
      const account = new MemoryAccount(compilation.environment.budget);
      try {
        const store = new RowStore(account);
        input.run((found) => {
          const row = found.slice(0, width);
          for (let i = 0; i < plan.calls.length; i++) row.push(null);
          store.push(row);
          return true;
        });
        let { rows } = store;
        for (const group of groups) rows = computeGroup(group, rows, account, compilation);
        noteMemory(counters, account);
        return emitRows(rows, emit, compilation.ticker);
      } finally {
        account.close();
      }
    },
  };
}

function groupsOf({ calls, input }: Window, compilation: Compilation): WindowGroup[] {
  const groups = new Map<string, WindowGroup>();
  for (const [i, call] of calls.entries()) {
    const name = structureText([call.partitionBy, call.orderBy]);
    let group = groups.get(name);
    if (group === undefined) {
      group = newGroup(call, compilation);
      groups.set(name, group);
    }
    group.columns.push({ place: input.width + i, column: compileWindowCall(call, compilation) });
  }
  return [...groups.values()];
}

function newGroup({ partitionBy, orderBy }: WindowCall, compilation: Compilation): WindowGroup {
  return {
    keys: compileEvaluators([...partitionBy, ...orderBy.map(({ expression }) => expression)], compilation),
    orders: [...partitionBy.map(() => PARTITION_ORDER), ...ordersOf(orderBy)],
    partitionKeys: partitionBy.length,
    columns: [],
  };
}

function computeGroup(
  group: WindowGroup,
  rows: readonly Row[],
  account: MemoryAccount,
  compilation: Compilation,
): Row[] {
  const { keys, orders, partitionKeys } = group;
  const entries: Entry[] = rows.map((row) => {
    compilation.ticker.tick();
    const values = keys.map((key) => key(row));
    account.charge(rowBytes(values));
    return { keys: values, row };
  });
  if (orders.length > 0) sortEntries(entries, orders, compilation);
  const partitionOrders = orders.slice(0, partitionKeys);
  let start = 0;
  for (let end = 1; end <= entries.length; end++) {
    const goesOn =
      end < entries.length && compareKeys(entries[end].keys, entries[start].keys, partitionOrders) === 0;
    if (goesOn) continue;
    computePartition(group, entries.slice(start, end), account, compilation);
    start = end;
  }
  return entries.map(({ row }) => row);
}

function computePartition(
  group: WindowGroup,
  entries: readonly Entry[],
  account: MemoryAccount,
  compilation: Compilation,
): void {
  const partition = partitionOf(group, entries);
  const rows = entries.map(({ row }) => row);
  for (const { place, column } of group.columns) {
    column(partition, rows, account, (row, value) => {
      compilation.ticker.tick();
      rows[row][place] = value;
    });
  }
}

function partitionOf({ orders, partitionKeys }: WindowGroup, entries: readonly Entry[]): Partition {
  const order = orders.slice(partitionKeys);
  const groupOf = new Int32Array(entries.length);
  const groupStart = [0];
  for (let row = 1; row < entries.length; row++) {
    const isPeer = compareKeys(entries[row].keys, entries[row - 1].keys, order, partitionKeys) === 0;
    if (!isPeer) groupStart.push(row);
    groupOf[row] = groupStart.length - 1;
  }
  groupStart.push(entries.length);
  return {
    rows: entries.length,
    groupOf,
    groupStart,
    keys: order.length === 0 ? undefined : entries.map(({ keys }) => keys[partitionKeys]),
    order: order[0],
  };
}
