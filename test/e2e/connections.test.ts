import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { limitOpenFiles, openFiles } from '../support/file-limits.js';
import { RawConnection } from '../support/http.js';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';
import { until } from '../support/time.js';

const MIB = 1024 * 1024;

test('connections above max_connections are refused, and taken again once others have gone', async (t) => {
  const server = await TestServer.start({ env: { LUMADB_SERVER__MAX_CONNECTIONS: '50' } });
  t.teardown(() => server.close());
  const flood = Array.from({ length: 300 }, () => new RawConnection(server.port));
  t.teardown(() =>
    flood.forEach((connection) => {
      connection.destroy();
    }),
  );
  for (const connection of flood) connection.send('GET /live HTTP/1.1\r\nHost: x\r\n\r\n');
  const outcomes = await Promise.all(
    flood.map((connection) =>
      connection.wait((received) => received.length > 0 || undefined).catch(() => false),
    ),
  );
  const served = outcomes.filter(Boolean).length;
  t.true(served >= 40 && served <= 50, `${served} were served`);
  for (const connection of flood) connection.destroy();
  await server.until('there is room again', () =>
    server.get('/live').then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  t.is((await server.put('/api/v1/c/a', {})).status, 201);
});

test('WebSockets that have closed count no more: a client that comes and goes does not use the connections up', async (t) => {
  const server = await TestServer.start({ env: { LUMADB_SERVER__MAX_CONNECTIONS: '20' } });
  t.teardown(() => server.close());
  for (let i = 0; i < 40; i++) (await RawWebSocket.open(server.port)).destroy();
  await server.until('the sockets are gone', async () =>
    /lumadb_connections\{front="0"\} 1\n/.test((await server.get('/metrics')).text),
  );
  t.is((await server.put('/api/v1/c/a', {})).status, 201);
});

/** Open files this process may have, with some left for everything else. */
function filesAvailable(): number {
  const { stdout } = spawnSync('bash', ['-c', 'ulimit -n'], { encoding: 'utf8' });
  const limit = stdout.trim() === 'unlimited' ? Number.POSITIVE_INFINITY : Number(stdout);
  return Math.max(0, limit - 300);
}

test('10,000 idle connections and 1,000 idle WebSockets cost little, and the server still answers', async (t) => {
  const wanted = 11_000;
  const total = Math.min(wanted, filesAvailable());
  const webSockets = Math.min(1000, Math.floor(total / 11));
  if (total < wanted) t.log(`only ${total} of ${wanted} connections: ulimit -n allows no more`);
  const server = await TestServer.start();
  t.teardown(() => server.close());
  await server.put('/api/v1/c/a', {});
  const before = server.rssBytes();
  const open: { destroy(): void }[] = [];
  t.teardown(() =>
    open.forEach((connection) => {
      connection.destroy();
    }),
  );
  const addAll = async (count: number, make: () => Promise<{ destroy(): void }>): Promise<void> => {
    for (let made = 0; made < count; made += 250) {
      const batch = await Promise.all(Array.from({ length: Math.min(250, count - made) }, make));
      open.push(...batch);
    }
  };
  await addAll(webSockets, () => RawWebSocket.open(server.port));
  await addAll(total - webSockets, () => RawConnection.open(server.port));
  const openNow = () => server.metric('lumadb_connections{front="0"}');
  // The server closes those that ask for nothing for ten seconds: a slow machine opens some again.
  let connections = await openNow();
  for (let attempt = 0; connections <= total * 0.9 && attempt < 5; attempt++) {
    await addAll(total - connections, () => RawConnection.open(server.port));
    connections = await openNow();
  }
  t.true(connections > total * 0.9, `${connections} connections`);
  const answer = await server.put('/api/v1/c/b', { n: 1 });
  t.is(answer.status, 201);
  t.is((await server.get('/api/v1/c/b')).json.n, 1);
  t.is(await server.metric('lumadb_websockets{front="0"}'), webSockets);
  const growth = (server.rssBytes() - before) / MIB;
  t.log(`${connections} connections cost ${growth.toFixed(0)} MiB`);
  t.true(growth < 150, `${growth} MiB`);
  for (const connection of open.splice(0)) connection.destroy();
  await server.until(
    'the connections are gone',
    async () => (await server.metric('lumadb_websockets{front="0"}')) === 0,
  );
});

test('running out of file handles refuses connections and loses nothing', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  t.is((await server.put('/api/v1/c/before', {})).status, 201);
  // How many a server needs for itself differs: threads have some each.
  const limit = openFiles(server.pid) + 50;
  limitOpenFiles(server.pid, limit);
  const flood = Array.from({ length: 300 }, () => new RawConnection(server.port));
  t.teardown(() =>
    flood.forEach((connection) => {
      connection.destroy();
    }),
  );
  await until('there is no handle left', () => openFiles(server.pid) >= limit);
  await delay(300);
  t.true(server.isRunning, server.log);
  for (const connection of flood) connection.destroy();
  await server.until('it serves again', () =>
    server.put('/api/v1/c/after', {}).then(
      ({ status }) => status < 300,
      () => false,
    ),
  );
  t.is((await server.get('/api/v1/c/before')).status, 200);
});
