/** Clients behind a reverse proxy: the tests are the proxy, which is trusted or not, and say whom they speak for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { RawConnection } from '../support/http.js';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';

const PASSWORD = 'secure-password';
const TRUSTING = { LUMADB_SERVER__TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' };
const CLIENT = '203.0.113.5';
const OTHER = '203.0.113.6';

let shared: TestServer;
test.before(async () => {
  shared = await TestServer.start({ env: TRUSTING });
});
test.after.always(() => shared?.close());

async function started(t: ExecutionContext, env: Record<string, string>): Promise<TestServer> {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  return server;
}

const localToken = (server: TestServer) => readFileSync(join(server.dataDir, 'cli.token'), 'utf8').trim();
const logOf = (server: TestServer, name: string) => readFileSync(join(server.dataDir, 'logs', name), 'utf8');
const operator = (server: TestServer, forwarded?: string) => ({
  authorization: `Bearer ${localToken(server)}`,
  ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }),
});
const whoIs = async (server: TestServer, forwarded?: string): Promise<string> =>
  (await server.request('GET', '/auth/me', { headers: operator(server, forwarded) })).json.address;
const loginFrom = (server: TestServer, forwarded: string, username: string, password: string) =>
  server.request('POST', '/auth/login', {
    body: { username, password },
    headers: { 'x-forwarded-for': forwarded },
  });

async function makeUser(server: TestServer, username: string): Promise<void> {
  const body = { username, role: 'readonly', password: PASSWORD };
  const made = await server.request('POST', '/admin/users', { body, headers: operator(server) });
  if (made.status !== 201) throw new Error(made.text);
}

test('the client is the last address that is no trusted proxy, and the peer without a header', async (t) => {
  t.is(await whoIs(shared), '127.0.0.1');
  t.is(await whoIs(shared, CLIENT), CLIENT);
  t.is(await whoIs(shared, `198.51.100.9, ${CLIENT}, 10.1.2.3`), CLIENT);
  t.is(await whoIs(shared, '2001:db8::1'), '2001:0db8:0000:0000:0000:0000:0000:0001');
  t.is(await whoIs(shared, 'unknown'), '127.0.0.1');
});

test('a second line of the header, as some proxies write it, counts more than that of the client', async (t) => {
  const connection = await RawConnection.open(shared.port);
  t.teardown(() => connection.destroy());
  connection.send(
    `GET /auth/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${localToken(shared)}\r\n` +
      `X-Forwarded-For: ${OTHER}\r\nX-Forwarded-For: ${CLIENT}\r\nConnection: close\r\n\r\n`,
  );
  await connection.closed;
  t.regex(connection.received.toString(), new RegExp(`"address":"${CLIENT}"`));
});

test('a peer that is not trusted speaks for itself only', async (t) => {
  for (const networks of ['', '192.0.2.1,127.0.0.2']) {
    const env = { LUMADB_SERVER__TRUSTED_PROXIES: networks };
    const server = await started(t, { ...env, LUMADB_SECURITY__LOCKOUT_FAILURES: '2' });
    t.is(await whoIs(server, CLIENT), '127.0.0.1');
    await makeUser(server, 'alice');
    for (const address of [CLIENT, OTHER]) await loginFrom(server, address, 'alice', 'wrong password');
    t.is(
      (await loginFrom(server, '203.0.113.7', 'alice', PASSWORD)).status,
      429,
      'no new tries by a new name',
    );
  }
});

test('a lockout is for the client that failed, not for all behind the proxy', async (t) => {
  const server = await started(t, { ...TRUSTING, LUMADB_SECURITY__LOCKOUT_FAILURES: '2' });
  await makeUser(server, 'alice');
  // What the client itself writes in front makes it no other one.
  for (const forged of ['', '198.51.100.1, '])
    t.is((await loginFrom(server, `${forged}${CLIENT}`, 'alice', 'wrong password')).status, 401);
  t.is((await loginFrom(server, `198.51.100.2, ${CLIENT}`, 'alice', PASSWORD)).status, 429);
  t.is((await loginFrom(server, OTHER, 'alice', PASSWORD)).status, 200);
});

test('a rate limit without logins is for each client', async (t) => {
  const server = await started(t, {
    ...TRUSTING,
    LUMADB_SECURITY__REQUIRE_AUTH: 'false',
    LUMADB_SERVER__INSECURE: 'true',
    LUMADB_SECURITY__RATE_LIMIT: '10',
  });
  const ask = async (address: string): Promise<number> =>
    (await server.request('GET', '/auth/me', { headers: { 'x-forwarded-for': address } })).status;
  const statuses = await Promise.all(Array.from({ length: 60 }, () => ask(CLIENT)));
  t.true(statuses.includes(429));
  t.is(await ask(OTHER), 200);
});

test('a blocked client is refused behind the proxy, by HTTP and WebSocket, and others are not', async (t) => {
  const server = await started(t, TRUSTING);
  const block = (addresses: readonly string[]) =>
    server.request('PUT', '/admin/blocked-addresses', { body: { addresses }, headers: operator(server) });
  t.is((await block([`${CLIENT}/32`, '2001:db8::/32'])).status, 200);
  for (const address of [CLIENT, '2001:db8:1::9', `${OTHER}, ${CLIENT}`, `::ffff:${CLIENT}`]) {
    for (const path of ['/auth/me', '/health', '/api/v1/c/a']) {
      const answer = await server.request('GET', path, { headers: operator(server, address) });
      t.is(answer.status, 403, `${path} from ${address}`);
      t.regex(answer.json.error.message, /requests from this address are refused/);
    }
    const guess = await loginFrom(server, address, 'alice', PASSWORD);
    t.is(guess.status, 403);
  }
  const upgrade = (address: string) =>
    RawWebSocket.open(
      server.port,
      `Authorization: Bearer ${localToken(server)}\r\nX-Forwarded-For: ${address}\r\n`,
    );
  await t.throwsAsync(upgrade(CLIENT), { message: /^HTTP\/1\.1 403/ });
  (await upgrade(OTHER)).connection.destroy();
  t.is((await server.request('GET', '/auth/me', { headers: operator(server, OTHER) })).status, 200);
  await block([]);
  t.is((await server.request('GET', '/auth/me', { headers: operator(server, CLIENT) })).status, 200);
});

test('access.log and audit.log have the address of the client', async (t) => {
  const { port } = shared;
  await loginFrom(shared, CLIENT, 'nobody', 'a wrong password');
  await shared.request('GET', '/api/v1/logged/1', { headers: operator(shared, `198.51.100.9, ${CLIENT}`) });
  await shared.request('POST', '/admin/read-only', {
    body: { enabled: false },
    headers: operator(shared, OTHER),
  });
  const headers = `Authorization: Bearer ${localToken(shared)}\r\nX-Forwarded-For: 203.0.113.77\r\n`;
  const socket = await RawWebSocket.open(port, headers);
  t.teardown(() => socket.connection.destroy());
  socket.sendText(JSON.stringify({ id: 1, op: 'query', query: 'CREATE TABLE by_socket (a int)' }));
  t.true((await socket.nextJson()).ok);
  await shared.until('the lines are written', () => {
    const log = logOf(shared, 'access.log');
    return /POST \/auth\/login" 401 .*authentication failed/.test(log) && log.includes('/logged/1');
  });
  const access = logOf(shared, 'access.log');
  t.regex(access, new RegExp(`^${CLIENT} - - .*"POST /auth/login" 401 .*authentication failed`, 'm'));
  t.regex(access, new RegExp(`^${CLIENT} - local-cli .*"GET /api/v1/logged/1" 404`, 'm'));
  const audit = logOf(shared, 'audit.log')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.true(audit.some(({ action, address }) => /read-only/.test(action) && address === OTHER));
  t.true(audit.some(({ action, address }) => action === 'login' && address === CLIENT));
  t.true(audit.some((line) => line.address === '203.0.113.77' && JSON.stringify(line).includes('by_socket')));
});

test('with a proxy before it a server on loopback demands logins: who calls is not on its machine', async (t) => {
  t.is((await shared.request('GET', '/api/v1/c/a')).status, 401);
  t.is((await shared.request('GET', '/health')).status, 200);
});
