/** /admin over storage: manual compactions, removal of expired documents, the archive of the log, and what they refuse. */
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { TestServer } from '../support/server.js';
import { freeAgain, leaveFree, smallFileSystem } from '../support/small-file-system.js';
import { deleteFirst, documentCount, fill, runTask, startStorageServer } from '../support/storage-server.js';

async function started(t: ExecutionContext, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startStorageServer(env);
  t.teardown(() => server.close());
  return server;
}

const TTL_SECONDS = 1;

/** A collection of which every document has expired. */
async function expired(server: TestServer, name: string, count: number): Promise<void> {
  await server.request('POST', '/api/v1/collections', { body: { name, ttl: TTL_SECONDS } });
  await fill(server, name, count);
  const last = `/api/v1/${name}/k${count - 1}`;
  await server.until('they have expired', async () => (await server.get(last)).status === 404);
}

const setReadOnly = (server: TestServer, enabled: boolean) =>
  server.request('POST', '/admin/read-only', { body: { enabled } });

test.serial('a manual compaction takes memtables along and drops what was deleted', async (t) => {
  const server = await started(t);
  await fill(server, 'orders', 2000);
  await runTask(server, '/admin/compaction', { all: true });
  await deleteFirst(server, 'orders', 500);
  const request = { collection: 'orders', level: 'all', delete_tombstones: true };
  const first = await server.request('POST', '/admin/compaction', { body: request });
  t.is(first.status, 202);
  t.like(first.json, { kind: 'compaction', state: 'running', finished_at: null });
  const second = await runTask(server, '/admin/compaction', { all: true });
  const { tasks, total } = (await server.get('/admin/tasks')).json;
  t.is(total, 3);
  t.deepEqual(
    tasks.slice(0, 2).map(({ id, state }: { id: string; state: string }) => [id, state]),
    [
      [second.id, 'done'],
      [first.json.id, 'done'],
    ],
    'they queue; the newest is listed first',
  );
  const task = (await server.get(`/admin/tasks/${first.json.id}`)).json;
  t.like(task.request, { ...request, emergency: false });
  t.is(task.progress.unit, 'bytes');
  t.true(task.progress.total > 0);
  t.is(task.progress.done, task.progress.total);
  t.is(task.shards.length, 2);
  t.is(task.result.tombstones_after, 0);
  t.is(task.result.versions_dropped, 500, 'the deleted documents are gone');
  t.is(task.result.tombstones_dropped, 500);
  t.true(task.result.bytes_freed > 0);
  const { bytes_freed: freed, table_bytes_before: before, table_bytes_after: after } = task.result;
  t.is(freed, before - after);
  t.is(await documentCount(server, 'orders'), 1500);
  t.is((await server.get('/api/v1/orders/k0')).status, 404);
  t.is((await server.get('/api/v1/orders/k1999')).status, 200);
  const { shards } = (await server.get('/status')).json;
  for (const { levels, l0_files } of shards) {
    t.is(l0_files, 0);
    t.true(levels.length > 0 && levels.every(({ level }: { level: number }) => level > 0));
  }
});

test.serial('GET /admin/compaction tells levels, debts and amplification', async (t) => {
  const server = await started(t);
  await fill(server, 'orders', 2000);
  await runTask(server, '/admin/compaction', { all: true, level: '0-1' });
  await fill(server, 'orders', 2000, 2);
  await runTask(server, '/admin/compaction', { all: true, level: '0' });
  const { running, pending, shards, totals } = (await server.get('/admin/compaction')).json;
  t.true(Array.isArray(running) && Array.isArray(pending.levels) && Array.isArray(pending.manual));
  t.is(shards.length, 2);
  for (const { levels, state } of shards) {
    t.is(state, 'ready');
    const one = levels.find(({ level }: { level: number }) => level === 1);
    t.true(one.tables > 0 && one.bytes > 0 && one.entries > 0);
    t.is(one.target_bytes, 256 * 1024);
  }
  t.true(totals.flush_bytes > 0 && totals.compaction_written_bytes > 0);
  const { with_wal, tables_only } = totals.write_amplification;
  t.true(tables_only > 0 && with_wal >= tables_only + 1, `${with_wal} with the log, ${tables_only} without`);
  t.true(totals.space_amplification.estimate >= 1);
});

test.serial('an emergency compaction knows no rate limit, also in read-only mode', async (t) => {
  const server = await started(t, { LUMADB_COMPACTION__RATE_LIMIT: String(2 * 1024) });
  await fill(server, 'orders', 2000);
  await runTask(server, '/admin/compaction', { all: true, level: '0-1' });
  await fill(server, 'orders', 2000, 2);
  await deleteFirst(server, 'orders', 100);
  await setReadOnly(server, true);
  const slow = await server.request('POST', '/admin/compaction', { body: { all: true } });
  await server.until('the slow one runs', async () => {
    const { running } = (await server.get('/admin/compaction')).json;
    return running.some(({ reason }: { reason: string }) => reason === 'manual');
  });
  t.like((await server.get('/admin/compaction')).json.shards[0], {
    rate_limit_bytes_per_second: 2 * 1024,
  });
  const begun = performance.now();
  const task = await runTask(server, '/admin/compaction', { emergency: true, delete_tombstones: true });
  t.is(task.state, 'done', task.error);
  t.true(performance.now() - begun < 120_000, 'at 2 KiB a second it would take a quarter of an hour');
  t.is(task.result.tombstones_after, 0);
  t.true(task.result.table_bytes_before > 0 && task.result.table_bytes_after > 0);
  await server.until('the slow one ends as well: nothing is left', async () => {
    return (await server.get(`/admin/tasks/${slow.json.id}`)).json.state === 'done';
  });
  t.like((await server.get('/admin/compaction')).json.shards[0], {
    rate_limit_bytes_per_second: 2 * 1024,
  });
});

test.serial('gc removes what has expired in one collection; forced, it frees its space', async (t) => {
  const server = await started(t);
  await fill(server, 'kept', 100);
  await expired(server, 'other', 100);
  await expired(server, 'logs', 2000);
  t.is(await documentCount(server, 'logs'), 2000, 'nobody has removed them yet');
  const plain = await runTask(server, '/admin/gc', { collection: 'other' });
  t.like(plain, { kind: 'gc', state: 'done', request: { collection: 'other', force: false } });
  t.is(plain.result.documents_removed, 100);
  t.true(plain.result.document_bytes_removed > 100 * 100);
  t.is(await documentCount(server, 'other'), 0);
  t.is(await documentCount(server, 'logs'), 2000);

  const forced = await runTask(server, '/admin/gc', { collection: 'logs', force: true });
  t.is(forced.state, 'done', forced.error);
  t.is(forced.result.documents_removed, 2000);
  t.is(await documentCount(server, 'logs'), 0);
  t.is(await documentCount(server, 'kept'), 100);
  t.true(forced.result.table_bytes_after < 100_000, `${forced.result.table_bytes_after} bytes are left`);
  t.is((await runTask(server, '/admin/gc', { collection: 'logs', force: true })).result.documents_removed, 0);
  await server.kill9();
  await server.restart();
  t.is(await documentCount(server, 'logs'), 0);
  t.is(await documentCount(server, 'kept'), 100);
});

test.serial("in an operator's read-only mode gc needs force, as the runbook has it", async (t) => {
  const server = await started(t);
  await expired(server, 'logs', 500);
  await setReadOnly(server, true);
  const refused = await server.request('POST', '/admin/gc', { body: { collection: 'logs' } });
  t.is(refused.status, 503);
  t.regex(refused.json.error.message, /read-only.*with force/);
  const forced = await runTask(server, '/admin/gc', { collection: 'logs', force: true });
  t.is(forced.state, 'done', forced.error);
  t.is(forced.result.documents_removed, 500);
  t.is((await server.put('/api/v1/logs/x', {})).status, 503, 'nobody else may write');
  await setReadOnly(server, false);
  t.is(await documentCount(server, 'logs'), 0);
});

test.serial(
  'on a disk that is too full for writes, emergency compaction and gc give space back',
  async (t) => {
    const directory = smallFileSystem(t, 96);
    if (directory === undefined) {
      t.pass();
      return;
    }
    const server = await startStorageServer(
      {
        LUMADB_STORAGE__READ_ONLY_FREE_BYTES: String(24 * 1024 * 1024),
        LUMADB_STORAGE__DISK_CHECK_INTERVAL_MS: '50',
      },
      directory,
    );
    t.teardown(() => server.close());
    await fill(server, 'orders', 4000);
    await runTask(server, '/admin/compaction', { all: true });
    await deleteFirst(server, 'orders', 1000);
    await expired(server, 'logs', 1000);
    leaveFree(directory, 20 * 1024 * 1024);
    await server.until(
      'writes are refused',
      async () => (await server.put('/api/v1/orders/x', {})).status === 503,
    );

    const compacted = await runTask(server, '/admin/compaction', {
      emergency: true,
      delete_tombstones: true,
    });
    t.is(compacted.state, 'done', compacted.error);
    t.true(compacted.result.bytes_freed > 0, JSON.stringify(compacted.result));
    const removed = await runTask(server, '/admin/gc', { collection: 'logs' });
    t.is(removed.state, 'done', removed.error);
    t.is(removed.result.documents_removed, 1000);
    t.is(await documentCount(server, 'orders'), 3000);
    freeAgain(directory);
    await server.until('writes go on', async () => (await server.put('/api/v1/orders/x', {})).status === 201);
  },
);

test.serial('what cannot be meant is refused, and says why', async (t) => {
  const server = await started(t);
  await server.put('/api/v1/orders/a', {});
  const cases: ReadonlyArray<readonly [string, unknown, number, RegExp]> = [
    ['compaction', {}, 400, /name one collection/],
    ['compaction', { collection: 'orders', all: true }, 400, /name one collection/],
    ['compaction', { collection: 'nothing' }, 404, /"nothing" does not exist/],
    ['compaction', { collection: 7 }, 400, /name of a collection/],
    ['compaction', { all: true, level: '2-0' }, 400, /level must be "all"/],
    ['compaction', { all: true, level: '0-7' }, 400, /level must be "all"/],
    ['compaction', { all: true, level: 1 }, 400, /level must be "all"/],
    ['compaction', { emergency: true, level: '0-2' }, 400, /takes all levels/],
    ['compaction', { all: 'yes' }, 400, /all must be true or false/],
    ['compaction', { all: true, levels: 'all' }, 400, /unknown field "levels"/],
    ['gc', {}, 400, /name of a collection/],
    ['gc', { collection: 'nothing' }, 404, /does not exist/],
    ['gc', { collection: 'orders', force: 1 }, 400, /force must be true or false/],
    ['wal/archive', { older_than_ms: -1, destination: '/archive' }, 400, /older_than_ms/],
    ['wal/archive', { older_than_ms: 1 }, 400, /destination/],
  ];
  for (const [path, body, status, message] of cases) {
    const answer = await server.request('POST', `/admin/${path}`, { body });
    t.is(answer.status, status, `${path} ${JSON.stringify(body)}: ${answer.text}`);
    t.regex(answer.json.error.message, message);
  }
  for (const path of ['compaction', 'gc', 'wal/archive']) {
    const headers = { origin: 'http://evil.example' };
    t.is(
      (await server.request('POST', `/admin/${path}`, { body: { all: true }, headers })).status,
      403,
      path,
    );
  }
  t.is((await server.get('/admin/tasks/none')).status, 404);
  t.is((await server.get('/admin/tasks')).json.total, 0, 'nothing was started');
});

test.serial('segments that are archived leave the log, and recovery does not miss them', async (t) => {
  const destination = mkdtempSync(join(tmpdir(), 'lumadb-archive-'));
  t.teardown(() => rmSync(destination, { recursive: true, force: true }));
  const server = await started(t, { LUMADB_WAL__KEEP_RELEASED: String(64 * 1024 * 1024) });
  await fill(server, 'orders', 8000);
  await runTask(server, '/admin/compaction', { all: true });
  const segments = async (): Promise<number> => (await server.get('/status')).json.shards[0].wal_segments;
  await server.until('wal.keep_released keeps segments', async () => (await segments()) > 1);

  const young = await runTask(server, '/admin/wal/archive', { older_than_ms: 3_600_000, destination });
  t.deepEqual(young.result, { segments: [], bytes: 0 });
  const task = await runTask(server, '/admin/wal/archive', { older_than_ms: 0, destination });
  t.is(task.state, 'done', task.error);
  t.true(task.result.segments.length >= 2);
  t.true(task.result.segments.every(({ archive }: { archive: string }) => existsSync(archive)));
  t.is(readdirSync(join(destination, 'shard-0000')).length, task.shards[0].segments);
  t.true(task.result.bytes > 0 && task.progress.done === task.result.bytes);
  await server.until('they have left the log', async () => (await segments()) === 1);
  await server.put('/api/v1/orders/after', {});
  await server.kill9();
  await server.restart();
  t.is(await documentCount(server, 'orders'), 8001);
});

test.serial('hostile destinations of an archive are refused', async (t) => {
  const server = await started(t);
  const root = mkdtempSync(join(tmpdir(), 'lumadb-archive-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  symlinkSync(server.dataDir, join(root, 'link'));
  for (const destination of [
    'archive',
    `${root}/../archive`,
    `${root}/a\0b`,
    server.dataDir,
    join(server.dataDir, 'shard-0000', 'wal'),
    join(root, 'link', 'archive'),
  ]) {
    const body = { older_than_ms: 0, destination };
    const answer = await server.request('POST', '/admin/wal/archive', { body });
    t.is(answer.status, 400, JSON.stringify(destination));
    t.is(answer.json.error.details.field, 'destination');
  }
});
