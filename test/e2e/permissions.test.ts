/**
 * The permission matrix: every route, op and kind of statement, with no login, a wrong one and the right one. Callers with a
 * permission are API keys of one user that are left only that.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import jsonwebtoken from 'jsonwebtoken';
import { WebSocketClient } from '../../src/client/index.js';
import { RawConnection, type RequestOptions, splitAnswers } from '../support/http.js';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { OPEN, ROUTES } from '../support/route-matrix.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
let localToken: string;

test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SECURITY__REQUIRE_AUTH: 'true' } });
  localToken = readFileSync(join(server.dataDir, 'cli.token'), 'utf8').trim();
  await asAdmin('POST', '/admin/users', { username: 'root', role: 'admin', password: PASSWORD });
  for (const [name, text] of SETUP) await asAdmin('PUT', `/api/v1/${name}`, text);
  await asAdmin('POST', '/api/v1/query', { query: 'CREATE INDEX orders_n ON orders (n)' });
});
test.after.always(() => server?.close());

const PASSWORD = 'a long password';
const SETUP: ReadonlyArray<[string, unknown]> = [
  ['orders/1', { n: 1 }],
  ['users/1', { n: 1 }],
];

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function ask(method: string, path: string, body: unknown, headers: RequestOptions['headers']) {
  return server.request(method, path, { body, headers });
}

async function asAdmin(method: string, path: string, body?: unknown) {
  const answer = await ask(method, path, body, bearer(localToken));
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
  return answer.json;
}

const keys = new Map<string, Promise<string>>();

/** A caller who may do just this. */
function keyWith(permissions: readonly string[]): Promise<string> {
  const name = permissions.join(' ');
  const known = keys.get(name);
  if (known !== undefined) return known;
  const made = asAdmin('POST', '/admin/api-keys', { name: 'matrix', username: 'root', permissions }).then(
    ({ key }) => key as string,
  );
  keys.set(name, made);
  return made;
}

/** A caller who may do everything but this. */
function allBut(needed: string): readonly string[] {
  const [action, resource] = needed.split(':');
  const others = ['read', 'write', 'execute', 'monitor', 'admin'].filter((other) => other !== action);
  return [...others.map((other) => `${other}:*`), `${action}:x${resource}`, `${action}:${resource}x`];
}

function refused(
  t: ExecutionContext,
  answer: { status: number; text: string },
  status: number,
  what: string,
) {
  t.is(answer.status, status, `${what}: ${answer.text}`);
}

test('the matrix has every route there is', (t) => {
  const front = fileURLToPath(new URL('../../../src/front/', import.meta.url));
  const sources = readdirSync(front)
    .filter((name) => /routes|server/.test(name))
    .map((name) => readFileSync(join(front, name), 'utf8'));
  const found = sources.flatMap((text) =>
    [...text.matchAll(/'(\/[a-z][\w/:*-]*)'/g)].map(([, path]) => path),
  );
  const isCovered = (path: string): boolean =>
    OPEN.includes(path) ||
    ROUTES.some((one) => {
      const pattern = path.replaceAll(/:\w+/g, '[^/]+').replace('/*', '/.+');
      return new RegExp(`^${pattern}$`).test(one.path);
    });
  t.true(found.length > 30);
  t.deepEqual(
    found.filter((path) => !['/api/v1/bulk', '/bulk'].includes(path) && !isCovered(path)),
    [],
  );
});

for (const { method, path, needs, body } of ROUTES) {
  test(`${method} ${path}: ${needs ?? 'whoever has logged in'}, and nobody else`, async (t) => {
    for (const [what, headers] of Object.entries(await strangers()))
      refused(t, await ask(method, path, body, headers), 401, what);
    const right = await keyWith([needs ?? 'read:nothing']);
    for (const headers of [{ 'x-api-key': right }, bearer(right)]) {
      const answer = await ask(method, path, body, headers);
      const isIn = answer.status !== 401 || /old_password/.test(answer.text);
      t.true(isIn && (answer.status !== 403 || needs === undefined), `${answer.status} ${answer.text}`);
    }
    if (needs === undefined) return;
    const wrong = await keyWith(allBut(needs));
    const answer = await ask(method, path, body, { 'x-api-key': wrong });
    refused(t, answer, 403, 'everything but that');
    if (method !== 'HEAD') t.like(answer.json.error, { code: 'FORBIDDEN', details: { permission: needs } });
  });
}

let known: Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> | undefined;

/** Callers whom nothing lets in. */
function strangers() {
  known ??= makeStrangers();
  return known;
}

async function login(username: string): Promise<string> {
  const { json } = await ask('POST', '/auth/login', { username, password: PASSWORD }, {});
  return json.token;
}

async function makeStrangers() {
  const signingKey = Buffer.from(readFileSync(join(server.dataDir, 'token.key'), 'utf8').trim(), 'hex');
  for (const username of ['disabled', 'deleted', 'leaver'])
    await asAdmin('POST', '/admin/users', { username, role: 'admin', password: PASSWORD });
  const [disabled, deleted, leaver, root] = await Promise.all(
    ['disabled', 'deleted', 'leaver', 'root'].map(login),
  );
  const keyOfDisabled = await asAdmin('POST', '/admin/api-keys', { name: 'k', username: 'disabled' });
  const revoked = await asAdmin('POST', '/admin/api-keys', { name: 'k', username: 'root' });
  await asAdmin('DELETE', `/admin/api-keys/${revoked.id}`);
  await asAdmin('PATCH', '/admin/users/disabled', { disabled: true });
  await asAdmin('DELETE', '/admin/users/deleted');
  await ask('POST', '/auth/logout', undefined, bearer(leaver));
  const claims = jsonwebtoken.decode(root) as Record<string, unknown>;
  const past = Math.floor(Number(claims['iat'])) - 10;
  const forgedHead = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  return {
    'no token': {},
    'a disabled user': bearer(disabled),
    'a key of a disabled user': { 'x-api-key': keyOfDisabled.key },
    'a deleted user': bearer(deleted),
    'a token that was logged out': bearer(leaver),
    'a revoked key': { 'x-api-key': revoked.key },
    'an expired token': bearer(jsonwebtoken.sign({ ...claims, exp: past }, signingKey)),
    'alg none': bearer(`${forgedHead}.${root.split('.')[1]}.`),
    'another key': bearer(jsonwebtoken.sign(claims, 'guessed')),
    nonsense: bearer('x'),
    'basic authentication': {
      authorization: `Basic ${Buffer.from(`root:${PASSWORD}`).toString('base64')}`,
    },
  };
}

test('load balancers need no login for /health, /ready and /live', async (t) => {
  for (const path of ['/health', '/ready', '/live']) t.is((await server.get(path)).status, 200, path);
});

test('a list of collections has those that the caller may read', async (t) => {
  const key = await keyWith(['read:o*']);
  const { json } = await ask('GET', '/api/v1/collections', undefined, { 'x-api-key': key });
  t.deepEqual(
    json.collections.map(({ name }: { name: string }) => name),
    ['orders'],
  );
});

/** Statement, and what it needs beside execute:queries. */
const STATEMENTS: ReadonlyArray<[string, readonly string[]]> = [
  ['SELECT * FROM orders', ['read:orders']],
  ['SELECT * FROM orders WHERE _id = $1', ['read:orders']],
  ['SELECT count(*) FROM orders o JOIN users u ON o.n = u.n', ['read:orders', 'read:users']],
  ['SELECT (SELECT max(n) FROM users) FROM orders', ['read:orders', 'read:users']],
  ['WITH u AS (SELECT * FROM users) SELECT 1 FROM u', ['read:users']],
  ['SELECT 1 WHERE EXISTS (SELECT 1 FROM users)', ['read:users']],
  ['SELECT n FROM orders UNION SELECT n FROM users', ['read:orders', 'read:users']],
  ['EXPLAIN SELECT * FROM orders', ['read:orders']],
  ['EXPLAIN ANALYZE SELECT * FROM orders', ['read:orders']],
  ['INSERT INTO orders VALUES (\'{"n": 5}\')', ['write:orders']],
  ['INSERT INTO orders (n) SELECT n FROM users', ['write:orders', 'read:users']],
  ['UPDATE orders SET n = 1 WHERE false', ['write:orders', 'read:orders']],
  [
    'DELETE FROM orders WHERE n IN (SELECT n + 100 FROM users)',
    ['write:orders', 'read:orders', 'read:users'],
  ],
  ['CREATE TABLE IF NOT EXISTS orders ()', ['write:orders']],
  ['ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text', ['write:orders']],
  ['CREATE INDEX IF NOT EXISTS orders_n ON orders (n)', ['write:orders']],
  ['TRUNCATE made_for_truncate', ['write:made_for_truncate']],
  ['DROP INDEX IF EXISTS none, orders_m', ['write:orders']],
  ['DROP TABLE IF EXISTS none', ['write:none']],
  ['SELECT * FROM system.slow_queries', ['read:system.slow_queries']],
  ['SELECT * FROM system.indexes', ['read:system.indexes']],
];

test.serial('statements need what the collections in them need, and each of it', async (t) => {
  await asAdmin('PUT', '/api/v1/made_for_truncate/1', {});
  for (const [query, needs] of STATEMENTS) {
    // For the statement that drops it.
    await asAdmin('POST', '/api/v1/query', { query: 'CREATE INDEX IF NOT EXISTS orders_m ON orders (m)' });
    const body = { query, params: query.includes('$1') ? ['1'] : [] };
    const all = ['execute:queries', ...needs];
    for (const missing of all) {
      const key = await keyWith(all.filter((one) => one !== missing));
      const answer = await ask('POST', '/api/v1/query', body, { 'x-api-key': key });
      t.is(answer.status, 403, `${query} without ${missing}: ${answer.text}`);
      t.is(answer.json.error.details.permission, missing, query);
    }
    const answer = await ask('POST', '/api/v1/query', body, { 'x-api-key': await keyWith(all) });
    t.is(answer.status, 200, `${query}: ${answer.text}`);
  }
});

const OPERATIONS: ReadonlyArray<[Record<string, unknown>, string]> = [
  [{ op: 'get', collection: 'orders', _id: '1' }, 'read:orders'],
  [{ op: 'put', collection: 'orders', _id: '3', document: {} }, 'write:orders'],
  [{ op: 'patch', collection: 'orders', _id: '1', document: {} }, 'write:orders'],
  [{ op: 'delete', collection: 'orders', _id: '3' }, 'write:orders'],
  [{ op: 'bulk', collection: 'orders', documents: [{}] }, 'write:orders'],
  [{ op: 'query', query: 'SELECT 1' }, 'execute:queries'],
];

test('a WebSocket is refused without a login, and its ops go by its permissions', async (t) => {
  for (const [what, headers] of Object.entries(await strangers())) {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    await t.throwsAsync(
      RawWebSocket.open(server.port, lines.join('')),
      { message: /401 Unauthorized/ },
      what,
    );
  }
  for (const [request, needs] of OPERATIONS) {
    const wrong = await RawWebSocket.open(server.port, `x-api-key: ${await keyWith(allBut(needs))}\r\n`);
    const right = await RawWebSocket.open(server.port, `x-api-key: ${await keyWith([needs])}\r\n`);
    t.like(await wrong.call({ id: 1, ...request }), {
      id: 1,
      error: { code: 'FORBIDDEN', details: { permission: needs } },
    });
    t.like(await wrong.call({ id: 2, op: 'batch', requests: [{ id: 2, ...request }] }), {
      error: { code: 'FORBIDDEN' },
    });
    t.like(await right.call({ id: 3, ...request }), { id: 3, ok: true });
    t.like(await wrong.call({ id: 4, op: 'ping' }), { id: 4, ok: true });
    wrong.destroy();
    right.destroy();
  }
});

test('binary frames are checked operation by operation, and create nothing without permission', async (t) => {
  const client = await WebSocketClient.connect(server.webSocketUrl, {
    token: await keyWith(['read:orders', 'write:users']),
  });
  t.teardown(() => client.close());
  const forbidden = { code: 'FORBIDDEN' } as never;
  const results = await Promise.allSettled([
    client.get('orders', '1'),
    client.put('users', 'b', {}),
    client.put('orders', 'b', {}),
    client.get('users', '1'),
    client.put('sneaked_in', 'b', {}),
    client.ping(),
  ]);
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'],
  );
  await t.throwsAsync(client.delete('orders', '1'), forbidden);
  await t.throwsAsync(client.patch('orders', '1', {}), forbidden);
  const all = await asAdmin('GET', '/api/v1/collections');
  t.false(all.collections.some(({ name }: { name: string }) => name === 'sneaked_in'));
});

test('a statement over a WebSocket needs what its collections need', async (t) => {
  const ws = await RawWebSocket.open(
    server.port,
    `x-api-key: ${await keyWith(['execute:queries', 'read:users'])}\r\n`,
  );
  t.teardown(() => ws.destroy());
  t.like(await ws.call({ id: 1, op: 'query', query: 'SELECT * FROM users' }), { id: 1, ok: true });
  t.like(await ws.call({ id: 2, op: 'query', query: 'SELECT * FROM orders' }), {
    id: 2,
    error: { code: 'FORBIDDEN', details: { permission: 'read:orders' } },
  });
});

test('a socket closes within a second of its user being disabled, and loses what its role loses at once', async (t) => {
  await asAdmin('POST', '/admin/users', { username: 'visitor', role: 'admin', password: PASSWORD });
  const ws = await RawWebSocket.open(server.port, `authorization: Bearer ${await login('visitor')}\r\n`);
  t.teardown(() => ws.destroy());
  const put = { id: 1, op: 'put', collection: 'orders', _id: 'v', document: {} };
  t.like(await ws.call(put), { ok: true });
  await asAdmin('PATCH', '/admin/users/visitor', { role: 'readonly' });
  t.like(await ws.call(put), { error: { code: 'FORBIDDEN' } });
  t.like(await ws.call({ id: 2, op: 'get', collection: 'orders', _id: 'v' }), { ok: true });
  await asAdmin('PATCH', '/admin/users/visitor', { disabled: true });
  const { code, reason } = await ws.nextClose();
  t.is(code, 1008);
  t.regex(reason, /credentials are not valid/);
});

test('a body that ends after its sender has been shut out does nothing', async (t) => {
  await asAdmin('POST', '/admin/users', { username: 'slow', role: 'admin', password: PASSWORD });
  const token = await login('slow');
  const requests: ReadonlyArray<[string, unknown]> = [
    ['POST /admin/users', { username: 'backdoor', role: 'admin', password: PASSWORD }],
    ['POST /admin/read-only', { enabled: false }],
    ['PATCH /admin/config', { log_level: 'info' }],
    ['POST /api/v1/collections', { name: 'backdoor' }],
    ['PATCH /api/v1/collections/orders', { ttl: null }],
    ['PUT /api/v1/orders/backdoor', {}],
    ['POST /api/v1/orders/bulk', { documents: [{ _id: 'backdoor' }] }],
    ['POST /api/v1/query', { query: 'SELECT * FROM orders' }],
  ];
  const halves = requests.map(([line, body]) => {
    const text = JSON.stringify(body);
    const connection = new RawConnection(server.port);
    t.teardown(() => connection.destroy());
    connection.send(
      `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${text.length}\r\n\r\n{`,
    );
    return { line, connection, rest: text.slice(1) };
  });
  // No answer tells that their heads have come and that they have been let in.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await asAdmin('PATCH', '/admin/users/slow', { disabled: true });
  for (const { line, connection, rest } of halves) {
    connection.send(rest);
    const [{ status, body }] = await connection.wait((received) => {
      const answers = splitAnswers(received);
      return answers.length === 0 ? undefined : answers;
    });
    t.is(status, 401, `${line}: ${body}`);
  }
  t.is((await ask('GET', '/admin/users/backdoor', undefined, bearer(localToken))).status, 404);
  t.is((await ask('GET', '/api/v1/orders/backdoor', undefined, bearer(localToken))).status, 404);
});

test('what is wrong with a statement does not tell of collections that its user may not know', async (t) => {
  await asAdmin('POST', '/api/v1/query', { query: 'CREATE TABLE payroll (salary int)' });
  const key = await keyWith(['execute:queries', 'read:orders', 'write:orders']);
  const errorOf = async (query: string) =>
    (await ask('POST', '/api/v1/query', { query }, { 'x-api-key': key })).json.error;
  for (const query of [
    'SELECT salary + now() FROM payroll',
    "SELECT * FROM orders WHERE n IN (SELECT salaryy::int + '1 day'::interval FROM payroll)",
    'UPDATE payroll SET salary = now()',
    'ALTER TABLE payroll DROP COLUMN nothing',
    'SELECT * FROM no_such_collection',
    'DROP TABLE no_such_collection',
  ]) {
    const error = await errorOf(query);
    t.is(error.code, 'FORBIDDEN', `${query}: ${error.message}`);
    t.notRegex(error.message, /salary|does not exist/);
  }
  t.notRegex((await errorOf('SELECT * FROM orderz, payrol')).message, /payroll/);
  t.regex((await errorOf('SELECT nonsense(n) FROM orders')).message, /nonsense/);
});

test('statements under way end when their user is shut out or may read no more what they read', async (t) => {
  const LONG = 'SELECT count(*) FROM orders, generate_series(1, 100000) a, generate_series(1, 100000) b';
  const running = async (): Promise<boolean> =>
    (await asAdmin('GET', '/admin/queries')).queries.some(({ query }: { query: string }) => query === LONG);
  for (const [username, change, status] of [
    ['shut_out', { disabled: true }, 401],
    ['demoted', { role: 'monitoring' }, 403],
  ] as const) {
    await asAdmin('POST', '/admin/users', { username, role: 'analyst', password: PASSWORD });
    const body = { query: LONG, timeout_ms: 120_000 };
    const asked = ask('POST', '/api/v1/query', body, bearer(await login(username)));
    await server.until('it runs', running);
    await asAdmin('PATCH', `/admin/users/${username}`, change);
    const { status: answered, text } = await asked;
    t.is(answered, status, text);
    await server.until('its thread is free', async () => !(await running()));
  }
});

test('a write without permission creates no collection', async (t) => {
  const key = await keyWith(['read:*', 'execute:queries']);
  const headers = { 'x-api-key': key };
  t.is((await ask('PUT', '/api/v1/sneaked/1', {}, headers)).status, 403);
  t.is((await ask('POST', '/api/v1/sneaked/bulk', { documents: [{}] }, headers)).status, 403);
  t.is(
    (await ask('POST', '/api/v1/query', { query: 'INSERT INTO sneaked (a) VALUES (1)' }, headers)).status,
    403,
  );
  t.is((await ask('POST', '/api/v1/collections', { name: 'sneaked' }, headers)).status, 403);
  t.is((await ask('GET', '/api/v1/collections/sneaked', undefined, headers)).status, 404);
});

test('no field of a body gives a user more than was said', async (t) => {
  const admin = bearer(localToken);
  const more = { username: 'mallory', role: 'readonly', password: PASSWORD, disabled: false };
  t.is((await ask('POST', '/admin/users', more, admin)).status, 400);
  t.is(
    (await ask('POST', '/auth/login', { username: 'root', password: PASSWORD, role: 'admin' }, {})).status,
    400,
  );
  const own = bearer(await login('root'));
  const change = { old_password: PASSWORD, new_password: PASSWORD, role: 'admin' };
  t.is((await ask('POST', '/auth/password', change, own)).status, 400);
});

test('no secret is in a log', async (t) => {
  const secrets = [localToken, PASSWORD, await login('root'), await keyWith(['read:*']), 'hunter2'];
  for (const body of ['{"username":"root","password":hunter2}', '{"password": "a"hunter2"}', '"hunter2']) {
    const { status, text } = await ask('POST', '/auth/login', body, {});
    t.is(status, 400);
    t.false(text.includes('hunter2'), text);
  }
  await server.until('their lines are written', () =>
    readFileSync(join(server.dataDir, 'logs', 'access.log'), 'utf8').includes('the request body is not JSON'),
  );
  const logs = join(server.dataDir, 'logs');
  const texts = readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'));
  t.true(texts.length >= 4);
  for (const secret of secrets) for (const text of [...texts, server.log]) t.false(text.includes(secret));
});
