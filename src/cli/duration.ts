/** Durations as people type them: `500ms`, `60s`, `2m`, `1h`. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION_MS_MAX = 24 * 3_600_000;

/** Milliseconds, or null when the text is no duration of at most a day. A number needs its unit. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  const unit = UNIT_MS[match?.[2] ?? ''];
  if (match === null || unit === undefined) return null;
  const ms = Math.round(Number(match[1]) * unit);
  return ms <= DURATION_MS_MAX ? ms : null;
}

const DAY_MS = 24 * 3_600_000;
const AGE_MS_MAX = 100 * 365 * DAY_MS;

/** The same for how old something is: also days, and up to a century. */
export function parseAge(text: string): number | null {
  const days = /^(\d+(?:\.\d+)?)d$/.exec(text.trim());
  if (days === null) return parseDuration(text);
  const ms = Math.round(Number(days[1]) * DAY_MS);
  return ms <= AGE_MS_MAX ? ms : null;
}

/** `1500` → `1.5s`, in the largest unit that keeps it at least 1. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const [unit, size] = ms < 60_000 ? ['s', 1000] : ms < 3_600_000 ? ['m', 60_000] : ['h', 3_600_000];
  return `${Number((ms / Number(size)).toFixed(1))}${unit}`;
}
