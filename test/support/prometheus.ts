/** Reads the Prometheus text format (version 0.0.4) and objects to everything the specification forbids. */

export interface PrometheusSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface PrometheusFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: PrometheusSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (-?\d+))?$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const SUFFIXES = ['_bucket', '_sum', '_count'];

/** Throws an Error that names the line. */
export function parsePrometheus(text: string): Map<string, PrometheusFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, PrometheusFamily>();
  const helps = new Map<string, string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment;
      if (!NAME.test(name)) throw new Error(`bad name: ${line}`);
      if (kind === 'HELP') {
        if (helps.has(name)) throw new Error(`second HELP: ${line}`);
        helps.set(name, rest);
        continue;
      }
      if (families.has(name)) throw new Error(`second TYPE: ${line}`);
      if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest))
        throw new Error(`bad TYPE: ${line}`);
      families.set(name, { type: rest, help: helps.get(name) ?? '', samples: [] });
      current = name;
      continue;
    }
    if (line.startsWith('#')) continue;
    const sample = parseSample(line);
    const family = families.get(current);
    if (family === undefined || !belongs(sample.name, current, family.type))
      throw new Error(`outside of its family: ${line}`);
    family.samples.push(sample);
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function belongs(sample: string, family: string, type: string): boolean {
  if (sample === family) return type !== 'histogram';
  return type === 'histogram' && SUFFIXES.some((suffix) => sample === family + suffix);
}

function parseSample(line: string): PrometheusSample {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const labels = new Map<string, string>();
  for (let rest = match[2] ?? ''; rest !== ''; ) {
    const label = LABEL.exec(rest);
    if (label === null) throw new Error(`bad labels: ${line}`);
    if (labels.has(label[1])) throw new Error(`a label twice: ${line}`);
    labels.set(label[1], label[2]);
    rest = rest.slice(label[0].length);
  }
  return { name: match[1], labels, value: parseNumber(match[3], line) };
}

function parseNumber(text: string, line: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text === 'NaN' || text === 'Nan') return Number.NaN;
  if (!/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) throw new Error(`bad number: ${line}`);
  return Number(text);
}

const keyOf = (sample: PrometheusSample, without = ''): string =>
  JSON.stringify([...sample.labels].filter(([name]) => name !== without).sort());

function checkFamily(name: string, { type, samples }: PrometheusFamily): void {
  const seen = new Set<string>();
  for (const sample of samples) {
    const key = sample.name + keyOf(sample);
    if (seen.has(key)) throw new Error(`${name}: a series twice: ${key}`);
    seen.add(key);
    if (type !== 'gauge' && sample.value < 0) throw new Error(`${name}: negative`);
  }
  if (type === 'histogram') checkHistogram(name, samples);
}

/** Buckets grow, end with +Inf, and agree with the count. */
function checkHistogram(name: string, samples: readonly PrometheusSample[]): void {
  const series = new Map<string, PrometheusSample[]>();
  for (const sample of samples) {
    const key = keyOf(sample, 'le');
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [key, members] of series) {
    const buckets = members.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map((bucket) => parseNumber(bucket.labels.get('le') ?? 'none', `${name} ${key}`));
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name}${key}: no +Inf bucket`);
    for (let i = 1; i < buckets.length; i++) {
      if (bounds[i] <= bounds[i - 1]) throw new Error(`${name}${key}: bounds do not grow`);
      if (buckets[i].value < buckets[i - 1].value) throw new Error(`${name}${key}: buckets shrink`);
    }
    const count = members.find((sample) => sample.name === `${name}_count`);
    const sum = members.find((sample) => sample.name === `${name}_sum`);
    if (count === undefined || sum === undefined) throw new Error(`${name}${key}: no _count or _sum`);
    if (count.value !== buckets.at(-1)?.value)
      throw new Error(`${name}${key}: _count is not the +Inf bucket`);
  }
}
