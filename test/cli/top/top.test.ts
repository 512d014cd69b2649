/** `lumadb top` as people and scripts run it. */
import test from 'ava';
import { TestServer } from '../../support/server.js';
import { fakeServer, runCli, temporaryDirectory } from '../run-cli.js';

test('one picture and one JSON object of a real server under load', async (t) => {
  const server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
  t.teardown(() => server.close());
  let isOver = false;
  const load = (async () => {
    for (let i = 0; !isOver; i++) {
      await server.put(`/api/v1/top/k${i % 100}`, { i });
      await server.get(`/api/v1/top/k${i % 100}`);
    }
  })();
  const top = (...args: string[]) =>
    runCli(['top', '--interval', '1s', '--data-dir', server.dataDir, ...args], { cwd: server.dataDir });
  const json = await top('--once', '--json');
  const once = await top('--once');
  // Standard output is a pipe here, where one picture is what top prints anyhow.
  const piped = await top();
  isOver = true;
  await load;
  t.is(json.code, 0, json.stderr);
  const figures = JSON.parse(json.stdout);
  t.true(figures.interval_ms >= 900, String(figures.interval_ms));
  t.true(figures.throughput.inserts_per_second > 0);
  t.true(figures.throughput.reads_per_second > 0);
  t.true(figures.latency.p50_ms > 0 && figures.latency.p50_ms <= figures.latency.p99_ms);
  t.true(figures.resources.cpu_percent > 0);
  t.true(figures.resources.memory_bytes > 0);
  t.is(typeof figures.resources.disk_written_bytes_per_second, 'number');
  t.true(figures.cache.hit_rate > 0);
  t.true(figures.storage.hot_bytes > 0);
  t.is(figures.storage.total_bytes, figures.storage.hot_bytes + figures.storage.warm_bytes);
  t.like(figures.cluster, { nodes: 1, nodes_healthy: 1, leader: 'node-1' });
  t.is(figures.shards.length, 2);
  t.is(figures.read_only, false);
  for (const { code, stdout, stderr } of [once, piped]) {
    t.is(code, 0, stderr);
    t.regex(stdout, /^LumaDB Performance Dashboard\nhttp:\/\/127\.0\.0\.1:\d+ · version /);
    t.regex(stdout, /^THROUGHPUT +LATENCY +RESOURCES$/m);
    t.regex(stdout, /^Queries\/sec: 0 +p50: [\d.]+m?s +CPU: \d+%$/m);
    t.regex(stdout, /^ {4}1 .* {2}-$/m);
    t.regex(stdout, /^Read-only: no$/m);
    t.false(stdout.includes('\x1b'));
  }
});

test('a server that is not there, or that wants a login, ends it with exit code 1', async (t) => {
  const cwd = temporaryDirectory(t);
  const locked = await fakeServer(t, (_request, response) => {
    response.writeHead(401).end('{"error":{"message":"who are you?"}}');
  });
  const gone = await fakeServer(t, () => undefined);
  gone.close();
  const [refused, absent, usage] = await Promise.all([
    runCli(['top', '--once', '--port', String(locked.port)], { cwd }),
    runCli(['top', '--once', '--port', String(gone.port)], { cwd }),
    runCli(['top', '--interval', '5ms'], { cwd }),
  ]);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /the server answered 401: who are you\? \(lumadb login/);
  t.is(absent.code, 1);
  t.regex(absent.stderr, /nothing listens there/);
  t.is(usage.code, 2);
  t.regex(usage.stderr, /at least 100ms with a unit/);
});
