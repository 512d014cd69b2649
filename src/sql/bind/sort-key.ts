/** One key of an ORDER BY: NULLs come last, and first when the order is descending, unless the statement says so. */
import type { SortBy } from '@pgsql/types';
import type { BoundExpression, SortKeyOf } from '../algebra/expression.js';
import { decided } from './coerce.js';
import type { StatementContext } from './context.js';
import { notSupported } from './errors.js';

export function sortKey(
  context: StatementContext,
  by: SortBy,
  expression: BoundExpression,
): SortKeyOf<BoundExpression> {
  if (by.sortby_dir === 'SORTBY_USING') throw notSupported('ORDER BY … USING', context.placeOf(expression));
  const descending = by.sortby_dir === 'SORTBY_DESC';
  return { expression: decided(expression), descending, nullsFirst: nullsFirst(by.sortby_nulls, descending) };
}

export function nullsFirst(written: string | undefined, descending: boolean): boolean {
  if (written === 'SORTBY_NULLS_FIRST') return true;
  return written === 'SORTBY_NULLS_LAST' ? false : descending;
}
