import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { WebSocketClient } from '../../src/client/index.js';
import { isProcessAlive, readAnnouncement } from '../../src/runtime/data-directory.js';
import { runCli } from '../cli/run-cli.js';
import { type Answer, type RawAnswer, RawConnection, splitAnswers } from '../support/http.js';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';
import { straceMissing, Trace } from '../support/trace.js';

const MIB = 1024 * 1024;

/** One after the other: ten servers that start at once take so long that nothing else on the machine can be waited for. */
async function started(
  t: ExecutionContext,
  options: Parameters<typeof TestServer.start>[0] = {},
): Promise<TestServer> {
  const server = await TestServer.start(options);
  t.teardown(() => server.close());
  return server;
}

const cli = (server: TestServer, ...args: string[]) =>
  runCli(args, { cwd: server.dataDir, env: { LUMADB_SHARDING__SHARDS: '1' } });

/** Asks a server that may not be ready yet, or gives undefined where it does not listen yet. */
async function askEarly(server: TestServer, path: string): Promise<Answer | undefined> {
  const announced = readAnnouncement(server.dataDir);
  if (announced === null || announced.port === null || announced.pid !== server.pid) return undefined;
  server.connectTo(announced.port);
  return server.get(path).catch(() => undefined);
}

test.serial(
  'SIGTERM answers the writes under way, refuses new ones with 503, then ends with code 0',
  async (t) => {
    const missing = straceMissing();
    if (missing !== undefined) {
      t.log(`SKIPPED: ${missing}`);
      t.pass();
      return;
    }
    const server = await started(t);
    await server.put('/api/v1/c/warm', {});
    // A disk that stands still keeps writes under way while we look at the server.
    const trace = await Trace.attach(t, server, 'fdatasync:delay_enter=100000000');
    const inFlight = Array.from({ length: 10 }, (_, i) => server.put(`/api/v1/c/k${i}`, { i }));
    const underWay = () => server.metric('lumadb_write_queue_length{front="0"}');
    await server.until('all are under way', async () => (await underWay()) === inFlight.length);
    const idle = await RawConnection.open(server.port);
    const socket = await RawWebSocket.open(server.port);
    t.teardown(() => {
      idle.destroy();
      socket.destroy();
    });
    idle.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
    await idle.wait((received) => splitAnswers(received).length === 1 || undefined);
    server.signal('SIGTERM');
    let asked = 1;
    let notReady: RawAnswer | undefined;
    await server.until('it is not ready any more', async () => {
      idle.send('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
      const at = asked++;
      notReady = await idle.wait((received) => splitAnswers(received)[at]);
      return notReady.status === 503;
    });
    t.regex(String(notReady?.body), /shutting down/);
    idle.send('PUT /api/v1/c/late HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}');
    const late = await idle.wait((received) => splitAnswers(received)[asked]);
    t.is(late.status, 503);
    t.regex(late.head, /Retry-After/);
    await t.throwsAsync(RawConnection.open(server.port), undefined, 'no new connections');
    await trace.detach();
    const answers = await Promise.all(inFlight);
    t.true(answers.every(({ status }) => status === 201));
    t.deepEqual(await server.exited, { code: 0, signal: null });
    await server.restart();
    for (let i = 0; i < 10; i++) t.is((await server.get(`/api/v1/c/k${i}`)).json.i, i);
    t.is((await server.get('/api/v1/c/late')).status, 404);
  },
);

test.serial('SIGTERM under load loses nothing that was acknowledged, over HTTP and WebSocket', async (t) => {
  const server = await started(t);
  const client = await WebSocketClient.connect(server.webSocketUrl, { retries: 0, reconnectAttempts: 0 });
  t.teardown(() => client.close().catch(() => {}));
  const acknowledged: string[] = [];
  const writers = Array.from({ length: 20 }, async (_, writer) => {
    for (let n = 0; ; n++) {
      const key = `w${writer}-${n}`;
      try {
        if (writer % 2 === 0) await client.put('c', key, { n });
        else if ((await server.put(`/api/v1/c/${key}`, { n })).status !== 201) return;
      } catch {
        return;
      }
      acknowledged.push(key);
    }
  });
  await server.until('the load runs', () => acknowledged.length > 200);
  t.deepEqual(await server.stop(), { code: 0, signal: null });
  await Promise.all(writers);
  await server.restart();
  for (let from = 0; from < acknowledged.length; from += 50) {
    const check = async (key: string) => t.is((await server.get(`/api/v1/c/${key}`)).status, 200, key);
    await Promise.all(acknowledged.slice(from, from + 50).map(check));
  }
});

test.serial(
  'lumadb shutdown stops a server gracefully or by force, and waits until it is gone',
  async (t) => {
    const server = await started(t);
    for (const args of [['--graceful', '--timeout', '60s'], ['--force']]) {
      await server.put('/api/v1/c/a', { args });
      const idle = await RawConnection.open(server.port);
      t.teardown(() => idle.destroy());
      const { pid } = server;
      const { code, stderr, stdout } = await cli(server, 'shutdown', ...args, '--data-dir', server.dataDir);
      t.false(isProcessAlive(pid), 'the command has waited for the end of the process');
      t.is(code, 0, stderr);
      t.regex(stdout, /stopped after/);
      t.deepEqual(await server.exited, { code: 0, signal: null });
      t.is(readAnnouncement(server.dataDir), null);
      await server.restart();
      t.deepEqual((await server.get('/api/v1/c/a')).json.args, args);
    }
  },
);

test.serial('lumadb ping, health and status find the server by its data directory or port', async (t) => {
  const server = await started(t);
  const [byDirectory, byPort, health, status] = await Promise.all([
    cli(server, 'ping', '--count', '2', '--data-dir', server.dataDir),
    cli(server, 'ping', '--count', '1', '--host', '127.0.0.1', '--port', String(server.port)),
    cli(server, 'health', '--json', '--data-dir', server.dataDir),
    cli(server, 'status', '--json', '--data-dir', server.dataDir),
  ]);
  t.is(byDirectory.code, 0, byDirectory.stderr);
  t.regex(byDirectory.stdout, /2 answers/);
  t.is(byPort.code, 0, byPort.stderr);
  t.is(health.code, 0, health.stderr);
  t.is(JSON.parse(health.stdout).status, 'healthy');
  t.is(JSON.parse(status.stdout).shards.length, 1);
  await server.stop();
  const gone = await cli(server, 'ping', '--port', String(server.port), '--host', '127.0.0.1');
  t.is(gone.code, 1);
  t.regex(gone.stderr, /nothing listens there/);
});

test.serial('a second server on the same data directory is refused with the pid of the first', async (t) => {
  const server = await started(t);
  const second = await cli(server, 'start', '--port', '0', '--data-dir', server.dataDir);
  t.is(second.code, 1);
  t.regex(second.stderr, new RegExp(`is in use by process ${server.pid}.*127\\.0\\.0\\.1:${server.port}`));
  t.is((await server.get('/live')).status, 200);
  // A lock of a killed server does not stay behind.
  await server.kill9();
  await server.restart();
  t.is((await server.get('/live')).status, 200);
});

test.serial(
  'a port in use is a clear message and exit code 1, and leaves the data directory free',
  async (t) => {
    for (const fronts of ['1', '2']) {
      const env = { LUMADB_SERVER__FRONT_THREADS: fronts };
      const server = await started(t, { env });
      const other = await started(t, { env });
      await other.stop();
      const refused = await runCli(['start', '--port', String(server.port), '--data-dir', other.dataDir], {
        cwd: other.dataDir,
        env: { ...env, LUMADB_SHARDING__SHARDS: '1' },
      });
      t.is(refused.code, 1, refused.stderr);
      t.regex(refused.stderr, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${server.port}`));
      await other.restart();
      t.is((await other.get('/live')).status, 200);
    }
  },
);

test.serial('an address that is not ours is refused as well', async (t) => {
  const server = await started(t);
  await server.stop();
  const { code, stderr } = await cli(
    server,
    'start',
    '--insecure',
    '--host',
    '203.0.113.7',
    '--port',
    '0',
    '--data-dir',
    server.dataDir,
  );
  t.is(code, 1);
  t.regex(stderr, /cannot listen on 203\.0\.113\.7/);
});

test.serial('another number of shards than the directory has is refused with both numbers', async (t) => {
  const server = await started(t, { env: { LUMADB_SHARDING__SHARDS: '2' } });
  await server.put('/api/v1/c/a', {});
  await server.stop();
  const refused = await runCli(['start', '--port', '0', '--data-dir', server.dataDir], {
    cwd: server.dataDir,
    env: { LUMADB_SHARDING__SHARDS: '3' },
  });
  t.is(refused.code, 1);
  t.regex(refused.stderr, /created with 2 shards.*asks for 3/);
  await server.restart({ env: { LUMADB_SHARDING__SHARDS: '0' } });
  t.is((await server.get('/api/v1/c/a')).status, 200);
});

test.serial(
  'a restart says what it recovered, answers 503 until it has, and can be stopped meanwhile',
  async (t) => {
    const server = await started(t, { env: { LUMADB_WAL__SEGMENT_SIZE: String(64 * MIB) } });
    const pad = 'x'.repeat(4000);
    for (let round = 0; round < 12; round++) {
      const documents = Array.from({ length: 1000 }, (_, i) => ({ _id: `k${i}`, round, pad }));
      const answer = await server.request('POST', '/api/v1/c/bulk', {
        body: { documents },
        headers: { 'x-lumadb-durability': 'os' },
      });
      t.is(answer.status, 200);
    }
    const { json } = await server.put('/api/v1/c/last', {});
    await server.kill9();
    await server.restart({ waitUntilReady: false });
    let refusals = 0;
    await server.until('it is ready', async () => {
      const answer = await askEarly(server, '/ready');
      if (answer?.status === 503) {
        refusals++;
        t.truthy(answer.json.reason);
      }
      return answer?.status === 200;
    });
    if (refusals === 0) t.log('the recovery was too quick to be seen from outside');
    await server.untilLogged(
      new RegExp(`shard recovered shard=0 tables=\\d+ records=\\d+ bytes=\\d+ ms=\\d+ seqno=${json._seq}`),
    );
    t.is((await server.get('/api/v1/c/k999')).json.round, 11);
    await server.kill9();
    await server.restart({ waitUntilReady: false });
    await server.until('it listens', async () => (await askEarly(server, '/live')) !== undefined);
    server.signal('SIGTERM');
    t.deepEqual(await server.exited, { code: 0, signal: null });
  },
);

test.serial('the server runs on when nobody reads its output any more', async (t) => {
  const server = await started(t);
  server.hangUpOutput();
  for (let i = 0; i < 5; i++) {
    server.signal('SIGHUP');
    await delay(30);
  }
  t.is((await server.request('POST', '/api/v1/collections', { body: { name: 'logged' } })).status, 201);
  await delay(200);
  t.true(server.isRunning);
  t.is((await server.get('/live')).status, 200);
});

test.serial(
  'a log directory that is unusable while logs rotate ends nothing, and is used again after',
  async (t) => {
    const server = await started(t);
    const logs = join(server.dataDir, 'logs');
    renameSync(logs, `${logs}.1`);
    writeFileSync(logs, 'in the way');
    for (let i = 0; i < 3; i++) server.signal('SIGHUP');
    await server.untilLogged(
      /a log file is not reopened and written where it was: cannot create the log directory/,
    );
    t.is((await server.get('/live')).status, 200);
    rmSync(logs);
    server.signal('SIGHUP');
    await server.untilLogged(/log files reopened/);
    await server.until('all files are there', () => existsSync(logs) && readdirSync(logs).length === 6);
    // No number of a file was closed that belongs to something else by now.
    for (let i = 0; i < 20; i++) t.is((await server.put(`/api/v1/c/k${i}`, { i })).status, 201);
    const stopped = await server.stop();
    t.is(stopped.code, 0);
    t.regex(readFileSync(join(logs, 'server.log'), 'utf8'), /log files reopened/);
  },
);
