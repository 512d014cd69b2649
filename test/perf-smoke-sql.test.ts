import test from 'ava';
import { UsageError } from '../perf/flags.js';
import { difference, lumaRows, postgresRows } from '../perf/sql/answers.js';
import { COMPARISON_NAMES, COMPARISONS } from '../perf/sql/comparisons.js';
import { accountKey, accountsOf, orderKey, orderText, withId } from '../perf/sql/data.js';
import { isPoint, type SqlRound } from '../perf/sql/figures.js';
import { parseSqlOptions } from '../perf/sql/options.js';
import { missingPostgres } from '../perf/sql/postgres-server.js';
import { type SqlRecord, sqlRatios } from '../perf/sql/record.js';
import { PRIVATE_PATH, runHarness } from './support/run-harness.js';

const SMOKE_MS_MAX = 280_000;

test('a smoke run of the SQL comparison measures every query, and writers beside one', async (t) => {
  t.timeout(SMOKE_MS_MAX);
  const missing = missingPostgres();
  if (missing !== undefined) t.log(`only LumaDB was measured: ${missing} is not there`);
  const peers = missing === undefined ? ['lumadb', 'postgres'] : ['lumadb'];
  const { code, stdout, stderr } = await runHarness(t, 'sql/main.js', ['--smoke', '--json']);
  t.is(code, 0, stderr);
  const record = JSON.parse(stdout) as SqlRecord;
  t.is(record.kind, 'sql');
  t.deepEqual(record.configuration.peers, peers as typeof record.configuration.peers);
  const [round] = record.rounds;
  for (const name of COMPARISON_NAMES) {
    const figures = Object.values(round[name] ?? {});
    t.is(figures.length, peers.length, name);
    for (const each of figures) t.true((isPoint(each) ? each.opsPerSecond : each.medianMs) > 0, name);
  }
  t.is(record.ratios.length, missing === undefined ? COMPARISON_NAMES.length + 2 : 2);
  t.is(record.comparedAnswers > 0, missing === undefined);
  t.true((record.interference?.putsBeside.opsPerSecond ?? 0) > 0);
  t.notRegex(stdout, PRIVATE_PATH);
});

test('orders have 150 to 200 bytes, follow from their number and all have another time', (t) => {
  const documents = 1000;
  const times = new Set<number>();
  for (let i = 0; i < documents; i++) {
    const text = withId(orderKey(i), orderText(i, documents));
    t.true(text.length >= 150 && text.length <= 200, `${text.length} bytes: ${text}`);
    const order = JSON.parse(text) as { _id: string; account: string; created: number };
    t.is(order._id, orderKey(i));
    t.true(order.account < accountKey(accountsOf(documents)));
    times.add(order.created);
  }
  t.is(times.size, documents);
});

test('answers of both peers are compared as values, in order where the statement has one', (t) => {
  const luma = lumaRows(
    {
      columns: ['_id', 'n'],
      rows: [
        ['a', 1],
        ['b', 2],
      ],
      row_count: 2,
    },
    COMPARISONS.key,
  );
  const postgres = postgresRows([[{ n: 2, _id: 'b' }], [{ n: 1, _id: 'a' }]], COMPARISONS.key);
  t.is(difference(luma, postgres, false), undefined);
  t.regex(difference(luma, postgres, true) ?? '', /^row 0/);
  t.regex(difference(luma, luma.slice(1), true) ?? '', /2 rows against 1/);
  t.is(difference([['x', 3, 0.1 + 0.2]], [['x', '3', '0.3']], true), undefined);
  t.regex(difference([['x', 3]], [['x', 4]], true) ?? '', /^row 0/);
  t.regex(difference([['x']], [[null]], true) ?? '', /^row 0/);
});

test('point queries are compared by throughput, others by latency, within a round', (t) => {
  const point = (opsPerSecond: number) => ({
    opsPerSecond,
    rowsPerOp: 1,
    p50Ms: 1,
    p99Ms: 1,
    p999Ms: 1,
    serverCores: 1,
    clientCores: 1,
  });
  const analytic = (medianMs: number) => ({ medianMs, minMs: medianMs, cpuMs: medianMs });
  const rounds: SqlRound[] = [
    {
      key: { lumadb: point(300), postgres: point(100) },
      count: { lumadb: analytic(100), postgres: analytic(50) },
    },
  ];
  const [key, count] = sqlRatios(rounds, undefined, 2);
  t.is(key.value, 3);
  t.true(key.isReached);
  t.is(count.value, 0.5);
  t.false(count.isReached);
});

test('options of the SQL comparison', (t) => {
  const options = parseSqlOptions(['--peers', 'lumadb', '--only', 'join,key']);
  t.is(options?.documents, 1_000_000);
  t.deepEqual(options?.only, ['key', 'join']);
  t.is(parseSqlOptions(['--help']), undefined);
  t.deepEqual(parseSqlOptions(['--profile'])?.peers, ['lumadb']);
  for (const args of [
    ['--only', 'delete'],
    ['--documents', '1'],
    ['--peers', 'mysql'],
  ])
    t.throws(() => parseSqlOptions(args), { instanceOf: UsageError }, args.join(' '));
});
