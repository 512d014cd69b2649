import test from 'ava';
import { documentTemplate, fillIn, keyOf, storedBytes } from '../perf/documents.js';
import { MEASUREMENTS, median, ROW_TITLES, type Round } from '../perf/figures.js';
import { UsageError } from '../perf/flags.js';
import { parseOptions } from '../perf/options.js';
import { judge, verdict } from '../perf/ratios.js';
import type { PerfRecord } from '../perf/record.js';
import { parseBenchmark } from '../perf/redis-peer.js';
import { missingTools } from '../perf/tools.js';
import { parseReport } from '../perf/wrk.js';
import { PRIVATE_PATH, runSmoke } from './support/run-harness.js';

const SMOKE_MS_MAX = 280_000;

test('a smoke run measures everything that there is a tool for', async (t) => {
  t.timeout(SMOKE_MS_MAX);
  const only = MEASUREMENTS.filter((name) => missingTools([name]).length === 0);
  const left = MEASUREMENTS.filter((name) => !only.includes(name));
  if (left.length > 0)
    t.log(`not measured: ${left.join(', ')} (${missingTools(left).join(', ')} not installed)`);
  const isCounted = ({ rounds: [round] }: PerfRecord): boolean =>
    Object.values(round).every(({ opsPerSecond }) => opsPerSecond > 0);
  const args = ['--only', only.join(',')];
  const { code, stdout, stderr } = await runSmoke(t, 'main.js', args, isCounted);
  t.is(code, 0, stderr);
  const record = JSON.parse(stdout) as PerfRecord;
  t.is(record.rounds.length, 1);
  t.true((record.idle?.rssMiB ?? 0) > 1);
  const [round] = record.rounds;
  for (const name of only) if (name !== 'idle') t.true((round[name]?.opsPerSecond ?? 0) > 0, name);
  for (const figures of Object.values(round)) t.true(figures.p50Ms > 0 && figures.p999Ms >= figures.p50Ms);
  if (left.length === 0) {
    t.deepEqual(Object.keys(round).sort(), Object.keys(ROW_TITLES).sort());
    t.is(record.ratios.length, 7);
  }
  t.notRegex(stdout, PRIVATE_PATH);
});

test('a document has the size that was asked for, and grows by its _id when it is stored', (t) => {
  for (const bytes of [107, 150, 1000]) {
    const text = fillIn(documentTemplate('http', bytes), 42);
    t.is(Buffer.byteLength(text), bytes);
    const stored = JSON.stringify({ _id: keyOf(42), ...JSON.parse(text) });
    t.is(Buffer.byteLength(stored), storedBytes(bytes));
  }
  t.throws(() => documentTemplate('http', 50), { message: /at least/ });
});

test('ratios are taken within a round and judged by their median', (t) => {
  const rate = (opsPerSecond: number) => ({ opsPerSecond, p50Ms: 1, p99Ms: 2, p999Ms: 3, serverCores: 1 });
  const rounds: Round[] = [
    { bare: rate(100), get: rate(80) },
    { bare: rate(200), get: rate(190) },
    { bare: rate(10), get: rate(6) },
  ];
  const [ratio] = judge(rounds, undefined);
  t.is(ratio.value, 0.8);
  t.false(ratio.isReached);
  t.is(verdict(ratio), 'MISSED by 0.10 × (11 % too low)');
  const idle = judge([], { cpuPercent: 0.5, rssMiB: 400 });
  t.deepEqual(
    idle.map(({ isReached }) => isReached),
    [true, false],
  );
  t.is(median([4, 1, 2, 3]), 2.5);
});

test('reports of wrk and redis-benchmark are read, and broken ones refused', (t) => {
  const errors = '{"connect":0,"read":0,"write":0,"timeout":0,"status":7}';
  const line = `LUMADB_WRK {"requests":10,"durationUs":20,"errors":${errors}}`;
  t.is(parseReport(`Running 3s test\n${line}\n`).errors.status, 7);
  t.throws(() => parseReport('unable to connect to 127.0.0.1'), { message: /no report/ });

  const redis = `  50 requests completed in 1.00 seconds
  host configuration "appendonly": yes

Latency by percentile distribution:
50.000% <= 1.247 milliseconds (cumulative count 25)
99.805% <= 3.151 milliseconds (cumulative count 49)
99.902% <= 8.079 milliseconds (cumulative count 50)
100.000% <= 9.095 milliseconds (cumulative count 50)

Cumulative distribution of latencies:
100.000% <= 9.103 milliseconds (cumulative count 50)

Summary:
  throughput summary: 46425.25 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        1.270     0.376     1.247     1.807     2.479     9.095
`;
  t.deepEqual(parseBenchmark(redis, 50), {
    opsPerSecond: 46425.25,
    p50Ms: 1.247,
    p99Ms: 2.479,
    p999Ms: 8.079,
  });
  t.throws(() => parseBenchmark(redis, 51), { message: /not every request/ });
  t.throws(() => parseBenchmark(redis.replace('": yes', '": no'), 50), { message: /does not append/ });
});

test('wrong options are refused by name', (t) => {
  t.is(parseOptions([])?.connections, 64);
  t.deepEqual(parseOptions(['--only', 'get,put'])?.only, ['get', 'put']);
  t.is(parseOptions(['--help']), undefined);
  for (const args of [
    ['--rounds', '0'],
    ['--only', 'got'],
    ['--nonsense'],
    ['--keys', '1.5'],
    ['--profile', 'x'],
  ]) {
    t.throws(() => parseOptions(args), { instanceOf: UsageError }, args.join(' '));
  }
});
