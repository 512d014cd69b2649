/** The name that somebody probably meant: for the hints of errors about names. Pure. */

const LENGTH_MAX = 100;

/** Optimal string alignment distance: inserting, deleting, replacing or swapping two neighbours costs 1. */
function distance(left: string, right: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const replaced = previous[column - 1] + (left[row - 1] === right[column - 1] ? 0 : 1);
      let best = Math.min(previous[column] + 1, current[column - 1] + 1, replaced);
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && swapped) best = Math.min(best, older[column - 2] + 1);
      current.push(best);
    }
    older = previous;
    previous = current;
  }
  return previous[right.length];
}

/** ` (did you mean "x"?)`, or nothing when no candidate is close: up to a third of the letters may differ. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  if (name.length > LENGTH_MAX) return '';
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const found = distance(name.toLowerCase(), candidate.toLowerCase());
    if (found < bestDistance && candidate !== name) {
      best = candidate;
      bestDistance = found;
    }
  }
  return best === undefined ? '' : ` (did you mean "${best}"?)`;
}
