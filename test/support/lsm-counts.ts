/** What happened in random lives of a shard: shows that a test has tested something. */
export interface RunCounts {
  operations: number;
  gets: number;
  scans: number;
  restarts: number;
  crashes: number;
  flushes: number;
  compactions: number;
  deepestLevel: number;
  swept: number;
  rowCacheHits: number;
  /** Writes that had to wait, or were too large. */
  refusals: number;
}

export function noCounts(): RunCounts {
  return {
    operations: 0,
    gets: 0,
    scans: 0,
    restarts: 0,
    crashes: 0,
    flushes: 0,
    compactions: 0,
    deepestLevel: 0,
    swept: 0,
    rowCacheHits: 0,
    refusals: 0,
  };
}

export function addCounts(totals: RunCounts, counts: RunCounts): void {
  const { deepestLevel } = totals;
  for (const [name, count] of Object.entries(counts)) totals[name as keyof RunCounts] += count;
  totals.deepestLevel = Math.max(deepestLevel, counts.deepestLevel);
}
