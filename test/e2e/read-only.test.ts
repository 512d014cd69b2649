import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parsePrometheus } from '../support/prometheus.js';
import { type ServerOptions, TestServer } from '../support/server.js';
import { freeAgain, leaveFree, smallFileSystem } from '../support/small-file-system.js';

const MIB = 1024 * 1024;

async function started(t: ExecutionContext, options: ServerOptions = {}): Promise<TestServer> {
  const server = await TestServer.start(options);
  t.teardown(() => server.close());
  return server;
}

const setReadOnly = (server: TestServer, body: unknown) =>
  server.request('POST', '/admin/read-only', { body });

test("the manual's read-only mode refuses every write with its reason, outlives kill -9, and ends", async (t) => {
  const server = await started(t);
  await server.put('/api/v1/c/a', { n: 1 });
  const enabled = await setReadOnly(server, { enabled: true, reason: 'Emergency maintenance' });
  t.is(enabled.status, 200);
  t.true(enabled.json.persisted);
  t.like(enabled.json.read_only, { enabled: true, reason: 'Emergency maintenance', by: 'operator' });

  const refused = async (): Promise<void> => {
    for (const [method, path, body] of [
      ['PUT', '/api/v1/c/a', { n: 2 }],
      ['PATCH', '/api/v1/c/a', { n: 2 }],
      ['DELETE', '/api/v1/c/a', undefined],
      ['POST', '/api/v1/c', {}],
      ['PUT', '/api/v1/unknown/a', {}],
      ['POST', '/api/v1/collections', { name: 'other' }],
      ['DELETE', '/api/v1/collections/c', undefined],
    ] as const) {
      const { status, json, headers } = await server.request(method, path, { body });
      t.is(status, 503, `${method} ${path}`);
      t.is(json.error.code, 'UNAVAILABLE');
      t.regex(json.error.message, /read-only: Emergency maintenance/, `${method} ${path}`);
      t.truthy(headers['retry-after']);
    }
    const bulk = await server.request('POST', '/api/v1/c/bulk', { body: { documents: [{}, {}] } });
    t.regex(bulk.text, /Emergency maintenance/);
    t.is((await server.get('/api/v1/c/a')).json.n, 1);
    t.like((await server.get('/status')).json.read_only, { by: 'operator' });
    t.like((await server.get('/admin/read-only')).json.read_only, { reason: 'Emergency maintenance' });
    const health = await server.get('/health');
    t.is(health.status, 200, 'what an operator wanted is no illness');
    t.like(health.json, {
      status: 'healthy',
      read_only: { reason: 'Emergency maintenance', by: 'operator' },
    });
    t.is(await server.metric('lumadb_read_only{cause="operator"}'), 1);
  };
  await refused();
  await server.kill9();
  await server.restart();
  await server.untilLogged(/the database is read-only: Emergency maintenance/);
  await refused();

  t.deepEqual((await setReadOnly(server, { enabled: false })).json, { read_only: false, persisted: true });
  t.is((await server.put('/api/v1/c/a', { n: 3 })).status, 200);
  t.is((await server.get('/status')).json.read_only, false);
  t.is((await server.get('/health')).json.read_only, false);
  t.is(await server.metric('lumadb_read_only{cause="operator"}'), 0);
  await server.kill9();
  await server.restart();
  t.is((await server.put('/api/v1/c/a', { n: 4 })).status, 200);
});

test('read-only mode needs no reason, and refuses what it does not understand', async (t) => {
  const server = await started(t);
  for (const [body, message] of [
    [{}, /enabled must be true or false/],
    [{ enabled: 'yes' }, /enabled/],
    [{ enabled: true, reason: '' }, /reason/],
    [{ enabled: true, reason: 'x'.repeat(301) }, /reason/],
    [{ enabled: true, because: 'x' }, /unknown field "because"/],
    [[], /JSON object/],
  ] as const) {
    const answer = await setReadOnly(server, body);
    t.is(answer.status, 400, answer.text);
    t.regex(answer.json.error.message, message);
  }
  const foreign = await server.request('POST', '/admin/read-only', {
    body: { enabled: true },
    headers: { origin: 'http://evil.example' },
  });
  t.is(foreign.status, 403);
  t.is((await server.get('/status')).json.read_only, false);
  t.is((await setReadOnly(server, { enabled: true })).status, 200);
  t.regex((await server.put('/api/v1/c/a', {})).json.error.message, /an operator has enabled/);
});

test('/status and /metrics show the disk', async (t) => {
  const server = await started(t);
  const { disk } = (await server.get('/status')).json;
  t.true(disk.total_bytes > 0 && disk.free_bytes <= disk.total_bytes);
  t.is(disk.reserve, 'off');
  const samples = parsePrometheus((await server.get('/metrics')).text);
  t.truthy(samples);
  t.is(await server.metric('lumadb_disk_total_bytes'), disk.total_bytes);
  t.true((await server.metric('lumadb_disk_free_bytes')) > 0);
  const ratio = await server.metric('lumadb_disk_used_ratio');
  t.true(ratio >= 0 && ratio <= 1);
});

test('a disk that fills up stops writes before it is full, deletes go on, and space brings writes back', async (t) => {
  const directory = smallFileSystem(t, 96);
  if (directory === undefined) {
    t.pass();
    return;
  }
  const server = await started(t, {
    dataDir: directory,
    env: {
      LUMADB_WAL__SEGMENT_SIZE: String(MIB),
      LUMADB_STORAGE__READ_ONLY_FREE_BYTES: String(24 * MIB),
      LUMADB_STORAGE__RESERVE_SIZE: String(4 * MIB),
      LUMADB_STORAGE__DISK_CHECK_INTERVAL_MS: '50',
    },
  });
  for (let i = 0; i < 5; i++) t.is((await server.put(`/api/v1/c/k${i}`, { i })).status, 201);
  const reserve = join(directory, 'reserve');
  await server.until('the reserve is held', () => existsSync(reserve) && statSync(reserve).size === 4 * MIB);

  leaveFree(directory, 20 * MIB);
  const isReadOnly = async () => (await server.get('/status')).json.read_only !== false;
  await server.until('writes stop', isReadOnly);
  const refused = await server.put('/api/v1/c/new', {});
  t.is(refused.status, 503);
  t.regex(
    refused.json.error.message,
    /other than deletes are refused: \d+ MiB of disk space are free, less than 24/,
  );
  t.is((await server.request('DELETE', '/api/v1/c/k0')).status, 200);
  t.is((await server.get('/health')).status, 503);
  t.is(await server.metric('lumadb_read_only{cause="disk"}'), 1);
  t.true(existsSync(reserve), 'the last resort is not needed yet');

  leaveFree(directory, MIB);
  await server.until('the reserve is released', () => !existsSync(reserve));
  t.is((await server.request('DELETE', '/api/v1/c/k1')).status, 200);
  t.is((await server.put('/api/v1/c/new', {})).status, 503);

  freeAgain(directory);
  await server.until('writes go on by themselves', async () => !(await isReadOnly()));
  t.is((await server.put('/api/v1/c/new', {})).status, 201);
  t.is((await server.get('/health')).status, 200);
  await server.until(
    'the reserve is held again',
    () => existsSync(reserve) && statSync(reserve).size === 4 * MIB,
  );
  await server.untilLogged(
    /disk is over 70 % full[\s\S]*writes other than deletes are refused[\s\S]*writes are taken again/,
  );
});
