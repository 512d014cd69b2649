/** A real server beside docs/openapi.json: requests of every operation, and answers of every kind, are as described there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DescribedServer } from '../support/described-server.js';
import { OpenApi } from '../support/openapi-document.js';
import { TestServer } from '../support/server.js';

const api = OpenApi.committed();
let server: TestServer;
let described: DescribedServer;
let archive: string;

test.before(async () => {
  server = await TestServer.start();
  described = new DescribedServer(server, api);
  archive = mkdtempSync(join(tmpdir(), 'lumadb-openapi-'));
});
test.after.always(async () => {
  await server?.close();
  rmSync(archive, { recursive: true, force: true });
});

type Headers = Readonly<Record<string, string>>;

/** Makes the request, which has to be as described, and to be answered with this status. */
async function expect(
  t: ExecutionContext,
  status: number,
  request: string,
  body?: unknown,
  headers: Headers = {},
) {
  const [method, path] = request.split(' ');
  const answer = await described.call(method, path, { body, headers });
  t.is(answer.status, status, `${request}: ${answer.text}`);
  return answer;
}

const LARGE = 'x'.repeat(17 * 1024 * 1024);
const TOO_MUCH_FOR_CONTROL = { name: 'x'.repeat(70_000) };

test.serial('documents', async (t) => {
  const { headers } = await expect(t, 201, 'PUT /api/v1/people/ann', { name: 'Ann', age: 41 });
  const first = String(headers['etag']);
  await expect(t, 200, 'PUT /api/v1/people/ann', { name: 'Ann', age: 42 }, { 'if-match': first });
  await expect(t, 412, 'PUT /api/v1/people/ann', { name: 'Ann' }, { 'if-match': first });
  await expect(t, 412, 'PUT /api/v1/people/ann', {}, { 'if-none-match': '*' });
  await expect(t, 400, 'PUT /api/v1/people/ann', '{"name":');
  await expect(t, 400, 'PUT /api/v1/people/ann', { _id: 'bob' });
  await expect(t, 400, 'PUT /api/v1/people/ann', {}, { 'x-lumadb-durability': 'perhaps' });
  await expect(t, 413, 'PUT /api/v1/people/ann', `{"text":"${LARGE}"}`);
  await expect(
    t,
    201,
    'PUT /api/v1/people/bob',
    {},
    { 'idempotency-key': 'k', 'x-lumadb-durability': 'group' },
  );
  await expect(t, 409, 'PUT /api/v1/people/bob', { other: 1 }, { 'idempotency-key': 'k' });
  const patch = { age: 43, name: null };
  const { headers: patched } = await expect(t, 200, 'PATCH /api/v1/people/ann', patch, {
    'x-lumadb-ttl': '600',
  });
  await expect(t, 404, 'PATCH /api/v1/people/none', patch);
  await expect(t, 412, 'PATCH /api/v1/people/ann', patch, { 'if-match': '"1"' });
  await expect(t, 200, 'GET /api/v1/people/ann');
  await expect(t, 304, 'GET /api/v1/people/ann', undefined, { 'if-none-match': String(patched['etag']) });
  await expect(t, 400, 'GET /api/v1/people/%FF');
  await expect(t, 404, 'GET /api/v1/people/none');
  await expect(t, 404, 'GET /api/v1/nowhere/none');
  await expect(t, 200, 'HEAD /api/v1/people/ann');
  await expect(t, 404, 'HEAD /api/v1/people/none');
  await expect(t, 201, 'POST /api/v1/people', { name: 'Cy' });
  await expect(t, 409, 'POST /api/v1/people', { _id: 'ann' });
  await expect(t, 200, 'POST /api/v1/people', { _id: 'ann', age: 1 }, { 'if-match': '*' });
  await expect(t, 403, 'POST /api/v1/people', { _id: 'dan' }, { origin: 'http://example.com' });
  await expect(t, 412, 'DELETE /api/v1/people/ann', undefined, { 'if-match': first });
  await expect(t, 200, 'DELETE /api/v1/people/ann');
  await expect(t, 404, 'DELETE /api/v1/people/ann');
});

test.serial('lists and bulk', async (t) => {
  const documents = [{ _id: 'a', n: 1 }, { _id: 'b', n: 2 }, { n: 3 }];
  await expect(t, 200, 'POST /api/v1/things/bulk?ttl=none', { documents });
  await expect(t, 207, 'POST /api/v1/things/bulk?create=true', { documents });
  const lines = documents.map((each) => JSON.stringify(each)).join('\n');
  await expect(t, 200, 'POST /api/v1/things/bulk', lines, { 'content-type': 'application/x-ndjson' });
  await expect(t, 207, 'POST /api/v1/things/bulk?atomic=true', '{"documents":[{"_id":"a"},{"_id":5}]}');
  await expect(t, 400, 'POST /api/v1/things/bulk', { documents: [] });
  await expect(t, 400, 'POST /api/v1/things/bulk?atomic=maybe', { documents });
  await expect(t, 413, 'POST /api/v1/things/bulk', '{}\n'.repeat(10_001), {
    'content-type': 'application/x-ndjson',
  });
  const { json } = await expect(t, 200, 'GET /api/v1/things?limit=1');
  await expect(t, 200, `GET /api/v1/things?cursor=${json.pagination.next_cursor}&fields=n`);
  await expect(t, 200, 'GET /api/v1/things?sort=-n&n=2');
  await expect(t, 200, `GET /api/v1/things?filter=${encodeURIComponent('{"n":{"$gt":1}}')}`);
  await expect(t, 400, 'GET /api/v1/things?limit=1001');
  await expect(t, 404, 'GET /api/v1/nowhere');
});

test.serial('SQL', async (t) => {
  const query = 'SELECT * FROM things WHERE n > $1';
  await expect(t, 200, 'POST /api/v1/query', { query, params: [1], timeout_ms: 10_000 });
  await expect(t, 200, 'POST /api/v1/query', { query, params: [1] }, { accept: 'application/x-ndjson' });
  await expect(t, 200, 'POST /api/v1/query', { query: 'CREATE INDEX things_n ON things (n)' });
  await expect(t, 400, 'POST /api/v1/query', { query: 'SELEC' });
  await expect(t, 400, 'POST /api/v1/query', { query, limit: 5 });
  await expect(t, 400, 'POST /api/v1/query', { query: 'SELECT * FROM nowhere' });
  await expect(t, 400, 'POST /api/v1/query', { query: 'CREATE TABLE things ()' });
  await expect(t, 400, 'POST /api/v1/query', { query: 'DROP TABLE nowhere' });
  const timeoutMs = 300;
  const slow = 'SELECT count(*) FROM generate_series(1, 100000000) a';
  await expect(t, 408, 'POST /api/v1/query', { query: slow, timeout_ms: timeoutMs });
  const running = described.call('POST', '/api/v1/query', { body: { query: slow } });
  await server.until('the statement is listed', async () => {
    const { json } = await expect(t, 200, 'GET /admin/queries');
    // The one before may be listed until its thread has stopped.
    const found = json.queries.find(({ timeout_ms }: { timeout_ms: number }) => timeout_ms !== timeoutMs);
    if (found === undefined) return false;
    await expect(t, 200, `DELETE /admin/queries/${found.id}`);
    return true;
  });
  t.is((await running).status, 400);
  await expect(t, 404, 'DELETE /admin/queries/none');
});

test.serial('collections', async (t) => {
  const goods = {
    name: 'goods',
    ttl: 3600,
    schema: {
      columns: [{ name: 'price', type: 'numeric(10,2)', not_null: true, default: '0', check: 'price >= 0' }],
      checks: [{ name: 'sane', expression: 'price < 100' }],
    },
    indexes: [
      {
        name: 'by_city',
        columns: ['city', { path: 'a.b', descending: true }, { expression: 'lower(name)' }],
        include: ['name'],
        where: 'price > 0',
      },
    ],
  };
  await expect(t, 201, 'POST /api/v1/collections', goods);
  await expect(t, 409, 'POST /api/v1/collections', goods);
  await expect(t, 400, 'POST /api/v1/collections', { name: '1st' });
  await expect(t, 400, 'POST /api/v1/collections', { name: 'more', colour: 'red' });
  await expect(t, 413, 'POST /api/v1/collections', TOO_MUCH_FOR_CONTROL);
  await expect(t, 400, 'PUT /api/v1/goods/1', { price: -1 });
  await expect(t, 200, 'GET /api/v1/collections');
  await expect(t, 200, 'GET /api/v1/collections/goods');
  await expect(t, 404, 'GET /api/v1/collections/nowhere');
  await expect(t, 200, 'PATCH /api/v1/collections/goods', { ttl: null });
  await expect(t, 200, 'PATCH /api/v1/collections/goods', { ttl: 'none' });
  await expect(t, 400, 'PATCH /api/v1/collections/goods', {});
  await expect(t, 200, 'DELETE /api/v1/collections/goods');
  await expect(t, 404, 'DELETE /api/v1/collections/goods');
});

test.serial('health and operation', async (t) => {
  for (const path of ['/live', '/ready', '/health', '/status', '/metrics', '/admin/read-only'])
    await expect(t, 200, `GET ${path}`);
  await expect(t, 200, 'POST /admin/read-only', { enabled: true, reason: 'an inspection' });
  await expect(t, 503, 'PUT /api/v1/things/a', {});
  await expect(t, 200, 'GET /admin/read-only');
  await expect(t, 200, 'GET /status');
  await expect(t, 200, 'POST /admin/read-only', { enabled: false });
  await expect(t, 400, 'POST /admin/read-only', { enabled: 'no' });
  await expect(t, 400, 'POST /admin/shutdown', { mode: 'sideways' });
  await expect(t, 404, 'GET /ws');
});

test.serial('cluster', async (t) => {
  for (const path of ['/cluster/health', '/cluster/status', '/cluster/replication'])
    await expect(t, 200, `GET ${path}`);
  await expect(t, 409, 'POST /cluster/transfer-leadership', { target_node: 'x' });
  await expect(t, 400, 'POST /cluster/transfer-leadership', {});
});

test.serial('configuration', async (t) => {
  await expect(t, 200, 'PATCH /admin/config', { 'query.slow_ms': 50, logging: { level: 'warn' } });
  await expect(t, 200, 'PATCH /admin/config', { 'memory.memtables_max': 5 });
  await expect(t, 200, 'GET /admin/config');
  await expect(t, 200, 'PATCH /admin/config', { 'query.slow_ms': null });
  await expect(t, 400, 'PATCH /admin/config', { log_level: 'loud' });
  await expect(t, 409, 'PATCH /admin/config', { 'query.threads': 2 });
});

test.serial('tasks and reports of the storage', async (t) => {
  await expect(t, 202, 'POST /admin/compaction', { all: true });
  await expect(t, 202, 'POST /admin/compaction', {
    collection: 'things',
    level: '0-2',
    delete_tombstones: true,
  });
  await expect(t, 400, 'POST /admin/compaction', { level: 'deep' });
  await expect(t, 404, 'POST /admin/compaction', { collection: 'nowhere' });
  await expect(t, 202, 'POST /admin/gc', { collection: 'things', force: true });
  await expect(t, 404, 'POST /admin/gc', { collection: 'nowhere' });
  await expect(t, 202, 'POST /admin/indexes/rebuild', { collection: 'things' });
  await expect(t, 404, 'POST /admin/indexes/rebuild', { index: 'none' });
  await expect(t, 400, 'POST /admin/wal/archive', { older_than_ms: 1, destination: 'relative' });
  const { json } = await expect(t, 202, 'POST /admin/wal/archive', {
    older_than_ms: 1,
    destination: archive,
  });
  await expect(t, 200, 'GET /admin/tasks');
  await server.until('all tasks have ended', async () => {
    const { json: all } = await expect(t, 200, 'GET /admin/tasks');
    return all.tasks.every(({ state }: { state: string }) => state === 'done');
  });
  // One that has ended before it is asked to is a conflict.
  await server.until('a rebuild has been asked to end', async () => {
    const started = await described.call('POST', '/admin/indexes/rebuild', { body: { index: 'things_n' } });
    if (started.status !== 202) return false;
    const { status } = await described.call('POST', `/admin/tasks/${started.json.id}/cancel`);
    return status === 202;
  });
  await expect(t, 200, `GET /admin/tasks/${json.id}`);
  await expect(t, 404, 'GET /admin/tasks/none');
  await expect(t, 409, `POST /admin/tasks/${json.id}/cancel`);
  await expect(t, 404, 'POST /admin/tasks/none/cancel');
  for (const path of ['compaction', 'memory', 'dump-state', 'diagnostics'])
    await expect(t, 200, `GET /admin/${path}`);
});

test.serial('backups', async (t) => {
  const noted = { job: 'full', started_at: '2026-01-02T02:00:00Z', seconds: 1.5, outcome: 'ok', backup: 'b' };
  await expect(t, 201, 'POST /admin/backups', noted);
  await expect(t, 400, 'POST /admin/backups', { ...noted, job: 'none' });
  await expect(t, 200, 'GET /admin/backups');
});

test.serial('checkpoints', async (t) => {
  const { json } = await expect(t, 201, 'POST /admin/checkpoints', { lease_seconds: 30 });
  await expect(t, 201, 'POST /admin/checkpoints');
  await expect(t, 400, 'POST /admin/checkpoints', { lease_seconds: 0 });
  await expect(t, 200, 'GET /admin/checkpoints');
  await expect(t, 200, `POST /admin/checkpoints/${json.id}/renew`);
  await expect(t, 404, 'POST /admin/checkpoints/none/renew');
  await expect(t, 200, `DELETE /admin/checkpoints/${json.id}`);
  await expect(t, 404, `DELETE /admin/checkpoints/${json.id}`);
});

test.serial('logins, users and API keys', async (t) => {
  const password = 'a long password';
  await expect(t, 201, 'POST /admin/users', { username: 'root', role: 'admin', password });
  await expect(t, 409, 'POST /admin/users', { username: 'root', role: 'admin', password });
  await expect(t, 400, 'POST /admin/users', { username: 'no blanks', role: 'admin', password });
  await expect(t, 400, 'POST /admin/users', { username: 'short', role: 'admin', password: 'short' });
  await expect(t, 200, 'GET /admin/users');
  await expect(t, 200, 'GET /admin/users/root');
  await expect(t, 404, 'GET /admin/users/none');
  await expect(t, 200, 'PATCH /admin/users/root', { disabled: false });
  await expect(t, 400, 'PATCH /admin/users/root', {});
  await expect(t, 200, 'GET /admin/roles');

  const { json: login } = await expect(t, 200, 'POST /auth/login', { username: 'root', password });
  await expect(t, 401, 'POST /auth/login', { username: 'root', password: 'wrong' });
  await expect(t, 400, 'POST /auth/login', { username: 'root' });
  const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
  await expect(t, 200, 'GET /auth/me');
  await expect(t, 200, 'GET /auth/me', undefined, bearer(login.token));
  await expect(t, 401, 'GET /auth/me', undefined, bearer('nonsense'));
  await expect(t, 403, 'GET /auth/me', undefined, { host: 'pages.example.com' });
  const passwords = { old_password: password, new_password: 'another long one' };
  await expect(t, 403, 'POST /auth/password', passwords);
  const { json: next } = await expect(t, 200, 'POST /auth/password', passwords, bearer(login.token));
  await expect(t, 401, 'POST /auth/password', passwords, bearer(next.token));
  await expect(t, 200, 'POST /auth/logout', undefined, bearer(next.token));
  await expect(t, 400, 'POST /auth/logout');

  const permissions = ['read:people'];
  const expires_at = '2100-01-01T00:00:00Z';
  const { json: made } = await expect(t, 201, 'POST /admin/api-keys', {
    name: 'k',
    username: 'root',
    permissions,
    expires_at,
  });
  const { json: key } = await expect(t, 200, `POST /admin/api-keys/${made.id}/rotate`);
  await expect(t, 404, 'POST /admin/api-keys', { name: 'k', username: 'none' });
  await expect(t, 400, 'POST /admin/api-keys', { name: 'k', username: 'root', permissions: ['dance'] });
  await expect(t, 404, 'POST /admin/api-keys/none/rotate');
  await expect(t, 200, 'GET /admin/api-keys');
  const apiKey = { 'x-api-key': key.key };
  await expect(t, 200, 'GET /auth/me', undefined, apiKey);
  await expect(t, 403, 'GET /admin/users', undefined, apiKey);
  await expect(t, 403, 'PUT /api/v1/people/x', {}, apiKey);
  await expect(t, 403, 'HEAD /api/v1/things/a', undefined, apiKey);
  await expect(t, 401, 'GET /api/v1/people', undefined, { 'x-api-key': made.key });
  await expect(t, 200, `DELETE /admin/api-keys/${made.id}`);
  await expect(t, 404, `DELETE /admin/api-keys/${made.id}`);

  await expect(t, 200, 'PUT /admin/blocked-addresses', { addresses: ['203.0.113.0/24', '2001:db8::1'] });
  await expect(t, 400, 'PUT /admin/blocked-addresses', { addresses: ['everywhere'] });
  await expect(t, 200, 'GET /admin/blocked-addresses');
  await expect(t, 200, 'DELETE /admin/users/root');
  await expect(t, 404, 'DELETE /admin/users/root');
});

/** The document with something else at a pointer. */
function doctored(pointer: string, change: (at: Record<string, unknown>) => void): DescribedServer {
  const document = structuredClone(api.document);
  change(new OpenApi(document).resolve(pointer).value as Record<string, unknown>);
  return new DescribedServer(server, new OpenApi(document));
}

test.serial('a document that says something else is found out', async (t) => {
  const path = '/paths/~1api~1v1~1{collection}~1{id}/put';
  const put = (wrong: DescribedServer) => wrong.call('PUT', '/api/v1/people/eve', { body: { n: 1 } });
  const faults: ReadonlyArray<[string, (at: Record<string, unknown>) => void, RegExp]> = [
    [
      '/components/schemas/Written/properties',
      (at) => delete at['_seq'],
      /must NOT have additional properties/,
    ],
    ['/components/schemas/Seqno', (at) => Object.assign(at, { type: 'string' }), /_seq must be string/],
    [`${path}/responses/201/headers`, (at) => delete at['ETag'], /etag is not described/],
    [
      '/components/headers/Durability/schema',
      (at) => Object.assign(at, { enum: ['os'] }),
      /X-LumaDB-Durability: /,
    ],
    ['/components/headers/ETag/schema', (at) => Object.assign(at, { pattern: '^[0-9]+$' }), /ETag: /],
    [
      `${path}/responses`,
      (at) => ['200', '201'].map((status) => delete at[status]),
      /status is not described/,
    ],
    [
      '/components/schemas/Document',
      (at) => Object.assign(at, { maxProperties: 0 }),
      /the request was taken/,
    ],
  ];
  await t.notThrowsAsync(put(doctored('', () => {})));
  for (const [pointer, change, message] of faults) {
    await server.request('DELETE', '/api/v1/people/eve');
    await t.throwsAsync(put(doctored(pointer, change)), { message }, pointer);
  }
});

test.serial('too many failed logins, and too many requests', async (t) => {
  const wrong = { username: 'nobody', password: 'wrong' };
  for (let failures = 0; failures < 5; failures++) await expect(t, 401, 'POST /auth/login', wrong);
  await expect(t, 429, 'POST /auth/login', wrong);
  await expect(t, 200, 'PATCH /admin/config', { 'security.rate_limit': 1 });
  await server.until('a request is refused', async () => {
    const { status } = await described.call('GET', '/api/v1/things/a');
    return status === 429;
  });
});

/** Nobody can lead instead; and the WebSocket is not HTTP any more when it succeeds. */
const NEVER_SUCCEED = ['transferLeadership', 'openWebSocket'];

test.serial('after the shutdown every operation has been seen, with success where that can be', async (t) => {
  await server.until('the limit lets it through', async () => {
    const { status } = await described.call('POST', '/admin/shutdown', { body: { mode: 'graceful' } });
    return status === 202;
  });
  for (const { object } of api.operations) {
    const { operationId } = object;
    const statuses = [...(described.answered.get(operationId) ?? [])];
    const isSeen = NEVER_SUCCEED.includes(operationId)
      ? statuses.length > 0
      : statuses.some((each) => each < 300);
    t.true(isSeen, `${operationId} was answered with ${statuses.join(', ') || 'nothing'}`);
  }
});
