/** Intervals of stored keys, [lower, upper): what they have in common. Pure. */
export interface KeyBounds {
  readonly lower?: Uint8Array;
  readonly upper?: Uint8Array;
}

/** Undefined when nothing is in both. */
export function intersectIntervals(a: KeyBounds, b: KeyBounds): KeyBounds | undefined {
  const lower = pick(a.lower, b.lower, 1);
  const upper = pick(a.upper, b.upper, -1);
  if (lower !== undefined && upper !== undefined && Buffer.compare(lower, upper) >= 0) return undefined;
  return { lower, upper };
}

function pick(
  a: Uint8Array | undefined,
  b: Uint8Array | undefined,
  direction: 1 | -1,
): Uint8Array | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Buffer.compare(a, b) * direction > 0 ? a : b;
}

/** Sorted by where they begin; those that overlap become one, so that no key is visited twice. */
export function disjointIntervals(intervals: readonly KeyBounds[]): KeyBounds[] {
  const sorted = [...intervals].sort((a, b) => compareLower(a.lower, b.lower));
  const result: KeyBounds[] = [];
  for (const interval of sorted) {
    const last = result.at(-1);
    if (last === undefined || !reaches(last.upper, interval.lower)) {
      result.push(interval);
      continue;
    }
    if (last.upper === undefined) continue;
    const isLonger = interval.upper === undefined || Buffer.compare(interval.upper, last.upper) > 0;
    if (isLonger) result[result.length - 1] = { lower: last.lower, upper: interval.upper };
  }
  return result;
}

function compareLower(a: Uint8Array | undefined, b: Uint8Array | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return Buffer.compare(a, b);
}

function reaches(upper: Uint8Array | undefined, lower: Uint8Array | undefined): boolean {
  return upper === undefined || lower === undefined || Buffer.compare(upper, lower) > 0;
}
