/**
 * The order of index entries whose keys were cut short (indexes/key-format.ts): those with the same bytes up to the cut come one
 * after the other, and their rows are held until the last of them was read and sorted by what the documents say. Other entries
 * pass. One run of one scan.
 */
import type { KeyDecoder } from '../../indexes/key-decoding.js';
import type { IndexOrder } from '../algebra/physical.js';
import { rowBytes } from '../types/value-bytes.js';
import type { Row, SqlValue } from '../types/values.js';
import type { MemoryAccount } from './memory-budget.js';
import type { Compilation, Emit, Evaluator } from './operator.js';
import { type KeyOrder, ordersOf } from './row-order.js';
import { sortEntries } from './sort.js';

interface Held {
  readonly keys: readonly SqlValue[];
  readonly row: Row;
}

export class CutRun {
  private readonly columns: readonly number[];
  private readonly orders: readonly KeyOrder[];
  private held: Held[] = [];
  private bytes = 0;
  /** What all keys of the run begin with. */
  private prefix: Uint8Array = new Uint8Array(0);

  constructor(
    { keys, columns }: IndexOrder,
    private readonly evaluators: readonly Evaluator[],
    private readonly account: MemoryAccount,
    private readonly compilation: Compilation,
  ) {
    // Where the first of them is cut, those behind it are out of order.
    this.columns = [...columns].sort((a, b) => a - b);
    this.orders = ordersOf(keys);
  }

  get isEmpty(): boolean {
    return this.held.length === 0;
  }

  /** Length of the part of the key, up to its first cut column, that the entries of a run share; 0: nothing is cut that matters. */
  cutLength(decoder: KeyDecoder): number {
    const { columns } = this;
    for (let i = 0; i < columns.length; i++) {
      if (decoder.isColumnCut(columns[i])) return decoder.columnLength(columns[i]);
    }
    return 0;
  }

  /** Whether the entry belongs to those that are held. */
  isOf(key: Uint8Array, offset: number, cutLength: number): boolean {
    const { prefix } = this;
    if (this.isEmpty || prefix.length !== cutLength) return false;
    for (let i = 0; i < cutLength; i++) if (key[offset + i] !== prefix[i]) return false;
    return true;
  }

  /** The first of a run. */
  begin(prefix: Uint8Array, row: Row): void {
    this.prefix = prefix;
    this.add(row);
  }

  /** Takes the row itself: the caller has copied it. */
  add(row: Row): void {
    const keys = this.evaluators.map((evaluate) => evaluate(row));
    const bytes = rowBytes(row) + rowBytes(keys);
    this.account.charge(bytes);
    this.bytes += bytes;
    this.held.push({ keys, row });
  }

  /** Nothing is held afterwards. False: no more rows are wanted. */
  emit(emit: Emit): boolean {
    const { held, compilation } = this;
    this.held = [];
    sortEntries(held, this.orders, compilation);
    try {
      for (const { row } of held) {
        compilation.ticker.tick();
        if (!emit(row)) return false;
      }
      return true;
    } finally {
      this.account.release(this.bytes);
      this.bytes = 0;
    }
  }
}
