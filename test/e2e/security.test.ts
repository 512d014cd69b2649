/** Logins, lockouts, roles that change, addresses that are kept out, and what the logs say of it all. */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HttpCaller } from '../support/http.js';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';

const PASSWORD = 'secure-password';
const LOOPBACK_ONLY = { LUMADB_SECURITY__REQUIRE_AUTH: 'true' };

let shared: TestServer;
test.before(async () => {
  shared = await TestServer.start({ env: LOOPBACK_ONLY });
});
test.after.always(() => shared?.close());

async function started(
  t: ExecutionContext,
  env: Record<string, string> = LOOPBACK_ONLY,
): Promise<TestServer> {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  return server;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const localToken = (server: TestServer) => readFileSync(join(server.dataDir, 'cli.token'), 'utf8').trim();
const admin = (server: TestServer, method: string, path: string, body?: unknown) =>
  server.request(method, path, { body, headers: bearer(localToken(server)) });
const login = (server: TestServer, username: string, password = PASSWORD) =>
  server.request('POST', '/auth/login', { body: { username, password } });
const logOf = (server: TestServer, name: string) => readFileSync(join(server.dataDir, 'logs', name), 'utf8');

async function withUser(server: TestServer, username: string, role: string): Promise<string> {
  const made = await admin(server, 'POST', '/admin/users', { username, role, password: PASSWORD });
  if (made.status !== 201) throw new Error(made.text);
  return (await login(server, username)).json.token;
}

test('a login gives a token with its time, and who has it is known everywhere', async (t) => {
  const server = shared;
  await withUser(server, 'alice', 'developer');
  const { status, json } = await login(server, 'alice');
  t.is(status, 200);
  t.deepEqual(json.user, { username: 'alice', role: 'developer' });
  t.true(Date.parse(json.expires_at) > Date.now() + 11 * 3_600_000);
  const me = await server.request('GET', '/auth/me', { headers: bearer(json.token) });
  t.like(me.json, { username: 'alice', role: 'developer', login: 'token', expires_at: json.expires_at });
});

test('wrong passwords and unknown users are told the same, in about the same time', async (t) => {
  const server = shared;
  await withUser(server, 'erin', 'readonly');
  const timed = async (username: string) => {
    const start = performance.now();
    const { status, json } = await login(server, username, 'wrong password');
    t.is(status, 401);
    return { ms: performance.now() - start, message: json.error.message };
  };
  await timed('warm-up');
  const known = await timed('erin');
  const unknown = await timed('nobody');
  t.is(known.message, unknown.message);
  t.regex(known.message, /authentication failed/);
  // argon2 takes tens of milliseconds; without it an answer takes one.
  t.true(
    unknown.ms > known.ms / 4,
    `${unknown.ms} ms for an unknown user, ${known.ms} ms for a wrong password`,
  );
});

test('guessing locks the user at this address, also for the right password, and says for how long', async (t) => {
  const server = shared;
  await withUser(server, 'frank', 'readonly');
  for (let i = 0; i < 5; i++) t.is((await login(server, 'frank', 'wrong password')).status, 401);
  const locked = await login(server, 'frank');
  t.is(locked.status, 429);
  t.is(locked.json.error.code, 'RATE_LIMITED');
  const seconds = Number(locked.headers['retry-after']);
  t.true(seconds > 800 && seconds <= 900, String(seconds));
  t.is(
    (await admin(server, 'GET', '/admin/users')).status,
    200,
    'the operator on the machine is not locked out',
  );
});

test.serial('guesses that come all at once are locked like those that come one by one', async (t) => {
  const server = await started(t);
  await withUser(server, 'frank', 'readonly');
  const guess = async (): Promise<number> => (await login(server, 'frank', 'wrong password')).status;
  const statuses = await Promise.all(Array.from({ length: 40 }, guess));
  const tried = statuses.filter((status) => status === 401).length;
  t.true(tried >= 5 && tried <= 6, `${tried} passwords were tried`);
  await login(server, 'x'.repeat(4000), 'wrong password');
  t.true(
    logOf(server, 'audit.log')
      .split('\n')
      .every((line) => line.length < 1000),
    'names are cut',
  );
});

test.serial('two administrators who shut each other out at the same time do not both succeed', async (t) => {
  const server = await started(t);
  await withUser(server, 'ann', 'admin');
  await withUser(server, 'ben', 'admin');
  // A new password is hashed before the change is made, so the second one comes while the first is under way.
  const changes = await Promise.all(
    ['ann', 'ben'].map((name) =>
      admin(server, 'PATCH', `/admin/users/${name}`, { disabled: true, password: 'another password' }),
    ),
  );
  t.deepEqual(changes.map(({ status }) => status).sort(), [200, 409]);
});

test.serial('an old password changes nothing any more once an administrator has set another', async (t) => {
  const server = await started(t);
  const token = await withUser(server, 'carl', 'readonly');
  const old = (password: string) =>
    server.request('POST', '/auth/password', {
      body: { old_password: PASSWORD, new_password: password },
      headers: bearer(token),
    });
  const [reset] = await Promise.all([
    admin(server, 'PATCH', '/admin/users/carl', { password: 'set by the admin' }),
    old('kept by the thief'),
  ]);
  t.is(reset.status, 200);
  t.is((await login(server, 'carl', 'set by the admin')).status, 200);
});

test('a new password ends all other logins and gives a new token', async (t) => {
  const server = shared;
  const token = await withUser(server, 'grace', 'readonly');
  const change = (oldPassword: string, newPassword: string) =>
    server.request('POST', '/auth/password', {
      body: { old_password: oldPassword, new_password: newPassword },
      headers: bearer(token),
    });
  t.is((await change('not the password', 'a new password')).status, 401);
  t.is((await change(PASSWORD, 'short')).status, 400);
  const { status, json } = await change(PASSWORD, 'a new password');
  t.is(status, 200);
  t.is((await server.request('GET', '/auth/me', { headers: bearer(token) })).status, 401);
  t.is((await server.request('GET', '/auth/me', { headers: bearer(json.token) })).status, 200);
  t.is((await login(server, 'grace')).status, 401);
});

test.serial(
  'users, keys and logins survive a restart and a kill -9; the token of the machine is new',
  async (t) => {
    const server = await started(t);
    const token = await withUser(server, 'alice', 'readonly');
    const { json } = await admin(server, 'POST', '/admin/api-keys', { name: 'ci', username: 'alice' });
    const before = localToken(server);
    await server.kill9();
    await server.restart();
    t.is((await server.request('GET', '/auth/me', { headers: bearer(token) })).status, 200);
    t.is((await server.request('GET', '/auth/me', { headers: { 'x-api-key': json.key } })).status, 200);
    t.not(localToken(server), before);
    for (const name of ['security.json', 'token.key', 'cli.token'])
      t.is(statSync(join(server.dataDir, name)).mode & 0o777, 0o600, name);
  },
);

test.serial(
  'roles follow rbac.yaml, also when it changes; a wrong file changes nothing and is said loudly',
  async (t) => {
    const file = join((await started(t)).dataDir, 'rbac.yaml');
    writeFileSync(file, 'roles:\n  clerk: ["read:*"]\n  admin: ["*"]\n');
    const server = await started(t, { ...LOOPBACK_ONLY, LUMADB_SECURITY__RBAC_FILE: file });
    const headers = bearer(await withUser(server, 'carol', 'clerk'));
    const put = async () => (await server.request('PUT', '/api/v1/orders/1', { body: {}, headers })).status;
    t.is(await put(), 403);
    writeFileSync(file, 'roles:\n  clerk: ["read:*", "write:orders"]\n  admin: ["*"]\n');
    await server.until('the change is noticed', async () => (await put()) < 300);
    writeFileSync(file, 'roles:\n  clerk: ["red:*"]\n');
    server.signal('SIGHUP');
    await server.untilLogged(/ERROR roles not changed: the file is wrong.*rbac\.yaml:2:11/);
    t.true((await put()) < 300);
    t.deepEqual((await admin(server, 'GET', '/admin/roles')).json.roles.clerk, ['read:*', 'write:orders']);
  },
);

test.serial(
  'roles that no front could use are refused, and whoever is shut out afterwards is out',
  async (t) => {
    const file = join((await started(t)).dataDir, 'rbac.yaml');
    writeFileSync(file, 'roles:\n  clerk: ["read:*"]\n');
    const server = await started(t, { ...LOOPBACK_ONLY, LUMADB_SECURITY__RBAC_FILE: file });
    const headers = bearer(await withUser(server, 'carol', 'clerk'));
    writeFileSync(file, `roles:\n  clerk: [${'"read:x",'.repeat(1001)}]\n`);
    server.signal('SIGHUP');
    await server.untilLogged(/roles not changed|roles read/);
    await admin(server, 'PATCH', '/admin/users/carol', { disabled: true });
    t.is((await server.request('GET', '/auth/me', { headers })).status, 401);
    t.regex(server.log, /ERROR roles not changed: the file is wrong.*more than 1000 permissions/);
  },
);

test.serial('a blocked address gets no connection until it is let in again', async (t) => {
  const server = await started(t);
  await server.get('/health');
  const blocked = ['203.0.113.0/24', '::1'];
  t.is((await admin(server, 'PUT', '/admin/blocked-addresses', { addresses: ['x'] })).status, 400);
  t.is((await admin(server, 'PUT', '/admin/blocked-addresses', { addresses: blocked })).status, 200);
  t.is((await server.get('/health')).status, 200);
  // The connection of this request was there before.
  await admin(server, 'PUT', '/admin/blocked-addresses', { addresses: ['127.0.0.0/8'] });
  const fresh = new HttpCaller(server.port);
  t.teardown(() => fresh.close());
  await t.throwsAsync(fresh.request('GET', '/health'));
  await server.kill9();
  // Not until it is ready: that is asked from the address which is blocked.
  await server.restart({ waitUntilReady: false });
  const READY = / ready url=http:\/\/127\.0\.0\.1:(\d+)/g;
  await server.until('it serves again', () => [...server.log.matchAll(READY)].length === 2);
  server.connectTo(Number([...server.log.matchAll(READY)][1][1]));
  await t.throwsAsync(server.get('/health'), undefined, 'it outlives a restart');
});

test.serial('callers beyond their rate get 429 with a time to wait, others do not', async (t) => {
  const server = await started(t, { ...LOOPBACK_ONLY, LUMADB_SECURITY__RATE_LIMIT: '20' });
  const alice = bearer(await withUser(server, 'alice', 'readonly'));
  const bob = bearer(await withUser(server, 'bob', 'readonly'));
  const statuses = await Promise.all(
    Array.from({ length: 60 }, () =>
      server.request('GET', '/auth/me', { headers: alice }).then(({ status }) => status),
    ),
  );
  t.true(statuses.filter((status) => status === 200).length >= 20);
  const refused = statuses.filter((status) => status === 429).length;
  t.true(refused >= 10, `${refused} refused`);
  t.is((await server.request('GET', '/auth/me', { headers: bob })).status, 200);
  t.is((await server.get('/health')).status, 200);
});

test('access.log has the address first, the user, and "authentication failed" of failed logins', async (t) => {
  const server = shared;
  const headers = bearer(await withUser(server, 'heidi', 'readonly'));
  const { headers: answered } = await server
    .request('GET', '/api/v1/none/1?x="\u00e9', { headers })
    .catch(() => ({ headers: {} as Record<string, string> }));
  await server.request('GET', '/api/v1/none/1', { headers });
  await login(server, 'heidi', 'wrong password');
  // Behind the line of this test's own request: other tests guess passwords as well.
  await server.until('the lines are written', () =>
    / - heidi .*"GET \/api\/v1\/none\/1" 404 [\s\S]*authentication failed/.test(logOf(server, 'access.log')),
  );
  const lines = logOf(server, 'access.log').trim().split('\n');
  for (const line of lines)
    t.regex(line, /^127\.0\.0\.1 - \S+ \[\d{4}-[\d:.TZ-]+\] "[A-Z]+ [^"]+" \d{3} \d+ \d+ \S+( ".*")?$/);
  t.true(lines.some((line) => / - heidi .*"GET \/api\/v1\/none\/1" 404 /.test(line)));
  t.true(lines.some((line) => /"POST \/auth\/login" 401 .*"authentication failed/.test(line)));
  if (answered['x-request-id'] !== undefined)
    t.true(lines.some((line) => line.includes(String(answered['x-request-id']))));
});

test('logs, which have values of documents in them, are not for everybody on the machine', (t) => {
  for (const name of ['access.log', 'audit.log', 'server.log', 'query.log', 'slow-query.log', 'error.log'])
    t.is(statSync(join(shared.dataDir, 'logs', name)).mode & 0o007, 0, name);
});

test.serial('a rotation of all logs loses no line', async (t) => {
  const server = await started(t, {});
  let written = 0;
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => server.get(`/api/v1/rotated/${round}-${i}`)));
    written += 50;
    for (const name of ['access.log', 'audit.log', 'server.log', 'query.log', 'slow-query.log', 'error.log'])
      renameSync(join(server.dataDir, 'logs', name), join(server.dataDir, 'logs', `${name}.${round}`));
    server.signal('SIGHUP');
    await server.until('the files are there again', () => {
      try {
        return logOf(server, 'access.log') !== undefined && logOf(server, 'audit.log') !== undefined;
      } catch {
        return false;
      }
    });
  }
  await server.stop();
  const texts = ['access.log.0', 'access.log.1', 'access.log.2', 'access.log'].map((name) =>
    logOf(server, name),
  );
  t.is(texts.join('').match(/GET \/api\/v1\/rotated\//g)?.length, written);
});

test.serial('audit.log tells who changed what, from what to what', async (t) => {
  const server = await started(t, {});
  await admin(server, 'PATCH', '/admin/config', { log_level: 'debug' });
  await admin(server, 'POST', '/admin/users', { username: 'alice', role: 'admin', password: PASSWORD });
  await server.request('PATCH', '/admin/users/alice', { body: { role: 'nonsense' } });
  await server.request('POST', '/admin/read-only', {
    body: { enabled: true, reason: 'Emergency maintenance' },
  });
  await server.request('POST', '/admin/read-only', { body: { enabled: false } });
  await server.put('/api/v1/doomed/1', {});
  await server.request('DELETE', '/api/v1/collections/doomed');
  await server.put('/api/v1/doomed/1', {});
  await server.request('POST', '/api/v1/query', { body: { query: 'TRUNCATE doomed' } });
  const socket = await RawWebSocket.open(server.port);
  t.like(await socket.call({ id: 1, op: 'query', query: 'DROP TABLE doomed' }), { ok: true });
  socket.destroy();
  const lines = logOf(server, 'audit.log')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const line of lines) t.like(line, { type: 'admin', address: '127.0.0.1' });
  const [config, user, refused, on, off, dropped, truncated, droppedBySql] = lines;
  t.like(config, {
    action: 'change-config',
    user: 'local-cli',
    before: { 'logging.level': 'info' },
    after: { 'logging.level': 'debug' },
  });
  t.like(user, { action: 'create-user', target: 'alice', result: 'ok' });
  t.like(refused, { action: 'change-user', user: 'loopback', result: 'failed' });
  t.like(on, { action: 'read-only', after: { enabled: true, reason: 'Emergency maintenance' } });
  t.like(off, { action: 'read-only', before: { enabled: true }, after: { enabled: false } });
  t.like(dropped, { action: 'drop-collection', target: 'doomed' });
  t.like(truncated, { action: 'truncate-collection', target: 'doomed', after: { sql: 'TRUNCATE doomed' } });
  t.like(droppedBySql, { action: 'drop-collection', target: 'doomed', user: 'loopback', result: 'ok' });
  t.false(logOf(server, 'audit.log').includes(PASSWORD));
});

test.serial(
  'a server beyond loopback starts once there is a user, and asks everybody to log in',
  async (t) => {
    const server = await started(t, {});
    await server.stop();
    await t.throwsAsync(server.restart({ args: ['--host', '0.0.0.0'] }), {
      message: /there is no user.*lumadb user create/s,
    });
    await server.restart({ args: [] });
    await admin(server, 'POST', '/admin/users', { username: 'root', role: 'admin', password: PASSWORD });
    await server.stop();
    await server.restart({ args: ['--host', '0.0.0.0'] });
    t.is((await server.get('/api/v1/collections')).status, 401);
    const { json } = await login(server, 'root');
    t.is((await server.request('GET', '/api/v1/collections', { headers: bearer(json.token) })).status, 200);
    t.is((await server.request('DELETE', '/admin/users/root', { headers: bearer(json.token) })).status, 409);
  },
);
