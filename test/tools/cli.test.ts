import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { openDataDirectory, readShardCount } from '../../src/runtime/data-directory.js';
import { writeJournal } from '../../src/tools/reshard-journal.js';
import { RealVfs } from '../../src/vfs/real.js';
import { type CliResult, fakeServer, runCli, temporaryDirectory } from '../cli/run-cli.js';
import { seedOf } from '../support/random.js';
import { TestServer } from '../support/server.js';
import { differences, documentsOf, flip, type Model, TestDatabase } from './support.js';

/** A data directory as a server leaves it, with two shards. */
function dataDirectory(t: ExecutionContext, keepReleasedBytes = 0): { path: string; model: Model } {
  const path = join(temporaryDirectory(t), 'data');
  openDataDirectory(path, { shards: 2 }).release();
  const database = new TestDatabase(new RealVfs(), 2, path, { keepReleasedBytes });
  const collections = [1, 2].map((id) => ({
    id,
    name: id === 1 ? 'users' : 'orders',
    created_at: '2026-01-01T00:00:00.000Z',
    ttl_seconds: null,
  }));
  writeFileSync(join(path, 'catalog.json'), JSON.stringify({ format_version: 2, next_id: 4, collections }));
  database.scribble(createPrng(seedOf(t)), 300);
  database.flush();
  database.reopen();
  database.scribble(createPrng(1), 50);
  database.close();
  return { path, model: database.model };
}

const lumadb = (path: string, ...args: string[]): Promise<CliResult> =>
  runCli([...args, '--data-dir', path], { cwd: join(path, '..') });

const tableIn = (path: string, shard = 0): string => {
  const directory = join(path, `shard-000${shard}`, 'sst');
  return join(directory, readdirSync(directory).find((name) => name.endsWith('.sst')) ?? '');
};

test('fsck of a sound directory exits 0, for people and for scripts', async (t) => {
  const { path } = dataDirectory(t);
  const plain = await lumadb(path, 'fsck');
  t.is(plain.code, 0, plain.stderr + plain.stdout);
  t.regex(plain.stdout, /\d+ tables, \d+ blocks, \d+ entries, .* log records; [\d.]+ s\nok\n$/);
  const json = JSON.parse((await lumadb(path, 'fsck', '--json', '--collection', 'users')).stdout);
  t.like(json, { errors: 0, warnings: 0, findings: [], online: false });
  t.true(json.totals.entries > 0);
});

test('fsck names shard, file and offset of damage and exits 1; repair says it, does it, and fsck is content', async (t) => {
  const { path } = dataDirectory(t);
  const file = tableIn(path);
  flip(new RealVfs(), file, 40);
  const found = await lumadb(path, 'fsck');
  t.is(found.code, 1);
  t.regex(found.stdout, new RegExp(`^error: shard 0: ${file} at offset 0: checksum`, 'm'));
  const dry = await lumadb(path, 'repair', '--collection', 'all');
  t.is(dry.code, 1);
  t.regex(dry.stdout, /would do, with --fix:/);
  t.true(existsSync(file));
  const fixed = await lumadb(path, 'repair', '--collection', 'all', '--fix', '--json');
  t.is(fixed.code, 0, fixed.stderr);
  const report = JSON.parse(fixed.stdout);
  t.like(report, { fixed: true, sound: false });
  t.true(report.entries_lost > 0 && report.entries_saved >= 0);
  t.false(existsSync(file));
  t.true(report.quarantined.every((kept: string) => existsSync(kept)));
  const after = await lumadb(path, 'fsck');
  t.is(after.code, 0, after.stdout);
  const again = await lumadb(path, 'repair', '--collection', 'all', '--fix');
  t.is(again.stdout, 'nothing to repair\n');
});

test('wrong usage exits 2, an unknown collection and an empty directory 1', async (t) => {
  const { path } = dataDirectory(t);
  t.is((await lumadb(path, 'repair')).code, 2);
  t.is((await lumadb(path, 'reshard')).code, 2);
  t.is((await lumadb(path, 'reshard', '--shards', 'two')).code, 2);
  t.is((await lumadb(path, 'wal', 'archive', '--older-than', 'old', '--destination', '/x')).code, 2);
  const unknown = await lumadb(path, 'fsck', '--collection', 'nobody');
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /collection "nobody" does not exist/);
  const nothing = join(path, 'nothing');
  for (const args of [['fsck'], ['repair', '--collection', 'all'], ['reshard', '--shards', '2']]) {
    const result = await lumadb(nothing, ...args);
    t.is(result.code, 1);
    t.regex(result.stderr, /there is no database in/);
    t.false(existsSync(nothing), 'and none is made');
  }
});

test('fsck of a node is for this node', async (t) => {
  const { path } = dataDirectory(t);
  for (const node of ['node-1', 'localhost', hostname()])
    t.is((await lumadb(path, 'fsck', '--node', node)).code, 0);
  const other = await lumadb(path, 'fsck', '--node', 'node-7');
  t.is(other.code, 2);
  t.regex(other.stderr, /node-7 is not this node/);
});

test('reshard moves every document and changes the number that a start goes by', async (t) => {
  const { path, model } = dataDirectory(t);
  const result = await lumadb(path, 'reshard', '--shards', '3', '--json');
  t.is(result.code, 0, result.stderr);
  const report = JSON.parse(result.stdout);
  t.like(report, { from: 2, to: 3, resumed: false, documents: model.size });
  t.true(existsSync(join(report.old_directory, 'shard-0001')));
  t.is(readShardCount(path), 3);
  t.like(JSON.parse(readFileSync(join(path, 'meta.json'), 'utf8')), { format_version: 1, shards: 3 });
  t.deepEqual(differences(documentsOf(new RealVfs(), 3, path), model), []);
  const same = await lumadb(path, 'reshard', '--shards', '3');
  t.is(same.code, 1);
  t.regex(same.stderr, /3 shards already/);
  const back = await lumadb(path, 'reshard', '--shards', '1', '--delete-old');
  t.is(back.code, 0, back.stderr);
  t.deepEqual(
    readdirSync(path).filter((name) => name.startsWith('reshard-old')),
    [report.old_directory.split('/').at(-1)],
    'its own old shards are gone, those of the run before are not',
  );
  t.false(existsSync(join(path, 'reshard')));
  t.is((await lumadb(path, 'fsck')).code, 0);
});

test('no server starts while shards change places: the message names the command that completes it', (t) => {
  const { path } = dataDirectory(t);
  writeJournal(new RealVfs(), path, { state: 'building', from: 2, to: 3, old: 'reshard-old-1' });
  openDataDirectory(path, { shards: 0 }).release();
  writeJournal(new RealVfs(), path, { state: 'switching', from: 2, to: 3, old: 'reshard-old-1' });
  const error = t.throws(() => openDataDirectory(path, { shards: 0 }), { instanceOf: DbError });
  t.regex(error?.message ?? '', /lumadb reshard --shards 3 --data-dir/);
  openDataDirectory(path, { shards: 0, mayBeResharding: true }).release();
});

test('wal archive moves old segments, and refuses a destination inside the data directory', async (t) => {
  const { path, model } = dataDirectory(t, 1024 * 1024);
  const inside = await lumadb(path, 'wal', 'archive', '--older-than', '1d', '--destination', join(path, 'x'));
  t.is(inside.code, 1);
  t.regex(inside.stderr, /inside the data directory/);
  const link = join(path, '..', 'link');
  symlinkSync(path, link);
  const linked = await lumadb(path, 'wal', 'archive', '--older-than', '1d', '--destination', join(link, 'x'));
  t.is(linked.code, 1, 'also through a symbolic link');
  t.regex(linked.stderr, /inside the data directory/);
  const destination = join(path, '..', 'archive');
  const args = ['wal', 'archive', '--older-than', '7d', '--destination', destination];
  const result = await lumadb(path, ...args, '--json');
  t.is(result.code, 0, result.stderr);
  const { segments } = JSON.parse(result.stdout);
  t.is(segments.length, 2, 'the first segment of each shard');
  t.true(segments.every(({ archive }: { archive: string }) => existsSync(archive)));
  t.is((await lumadb(path, ...args)).stdout, 'nothing to archive\n');
  t.is((await lumadb(path, 'fsck')).code, 0);
  t.deepEqual(differences(documentsOf(new RealVfs(), 2, path), model), []);
});

test('when a server holds the directory, wal archive asks it', async (t) => {
  const { path } = dataDirectory(t);
  const requests: unknown[] = [];
  const segments = [
    { shard: 1, segment: 7, bytes: 4096, first_seqno: 1, last_seqno: 9, archive: '/archive/x.wal' },
  ];
  const fake = await fakeServer(t, async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    requests.push(request.method, request.url, ...(text === '' ? [] : [JSON.parse(text)]));
    const task = { id: 'x-1', kind: 'wal-archive', progress: { done: 0, total: 0, unit: 'bytes' } };
    const isPost = request.method === 'POST';
    response.statusCode = isPost ? 202 : 200;
    response.end(
      JSON.stringify(
        isPost ? { ...task, state: 'running' } : { ...task, state: 'done', result: { segments } },
      ),
    );
  });
  const held = openDataDirectory(path, { shards: 0 });
  t.teardown(() => held.release());
  held.announce({ host: '127.0.0.1', port: fake.port });
  const result = await lumadb(path, 'wal', 'archive', '--older-than', '7d', '--destination', '/archive');
  t.is(result.code, 0, result.stderr);
  t.is(result.stdout, 'shard 1: segment 7 is in /archive/x.wal\n1 segment, 4.0 KiB\n');
  const body = { older_than_ms: 7 * 24 * 3_600_000, destination: '/archive' };
  t.deepEqual(requests, ['POST', '/admin/wal/archive', body, 'GET', '/admin/tasks/x-1']);
});

test('beside a server fsck checks what it can, repair and reshard refuse; after a reshard the server has every document', async (t) => {
  // Not 3 from the start, as it would be on four cores. 0 is what a start over any number of shards may say.
  const server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
  t.teardown(() => server.close());
  const ids = Array.from({ length: 200 }, (_, i) => `id-${i}`);
  for (const id of ids)
    await fetch(`${server.url}/api/v1/users/${id}`, { method: 'PUT', body: `{"n":"${id}"}` });
  const online = await lumadb(server.dataDir, 'fsck', '--json');
  t.is(online.code, 0, online.stderr + online.stdout);
  const report = JSON.parse(online.stdout);
  t.true(report.online);
  t.regex(report.notes[0], /a server holds this directory/);
  for (const args of [
    ['repair', '--collection', 'all', '--fix'],
    ['reshard', '--shards', '3'],
  ]) {
    const refused = await lumadb(server.dataDir, ...args);
    t.is(refused.code, 1);
    t.regex(refused.stderr, /is in use by process/);
  }
  t.is((await server.stop()).code, 0);
  const offline = await lumadb(server.dataDir, 'fsck');
  t.is(offline.code, 0, offline.stdout);
  const moved = await lumadb(server.dataDir, 'reshard', '--shards', '3');
  t.is(moved.code, 0, moved.stderr);
  await server.restart({ env: { LUMADB_SHARDING__SHARDS: '0' } });
  for (const id of ids) {
    const answer = await fetch(`${server.url}/api/v1/users/${id}`);
    t.is(answer.status, 200, id);
    t.is(((await answer.json()) as { n: string }).n, id);
  }
  const list = await fetch(`${server.url}/api/v1/collections`);
  const { collections } = (await list.json()) as { collections: Array<{ document_count: number }> };
  t.is(collections[0].document_count, 200);
});

test('repairing a collection says what else is damaged, and exits 1', async (t) => {
  const path = join(temporaryDirectory(t), 'data');
  openDataDirectory(path, { shards: 1 }).release();
  const database = new TestDatabase(new RealVfs(), 1, path);
  database.put('a', 'x', 1);
  database.flush();
  database.close();
  const collections = [1, 2].map((id) => ({
    id,
    name: id === 1 ? 'users' : 'orders',
    created_at: '2026-01-01T00:00:00.000Z',
    ttl_seconds: null,
  }));
  writeFileSync(join(path, 'catalog.json'), JSON.stringify({ format_version: 2, next_id: 4, collections }));
  flip(new RealVfs(), tableIn(path), 40);
  const result = await lumadb(path, 'repair', '--collection', 'orders', '--fix');
  t.is(result.code, 1, result.stderr);
  t.regex(result.stdout, /^still damaged: .*\.sst: /m);
});
