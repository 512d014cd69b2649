/** compact, gc, debug dump-state and wal archive as people type them, against a real server. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { CLI_MAIN, serverEnvironment, spawnTracked, type TestServer } from '../support/server.js';
import { deleteFirst, fill, startStorageServer } from '../support/storage-server.js';
import { type CliResult, fakeServer, runCli, temporaryDirectory } from './run-cli.js';

let server: TestServer;
test.before(async () => {
  server = await startStorageServer({ LUMADB_WAL__KEEP_RELEASED: String(64 * 1024 * 1024) });
  await fill(server, 'orders', 2000);
  await server.request('POST', '/api/v1/collections', { body: { name: 'logs', ttl: 1 } });
  await fill(server, 'logs', 300);
});
test.after.always(() => server?.close());

const lumadb = (...args: string[]): Promise<CliResult> =>
  runCli([...args, '--data-dir', server.dataDir], { cwd: server.dataDir });

/** Sizes and counts differ from run to run. */
const golden = (text: string): string =>
  text.replace(/\d+(\.\d+)? (bytes|KiB|MiB)/g, 'SIZE').replace(/\b\d+\b/g, 'N');

test.serial("the manual's compact commands work as they are written, and say what they did", async (t) => {
  const orders = await lumadb('compact', '--collection', 'orders');
  t.is(orders.code, 0, orders.stderr);
  t.is(orders.stderr, '');
  t.is(
    golden(orders.stdout),
    [
      'compacted orders',
      '  steps       N, SIZE read, SIZE written',
      '  tables      SIZE before, SIZE after',
      '  tombstones  N left',
      '',
    ].join('\n'),
  );
  for (const args of [
    ['--collection', 'orders', '--level', 'all'],
    ['--all', '--level', '0-2'],
    ['--all', '--level', 'all'],
  ]) {
    const { code, stdout, stderr } = await lumadb('compact', ...args);
    t.is(code, 0, stderr);
    t.regex(stdout, args[0] === '--all' ? /^compacted all collections\n/ : /^compacted orders\n/);
  }
});

test.serial('an emergency compaction removes the tombstones, and prints them as JSON', async (t) => {
  await deleteFirst(server, 'orders', 200);
  const { code, stdout, stderr } = await lumadb('compact', '--emergency', '--delete-tombstones', '--json');
  t.is(code, 0, stderr);
  const task = JSON.parse(stdout);
  t.like(task, { kind: 'compaction', state: 'done' });
  t.like(task.request, { all: true, emergency: true, delete_tombstones: true });
  t.is(task.result.tombstones_after, 0);
  t.true(task.result.table_bytes_after > 0);
});

test.serial('--no-wait names the task and returns', async (t) => {
  const { code, stdout } = await lumadb('compact', '--all', '--no-wait');
  t.is(code, 0);
  const path = /^the compaction runs in the server: http:\/\/127\.0\.0\.1:\d+(\/admin\/tasks\/\S+)\n$/.exec(
    stdout,
  );
  t.truthy(path, stdout);
  await server.until('it is done', async () => (await server.get(path?.[1] ?? '')).json.state === 'done');
  const asJson = JSON.parse((await lumadb('compact', '--all', '--no-wait', '--json')).stdout);
  t.is(asJson.kind, 'compaction');
});

test.serial("the manual's gc commands remove what has expired, and say how much", async (t) => {
  await server.until('they have expired', async () => (await server.get('/api/v1/logs/k299')).status === 404);
  const forced = await lumadb('gc', '--force', '--collection', 'logs');
  t.is(forced.code, 0, forced.stderr);
  const [first, ...rest] = forced.stdout.split('\n');
  t.regex(first, /^removed 300 expired documents of logs \(\d+\.\d KiB\)$/);
  t.is(rest.length, 4);
  const again = await lumadb('gc', '--collection', 'logs');
  t.is(again.stdout, 'removed 0 expired documents of logs (0 bytes)\n');
  const asJson = JSON.parse((await lumadb('gc', '--collection', 'logs', '--json')).stdout);
  t.like(asJson, { kind: 'gc', state: 'done', result: { documents_removed: 0 } });
});

test.serial('debug dump-state prints JSON', async (t) => {
  const { code, stdout } = await lumadb('debug', 'dump-state');
  t.is(code, 0);
  const state = JSON.parse(stdout);
  t.is(state.status.data_directory, server.dataDir);
  t.is(state.shards.length, 2);
});

test.serial('wal archive of a running server moves what is in tables', async (t) => {
  const destination = join(temporaryDirectory(t), 'archive');
  await fill(server, 'orders', 8000, 3);
  await lumadb('compact', '--all');
  const args = ['wal', 'archive', '--older-than', '0s', '--destination', destination];
  const { code, stdout, stderr } = await lumadb(...args, '--json');
  t.is(code, 0, stderr);
  const { segments } = JSON.parse(stdout);
  t.true(segments.length > 0);
  t.true(segments.every(({ archive }: { archive: string }) => existsSync(archive)));
  t.is((await lumadb(...args)).stdout, 'nothing to archive\n');
});

test.serial('wrong usage is exit 2 and says what is wrong; what the server refuses is exit 1', async (t) => {
  const usage: ReadonlyArray<readonly [readonly string[], RegExp]> = [
    [['compact'], /--collection NAME, --all or --emergency/],
    [['compact', '--collection', 'orders', '--all'], /cannot be used with option '--all'/],
    [['compact', '--all', '--level', '2-0'], /"all", a level from 0 to 6, or a range/],
    [['compact', '--all', '--level', 'top'], /"all", a level from 0 to 6, or a range/],
    [['compact', '--emergency', '--level', '0-2'], /cannot be used with option '--level/],
    [['gc'], /required option '--collection <name>'/],
  ];
  for (const [args, message] of usage) {
    const { code, stdout, stderr } = await lumadb(...args);
    t.is(code, 2, args.join(' '));
    t.regex(stderr, message);
    t.is(stdout, '');
  }
  for (const command of ['compact', 'gc']) {
    const { code, stderr } = await lumadb(command, '--collection', 'nothing');
    t.is(code, 1);
    t.is(stderr, 'lumadb: the server answered 404: collection "nothing" does not exist\n');
  }
});

const RUNNING = {
  id: 'x-1',
  kind: 'compaction',
  state: 'running',
  progress: { done: 1, total: 9, unit: 'bytes' },
};

test('Ctrl+C leaves the compaction to the server, and says so', async (t) => {
  let looks = 0;
  const fake = await fakeServer(t, (request, response) => {
    if (request.method === 'GET') looks++;
    response.statusCode = request.method === 'POST' ? 202 : 200;
    response.end(JSON.stringify(RUNNING));
  });
  const args = ['compact', '--all', '--host', '127.0.0.1', '--port', String(fake.port)];
  const child = spawnTracked(process.execPath, [CLI_MAIN, ...args], {
    cwd: temporaryDirectory(t),
    env: serverEnvironment(),
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  while (looks === 0) await delay(20);
  child.kill('SIGINT');
  t.is(await ended, 1);
  t.is(stderr, `lumadb: compacting goes on in the server: ${fake.url}/admin/tasks/x-1\n`);
});

test('a task that fails, or that a restart forgot, is exit 1 with the reason', async (t) => {
  for (const [status, answer, message] of [
    [
      200,
      { ...RUNNING, state: 'failed', error: 'shard 1: no space' },
      'compacting failed: shard 1: no space',
    ],
    [
      404,
      { error: { message: 'there is no task' } },
      'how task x-1 ended is unknown: the server answered 404: there is no task',
    ],
  ] as const) {
    const fake = await fakeServer(t, (request, response) => {
      response.statusCode = request.method === 'POST' ? 202 : status;
      response.end(JSON.stringify(request.method === 'POST' ? RUNNING : answer));
    });
    const args = ['compact', '--all', '--host', '127.0.0.1', '--port', String(fake.port)];
    const { code, stderr } = await runCli(args, { cwd: temporaryDirectory(t) });
    t.is(code, 1);
    t.is(stderr, `lumadb: ${message}\n`);
  }
});
