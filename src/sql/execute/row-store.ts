/** Rows that an operator keeps, charged to the query's budget while they are. One run of one operator. */

import { rowBytes } from '../types/value-bytes.js';
import type { Row } from '../types/values.js';
import type { MemoryAccount } from './memory-budget.js';
import type { Emit, Operator } from './operator.js';
import type { Ticker } from './ticker.js';

export class RowStore {
  readonly rows: Row[] = [];
  private bytes = 0;

  constructor(private readonly account: MemoryAccount) {}

  /** Takes the row itself: the caller has copied it. */
  push(row: Row): void {
    const bytes = rowBytes(row);
    this.account.charge(bytes);
    this.bytes += bytes;
    this.rows.push(row);
  }

  clear(): void {
    this.account.release(this.bytes);
    this.bytes = 0;
    this.rows.length = 0;
  }

  collect(operator: Operator): void {
    operator.run((row) => {
      this.push(row.slice());
      return true;
    });
  }
}

export function emitRows(rows: readonly Row[], emit: Emit, ticker: Ticker): boolean {
  for (let i = 0; i < rows.length; i++) {
    ticker.tick();
    if (!emit(rows[i])) return false;
  }
  return true;
}
