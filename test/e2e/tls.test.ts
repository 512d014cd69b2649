/** HTTPS and WSS with a certificate of our own, which is replaced while the server runs. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { runCli, temporaryDirectory } from '../cli/run-cli.js';
import { TestServer } from '../support/server.js';
import { until } from '../support/time.js';

/** A key and a self-signed certificate for localhost and 127.0.0.1. */
function makeCertificate(directory: string, name: string): { cert: string; key: string } {
  const cert = join(directory, `${name}.pem`);
  const key = join(directory, `${name}.key`);
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  });
  return { cert, key };
}

interface Tls {
  readonly server: TestServer;
  readonly directory: string;
  /** What the server was started with; may be overwritten. */
  readonly cert: string;
  readonly key: string;
  readonly port: number;
}

async function started(t: ExecutionContext, env: Record<string, string> = {}): Promise<Tls> {
  const directory = temporaryDirectory(t);
  const first = makeCertificate(directory, 'first');
  const cert = join(directory, 'server.pem');
  const key = join(directory, 'server.key');
  copyFileSync(first.cert, cert);
  copyFileSync(first.key, key);
  const server = await TestServer.start({
    env: { LUMADB_SECURITY__TLS_CERT: cert, LUMADB_SECURITY__TLS_KEY: key, ...env },
    waitUntilReady: false,
  });
  t.teardown(() => server.close());
  await server.untilLogged(/INFO {2}ready url=https:\/\/127\.0\.0\.1:\d+/);
  const port = Number(/ready url=https:\/\/127\.0\.0\.1:(\d+)/.exec(server.log)?.[1]);
  return { server, directory, cert, key, port };
}

function get({ port }: Tls, path: string, ca: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, ca, agent: false }, (incoming) => {
      text(incoming).then((body) => resolve({ status: incoming.statusCode ?? 0, text: body }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function opened({ port }: Tls): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => resolve(socket));
    socket.on('error', reject);
  });
}

async function nameOf(tls: Tls): Promise<string> {
  const socket = await opened(tls);
  const { subject } = socket.getPeerCertificate() as PeerCertificate;
  socket.destroy();
  return String(subject.CN);
}

test('a server with a certificate speaks HTTPS and nothing else, and the CLI on its machine trusts it', async (t) => {
  const tls = await started(t);
  t.is((await get(tls, '/ready', readFileSync(tls.cert, 'utf8'))).status, 200);
  tls.server.connectTo(tls.port);
  await t.throwsAsync(tls.server.get('/ready'), undefined, 'plain HTTP');
  const { code, stdout, stderr } = await runCli(['status', '--data-dir', tls.server.dataDir, '--json'], {
    cwd: tls.directory,
  });
  t.is(code, 0, stderr);
  t.is(JSON.parse(stdout).status, 'healthy');
  const named = ['--host', 'localhost', '--port', String(tls.port)];
  const untrusted = await runCli(['ping', ...named, '--tls', '--count', '1'], { cwd: tls.directory });
  t.is(untrusted.code, 1);
  t.regex(untrusted.stderr, /--ca names the authorities to trust/);
  const trusted = await runCli(['ping', ...named, '--ca', tls.cert, '--count', '1'], { cwd: tls.directory });
  t.is(trusted.code, 0, trusted.stderr);
});

test('a new certificate is used from SIGHUP on, open connections go on, and a wrong one changes nothing', async (t) => {
  const tls = await started(t, { LUMADB_SERVER__FRONT_THREADS: '2' });
  const open = await opened(tls);
  t.teardown(() => open.destroy());
  t.is(await nameOf(tls), 'first');
  writeFileSync(tls.cert, 'no certificate');
  tls.server.signal('SIGHUP');
  await tls.server.untilLogged(/ERROR the certificate is not changed: .*cannot be used/);
  t.is(await nameOf(tls), 'first');
  const second = makeCertificate(tls.directory, 'second');
  copyFileSync(second.cert, tls.cert);
  copyFileSync(second.key, tls.key);
  tls.server.signal('SIGHUP');
  await tls.server.untilLogged(/INFO {2}certificate read/);
  for (let i = 0; i < 8; i++) t.is(await nameOf(tls), 'second');
  let received = '';
  open.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
  });
  open.write('GET /live HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the old connection is answered', () => received.includes('"live"'));
  t.is((await tls.server.stop()).code, 0);
});

test('files that cannot be used end the start with the name of the file', async (t) => {
  const directory = temporaryDirectory(t);
  const { cert } = makeCertificate(directory, 'a');
  const { key } = makeCertificate(directory, 'b');
  const start = (tls_cert: string, tls_key: string) =>
    runCli(['start', '--data-dir', join(directory, 'data'), '--port', '0'], {
      cwd: directory,
      env: { LUMADB_SECURITY__TLS_CERT: tls_cert, LUMADB_SECURITY__TLS_KEY: tls_key },
    });
  const cases: ReadonlyArray<[string, string, RegExp]> = [
    [cert, key, /a\.pem and the key .*b\.key cannot be used/],
    [join(directory, 'none.pem'), key, /cannot read .*none\.pem/],
    [cert, '', /security\.tls_cert .* and security\.tls_key .* are needed both/],
  ];
  for (const [tls_cert, tls_key, message] of cases) {
    const { code, stderr } = await start(tls_cert, tls_key);
    t.is(code, 1);
    t.regex(stderr, message);
  }
});
