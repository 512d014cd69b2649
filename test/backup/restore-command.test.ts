/** `lumadb restore` as a command: where it may restore to, and what is there when it was killed. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { RealVfs } from '../../src/vfs/real.js';
import { runCli, temporaryDirectory } from '../cli/run-cli.js';
import { seededPrng } from '../support/random.js';
import { CLI_MAIN, serverEnvironment, TestServer } from '../support/server.js';
import { noise, SMALL_LSM } from '../support/small-lsm.js';
import { documentsOf } from '../tools/support.js';

const SHARDS = 2;
const DOCUMENTS = 800;

interface Made {
  readonly folder: string;
  readonly source: string;
}

/** A backup of two collections, made of a stopped server's files. */
async function backedUp(t: ExecutionContext, args: readonly string[] = []): Promise<Made> {
  const folder = temporaryDirectory(t);
  const env = { ...SMALL_LSM, LUMADB_SHARDING__SHARDS: String(SHARDS) };
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  for (let from = 0; from < DOCUMENTS; from += 200) {
    const documents = Array.from({ length: 200 }, (_, i) => ({
      _id: `k${from + i}`,
      n: from + i,
      pad: noise(from + i, 1500),
    }));
    await server.request('POST', '/api/v1/goods/bulk', { body: { documents } });
  }
  await server.put('/api/v1/people/a', { name: 'Ada' });
  await server.kill9();
  const source = join(folder, 'one');
  const made = await runCli(
    ['backup', '--destination', source, '--data-dir', server.dataDir, '--parallel', '2', ...args],
    { cwd: folder, env },
  );
  t.is(made.code, 0, made.stderr);
  return { folder, source };
}

const restoreTo = ({ folder, source }: Made, target: string, ...args: string[]) =>
  runCli(['restore', '--source', source, '--target', target, ...args], { cwd: folder });

const countIn = (target: string): number => documentsOf(new RealVfs(), SHARDS, target).size;

test('a restore that is killed leaves nothing that a server opens, and the same command goes on', async (t) => {
  const prng = seededPrng(t);
  const made = await backedUp(t);
  const whole = join(made.folder, 'whole');
  const started = performance.now();
  t.is((await restoreTo(made, whole)).code, 0);
  const wholeMs = performance.now() - started;
  const expected = documentsOf(new RealVfs(), SHARDS, whole);
  t.is(expected.size, DOCUMENTS + 1);
  let interrupted = 0;
  for (let round = 0; round < 4; round++) {
    const target = join(made.folder, `target-${round}`);
    const child = spawn(
      process.execPath,
      [CLI_MAIN, 'restore', '--source', made.source, '--target', target],
      {
        env: serverEnvironment(),
        stdio: 'ignore',
      },
    );
    const ended = new Promise((resolve) => child.once('close', resolve));
    await delay(wholeMs * (0.35 + prng.nextBelow(60) / 100));
    child.kill('SIGKILL');
    await ended;
    if (existsSync(join(target, 'restore.json')) && !existsSync(join(target, 'meta.json'))) {
      interrupted++;
      const start = await runCli(['start', '--data-dir', target, '--port', '0'], { cwd: made.folder });
      t.is(start.code, 1);
      t.regex(start.stderr, /a restore into .* was not finished: run the same lumadb restore again/);
    }
    const again = await restoreTo(made, target, '--json', '--force');
    t.is(again.code, 0, again.stderr);
    t.deepEqual(documentsOf(new RealVfs(), SHARDS, target), expected, `round ${round}`);
    t.false(existsSync(join(target, 'restore.json')));
    rmSync(target, { recursive: true });
  }
  t.log(`${interrupted} of 4 in the middle`);
});

test('a target that is not empty is refused, and with --force what is there is moved aside', async (t) => {
  const made = await backedUp(t);
  const target = join(made.folder, 'data');
  mkdirSync(target);
  mkdirSync(join(target, 'lost+found'));
  mkdirSync(join(target, 'logs'));
  writeFileSync(join(target, 'mine.txt'), 'precious');
  const refused = await restoreTo(made, target);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /is not empty \(mine\.txt\).*--force, which moves what is there aside/);
  t.deepEqual(
    readdirSync(target)
      .filter((name) => name !== 'LOCK')
      .sort(),
    ['logs', 'lost+found', 'mine.txt'],
  );
  const forced = await restoreTo(made, target, '--force');
  t.is(forced.code, 0, forced.stderr);
  const aside = readdirSync(target).find((name) => name.startsWith('replaced-')) ?? '';
  t.is(readFileSync(join(target, aside, 'mine.txt'), 'utf8'), 'precious');
  t.is(countIn(target), DOCUMENTS + 1);
  const server = await TestServer.start({ dataDir: target, env: { LUMADB_SHARDING__SHARDS: '0' } });
  t.teardown(() => server.close());
  t.is((await server.get('/api/v1/people/a')).status, 200);
  const live = await restoreTo(made, target, '--force');
  t.is(live.code, 1, 'never over one that a server holds');
  t.regex(live.stderr, /is in use|another LumaDB|holds|locked/i);
  t.is((await server.get('/api/v1/people/a')).status, 200);
});

test('only some collections, another number of shards, a look without a restore', async (t) => {
  const made = await backedUp(t);
  const look = await restoreTo(made, join(made.folder, 'none'), '--dry-run', '--json');
  t.is(look.code, 0, look.stderr);
  t.is((JSON.parse(look.stdout) as { seqno: number }).seqno, DOCUMENTS + 1);
  t.false(existsSync(join(made.folder, 'none')));
  const some = join(made.folder, 'some');
  const result = await restoreTo(made, some, '--collections', 'people', '--json');
  t.is(result.code, 0, result.stderr);
  t.like(JSON.parse(result.stdout), { documents: 1, collections: [{ collection: 'people', documents: 1 }] });
  const missing = await restoreTo(made, join(made.folder, 'm'), '--collections', 'nobody');
  t.is(missing.code, 1);
  t.regex(missing.stderr, /collection "nobody" does not exist/);
  const spread = join(made.folder, 'spread');
  const three = await restoreTo(made, spread, '--shards', '3');
  t.is(three.code, 0, three.stderr);
  t.is((JSON.parse(readFileSync(join(spread, 'meta.json'), 'utf8')) as { shards: number }).shards, 3);
  t.is(documentsOf(new RealVfs(), 3, spread).size, DOCUMENTS + 1);
});

test('an encrypted backup needs its key, and usage errors are told as such', async (t) => {
  const folder = temporaryDirectory(t);
  const key = join(folder, 'key');
  writeFileSync(key, 'ab'.repeat(32));
  const made = await backedUp(t, ['--encrypt-key-file', key]);
  const without = await restoreTo(made, join(folder, 'a'));
  t.is(without.code, 1);
  t.regex(without.stderr, /give its key with --encrypt-key-file/);
  const target = join(folder, 'b');
  const restored = await restoreTo(made, target, '--encrypt-key-file', key);
  t.is(restored.code, 0, restored.stderr);
  t.is(countIn(target), DOCUMENTS + 1);
  const both = await restoreTo(made, join(folder, 'c'), '--to-seqno', '1', '--to-latest');
  t.is(both.code, 2);
  const time = await restoreTo(made, join(folder, 'c'), '--point-in-time', 'yesterday');
  t.is(time.code, 2);
  t.regex(time.stderr, /an ISO 8601 time such as/);
  const nothing = await runCli(['restore', '--source', join(folder, 'nope'), '--target', join(folder, 'd')], {
    cwd: folder,
  });
  t.is(nothing.code, 1);
  t.regex(nothing.stderr, /there is no finished backup in/);
});
