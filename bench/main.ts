/**
 * Runs the microbenchmarks: one group per structure, one after the other.
 *
 *   node dist/bench/main.js [--smoke] [--json] [part of a name ...]
 *
 * --smoke runs each for ~10 ms, to see that it still works; its figures mean nothing. --json prints one object per
 * line instead of the table. Without names all run. For comparable figures leave the machine alone meanwhile.
 */
import { Bench } from 'tinybench';
import { batchBenchmarks } from './batch.bench.js';
import { cacheBenchmarks } from './cache.bench.js';
import { frameBenchmarks } from './frame.bench.js';
import { jsonBenchmarks } from './json.bench.js';
import { memtableBenchmarks } from './memtable.bench.js';
import { mergeBenchmarks } from './merge.bench.js';
import { ringBenchmarks } from './ring.bench.js';
import { sqlBenchmarks } from './sql.bench.js';
import { sstBenchmarks } from './sst.bench.js';
import { walBenchmarks } from './wal.bench.js';

interface Benchmark {
  readonly name: string;
  readonly fn: () => void;
  /** Operations that one call of fn does; figures are per operation. 1 unless given. */
  readonly operationsPerCall?: number;
  /** Called once when the benchmark is over, whether it ran or not. */
  readonly teardown?: () => void;
}

interface Figures {
  readonly name: string;
  readonly nsPerOperation: number;
  readonly operationsPerSecond: number;
  /** Half width of the 95 % confidence interval of the mean, in percent of it. */
  readonly errorPercent: number;
  readonly samples: number;
}

interface RunLength {
  readonly timeMs: number;
  readonly warmupMs: number;
  readonly samplesMin: number;
}

const FULL: RunLength = { timeMs: 1000, warmupMs: 250, samplesMin: 32 };
const SMOKE: RunLength = { timeMs: 10, warmupMs: 1, samplesMin: 1 };
/** A sample shorter than this would measure the clock as well: such functions are called several times per sample. */
const SAMPLE_MS_MIN = 0.05;

const GROUPS: ReadonlyArray<() => Benchmark[]> = [
  memtableBenchmarks,
  mergeBenchmarks,
  ringBenchmarks,
  batchBenchmarks,
  frameBenchmarks,
  jsonBenchmarks,
  walBenchmarks,
  cacheBenchmarks,
  sstBenchmarks,
  sqlBenchmarks,
];

/** Calls that make up one sample. */
function callsPerSample(fn: () => void): number {
  for (let calls = 1; ; calls *= 2) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) fn();
    if (performance.now() - start >= SAMPLE_MS_MIN) return calls;
  }
}

function measure({ name, fn, operationsPerCall = 1 }: Benchmark, length: RunLength): Figures {
  const calls = callsPerSample(fn);
  const bench = new Bench({
    time: length.timeMs,
    iterations: length.samplesMin,
    warmupTime: length.warmupMs,
    warmupIterations: 1,
    throws: true,
  });
  bench.add(name, () => {
    for (let i = 0; i < calls; i++) fn();
  });
  const { result } = bench.runSync()[0];
  if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
  const nsPerOperation = (result.latency.mean * 1e6) / (calls * operationsPerCall);
  return {
    name,
    nsPerOperation,
    operationsPerSecond: 1e9 / nsPerOperation,
    errorPercent: result.latency.rme,
    samples: result.latency.samplesCount,
  };
}

function printRow(cells: readonly [string, string, string, string]): void {
  const [name, ns, rate, error] = cells;
  console.log(`${name.padEnd(64)} ${ns.padStart(12)} ${rate.padStart(14)} ${error.padStart(8)}`);
}

function printFigures(figures: Figures): void {
  const { nsPerOperation, operationsPerSecond } = figures;
  printRow([
    figures.name,
    nsPerOperation.toFixed(nsPerOperation < 100 ? 1 : 0),
    Math.round(operationsPerSecond).toLocaleString('en-US'),
    `±${figures.errorPercent.toFixed(1)}%`,
  ]);
}

function main(args: readonly string[]): void {
  const isJson = args.includes('--json');
  const length = args.includes('--smoke') ? SMOKE : FULL;
  const wanted = args.filter((arg) => !arg.startsWith('--'));
  const isWanted = (name: string): boolean =>
    wanted.length === 0 || wanted.some((part) => name.includes(part));
  let ran = 0;
  if (!isJson) printRow(['benchmark', 'ns/op', 'op/s', '±']);
  for (const group of GROUPS) {
    for (const benchmark of group()) {
      try {
        if (!isWanted(benchmark.name)) continue;
        const figures = measure(benchmark, length);
        if (isJson) console.log(JSON.stringify(figures));
        else printFigures(figures);
        ran++;
      } finally {
        benchmark.teardown?.();
      }
    }
  }
  if (ran === 0) throw new Error(`no benchmark has a name with ${wanted.join(' or ')}`);
}

main(process.argv.slice(2));
