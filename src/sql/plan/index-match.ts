/**
 * How much of a scan's conditions one index answers: values of the leading columns, a range of the next one, and the order
 * in which the entries come. Pure.
 */
import type { BoundExpression } from '../algebra/expression.js';
import { type MatchedRange, rangesOf } from './index-ranges.js';
import type { IndexShape, ShapedColumn } from './index-shape.js';
import type { BoundSortKey } from './planner.js';
import { isStorable, keyOf, memberKey, type Sarg, type Scan } from './sargs.js';
import type { PlannerSupport } from './support.js';

export interface IndexMatch {
  readonly shape: IndexShape;
  readonly ranges: readonly MatchedRange[];
  /** Conditions that the ranges stand for, and those of them that must be checked again. */
  readonly used: readonly BoundExpression[];
  readonly inexact: readonly BoundExpression[];
  /** Leading columns with one value each. */
  readonly equalColumns: number;
  readonly order: MatchedOrder | undefined;
}

export interface MatchedOrder {
  readonly direction: 'forward' | 'backward';
  /** The keys that the order comes down to, and the columns of the index that stand for them, by place; `_id` is none. */
  readonly keys: readonly BoundSortKey[];
  readonly columns: readonly number[];
}

export function matchIndex(
  shape: IndexShape,
  sargs: readonly Sarg[],
  order: readonly BoundSortKey[] | undefined,
  scan: Scan,
  support: PlannerSupport,
): IndexMatch {
  const found = rangesOf(shape, sargs, support);
  const used = [...new Set(found.sargs.map(({ conjunct }) => conjunct))];
  const inexact = [...new Set(found.sargs.filter(({ isExact }) => !isExact).map((sarg) => sarg.conjunct))];
  const columns: OrderColumn[] = shape.columns.map((column) => ({
    ...column,
    isPresent: isPresent(column.key, sargs),
  }));
  columns.push({ key: memberKey(['_id']), descending: false, nullsFirst: false, isPresent: true });
  return {
    shape,
    ranges: found.ranges,
    used,
    inexact,
    equalColumns: found.equalColumns,
    order: order === undefined ? undefined : directionFor(columns, order, fixedKeys(sargs), scan),
  };
}

interface OrderColumn extends ShapedColumn {
  /** NULL does not occur, so its place among the values does not matter. */
  readonly isPresent: boolean;
}

/** Keys that have one value in all rows: their place in ORDER BY does not matter. */
export function fixedKeys(sargs: readonly Sarg[]): ReadonlySet<string> {
  return new Set(
    sargs.flatMap(({ key, test }) => (test.kind === 'equals' || test.kind === 'isNull' ? [key] : [])),
  );
}

function isPresent(key: string, sargs: readonly Sarg[]): boolean {
  return sargs.some((sarg) => sarg.key === key && sarg.test.kind !== 'isNull');
}

/** In which direction entries with these columns, `_id` last, come in the order asked for; undefined: in neither. */
function directionFor(
  columns: readonly OrderColumn[],
  order: readonly BoundSortKey[],
  fixed: ReadonlySet<string>,
  scan: Scan,
): MatchedOrder | undefined {
  const left = columns.filter(({ key }) => !fixed.has(key));
  const wanted = order.map((key) => ({ ...key, key: keyOf(key.expression, scan) }));
  const keys = wanted.filter(({ key }, place) => !fixed.has(key) && isFirst(wanted, key, place));
  const places = left.map((column) => columns.indexOf(column)).filter((place) => place < columns.length - 1);
  let direction: 'forward' | 'backward' | undefined;
  for (const [place, wish] of keys.entries()) {
    const column = left[place];
    // Behind `_id`, which is unique, nothing is left to decide.
    if (column === undefined) break;
    if (column.key !== wish.key || !isStorable(wish.expression)) return undefined;
    const isForward = column.descending === wish.descending;
    const nullsFit = column.isPresent || (column.nullsFirst === wish.nullsFirst) === isForward;
    const own = isForward ? 'forward' : 'backward';
    if (!nullsFit || (direction !== undefined && direction !== own)) return undefined;
    direction = own;
  }
  return {
    direction: direction ?? 'forward',
    keys: keys
      .slice(0, left.length)
      .map(({ expression, descending, nullsFirst }) => ({ expression, descending, nullsFirst })),
    columns: places.slice(0, keys.length),
  };
}

/** A key that is sorted by already changes nothing when it comes again. */
function isFirst(wanted: readonly { readonly key: string }[], key: string, place: number): boolean {
  return wanted.findIndex((other) => other.key === key) === place;
}
