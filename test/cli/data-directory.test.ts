import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DbError } from '../../src/base/errors.js';
import { defaultShardCount } from '../../src/config/shard-count.js';
import { isProcessAlive, openDataDirectory, readAnnouncement } from '../../src/runtime/data-directory.js';
import { until } from '../support/time.js';
import { temporaryDirectory } from './run-cli.js';

const MODULE = new URL('../../src/runtime/data-directory.js', import.meta.url).href;

/** Another process that opens the directory and keeps it until it is killed. */
async function holder(t: ExecutionContext, path: string): Promise<ChildProcess> {
  const script = `
    const { openDataDirectory } = await import(${JSON.stringify(MODULE)});
    openDataDirectory(${JSON.stringify(path)}, { shards: 2 }).announce({ host: '127.0.0.1', port: 4711 });
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

function openFailure(t: ExecutionContext, path: string, shards = 0): DbError {
  const error = t.throws(() => openDataDirectory(path, { shards }), { instanceOf: DbError });
  return error ?? new DbError('INTERNAL', 'it opened');
}

test('a new directory is private and remembers what it is', (t) => {
  const path = join(temporaryDirectory(t), 'deep', 'data');
  const first = openDataDirectory(path, { shards: 3 });
  t.true(first.created);
  t.is(first.shards, 3);
  t.is(first.path, path);
  t.is(statSync(path).mode & 0o777, 0o700);
  const meta = JSON.parse(readFileSync(join(path, 'meta.json'), 'utf8'));
  t.like(meta, { format_version: 1, shards: 3, instance_id: first.instanceId });
  t.false(Number.isNaN(Date.parse(meta.created_at)));
  first.release();
  first.release();
  const second = openDataDirectory(path, { shards: 0 });
  t.false(second.created);
  t.is(second.shards, 3);
  t.is(second.instanceId, first.instanceId);
  second.release();
});

test('zero shards in a new directory mean what the machine suggests', (t) => {
  const directory = openDataDirectory(join(temporaryDirectory(t), 'data'), { shards: 0 });
  t.is(directory.shards, defaultShardCount());
  directory.release();
});

test('another shard count is refused with both numbers, and the directory is free again', (t) => {
  const path = temporaryDirectory(t);
  openDataDirectory(path, { shards: 2 }).release();
  const error = openFailure(t, path, 5);
  t.is(error.code, 'SHARD_COUNT_MISMATCH');
  t.regex(error.message, /created with 2 shards.*asks for 5.*lumadb reshard --shards 5/s);
  openDataDirectory(path, { shards: 2 }).release();
});

test('a second process is refused by name, and kill -9 frees the directory', async (t) => {
  const path = join(temporaryDirectory(t), 'data');
  const child = await holder(t, path);
  openFailure(t, path); // closing the file after a refusal must not end the lock
  const error = openFailure(t, path);
  t.is(error.code, 'DATA_DIRECTORY_LOCKED');
  t.true(error.message.includes(path));
  t.true(error.message.includes(`process ${child.pid}`));
  t.true(error.message.includes('127.0.0.1:4711'));
  t.like(readAnnouncement(path), { pid: child.pid, host: '127.0.0.1', port: 4711 });

  child.kill('SIGKILL');
  // At once, without waiting for the end: opening waits for a holder that is dying.
  const reopened = openDataDirectory(path, { shards: 0 });
  t.is(reopened.shards, 2);
  t.is(readAnnouncement(path), null, 'what the dead server announced is gone');
  reopened.release();
});

test('the same process cannot hold a directory twice', (t) => {
  const path = temporaryDirectory(t);
  const directory = openDataDirectory(path, { shards: 1 });
  t.is(openFailure(t, path).code, 'DATA_DIRECTORY_LOCKED');
  directory.release();
  openDataDirectory(path, { shards: 1 }).release();
});

test('the announcement names the address while the server runs and goes with it', (t) => {
  const path = temporaryDirectory(t);
  const directory = openDataDirectory(path, { shards: 1 });
  t.is(readAnnouncement(path), null);
  directory.announce({ host: '127.0.0.1', port: 1 });
  directory.announce({ host: '127.0.0.1', port: 65535 });
  t.like(readAnnouncement(path), { pid: process.pid, port: 65535 });
  t.like(JSON.parse(readFileSync(join(path, 'LOCK'), 'utf8')), { pid: process.pid, port: 65535 });
  directory.release();
  t.is(readAnnouncement(path), null);
  t.true(existsSync(join(path, 'LOCK')));
});

test('an announcement that makes no sense is none', (t) => {
  const path = temporaryDirectory(t);
  for (const text of ['', '{', 'null', '[]', '{"pid":"1"}', '{"pid":-1}', '{"pid":0,"port":1}']) {
    writeFileSync(join(path, 'server.json'), text);
    t.is(readAnnouncement(path), null, text);
  }
});

test('a damaged meta.json is loud and left as it is', (t) => {
  const damaged = [
    '',
    '{"format_version":1,"sha',
    'null',
    '[]',
    '{}',
    '{"format_version":"1","shards":1,"instance_id":"x"}',
    '{"format_version":1,"shards":0,"instance_id":"x"}',
    '{"format_version":1,"shards":1.5,"instance_id":"x"}',
    '{"format_version":1,"shards":1}',
  ];
  for (const content of damaged) {
    const path = temporaryDirectory(t);
    writeFileSync(join(path, 'meta.json'), content);
    const error = openFailure(t, path);
    t.is(error.code, 'CORRUPT_CATALOG', content);
    t.true(error.message.includes(join(path, 'meta.json')));
    t.is(readFileSync(join(path, 'meta.json'), 'utf8'), content);
  }
});

test('a directory of a newer release is refused', (t) => {
  const path = temporaryDirectory(t);
  writeFileSync(join(path, 'meta.json'), '{"format_version":2,"shards":"in a new way"}');
  t.regex(openFailure(t, path).message, /format version 2.*reads up to 1.*newer LumaDB/s);
});

test('files without a meta.json are never taken over', (t) => {
  const path = temporaryDirectory(t);
  mkdirSync(join(path, 'shard-0'));
  const error = openFailure(t, path);
  t.is(error.code, 'CORRUPT_CATALOG');
  t.regex(error.message, /no meta\.json but is not empty \(shard-0\)/);
  t.false(existsSync(join(path, 'meta.json')));
});

test('an interrupted creation is simply done again', (t) => {
  const path = temporaryDirectory(t);
  writeFileSync(join(path, 'LOCK'), '');
  writeFileSync(join(path, 'meta.json.tmp'), '{"format_v');
  mkdirSync(join(path, 'lost+found'));
  const directory = openDataDirectory(path, { shards: 1 });
  t.true(directory.created);
  directory.release();
});

test('a path that cannot be a directory is a clear I/O error', (t) => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, '');
  const error = openFailure(t, path);
  t.is(error.code, 'IO');
  t.true(error.message.includes(path));
});

test('a process that ended is not alive, also while nobody has collected it', async (t) => {
  t.true(isProcessAlive(process.pid));
  // The shell becomes something that never waits for its child: ended after that, the child is a zombie.
  const shell = spawn('bash', ['-c', 'sleep 1000 & echo $!; exec sleep 30'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => shell.kill('SIGKILL'));
  const [output] = (await once(shell.stdout, 'data')) as [Buffer];
  const child = Number(output.toString());
  await until('the shell is no shell any more', () =>
    readFileSync(`/proc/${shell.pid}/comm`, 'utf8').startsWith('sleep'),
  );
  process.kill(child, 'SIGKILL');
  await until('the child counts as dead', () => !isProcessAlive(child));
  t.notThrows(() => process.kill(child, 0), 'nobody has collected it');
});
