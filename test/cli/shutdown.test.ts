import { spawn } from 'node:child_process';
import type { IncomingMessage } from 'node:http';
import test from 'ava';
import { type FakeServer, fakeServer, runCli, temporaryDirectory } from './run-cli.js';

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

test('a graceful shutdown asks, then waits until the port is closed', async (t) => {
  const requests: unknown[] = [];
  const server: FakeServer = await fakeServer(t, async (request, response) => {
    requests.push(request.method, request.url, await bodyOf(request));
    response.writeHead(202).end('{}');
    setTimeout(() => server.close(), 300);
  });
  const start = performance.now();
  const args = ['shutdown', '--graceful', '--timeout', '30s', '--port', String(server.port)];
  const { code, stdout, stderr } = await runCli(args, { cwd: temporaryDirectory(t) });
  t.is(code, 0, stderr);
  t.true(performance.now() - start >= 300);
  t.regex(stdout, /stopped after /);
  t.deepEqual(requests, ['POST', '/admin/shutdown', { mode: 'graceful', timeout_ms: 30_000 }]);
});

test('the default is graceful within 60 seconds', async (t) => {
  let body: unknown;
  const server: FakeServer = await fakeServer(t, async (request, response) => {
    body = await bodyOf(request);
    response.end('{}', () => server.close());
  });
  const args = ['shutdown', '--json', '--port', String(server.port)];
  const { code, stdout } = await runCli(args, { cwd: temporaryDirectory(t) });
  t.is(code, 0);
  t.deepEqual(body, { mode: 'graceful', timeout_ms: 60_000 });
  t.like(JSON.parse(stdout), { stopped: true, mode: 'graceful' });
});

test('a server that dies of --force without answering has stopped', async (t) => {
  let body: unknown;
  const server: FakeServer = await fakeServer(t, async (request) => {
    body = await bodyOf(request);
    server.close();
  });
  const { code, stderr } = await runCli(['shutdown', '--force', '--port', String(server.port)], {
    cwd: temporaryDirectory(t),
  });
  t.is(code, 0, stderr);
  t.like(body as object, { mode: 'force' });
});

test('a closed port is not enough while the process still runs', async (t) => {
  const child = spawn('sleep', ['60']);
  t.teardown(() => child.kill('SIGKILL'));
  const server: FakeServer = await fakeServer(t, async (request, response) => {
    await bodyOf(request);
    response.end(JSON.stringify({ pid: child.pid }), () => server.close());
    setTimeout(() => child.kill('SIGKILL'), 600);
  });
  const start = performance.now();
  const args = ['shutdown', '--port', String(server.port)];
  const { code, stderr } = await runCli(args, { cwd: temporaryDirectory(t) });
  t.is(code, 0, stderr);
  t.true(performance.now() - start >= 600);
  t.is(child.signalCode, 'SIGKILL');
});

test('a refusal is passed on, and a missing server is named', async (t) => {
  const cwd = temporaryDirectory(t);
  const server = await fakeServer(t, (_request, response) => {
    response.writeHead(403).end('{"error":{"code":"FORBIDDEN","message":"not you"}}');
  });
  const gone = await fakeServer(t, () => undefined);
  gone.close();
  const [refused, missing] = await Promise.all([
    runCli(['shutdown', '--port', String(server.port)], { cwd }),
    runCli(['shutdown', '--port', String(gone.port)], { cwd }),
  ]);
  t.is(refused.code, 1);
  t.is(refused.stderr, 'lumadb: the server answered 403: not you\n');
  t.is(missing.code, 1);
  t.regex(missing.stderr, /nothing listens there/);
});
