/** One id leads from an answer to its lines in access.log, audit.log, query.log and server.log. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';
import { until } from '../support/time.js';

const linesOf = (server: TestServer, name: string): string[] =>
  readFileSync(join(server.dataDir, 'logs', name), 'utf8')
    .split('\n')
    .slice(0, -1);
const auditOf = (server: TestServer) => linesOf(server, 'audit.log').map((line) => JSON.parse(line));
const PASSWORD = 'secure-password';

test('what a request did is in audit.log under the id that its answer and access.log have', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  await server.put('/api/v1/doomed/1', {});
  await server.put('/api/v1/kept/1', {});
  const create = { username: 'alice', role: 'readonly', password: PASSWORD };
  const requests: Array<[action: string, method: string, path: string, body?: object]> = [
    ['change-config', 'PATCH', '/admin/config', { log_level: 'debug' }],
    ['create-user', 'POST', '/admin/users', create],
    ['create-user', 'POST', '/admin/users', create],
    ['login', 'POST', '/auth/login', { username: 'alice', password: PASSWORD }],
    ['login', 'POST', '/auth/login', { username: 'alice', password: 'wrong password' }],
    ['delete-user', 'DELETE', '/admin/users/alice'],
    ['read-only', 'POST', '/admin/read-only', { enabled: true }],
    ['read-only', 'POST', '/admin/read-only', { enabled: false }],
    ['create-collection', 'POST', '/api/v1/collections', { name: 'made', ttl: 60 }],
    ['create-collection', 'POST', '/api/v1/collections', { name: 'made' }],
    ['alter-collection', 'PATCH', '/api/v1/collections/made', { ttl: 120 }],
    ['drop-collection', 'DELETE', '/api/v1/collections/doomed'],
    ['truncate-collection', 'POST', '/api/v1/query', { query: 'TRUNCATE kept' }],
    ['compact', 'POST', '/admin/compaction', { all: true }],
    ['cancel-query', 'DELETE', '/admin/queries/none'],
  ];
  const expected: Array<{ action: string; request_id: string; result: string }> = [];
  for (const [action, method, path, body] of requests) {
    const answer = await server.request(method, path, { body });
    const id = answer.headers['x-request-id'] as string;
    const failed = answer.status >= 400;
    if (failed) t.is(answer.json.error.request_id, id);
    expected.push({ action, request_id: id, result: failed ? 'failed' : 'ok' });
  }
  t.deepEqual(
    auditOf(server).map(({ action, request_id, result }) => ({ action, request_id, result })),
    expected,
  );
  t.is(new Set(expected.map(({ request_id }) => request_id)).size, expected.length);
  await until('access.log', () =>
    linesOf(server, 'access.log').some((line) => line.includes('/admin/queries/none')),
  );
  for (const { request_id } of expected) {
    const lines = linesOf(server, 'access.log').filter((line) => line.split(' ').includes(request_id));
    t.is(lines.length, 1, request_id);
  }
});

test('a query over WebSocket is in its answer, query.log and audit.log under one id', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  await server.put('/api/v1/doomed/1', {});
  const socket = await RawWebSocket.open(server.port);
  t.teardown(() => socket.destroy());
  const dropped = await socket.call({ id: 1, op: 'query', query: 'DROP TABLE doomed' });
  t.like(dropped, { id: 1, ok: true });
  const refused = await socket.call({ id: 2, op: 'query', query: 'DROP TABLE doomed' });
  t.like(refused, { id: 2, error: { code: 'QUERY_ERROR' } });
  const ids = [dropped.request_id, refused.error.request_id];
  t.like(auditOf(server), [{ action: 'drop-collection', result: 'ok', request_id: ids[0] }]);
  await until('query.log', () => linesOf(server, 'query.log').length === 2);
  t.deepEqual(
    linesOf(server, 'query.log').map((line) => JSON.parse(line).request_id),
    ids,
  );
});

test('what comes of a request in server.log has its id, and what comes of none has not', async (t) => {
  const server = await TestServer.start({ env: { LUMADB_LOGGING__FORMAT: 'json' } });
  t.teardown(() => server.close());
  await server.put('/api/v1/doomed/1', {});
  const idOf = async (method: string, path: string, body?: object): Promise<unknown> =>
    (await server.request(method, path, { body })).headers['x-request-id'];
  const changed = await idOf('PATCH', '/admin/config', { 'query.slow_ms': 50 });
  const compacted = await idOf('POST', '/admin/compaction', { all: true });
  const dropped = await idOf('DELETE', '/api/v1/collections/doomed');
  const logged = () => linesOf(server, 'server.log').map((line) => JSON.parse(line));
  await until('the compaction', () => logged().some(({ msg }) => msg === 'compaction done'));
  const idsOf = (message: RegExp) =>
    logged()
      .filter(({ msg }) => message.test(msg))
      .map(({ request_id }) => request_id);
  t.deepEqual(idsOf(/^configuration changed/), [changed]);
  t.deepEqual(idsOf(/^compaction asked for by an operator/), [compacted]);
  t.deepEqual(idsOf(/^compaction done/), [compacted]);
  t.deepEqual(idsOf(/^collection dropped/), [dropped]);
  t.deepEqual(
    idsOf(/^(starting|ready|shard recovered)/).filter((id) => id !== undefined),
    [],
  );
});
