import test from 'ava';
import { increase, readExposition, total } from '../../../src/cli/top/exposition.js';
import { figuresBetween } from '../../../src/cli/top/figures.js';
import { bucketsOf, quantile } from '../../../src/cli/top/quantile.js';
import { figuresWith, sampleOf } from './samples.js';

test('samples are read with labels, escapes and special numbers', (t) => {
  const metrics = readExposition('# HELP a x\na{b="c\\"d,e=\\\\\\n",f="g"} 1.5e3\na 2\n\nb +Inf\nrubbish\n');
  t.deepEqual(metrics.get('a'), [
    { labels: { b: 'c"d,e=\\\n', f: 'g' }, value: 1500 },
    { labels: {}, value: 2 },
  ]);
  t.is(total(metrics, 'a'), 1502);
  t.is(total(metrics, 'b'), Number.POSITIVE_INFINITY);
  t.is(total(metrics, 'rubbish'), null);
});

test('a counter that has started again counts from 0, beside others that went on', (t) => {
  const before = readExposition('c{shard="0"} 100\nc{shard="1"} 100\n');
  const after = readExposition('c{shard="0"} 30\nc{shard="1"} 110\nc{shard="2"} 5\n');
  t.is(increase(before, after, 'c'), 30 + 10 + 5);
  t.is(increase(before, after, 'missing'), null);
});

test('a quantile is interpolated in its bucket, over all histograms together', (t) => {
  const bucket = (le: string, value: number) => ({ labels: { le }, value });
  const one = [bucket('1', 0), bucket('2', 40), bucket('+Inf', 40)];
  const other = [bucket('2', 10), bucket('1', 10), bucket('+Inf', 50)];
  const buckets = bucketsOf([...one, ...other]);
  t.deepEqual(buckets, [
    { le: 1, count: 10 },
    { le: 2, count: 50 },
    { le: Number.POSITIVE_INFINITY, count: 90 },
  ]);
  t.is(quantile(5 / 90, buckets), 0.5);
  t.is(quantile(30 / 90, buckets), 1.5);
  t.is(quantile(0.99, buckets), 2, 'above the last bound only that is known');
  t.is(quantile(0.5, []), null);
  t.is(quantile(0.5, bucketsOf([bucket('1', 0), bucket('+Inf', 0)])), null);
});

test('the figures of the manual come out of two samples', (t) => {
  const figures = figuresWith();
  t.is(figures.interval_ms, 2000);
  t.deepEqual(figures.throughput, {
    queries_per_second: 10,
    inserts_per_second: (2000 + 30) / 2,
    reads_per_second: 102,
  });
  t.deepEqual(
    figures.latency,
    { p50_ms: 1, p95_ms: 1.9, p99_ms: 1.98 },
    'without the requests of top itself',
  );
  t.deepEqual(figures.resources, {
    cpu_percent: 50,
    memory_bytes: 1_048_576,
    memory_limit_bytes: 4_194_304,
    disk_read_bytes_per_second: 1024,
    disk_written_bytes_per_second: 2048,
  });
  t.deepEqual(figures.cache, { hit_rate: 0.75, size_bytes: 1024, evictions_per_minute: 120 });
  t.deepEqual(figures.storage, { total_bytes: 4830, hot_bytes: 330, warm_bytes: 4500 });
  t.deepEqual(figures.cluster, { nodes: 1, nodes_healthy: 1, leader: 'node-1', replication_lag_ms: 0 });
  t.like(figures.shards[0], {
    operations_per_second: 1000,
    queue_bytes: 77,
    stalled_seconds: { slowdown: 0.25 },
  });
  t.like(figures.shards[1], { operations_per_second: 15, stalled_seconds: {} });
});

test('what a server does not tell, or has not counted, is null', (t) => {
  const figures = figuresBetween(
    sampleOf(0, ''),
    sampleOf(1000, 'lumadb_cache_requests 0\nlumadb_cache_hits 0\n'),
  );
  t.deepEqual(figures.throughput, {
    queries_per_second: null,
    inserts_per_second: null,
    reads_per_second: null,
  });
  t.deepEqual(figures.latency, { p50_ms: null, p95_ms: null, p99_ms: null });
  t.is(figures.cache.hit_rate, null);
  t.is(figures.storage.total_bytes, null);
  t.is(figures.shards[0].queue_bytes, null);
});
