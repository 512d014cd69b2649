import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { startFauxqs } from 'fauxqs';
import { type CliResult, runCli } from '../cli/run-cli.js';
import { seededPrng } from '../support/random.js';
import { CLI_MAIN, serverEnvironment, spawnTracked, TestServer } from '../support/server.js';
import { leaveFree, smallFileSystem } from '../support/small-file-system.js';
import { noise, SMALL_LSM } from '../support/small-lsm.js';

const ENV = { ...SMALL_LSM, LUMADB_SHARDING__SHARDS: '2' };

function scratch(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-backups-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function start(t: ExecutionContext): Promise<TestServer> {
  const server = await TestServer.start({ env: ENV });
  t.teardown(() => server.close());
  return server;
}

async function write(server: TestServer, from: number, count: number, collection = 'c'): Promise<void> {
  for (let at = from; at < from + count; at += 100) {
    const documents = Array.from({ length: Math.min(100, from + count - at) }, (_, i) => ({
      _id: `k${at + i}`,
      pad: noise(at + i, 2000),
    }));
    const { status, text } = await server.request('POST', `/api/v1/${collection}/bulk`, {
      body: { documents },
    });
    if (status !== 200) throw new Error(text);
  }
}

const lumadb = (cwd: string, args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> =>
  runCli(args, { cwd, env });

async function json<T>(t: ExecutionContext, result: Promise<CliResult>): Promise<T> {
  const { code, stdout, stderr } = await result;
  t.is(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

async function runScript(script: string, directory: string, date: string): Promise<CliResult> {
  const env = { ...serverEnvironment(ENV), DATE: date };
  const child = spawnTracked('bash', [script], { cwd: directory, env });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk) => {
      texts[name] += chunk;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts };
}

interface Report {
  readonly type: string;
  readonly parent: string | null;
  readonly full_because: string | null;
  readonly seqno: number;
  readonly files_reused: number;
  readonly files_resumed: number;
}

test.serial(
  "the manual's script makes full and incremental backups beside a server that goes on",
  async (t) => {
    const server = await start(t);
    const directory = scratch(t);
    await write(server, 0, 1500);
    writeFileSync(join(directory, 'config.toml'), `[storage]\ndata_dir = "${server.dataDir}"\n`);
    const script = join(directory, 'lumadb-backup.sh');
    writeFileSync(
      script,
      `#!/bin/bash
set -e
lumadb() { "${process.execPath}" "${CLI_MAIN}" "$@"; }
BACKUP_DIR="${directory}/backups"
# Create backup
lumadb backup \\
  --destination "\${BACKUP_DIR}/\${DATE}" \\
  --type incremental \\
  --compression zstd \\
  --parallel 4
find "\${BACKUP_DIR}" -type d -mtime +7 -exec rm -rf {} \\;
# Verify backup
lumadb backup verify --source "\${BACKUP_DIR}/\${DATE}"
`,
    );
    const run = (date: string) => runScript(script, directory, date);
    const writing = write(server, 10_000, 1000);
    const first = await run('20260101_020000');
    await writing;
    t.is(first.code, 0, first.stderr);
    t.regex(first.stderr, /a full backup was made, and no incremental one: there is no backup beside it yet/);
    t.regex(first.stdout, /^full backup/);
    t.regex(first.stdout, /\nok\n$/);
    await write(server, 20_000, 500);
    const second = await run('20260102_020000');
    t.is(second.code, 0, second.stderr);
    t.regex(second.stdout, /incremental backup .* upon 20260101_020000/);
    t.regex(second.stdout, /20260102_020000 \(incremental, .* ← 20260101_020000 \(full/);
    const again = await run('20260102_020000');
    t.is(again.code, 1);
    t.regex(again.stderr, /it holds a backup already/);
    t.deepEqual(await server.get('/admin/checkpoints').then(({ json: body }) => body), { checkpoints: [] });
    const pruned = await json<{ kept: unknown[]; removed: unknown[]; streams: unknown[] }>(
      t,
      lumadb(directory, [
        'backup',
        'prune',
        '--source',
        `${directory}/backups`,
        '--keep',
        'full=1h',
        '--json',
      ]),
    );
    t.deepEqual([pruned.kept.length, pruned.removed.length], [2, 0]);
    const wrong = await lumadb(directory, ['backup', 'prune', '--source', 'x', '--keep', 'full=forever']);
    t.regex(wrong.stderr, /says of nothing how long it is kept/);
    const { stdout } = await lumadb(directory, ['backup', 'list', '--source', `${directory}/backups`]);
    t.regex(stdout, /20260101_020000 │ full .* complete/);
    t.regex(stdout, /20260102_020000 │ incremental .* 20260101_020000 │ complete/);
  },
);

test.serial(
  'a stopped database is backed up by its files, and one that runs is not taken for one',
  async (t) => {
    const server = await start(t);
    const directory = scratch(t);
    await write(server, 0, 1500);
    const args = ['backup', '--data-dir', server.dataDir, '--type', 'incremental', '--json', '--destination'];
    const running = await json<Report>(t, lumadb(directory, [...args, `${directory}/a`]));
    t.is(running.seqno, 1500);
    await server.stop();
    const stopped = await json<Report>(t, lumadb(directory, [...args, `${directory}/b`]));
    t.like(stopped, { type: 'incremental', parent: 'a', seqno: 1500 });
    t.true(stopped.files_reused > 0);
    t.false(existsSync(join(server.dataDir, 'checkpoints')));
    t.is((await lumadb(directory, ['backup', 'verify', '--source', `${directory}/b`])).code, 0);
    await server.restart();
    await write(server, 5000, 100);
    const later = await json<Report>(t, lumadb(directory, [...args, `${directory}/c`]));
    t.like(later, { type: 'incremental', parent: 'b' });
    t.is((await lumadb(directory, ['backup', 'verify', '--source', `${directory}/c`])).code, 0);
  },
);

test.serial(
  'a backup that is killed at any moment is none, and the same command goes on with it',
  async (t) => {
    const prng = seededPrng(t);
    const server = await start(t);
    const directory = scratch(t);
    await write(server, 0, 3000);
    const args = ['backup', '--data-dir', server.dataDir, '--json', '--parallel', '2', '--destination'];
    const isUnderWay = (destination: string): Promise<void> =>
      server.until('the backup is under way', () =>
        ['backup.partial.json', 'backup.json'].some((name) => existsSync(`${destination}/${name}`)),
      );
    let killedInTheMiddle = 0;
    for (let round = 0; round < 4; round++) {
      const destination = `${directory}/round${round}`;
      let child: ChildProcess | undefined;
      for (let kill = 0; kill < 3 && !existsSync(`${destination}/backup.json`); kill++) {
        child = spawnTracked(process.execPath, [CLI_MAIN, ...args, destination, '--rate-limit', '4MB'], {
          cwd: directory,
          env: serverEnvironment(),
        });
        const exited = once(child, 'close');
        // The first of each round certainly in its work, however long a process takes to start here; the others at any moment.
        const moment = kill === 0 ? isUnderWay(destination) : Promise.resolve();
        await Promise.race([moment.then(() => delay(prng.nextBelow(kill === 0 ? 800 : 2500))), exited]);
        child.kill('SIGKILL');
        await exited;
        if (existsSync(`${destination}/backup.json`)) break;
        if (existsSync(`${destination}/backup.partial.json`)) {
          killedInTheMiddle++;
          const verified = await lumadb(directory, ['backup', 'verify', '--source', destination]);
          t.is(verified.code, 1);
          t.regex(verified.stderr, /there is no finished backup in/);
        }
        // Its lease would go by itself, after a minute; there are only so many.
        const { json: lent } = await server.get('/admin/checkpoints');
        for (const { id } of (lent as { checkpoints: { id: string }[] }).checkpoints)
          await server.request('DELETE', `/admin/checkpoints/${id}`);
      }
      if (!existsSync(`${destination}/backup.json`))
        await json<Report>(t, lumadb(directory, [...args, destination]));
      t.is((await lumadb(directory, ['backup', 'verify', '--source', destination])).code, 0);
      t.false(existsSync(`${destination}/backup.partial.json`));
    }
    t.log(`${killedInTheMiddle} kills in the middle`);
    t.true(killedInTheMiddle > 0);
  },
);

test.serial(
  'SIGTERM and SIGINT end it cleanly: the checkpoint is given back, and what was copied is kept',
  async (t) => {
    const server = await start(t);
    const directory = scratch(t);
    await write(server, 0, 3000);
    const args = ['backup', '--data-dir', server.dataDir, '--destination', `${directory}/a`];
    const copied = (): number =>
      [0, 1]
        .map((shard) => `${directory}/a/shard-000${shard}`)
        .flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []))
        .filter((name) => name.endsWith('.zstd')).length;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const child = spawnTracked(process.execPath, [CLI_MAIN, ...args, '--rate-limit', '1MB'], {
        cwd: directory,
        env: serverEnvironment(),
      });
      const before = copied();
      let stderr = '';
      child.stderr?.on('data', (chunk) => {
        stderr += chunk;
      });
      const exited = once(child, 'close');
      await server.until('another table is copied', () => copied() > before);
      child.kill(signal);
      t.is((await exited)[0], 1);
      t.regex(
        stderr,
        new RegExp(`interrupted by ${signal}: the same command again goes on where this one ended`),
      );
      t.deepEqual((await server.get('/admin/checkpoints')).json, { checkpoints: [] });
      t.false(existsSync(`${directory}/a/backup.json`));
      t.true(existsSync(`${directory}/a/backup.partial.json`));
    }
    const report = await json<Report>(t, lumadb(directory, [...args, '--json']));
    t.true(report.files_resumed > 0);
    t.is((await lumadb(directory, ['backup', 'verify', '--source', `${directory}/a`])).code, 0);
  },
);

test.serial('some collections, encrypted, to S3, within a rate', async (t) => {
  const server = await start(t);
  const directory = scratch(t);
  const s3 = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  t.teardown(() => s3.stop());
  s3.createBucket('backups');
  await write(server, 0, 1000, 'users');
  await write(server, 0, 1000, 'orders');
  writeFileSync(join(directory, 'key'), 'ab'.repeat(32));
  const env = {
    LUMADB_BACKUP_S3__ENDPOINT: `http://127.0.0.1:${s3.port}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  const encrypted = ['--encrypt-key-file', 'key'];
  const args = [
    'backup',
    '--data-dir',
    server.dataDir,
    '--type',
    'incremental',
    '--collections',
    'users',
    '--json',
  ];
  const report = await json<Report>(
    t,
    lumadb(
      directory,
      [...args, ...encrypted, '--destination', 's3://backups/lumadb/a', '--rate-limit', '1MB'],
      env,
    ),
  );
  const seconds = (report as unknown as { seconds: number; stored_bytes: number }).seconds;
  t.true(seconds > 0.5, `${seconds} s`);
  await write(server, 5000, 100, 'users');
  const second = await json<Report>(
    t,
    lumadb(
      directory,
      [...args, ...encrypted, '--destination', 's3://backups/lumadb/b', '--parallel', '2'],
      env,
    ),
  );
  t.is(second.parent, 'a');
  const verified = await lumadb(
    directory,
    ['backup', 'verify', '--source', 's3://backups/lumadb/b', ...encrypted],
    env,
  );
  t.is(verified.code, 0, verified.stdout + verified.stderr);
  const blind = await lumadb(directory, ['backup', 'verify', '--source', 's3://backups/lumadb/b'], env);
  t.is(blind.code, 1);
  t.regex(blind.stderr, /give its key with --encrypt-key-file/);
  const { backups } = await json<{ backups: { name: string; state: string }[] }>(
    t,
    lumadb(directory, ['backup', 'list', '--source', 's3://backups/lumadb', '--json', ...encrypted], env),
  );
  t.deepEqual(
    backups.map(({ name, state }) => [name, state]),
    [
      ['a', 'complete'],
      ['b', 'complete'],
    ],
  );
  const unknown = await lumadb(
    directory,
    ['backup', '--data-dir', server.dataDir, '--collections', 'nothing', '--destination', `${directory}/x`],
    env,
  );
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /collection "nothing" does not exist/);
});

test.serial(
  'a full destination, a forbidden one and a damaged backup end with 1 and the reason',
  async (t) => {
    const server = await start(t);
    const directory = scratch(t);
    await write(server, 0, 2000);
    const args = ['backup', '--data-dir', server.dataDir, '--destination'];
    const inside = await lumadb(directory, [...args, join(server.dataDir, 'backups')]);
    t.is(inside.code, 1);
    t.regex(inside.stderr, /is inside the data directory/);
    for (const destination of ['../up', 'ftp://host/x', 's3:/bucket'])
      t.regex((await lumadb(directory, [...args, destination])).stderr, /cannot be a place for backups/);
    const missing = await lumadb(directory, ['backup']);
    t.is(missing.code, 2);
    t.regex(missing.stderr, /--destination is required/);
    const small = smallFileSystem(t, 64);
    if (small !== undefined) {
      leaveFree(small, 1024 * 1024);
      const full = await lumadb(directory, [...args, join(small, 'a')]);
      t.is(full.code, 1);
      t.regex(full.stderr, /ENOSPC \(no space left on the device\)/);
      t.false(existsSync(join(small, 'a/backup.json')));
      t.deepEqual((await server.get('/admin/checkpoints')).json, { checkpoints: [] });
    }
    t.is((await lumadb(directory, [...args, `${directory}/a`])).code, 0);
    const victim = join(
      directory,
      'a/shard-0000',
      readdirSync(join(directory, 'a/shard-0000')).filter((name) => name.includes('.sst.'))[0],
    );
    const bytes = readFileSync(victim);
    bytes[Math.floor(statSync(victim).size / 2)] ^= 1;
    writeFileSync(victim, bytes);
    const verified = await lumadb(directory, ['backup', 'verify', '--source', `${directory}/a`]);
    t.is(verified.code, 1);
    t.regex(
      verified.stdout,
      /error: a\/shard-0000\/\d{10}\.sst\.zstd at offset \d+: the checksum of chunk \d+ is wrong/,
    );
    t.regex(verified.stdout, /1 error\n$/);
  },
);
