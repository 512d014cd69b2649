/**
 * The order of rows by one key whose values are numbers or NULL: a merge sort of places over an array of doubles, which is several
 * times faster than comparing values of any kind. Stable. Pure.
 */
import type { SqlValue } from '../types/values.js';
import type { KeyOrder } from './row-order.js';
import type { Ticker } from './ticker.js';

/** Undefined when a value is something else, also NaN and a bigint. */
export function numberOrder(
  values: readonly SqlValue[],
  { descending, nullsFirst }: KeyOrder,
  ticker: Ticker,
): Uint32Array | undefined {
  const keys = new Float64Array(values.length);
  const nulls: number[] = [];
  const places: number[] = [];
  for (let place = 0; place < values.length; place++) {
    const value = values[place];
    if (value === null) nulls.push(place);
    else if (typeof value === 'number' && !Number.isNaN(value)) {
      // Turned around, so that equal ones stay in their order.
      keys[place] = descending ? -value : value;
      places.push(place);
    } else return undefined;
  }
  const sorted = mergeSort(Uint32Array.from(places), keys, ticker);
  if (nulls.length === 0) return sorted;
  return Uint32Array.from(nullsFirst ? [...nulls, ...sorted] : [...sorted, ...nulls]);
}

function mergeSort(places: Uint32Array, keys: Float64Array, ticker: Ticker): Uint32Array {
  let from = places;
  let to: Uint32Array = new Uint32Array(places.length);
  for (let width = 1; width < places.length; width *= 2) {
    ticker.look();
    for (let start = 0; start < places.length; start += 2 * width) {
      mergeRuns(
        from,
        to,
        keys,
        start,
        Math.min(start + width, places.length),
        Math.min(start + 2 * width, places.length),
      );
    }
    [from, to] = [to, from];
  }
  return from;
}

/** from[start, middle) and from[middle, end) are sorted; so is to[start, end) afterwards. */
function mergeRuns(
  from: Uint32Array,
  to: Uint32Array,
  keys: Float64Array,
  start: number,
  middle: number,
  end: number,
): void {
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    const takesLeft = left < middle && (right >= end || keys[from[left]] <= keys[from[right]]);
    to[at] = takesLeft ? from[left++] : from[right++];
  }
}
