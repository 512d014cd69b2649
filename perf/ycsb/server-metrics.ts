/** What /metrics tells about flushes, compactions and caches: evidence that they happened while we measured. */

/** Names with one of these in them are of interest; which exist depends on the server. */
const OF_INTEREST = /flush|compact|stall|sst|level|cache|wal_bytes|memtable|refused/;
const SAMPLE = /^(lumadb_[a-zA-Z0-9_]+)(?:\{[^}]*\})? (\S+)/;
/** Buckets of histograms are many and say little; their _sum and _count stay. */
const BUCKET = /_bucket$/;

/** By name, summed over labels. */
export type ServerMetrics = Readonly<Record<string, number>>;

export function parseMetrics(text: string): ServerMetrics {
  const metrics: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const [, name, value] = SAMPLE.exec(line) ?? [];
    if (name === undefined || BUCKET.test(name) || !OF_INTEREST.test(name)) continue;
    metrics[name] = (metrics[name] ?? 0) + Number(value);
  }
  return metrics;
}

export async function readMetrics(httpUrl: string): Promise<ServerMetrics> {
  const answer = await fetch(`${httpUrl}/metrics`);
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
  return parseMetrics(await answer.text());
}

/** Growth of counters (`_total`, `_sum`, `_count`); other metrics as they are afterwards. */
export function changeOf(before: ServerMetrics, after: ServerMetrics): ServerMetrics {
  const isCounter = (name: string): boolean => /_(total|sum|count)$/.test(name);
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [
      name,
      isCounter(name) ? value - (before[name] ?? 0) : value,
    ]),
  );
}
