/** `lumadb diagnose` as people type it, against a real server under writes, one that hangs, and one that is stopped. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { extract } from 'tar';
import { TestServer as Server, type TestServer } from '../support/server.js';
import { fill, startStorageServer } from '../support/storage-server.js';
import { type CliResult, fakeServer, runCli, temporaryDirectory } from './run-cli.js';

const SECRET = 'rosebud-4711-geheim';
const CONFIG_SECRET = 'xanadu-0815-config';

interface Unpacked {
  readonly manifest: {
    readonly server_answers: boolean;
    readonly notes: readonly string[];
    readonly pieces: ReadonlyArray<{
      name: string;
      state: string;
      bytes: number;
      ms: number;
      reason?: string;
    }>;
  };
  readonly files: readonly string[];
  text(name: string): string;
  // biome-ignore lint/suspicious/noExplicitAny: tests pick pieces apart in many ways
  json(name: string): any;
}

async function unpack(t: ExecutionContext, file: string): Promise<Unpacked> {
  const cwd = temporaryDirectory(t);
  await extract({ file, cwd });
  const [root] = readdirSync(cwd);
  const directory = join(cwd, root);
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
  const text = (name: string): string => readFileSync(join(directory, name), 'utf8');
  const json = (name: string): unknown => JSON.parse(text(name));
  return { manifest: json('MANIFEST.json') as Unpacked['manifest'], files, text, json };
}

function requireNoSecret(
  t: ExecutionContext,
  { files, text }: Unpacked,
  ...secrets: readonly string[]
): void {
  for (const file of files) for (const secret of secrets) t.false(text(file).includes(secret), file);
}

const SERVER_PIECES = [
  'diagnostics.json',
  'metrics-1.prom',
  'metrics-2.prom',
  'status.json',
  'health.json',
  'cluster-health.json',
  'cluster-status.json',
  'cluster-replication.json',
  'memory.json',
  'compaction.json',
  'tasks.json',
  'queries.json',
  'config.json',
  'collections.json',
  'state.json',
].map((name) => `server/${name}`);
const MACHINE_PIECES = [
  'config/effective.json',
  'config/environment.json',
  'logs/server.log',
  'logs/error.log',
  'logs/query.log',
  'storage/files.json',
  'storage/catalog.json',
  'machine/versions.json',
  'machine/limits.json',
  'machine/disk.json',
];
const PROCESS_PIECES = ['process/process.json', 'process/threads.json'];

/** Writes until it is told to stop; returns how many were taken. */
async function writeMeanwhile(server: TestServer, work: () => Promise<CliResult>) {
  let isOver = false;
  let count = 0;
  const writers = Promise.all(
    Array.from({ length: 4 }, async (_, writer) => {
      while (!isOver) {
        const { status } = await server.put(`/api/v1/load/w${writer}-${count % 100}`, { count });
        if (status !== 200 && status !== 201) throw new Error(`a write was answered ${status}`);
        count++;
      }
    }),
  );
  const result = await work();
  isOver = true;
  await writers;
  return { result, count };
}

test('an archive of a server under writes has every piece, and no secret', async (t) => {
  const server = await startStorageServer({ LUMADB_TEST_SECRET: SECRET });
  t.teardown(() => server.close());
  await fill(server, 'orders', 8000);
  const query = `select count(*) from orders where text = '${SECRET}' or password = 'sesame-street'`;
  await server.request('POST', '/api/v1/query', { body: { query } });
  await server.until('the statement is in the log', () =>
    readFileSync(join(server.dataDir, 'logs', 'query.log'), 'utf8').includes(SECRET),
  );
  const cwd = temporaryDirectory(t);
  // A file that no server would start with: what is wrong with it is part of the diagnosis.
  writeFileSync(join(cwd, 'config.toml'), `[security]\napi_token = "${CONFIG_SECRET}"\n`);
  const args = ['diagnose', '--output', 'd.tar.gz', '--data-dir', server.dataDir, '--config', 'config.toml'];
  const { result, count } = await writeMeanwhile(server, () => runCli(args, { cwd }));
  t.is(result.code, 0, result.stderr);
  t.true(count > 0);
  t.regex(
    result.stdout,
    /^wrote \S+\/d\.tar\.gz: [\d.]+ KiB, \d+ pieces, 0 failed\nHidden: .*\nNot hidden: .*\n$/,
  );
  t.regex(result.stderr, /^server\/status\.json +[\d.]+ (bytes|KiB) +\d+ ms$/m);
  t.is(statSync(join(cwd, 'd.tar.gz')).mode & 0o777, 0o600);

  const archive = await unpack(t, join(cwd, 'd.tar.gz'));
  const keys = ['token.key', 'cli.token'].map((name) =>
    readFileSync(join(server.dataDir, name), 'utf8').trim(),
  );
  requireNoSecret(t, archive, SECRET, CONFIG_SECRET, 'sesame', ...keys);
  for (const name of [...SERVER_PIECES, ...MACHINE_PIECES, ...PROCESS_PIECES, 'README.txt'])
    t.true(archive.files.includes(name), name);
  const { pieces } = archive.manifest;
  t.true(archive.manifest.server_answers);
  t.deepEqual(archive.manifest.notes, []);
  t.true(pieces.every(({ state, ms, bytes }) => state === 'ok' && ms >= 0 && bytes >= 0));

  t.is(archive.json('config/environment.json').of_the_server.LUMADB_TEST_SECRET, '(hidden)');
  t.is(archive.json('config/file.json').content.security.api_token, '(hidden)');
  t.false(archive.json('config/effective.json').valid);
  t.regex(archive.text('logs/query.log'), /text = '\(hidden\)' or password = \(hidden\)/);
  const { threads } = archive.json('server/diagnostics.json');
  // On a busy machine one or the other does not answer in time.
  const thread = threads.find(({ os_thread_id: id }: { os_thread_id?: number }) => (id ?? 0) > 0);
  const kernel = archive.json('process/threads.json').threads;
  t.like(
    kernel.find(({ os_thread_id: id }: { os_thread_id: number }) => id === thread.os_thread_id),
    { name: thread.name, comm: 'node' },
  );
  const { shards } = archive.json('storage/files.json');
  t.is(shards.length, 2);
  t.true(shards[0].levels.reduce((sum: number, { tables }: { tables: number }) => sum + tables, 0) > 0);
  t.true(shards[0].wal.segments > 0);
  t.true(archive.json('machine/disk.json').free_bytes > 0);
  const writes = (name: string): number =>
    Number(/^lumadb_requests_total\{method="put",status="ok"\} (\d+)$/im.exec(archive.text(name))?.[1]);
  t.true(writes('server/metrics-2.prom') > writes('server/metrics-1.prom'));
});

test('an existing file is kept unless --force says otherwise, and no output is wrong usage', async (t) => {
  const cwd = temporaryDirectory(t);
  writeFileSync(join(cwd, 'd.tar.gz'), 'mine');
  const args = ['diagnose', '--output', 'd.tar.gz', '--data-dir', 'data'];
  const refused = await runCli(args, { cwd });
  t.is(refused.code, 1);
  t.regex(refused.stderr, /d\.tar\.gz exists already: choose another name, or --force/);
  t.is(readFileSync(join(cwd, 'd.tar.gz'), 'utf8'), 'mine');
  const forced = await runCli([...args, '--force'], { cwd });
  t.regex(forced.stdout, /^wrote /);
  t.is(statSync(join(cwd, 'd.tar.gz')).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(cwd), ['d.tar.gz']);
  t.is((await runCli(['diagnose'], { cwd })).code, 2);
  const nowhere = await runCli(['diagnose', '--output', 'no/such/d.tar.gz'], { cwd });
  t.is(nowhere.code, 1);
  t.regex(nowhere.stderr, /^lumadb: cannot write .*no such file or directory/);
});

test('of a stopped server there are the pieces that need none, the archive says so, and the exit code is 1', async (t) => {
  const server = await Server.start();
  t.teardown(() => server.close());
  await server.put('/api/v1/c/a', { n: 1 });
  await server.request('POST', '/api/v1/query', { body: { query: 'select * from c' } });
  await server.stop();
  const cwd = temporaryDirectory(t);
  writeFileSync(join(cwd, 'config.toml'), `[security]\napi_token = "${CONFIG_SECRET}"\n`);
  const args = ['diagnose', '--output', 'd.tar.gz', '--data-dir', server.dataDir, '--json'];
  const env = { LUMADB_TEST_SECRET: SECRET, LUMADB_SERVER__HOST: SECRET };
  const { code, stdout, stderr } = await runCli(args, { cwd, env });
  t.is(code, 1, stderr);
  const answer = JSON.parse(stdout);
  t.like(answer, { path: join(cwd, 'd.tar.gz'), server_answers: false, has_server_data: false });
  t.regex(
    answer.notes[0],
    /^the server does not answer, so nothing is from it: no running server has announced/,
  );
  t.false((stdout + stderr).includes(CONFIG_SECRET));

  const archive = await unpack(t, join(cwd, 'd.tar.gz'));
  requireNoSecret(t, archive, SECRET, CONFIG_SECRET);
  t.false(archive.manifest.server_answers);
  t.deepEqual(archive.manifest.notes, answer.notes);
  for (const name of MACHINE_PIECES) t.true(archive.files.includes(name), name);
  t.deepEqual(
    archive.files.filter((name) => /^(server|process)\//.test(name)),
    [],
  );
  t.regex(archive.text('README.txt'), /The server does not answer, so nothing is from it/);
  t.true(archive.text('logs/server.log').includes('stopped'));
});

test('of a server that hangs there is what the kernel tells of its threads', async (t) => {
  const server = await Server.start();
  t.teardown(() => server.close());
  server.signal('SIGSTOP');
  const cwd = temporaryDirectory(t);
  const { code } = await runCli(['diagnose', '--output', 'd.tar.gz', '--data-dir', server.dataDir], { cwd });
  server.signal('SIGCONT');
  t.is(code, 1);
  const archive = await unpack(t, join(cwd, 'd.tar.gz'));
  t.regex(archive.manifest.notes.join('\n'), new RegExp(`process ${server.pid} has announced itself`));
  const { threads } = archive.json('process/threads.json');
  t.true(threads.every(({ status }: { status: { State: string } }) => /^T/.test(status.State)));
});

test('a piece that fails is in the archive as its reason, and the command names it', async (t) => {
  const fake = await fakeServer(t, (request, response) => {
    if (request.url === '/live') response.end('{}');
    else if (request.url === '/status') response.end('{"a":1}');
    else response.writeHead(500).end('{"error":{"message":"on fire"}}');
  });
  const cwd = temporaryDirectory(t);
  mkdirSync(join(cwd, 'data'));
  const args = ['diagnose', '--output', 'd.tar.gz', '--host', '127.0.0.1', '--port', String(fake.port)];
  const { code, stdout } = await runCli(args, { cwd });
  t.is(code, 0);
  t.regex(stdout, /^ {2}failed: server\/memory\.json: the server answered 500: on fire$/m);
  const archive = await unpack(t, join(cwd, 'd.tar.gz'));
  t.deepEqual(archive.json('server/status.json'), { a: 1 });
  t.is(archive.text('server/memory.json.failed.txt'), 'the server answered 500: on fire\n');
  t.like(
    archive.manifest.pieces.find(({ name }) => name === 'server/memory.json'),
    { state: 'failed', reason: 'the server answered 500: on fire' },
  );
});
