import test from 'ava';
import { UsageError } from '../perf/flags.js';
import { COUNT_MAX, Fnv64 } from '../perf/ycsb/fnv.js';
import { LatencyBook } from '../perf/ycsb/latency-book.js';
import {
  configOf,
  DATA_SHARE_MIN,
  dataBytesOf,
  memoryBytesOf,
  parseYcsbOptions,
} from '../perf/ycsb/options.js';
import type { YcsbRecord } from '../perf/ycsb/record.js';
import { RecordCounter } from '../perf/ycsb/record-counter.js';
import {
  BODY_BYTES,
  BodyMaker,
  documentBytes,
  documentFault,
  FIELD_BYTES,
  FIELDS,
  keyOf,
} from '../perf/ycsb/records.js';
import { RequestSource } from '../perf/ycsb/request-source.js';
import { changeOf, parseMetrics } from '../perf/ycsb/server-metrics.js';
import {
  OPERATIONS,
  SCAN_RECORDS_MAX,
  WORKLOADS,
  type WorkloadName,
  workloadOf,
} from '../perf/ycsb/workloads.js';
import { ScrambledZipfian, SkewedLatest } from '../perf/ycsb/zipfian.js';
import { createPrng } from '../src/base/prng.js';
import { testSeed } from './support/random.js';
import { PRIVATE_PATH, runSmoke } from './support/run-harness.js';

const SMOKE_MS_MAX = 280_000;
const SEED = testSeed();

test.before((t) => t.log(`SEED=${SEED}`));

/** Every kind of operation; the others differ in shares and in what they ask for. Each takes a process of its own. */
const SMOKE_WORKLOADS = 'A,E,F';

test('a smoke run drives workloads over both transports, and the write-pause probe', async (t) => {
  t.timeout(SMOKE_MS_MAX);
  // The rarest operations may not come up in a short run.
  const usualOf = (workload: WorkloadName) => {
    const [[usual]] = Object.entries(workloadOf(workload).mix).sort(([, a], [, b]) => b - a);
    return usual as (typeof OPERATIONS)[number];
  };
  const isCounted = ({ results, pause }: YcsbRecord): boolean =>
    (pause?.background.opsPerSecond ?? 0) > 0 &&
    results.every(({ workload, latency }) => (latency[usualOf(workload)]?.count ?? 0) > 0);
  const args = ['--workloads', SMOKE_WORKLOADS];
  const { code, stdout, stderr } = await runSmoke(t, 'ycsb/main.js', args, isCounted);
  t.is(code, 0, stderr);
  const record = JSON.parse(stdout) as YcsbRecord;
  t.is(record.kind, 'ycsb');
  t.deepEqual(
    record.results.map(({ workload, transport }) => `${workload} ${transport}`),
    ['A http', 'A ws', 'F http', 'F ws', 'E http'],
  );
  for (const { workload, latency } of record.results) {
    const figures = latency[usualOf(workload)];
    t.true((figures?.count ?? 0) > 0, workload);
    t.true((figures?.maxMs ?? 0) >= (figures?.p50Ms ?? 1), workload);
  }
  const last = record.results[record.results.length - 1];
  t.true(last.records >= record.configuration.records);
  t.true((record.pause?.stream.longestGapMs ?? 0) > 0);
  t.true((record.pause?.background.opsPerSecond ?? 0) > 0);
  t.true(record.metrics['lumadb_wal_bytes_total'] > record.dataBytes / 2);
  t.true(record.warnings.some((warning) => warning.includes('WebSocket has no scan')));
  t.notRegex(stdout, PRIVATE_PATH);
});

/** YCSB's own words (site.ycsb.Utils.fnvhash64), in 64-bit arithmetic. */
function fnvReference(value: number): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0n; i < 8n; i++) {
    hash ^= (BigInt(value) >> (8n * i)) & 0xffn;
    hash = BigInt.asUintN(64, hash * 1099511628211n);
  }
  const signed = BigInt.asIntN(64, hash);
  return signed < 0n ? -signed : signed;
}

test('hashes of record numbers are those of YCSB', (t) => {
  t.is(keyOf(0), 'user6284781860667377211');
  const prng = createPrng(SEED);
  const fnv = new Fnv64();
  for (let i = 0; i < 2000; i++) {
    const value = i < 1000 ? i : prng.nextUint32() * 2 ** 20 + prng.nextBelow(2 ** 20);
    const expected = fnvReference(value);
    t.is(fnv.hash(value).toString(), expected.toString(), `of ${value}, SEED=${SEED}`);
    for (const count of [1, 7, 1_000_003, COUNT_MAX])
      t.is(fnv.remainder(count), Number(expected % BigInt(count)), `${value} modulo ${count}`);
  }
});

test('a scrambled zipfian has favourites all over the records and leaves none out of reach', (t) => {
  const count = 1000;
  const zipfian = new ScrambledZipfian(count, createPrng(SEED));
  const hits = new Uint32Array(count);
  const draws = 200_000;
  for (let i = 0; i < draws; i++) hits[zipfian.next()]++;
  // Rank 0 has 1 / zeta of all draws, and its record a thousandth of the rest.
  const favourite = Math.max(...hits) / draws;
  t.true(favourite > 0.036 && favourite < 0.042, `the favourite has ${favourite}, SEED=${SEED}`);
  t.is(hits.indexOf(Math.max(...hits)), new Fnv64().hash(0).remainder(count));
  t.is(hits.indexOf(0), -1, `every record comes up, SEED=${SEED}`);
});

test('skewed latest asks for the youngest most, whatever was added', (t) => {
  const latest = new SkewedLatest(createPrng(SEED));
  for (const count of [1, 2, 1000, 1500]) {
    let youngest = 0;
    for (let i = 0; i < 2000; i++) {
      const number = latest.next(count);
      t.true(
        Number.isInteger(number) && number >= 0 && number < count,
        `${number} of ${count}, SEED=${SEED}`,
      );
      if (number === count - 1) youngest++;
    }
    // 1 / zeta(1500) is 0.122.
    t.true(youngest > 2000 * 0.09, `${youngest} of 2000 asked for the youngest of ${count}, SEED=${SEED}`);
  }
});

test('records count as existing when all before them were acknowledged', (t) => {
  const records = new RecordCounter(10);
  t.deepEqual([records.next(), records.next(), records.next()], [10, 11, 12]);
  records.acknowledge(11);
  t.is(records.limit, 10);
  records.acknowledge(10);
  t.is(records.limit, 12);
  records.acknowledge(12);
  t.is(records.limit, 13);
});

test('a workload has its mix of operations, on records that exist', (t) => {
  const draws = 20_000;
  for (const name of Object.keys(WORKLOADS) as WorkloadName[]) {
    const { mix } = workloadOf(name);
    t.is(
      Object.values(mix).reduce((sum, share) => sum + share, 0),
      1,
      name,
    );
    const source = new RequestSource(workloadOf(name), 100, SEED);
    const counts = new Map<string, number>();
    for (let i = 0; i < draws; i++) {
      const { operation, number, count } = source.next();
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
      t.true(count >= 1 && count <= (operation === 'scan' ? SCAN_RECORDS_MAX : 1));
      if (operation === 'insert') source.records.acknowledge(number);
      else t.true(number < source.records.limit);
    }
    for (const operation of OPERATIONS) {
      const share = (counts.get(operation) ?? 0) / draws;
      t.true(Math.abs(share - (mix[operation] ?? 0)) < 0.02, `${name}: ${operation} ${share}, SEED=${SEED}`);
    }
  }
});

test('a body is a JSON object of ten fields of 100 printable characters, another one each time', (t) => {
  const bodies = new BodyMaker(SEED);
  const text = bodies.make().toString('latin1');
  t.is(text.length, BODY_BYTES);
  const fields = Object.entries(JSON.parse(text) as Record<string, string>);
  t.deepEqual(
    fields.map(([name]) => name),
    Array.from({ length: FIELDS }, (_, i) => `field${i}`),
  );
  for (const [, value] of fields) t.regex(value, new RegExp(`^[ -~]{${FIELD_BYTES}}$`));
  t.not(bodies.make().toString('latin1'), text);
  const stored = JSON.stringify({ _id: keyOf(1), ...JSON.parse(text) });
  t.is(documentBytes(keyOf(1)), stored.length);
  t.is(documentFault(keyOf(1), stored), undefined);
  t.regex(documentFault(keyOf(2), stored) ?? '', /gave/);
  t.regex(documentFault(keyOf(1), stored.slice(1)) ?? '', /gave/);
});

test('an operation counts for latency when it began in time, and for the rate when it also ended in time', (t) => {
  const book = new LatencyBook();
  book.record('read', 0, 1);
  book.open(1000, 2000);
  book.record('read', 999, 1001);
  book.record('read', 1000, 1010);
  book.record('update', 1999, 5999);
  t.is(book.operations, 1);
  const { read, update } = book.figures();
  t.is(read?.count, 1);
  t.true(Math.abs((update?.maxMs ?? 0) - 4000) < 10, 'a stall at the end is not left out');
});

test('metrics are summed over labels, counters as growth and others as they are', (t) => {
  const text = (flushes: number, tables: number): string =>
    [
      '# TYPE lumadb_memtable_flushes_total counter',
      `lumadb_memtable_flushes_total{shard="0"} ${flushes}`,
      `lumadb_memtable_flushes_total{shard="1"} ${flushes + 1}`,
      `lumadb_sst_files ${tables}`,
      'lumadb_compaction_seconds_bucket{le="0.1"} 5',
      'lumadb_uptime_seconds 12',
    ].join('\n');
  const before = parseMetrics(text(1, 4));
  t.deepEqual(before, { lumadb_memtable_flushes_total: 3, lumadb_sst_files: 4 });
  t.deepEqual(changeOf(before, parseMetrics(text(5, 2))), {
    lumadb_memtable_flushes_total: 8,
    lumadb_sst_files: 2,
  });
});

test('the server gets a quarter of the data as memory unless told otherwise', (t) => {
  const options = parseYcsbOptions([]);
  if (options === undefined) throw new Error('no help was asked for');
  t.true(dataBytesOf(options.records) >= DATA_SHARE_MIN * memoryBytesOf(options.memory));
  t.true(dataBytesOf(options.records) < 1.5 * DATA_SHARE_MIN * memoryBytesOf(options.memory));
  const given = parseYcsbOptions(['--memtable-mib', '7', '--memtables', '3']);
  t.regex(configOf(given?.memory ?? options.memory), /^memtable_size = 7340032\nmemtables_max = 3$/m);
  t.deepEqual(parseYcsbOptions(['--workloads', 'E,A'])?.workloads, ['A', 'E']);
  for (const args of [
    ['--workloads', 'G'],
    ['--transport', 'udp'],
    ['--records', '0'],
  ])
    t.throws(() => parseYcsbOptions(args), { instanceOf: UsageError }, args.join(' '));
});
