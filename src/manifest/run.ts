/**
 * A sorted run: tables in key order that do not overlap, so that a key is in at most one of them. Immutable; any
 * thread. All versions of a key that a run holds are in one table: writers never cut a table inside a key.
 */
import { assert } from '../base/assert.js';
import { compareBounds, compareBoundToKey } from './key-order.js';
import type { KeyBound, TableInfo } from './table-info.js';

/** Sums over tables. */
export interface TableTotals {
  readonly tables: number;
  readonly bytes: number;
  /** Versions, tombstones included. */
  readonly entries: number;
  readonly tombstones: number;
  /** Bytes of keys and values before prefix compression and codec. */
  readonly rawBytes: number;
}

export class Run {
  readonly totals: TableTotals;

  /** `tables` in key order. An overlap or a table whose bounds are swapped is an AssertionError. */
  constructor(
    /** As in TableInfo.run: the age of a run of level 0, 0 in deeper levels. */
    readonly run: number,
    readonly tables: readonly TableInfo[],
  ) {
    assert(tables.length > 0, 'a run has at least one table');
    for (let i = 0; i < tables.length; i++) requireOrder(tables[i - 1], tables[i]);
    this.totals = totalsOf(tables);
  }

  /** The only table of this run that can hold the key. Allocates nothing. */
  find(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): TableInfo | undefined {
    const index = this.indexAtOrAfter(collection, key, keyOffset, keyLength);
    if (index === this.tables.length) return undefined;
    const table = this.tables[index];
    return compareBoundToKey(table.smallest, collection, key, keyOffset, keyLength) <= 0 ? table : undefined;
  }

  /** Index of the first table that ends at or behind the key; `tables.length` if all end before it. */
  indexAtOrAfter(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    const { tables } = this;
    let low = 0;
    let high = tables.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBoundToKey(tables[middle].largest, collection, key, keyOffset, keyLength) < 0)
        low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Tables that share at least one place with [smallest, largest], both inclusive, in key order. */
  overlapping(smallest: KeyBound, largest: KeyBound): TableInfo[] {
    const found: TableInfo[] = [];
    const from = this.indexAtOrAfter(smallest.collection, smallest.key, 0, smallest.key.length);
    for (let index = from; index < this.tables.length; index++) {
      const table = this.tables[index];
      if (compareBounds(table.smallest, largest) > 0) break;
      found.push(table);
    }
    return found;
  }
}

export function totalsOf(tables: readonly TableInfo[]): TableTotals {
  let bytes = 0;
  let entries = 0;
  let tombstones = 0;
  let rawBytes = 0;
  for (const table of tables) {
    bytes += table.sizeBytes;
    entries += table.entries;
    tombstones += table.tombstones;
    rawBytes += table.rawBytes;
  }
  return { tables: tables.length, bytes, entries, tombstones, rawBytes };
}

export function sumTotals(parts: Iterable<TableTotals>): TableTotals {
  const sum = { tables: 0, bytes: 0, entries: 0, tombstones: 0, rawBytes: 0 };
  for (const part of parts) {
    sum.tables += part.tables;
    sum.bytes += part.bytes;
    sum.entries += part.entries;
    sum.tombstones += part.tombstones;
    sum.rawBytes += part.rawBytes;
  }
  return sum;
}

function requireOrder(before: TableInfo | undefined, table: TableInfo): void {
  assert(
    compareBounds(table.smallest, table.largest) <= 0,
    () => `table ${table.fileNumber} begins behind its end`,
  );
  if (before === undefined) return;
  assert(
    compareBounds(before.largest, table.smallest) < 0,
    () => `tables ${before.fileNumber} and ${table.fileNumber} of one run overlap or are out of order`,
  );
}
