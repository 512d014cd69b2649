/**
 * Reads the Prometheus text format (version 0.0.4) as our own server writes it: samples by metric name, without types and
 * help. Lines that are no samples are skipped; judging the text is the business of tests.
 */

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** By metric name. Those of a histogram are three: `_bucket`, `_sum` and `_count`. */
export type Exposition = ReadonlyMap<string, readonly Series[]>;

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function readExposition(text: string): Exposition {
  const metrics = new Map<string, Series[]>();
  for (const line of text.split('\n')) {
    const sample = SAMPLE.exec(line);
    if (sample === null) continue;
    const [, name, labels = '', value] = sample;
    const series = { labels: readLabels(labels), value: readNumber(value) };
    const known = metrics.get(name);
    if (known === undefined) metrics.set(name, [series]);
    else known.push(series);
  }
  return metrics;
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(LABEL))
    labels[name] = value.replace(/\\(.)/g, (_escape, letter) => (letter === 'n' ? '\n' : letter));
  return labels;
}

function readNumber(text: string): number {
  return text === '+Inf'
    ? Number.POSITIVE_INFINITY
    : text === '-Inf'
      ? Number.NEGATIVE_INFINITY
      : Number(text);
}

/** Which series of a metric are meant. */
export type Where = (labels: Readonly<Record<string, string>>) => boolean;
const everywhere: Where = () => true;

/** The sum of a gauge's series, or null when there is none. */
export function total(metrics: Exposition, name: string, where: Where = everywhere): number | null {
  const series = metrics.get(name)?.filter(({ labels }) => where(labels)) ?? [];
  return series.length === 0 ? null : series.reduce((sum, { value }) => sum + value, 0);
}

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * What the series of a counter have grown by, each by itself. One that is smaller than before has started again from 0, as
 * after a restart, and has grown by what it is now: the rule of Prometheus' increase(). A new one has grown by all of it.
 */
export function increases(
  before: Exposition,
  after: Exposition,
  name: string,
  where: Where = everywhere,
): Series[] {
  const old = new Map(before.get(name)?.map(({ labels, value }) => [keyOf(labels), value]));
  return (after.get(name) ?? [])
    .filter(({ labels }) => where(labels))
    .map(({ labels, value }) => {
      const start = old.get(keyOf(labels)) ?? 0;
      return { labels, value: value < start ? value : value - start };
    });
}

/** The sum of increases(), or null when the counter has no such series. */
export function increase(before: Exposition, after: Exposition, name: string, where?: Where): number | null {
  const series = increases(before, after, name, where);
  return series.length === 0 ? null : series.reduce((sum, { value }) => sum + value, 0);
}
