/** ORDER BY: comparison of values and of rows of key values. NULLs go where the key says. Pure. */
import type { SortKey } from '../algebra/physical.js';
import { compareForOrder } from '../types/compare.js';
import type { SqlValue } from '../types/values.js';

export interface KeyOrder {
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export function compareKey(a: SqlValue, b: SqlValue, { descending, nullsFirst }: KeyOrder): number {
  if (typeof a === 'number' && typeof b === 'number' && !Number.isNaN(a) && !Number.isNaN(b)) {
    if (a === b) return 0;
    return a < b !== descending ? -1 : 1;
  }
  if (a === null) return b === null ? 0 : nullsFirst ? -1 : 1;
  if (b === null) return nullsFirst ? 1 : -1;
  if (a === b) return 0;
  const order = compareForOrder(a, b);
  return descending ? -order : order;
}

/** `offset`: where the key values begin in both rows. */
export function compareKeys(
  a: readonly SqlValue[],
  b: readonly SqlValue[],
  orders: readonly KeyOrder[],
  offset = 0,
): number {
  for (let i = 0; i < orders.length; i++) {
    const order = compareKey(a[offset + i], b[offset + i], orders[i]);
    if (order !== 0) return order;
  }
  return 0;
}

export const ordersOf = (keys: readonly SortKey[]): KeyOrder[] =>
  keys.map(({ descending, nullsFirst }) => ({ descending, nullsFirst }));

/** Equal for GROUP BY: NULLs are. */
export function sameKeys(a: readonly SqlValue[], b: readonly SqlValue[]): boolean {
  for (let i = 0; i < a.length; i++) {
    const x = a[i];
    const y = b[i];
    if (x === y) continue;
    if (x === null || y === null || compareForOrder(x, y) !== 0) return false;
  }
  return true;
}
