import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { EntryMaker, KEY_BYTES, permutation, VALUE_BYTES_MIN } from '../perf/embedded/data.js';
import { DEFAULT_ENGINES, ENGINE_NAMES } from '../perf/embedded/engines.js';
import { COMPARISONS, type EngineFigures } from '../perf/embedded/figures.js';
import { diskBytes } from '../perf/embedded/file-usage.js';
import { parseEmbeddedOptions } from '../perf/embedded/options.js';
import { type EmbeddedRecord, ratiosOf } from '../perf/embedded/record.js';
import { UsageError } from '../perf/flags.js';
import { createPrng } from '../src/base/prng.js';
import { PRIVATE_PATH, runHarness } from './support/run-harness.js';
import { until } from './support/time.js';

const SMOKE_MS_MAX = 280_000;

test('a smoke run of the embedded comparison measures every engine', async (t) => {
  t.timeout(SMOKE_MS_MAX);
  const args = ['--smoke', '--json', '--engines', ENGINE_NAMES.join(',')];
  const { code, stdout, stderr } = await runHarness(t, 'embedded/main.js', args);
  t.is(code, 0, stderr);
  const record = JSON.parse(stdout) as EmbeddedRecord;
  t.is(record.kind, 'embedded');
  const [round] = record.rounds;
  t.deepEqual(
    round.map(({ engine }) => engine),
    ENGINE_NAMES,
  );
  for (const figures of round) {
    for (const { title, of } of COMPARISONS) {
      const value = of(figures);
      if (value !== undefined) t.true(value > 0, `${figures.engine}: ${title} is ${value}`);
    }
    // Every byte is written once at least; a log alone does that.
    t.true(figures.overwrite.writeAmplification >= 1, figures.engine);
    t.true(figures.overwrite.cpuUs > 0, figures.engine);
    t.true(figures.sequentialLoad.settledOpsPerSecond <= figures.sequentialLoad.opsPerSecond);
  }
  t.true(record.ratios.length > 20);
  t.notRegex(stdout, PRIVATE_PATH);
});

test('entries have the sizes that were asked for, sort like their numbers and are found out when wrong', (t) => {
  for (const valueBytes of [VALUE_BYTES_MIN, 150, 1000]) {
    const maker = new EntryMaker(valueBytes, 2, 7);
    const [low, high] = maker.batch(Uint32Array.of(99, 100), 0);
    t.is(low.key.length, KEY_BYTES);
    t.true(Buffer.compare(low.key, high.key) < 0);
    const document = JSON.parse(Buffer.from(low.value).toString()) as { _id: string };
    t.is(document._id, Buffer.from(low.key).toString());
    t.is(low.value.length, valueBytes);
    t.is(maker.fault(99, low.value), undefined);
    t.regex(maker.fault(100, low.value) ?? '', /record 100 gave/);
    t.regex(maker.fault(99, undefined) ?? '', /missing/);
    const before = Buffer.from(low.value);
    t.notDeepEqual(
      Buffer.from(maker.batch(Uint32Array.of(99), 1)[0].value),
      before,
      'an overwrite changes it',
    );
  }
});

test('a permutation has every number once', (t) => {
  const order = permutation(1000, createPrng(3));
  t.deepEqual(
    [...order].sort((a, b) => a - b),
    [...Array(1000).keys()],
  );
  t.notDeepEqual([...order], [...Array(1000).keys()]);
});

test('ratios are to LevelDB, within a round', (t) => {
  const write = { opsPerSecond: 0, settledOpsPerSecond: 0, writeAmplification: 0, cpuUs: 0 };
  const figures = (engine: string, hotReads: number): EngineFigures => ({
    engine,
    description: '',
    sequentialLoad: write,
    randomLoad: write,
    overwrite: write,
    hotReads,
    warmReads: 0,
    coldReads: 0,
    coldP50Us: 0,
    coldP99Us: 0,
    coldResidentBytes: 0,
    openMs: 0,
    scan: 0,
    diskBytes: 0,
    compactedDiskBytes: undefined,
    spaceAmplification: 0,
    compactedSpaceAmplification: undefined,
    rssMiBMax: 0,
    compaction: undefined,
  });
  const rounds = [
    [figures('leveldb', 10), figures('lmdb', 20)],
    [figures('leveldb', 100), figures('lmdb', 500)],
    [figures('leveldb', 1), figures('lmdb', 3)],
  ];
  const ratio = ratiosOf(rounds, ['leveldb', 'lmdb']).find(({ name }) => name.startsWith('random read, hot'));
  t.is(ratio?.engine, 'lmdb');
  t.is(ratio?.value, 3);
});

test('space on disk is counted in blocks, in all folders', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-test-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  t.is(diskBytes(directory), 0);
  // Nothing that a file system could compress. Some give a file its blocks only a while after it was written.
  writeFileSync(join(directory, 'a'), randomBytes(100_000));
  await until('the file has its blocks', () => diskBytes(directory) >= 100_000);
  const bytes = diskBytes(directory);
  t.true(bytes >= 100_000 && bytes < 200_000, String(bytes));
});

test('options of the embedded comparison', (t) => {
  t.deepEqual(parseEmbeddedOptions([])?.engines, DEFAULT_ENGINES);
  t.is(parseEmbeddedOptions(['--large'])?.documents, 5_000_000);
  t.is(parseEmbeddedOptions(['--help']), undefined);
  t.throws(() => parseEmbeddedOptions(['--engines', 'mysql']), { instanceOf: UsageError });
});
