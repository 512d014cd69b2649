import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parsePrometheus } from '../support/prometheus.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
});
test.after.always(() => server?.close());

test('every answer carries X-Request-Id, and an error repeats it in its body', async (t) => {
  await server.put('/api/v1/rid/a', {});
  const requests: [string, string, unknown?][] = [
    ['GET', '/api/v1/rid/a'],
    ['HEAD', '/api/v1/rid/a'],
    ['PUT', '/api/v1/rid/a', {}],
    ['PATCH', '/api/v1/rid/a', {}],
    ['POST', '/api/v1/rid', {}],
    ['DELETE', '/api/v1/rid/a'],
    ['GET', '/api/v1/rid'],
    ['POST', '/api/v1/rid/bulk', { documents: [{}] }],
    ['GET', '/api/v1/collections'],
    ['POST', '/api/v1/collections', { name: 'rid2' }],
    ['DELETE', '/api/v1/collections/rid2'],
    ['GET', '/health'],
    ['GET', '/ready'],
    ['GET', '/live'],
    ['GET', '/status'],
    ['GET', '/metrics'],
    ['GET', '/api/v1/rid/none'],
    ['PUT', '/api/v1/rid/a', '{'],
    ['POST', '/api/v1/rid/bulk', '{'],
    ['GET', '/api/v1/rid?limit=0'],
    ['POST', '/api/v1/collections', '{'],
    ['POST', '/admin/shutdown', { mode: 'sideways' }],
    ['GET', '/'],
    ['BREW', '/api/v1/rid/a'],
  ];
  const seen = new Set<string>();
  for (const [method, path, body] of requests) {
    const { status, headers, text } = await server
      .request(method, path, { body })
      .catch((error: Error) => ({ status: 0, headers: {} as Record<string, string>, text: error.message }));
    if (method === 'BREW' && status === 0) continue; // a method that Node's client does not send
    const id = headers['x-request-id'];
    t.is(typeof id, 'string', `${method} ${path}`);
    t.false(seen.has(String(id)));
    seen.add(String(id));
    if (status >= 400) t.is(JSON.parse(text).error.request_id, id, `${method} ${path}`);
  }
});

test('unknown routes are 404 and wrong shapes 405, both as error bodies that name them', async (t) => {
  const cases: [string, string, number, RegExp][] = [
    ['GET', '/', 404, /there is no GET \//],
    ['GET', '/api', 404, /there is no GET \/api/],
    ['GET', '/api/v2/c/a', 404, /there is no/],
    ['PUT', '/health', 404, /there is no PUT \/health/],
    ['OPTIONS', '/api/v1/c/a', 404, /there is no OPTIONS/],
    ['PUT', '/api/v1/c', 405, /needs the path of a document/],
    ['DELETE', '/api/v1/c', 405, /needs the path of a document/],
    ['PATCH', '/api/v1/c', 405, /needs the path of a document/],
    ['POST', '/api/v1/c/a', 405, /PUT or PATCH/],
    ['GET', '/api/v1/c/a/b', 400, /%2F/],
  ];
  for (const [method, path, status, message] of cases) {
    const answer = await server.request(method, path, { body: method === 'GET' ? undefined : {} });
    t.is(answer.status, status, `${method} ${path}`);
    const { error } = answer.json;
    t.deepEqual(
      Object.keys(error)
        .filter((key) => key !== 'details')
        .sort(),
      ['code', 'message', 'request_id'],
    );
    t.regex(error.message, message);
  }
});

test('requests of web pages may not write or steer', async (t) => {
  const headers = { origin: 'http://evil.example', 'content-type': 'text/plain' };
  const paths = ['/api/v1/c', '/api/v1/c/bulk', '/api/v1/query', '/api/v1/collections', '/admin/shutdown'];
  const withoutBody = ['/admin/tasks/x/cancel', '/admin/api-keys/x/rotate', '/auth/logout'];
  for (const path of [...paths, ...withoutBody]) {
    const answer = await server.request('POST', path, { body: { name: 'evil' }, headers });
    t.is(answer.status, 403, path);
    t.is(answer.json.error.code, 'FORBIDDEN');
  }
  t.is((await server.get('/live')).status, 200);
});

test('nor by methods for which a browser would ask first, if it took them for pages of another server', async (t) => {
  await server.put('/api/v1/c/kept', {});
  const requests: ReadonlyArray<[string, string]> = [
    ['PUT', '/api/v1/c/kept'],
    ['PATCH', '/api/v1/c/kept'],
    ['DELETE', '/api/v1/c/kept'],
    ['DELETE', '/api/v1/collections/c'],
    ['PATCH', '/api/v1/collections/c'],
    ['DELETE', '/admin/users/x'],
    ['DELETE', '/admin/api-keys/x'],
    ['DELETE', '/admin/queries/x'],
    ['PUT', '/admin/blocked-addresses'],
  ];
  for (const [method, path] of requests) {
    const answer = await server.request(method, path, { body: {}, headers: { origin: server.url } });
    t.is(answer.status, 403, `${method} ${path}: ${answer.text}`);
  }
  t.is((await server.get('/api/v1/c/kept')).status, 200);
});

test('a page whose name was made to lead here (DNS rebinding) reads nothing and opens no socket', async (t) => {
  await server.put('/api/v1/c/secret', {});
  const get = (path: string, host: string) => server.request('GET', path, { headers: { host } });
  for (const path of ['/api/v1/c/secret', '/api/v1/c', '/status', '/admin/config', '/auth/me']) {
    t.is((await get(path, 'evil.example')).status, 403, path);
    t.regex((await get(path, `evil.example:${server.port}`)).text, /DNS rebinding/, path);
    t.not((await get(path, `localhost:${server.port}`)).status, 403, path);
  }
  const headers = {
    host: 'evil.example',
    connection: 'Upgrade',
    upgrade: 'websocket',
    origin: 'http://evil.example',
  };
  const opening = {
    ...headers,
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  t.is((await server.request('GET', '/ws', { headers: opening })).status, 403);
  // Who shows a login is no page: it cannot know one.
  const token = readFileSync(join(server.dataDir, 'cli.token'), 'utf8').trim();
  const known = { host: 'db.example', authorization: `Bearer ${token}` };
  t.is((await server.request('GET', '/auth/me', { headers: known })).status, 200);
  t.is((await get('/live', 'lb.example')).status, 200);
});

test('/health, /ready, /live and /status say what the contract names', async (t) => {
  const health = await server.get('/health');
  t.is(health.status, 200);
  t.is(health.json.status, 'healthy');
  t.true(health.json.uptime_seconds > 0);
  t.regex(health.json.version, /^\d+\.\d+\.\d+/);
  for (const check of ['storage', 'cluster', 'memory']) t.is(health.json.checks[check].status, 'healthy');
  t.is((await server.get('/ready')).status, 200);
  t.is((await server.get('/live')).status, 200);
  const status = await server.get('/status');
  t.is(status.status, 200);
  t.like(status.json, { status: 'healthy', durability: 'always', read_only: false, pid: server.pid });
  t.is(status.json.shards.length, 2);
  for (const [shard, report] of status.json.shards.entries()) {
    t.like(report, { shard, state: 'ready', cause: null, writes_refused: null, l0_files: 0 });
    for (const field of ['seqno', 'memtable_bytes', 'wal_bytes']) t.is(typeof report[field], 'number', field);
  }
});

test('/metrics is strict Prometheus text with the names that the manual queries', async (t) => {
  await server.put('/api/v1/metrics/a', { n: 1 });
  await server.get('/api/v1/metrics/a');
  await server.get('/api/v1/metrics/none');
  const answer = await server.get('/metrics');
  t.is(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const families = parsePrometheus(answer.text);
  for (const [name, type] of [
    ['lumadb_requests_total', 'counter'],
    ['lumadb_query_duration', 'histogram'],
    ['lumadb_cache_hits', 'counter'],
    ['lumadb_cache_requests', 'counter'],
    ['lumadb_memory_bytes', 'gauge'],
    ['lumadb_memory_limit_bytes', 'gauge'],
    ['lumadb_fsync_latency_seconds', 'histogram'],
    ['lumadb_memtable_bytes', 'gauge'],
    ['lumadb_wal_bytes_total', 'counter'],
    ['lumadb_wal_poisoned', 'gauge'],
    ['lumadb_shard_queue_bytes', 'gauge'],
    ['lumadb_front_event_loop_delay_seconds', 'gauge'],
    ['lumadb_disk_io_bytes_total', 'counter'],
    ['lumadb_thread_stalls_total', 'counter'],
    ['lumadb_thread_stall_seconds_total', 'counter'],
  ]) {
    const family = families.get(name);
    t.is(family?.type, type, name);
    t.truthy(family?.help, name);
    t.true((family?.samples.length ?? 0) > 0, name);
  }
  const requests = families.get('lumadb_requests_total')?.samples ?? [];
  t.deepEqual(new Set(requests.map(({ labels }) => labels.get('status'))), new Set(['ok', 'error']));
  const countOf = (method: string, status: string): number | undefined =>
    requests.find(({ labels }) => labels.get('method') === method && labels.get('status') === status)?.value;
  t.true((countOf('put', 'ok') ?? 0) >= 1);
  t.true((countOf('get', 'error') ?? 0) >= 1);
  t.true((families.get('lumadb_cache_hits')?.samples[0].value ?? 0) >= 1);
  t.is(families.get('lumadb_memtable_bytes')?.samples.length, 2);
});

test('/metrics counts the bytes of disks as the kernel does', async (t) => {
  const io = (): number[] => {
    const text = readFileSync(`/proc/${server.pid}/io`, 'utf8');
    return ['read_bytes', 'write_bytes'].map((name) =>
      Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1]),
    );
  };
  const before = io();
  await server.put('/api/v1/disk-io/a', { text: 'x'.repeat(100_000) });
  const figures = [
    await server.metric('lumadb_disk_io_bytes_total{direction="read"}'),
    await server.metric('lumadb_disk_io_bytes_total{direction="written"}'),
  ];
  const after = io();
  for (const [index, bytes] of figures.entries()) {
    // Whole blocks of 512 bytes only.
    t.true(bytes > before[index] - 512 && bytes <= after[index], `${before[index]} ${bytes} ${after[index]}`);
  }
});
