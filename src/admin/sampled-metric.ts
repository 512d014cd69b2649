/** A Prometheus metric over figures that are counted elsewhere: its samples are read when /metrics is asked for. */

export type Labels = Record<string, string | number>;
export interface Sample {
  readonly value: number;
  readonly labels: Labels;
  readonly metricName?: string;
}

/** A metric whose samples are read when they are asked for. */
export class SampledMetric {
  readonly aggregator = 'sum';

  constructor(
    readonly name: string,
    readonly help: string,
    readonly type: 'counter' | 'gauge' | 'histogram',
    private readonly samples: () => Sample[],
  ) {}

  async get(): Promise<object> {
    return { name: this.name, help: this.help, type: this.type, aggregator: 'sum', values: this.samples() };
  }

  reset(): void {}
}

/** One sample without labels. */
export function single(
  name: string,
  help: string,
  type: 'counter' | 'gauge',
  value: () => number,
): SampledMetric {
  return new SampledMetric(name, help, type, () => [{ labels: {}, value: value() }]);
}
