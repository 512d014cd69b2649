import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const BENCH_MAIN = fileURLToPath(new URL('../bench/main.js', import.meta.url));
const TIMEOUT_MS = 240_000;

async function runBenchmarks(...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH_MAIN, ...args], {
    timeout: TIMEOUT_MS,
  });
  return stdout.trim().split('\n');
}

test('every benchmark runs, ends and has a figure', async (t) => {
  const figures = (await runBenchmarks('--smoke', '--json')).map((line) => JSON.parse(line));
  for (const { name, nsPerOperation, samples } of figures) {
    t.true(Number.isFinite(nsPerOperation) && nsPerOperation > 0, name);
    t.true(samples >= 1, name);
  }
  const names = figures.map(({ name }) => name as string);
  t.is(new Set(names).size, names.length, 'names are unique');
  for (const group of ['memtable', 'ring', 'batch', 'frame', 'json', 'wal', 'cache', 'sst', 'sql']) {
    t.true(
      names.some((name) => name.startsWith(group)),
      `no benchmark of ${group}`,
    );
  }
});

test('a part of a name chooses benchmarks, and a wrong one is an error', async (t) => {
  const [header, ...rows] = await runBenchmarks('--smoke', 'batch: encode 64');
  t.regex(header, /ns\/op +op\/s/);
  t.is(rows.length, 1);
  t.regex(rows[0], /^batch: encode 64 puts.*±/);
  await t.throwsAsync(runBenchmarks('--smoke', 'no such benchmark'), {
    message: /no benchmark has a name with/,
  });
});
