/** What a running server tells about its storage: memory, state, metrics, status. Serial, for the last test writes. */
import test from 'ava';
import { parsePrometheus } from '../support/prometheus.js';
import type { TestServer } from '../support/server.js';
import { fill, runTask, startStorageServer } from '../support/storage-server.js';

let server: TestServer;

test.before(async () => {
  server = await startStorageServer();
  await fill(server, 'orders', 6000);
  await runTask(server, '/admin/compaction', { all: true });
  for (let i = 0; i < 50; i++) await server.get(`/api/v1/orders/k${i}`);
  for (let i = 0; i < 50; i++) await server.get(`/api/v1/orders/k${i}`);
});
test.after.always(() => server?.close());

test.serial("GET /admin/memory has the manual's shape, and its parts are what is in use", async (t) => {
  await server.until('the front has counted its caches', async () => {
    return (await server.get('/admin/memory')).json.row_cache > 0;
  });
  const memory = (await server.get('/admin/memory')).json;
  t.deepEqual(Object.keys(memory), [
    'total_bytes',
    'memtables',
    'block_cache',
    'row_cache',
    'indexes',
    'other',
    'limit_bytes',
    'planned',
  ]);
  const { total_bytes: total, memtables, block_cache, row_cache, indexes, other, planned } = memory;
  t.is(memtables + block_cache + row_cache + indexes + other, total);
  t.true(block_cache > 0 && indexes > 0 && other > 0);
  t.true(block_cache <= planned.block_cache && row_cache <= planned.row_cache);
  // Garbage may go between the two looks.
  const isResident = async (): Promise<boolean> => {
    const { total_bytes: now } = (await server.get('/admin/memory')).json;
    return Math.abs(now - server.rssBytes()) < 0.2 * now;
  };
  await server.until('the total is the resident memory of the process', isResident);
});

test.serial('GET /admin/dump-state shows the inside of every shard', async (t) => {
  const { status, json } = await server.get('/admin/dump-state');
  t.is(json.config.security.token_ttl_minutes, 720, 'what only sounds like a secret is shown');
  t.is(status, 200);
  t.is(json.config.sharding.shards, 2);
  t.is(json.status.data_directory, server.dataDir);
  t.true(json.seqnos.last >= 6000 && json.seqnos.is_settled);
  t.is(json.threads.shards.length, 2);
  t.true(json.threads.fronts.every(({ thread_id }: { thread_id: number }) => thread_id > 0));
  t.is(json.tasks.length, 1);
  t.true(json.caches.block_cache.requests > 0);
  for (const { storage, version, state } of json.shards) {
    t.is(state, 'ready');
    t.is(storage.appliedSeqno, storage.flushedSeqno, 'the compaction has flushed everything');
    t.is(storage.memtables.length, 1);
    t.true(storage.wal.durableOffset > 0);
    t.is(version.tables_total, version.tables.length);
    const [table] = version.tables;
    t.regex(table.smallest.key, /^k\d+$/);
    t.true(table.smallest.key <= table.largest.key && table.entries > 0);
  }
});

test.serial('/metrics has levels, caches, debts and snapshots', async (t) => {
  const { text } = await server.get('/metrics');
  t.truthy(parsePrometheus(text));
  t.true((await server.metric('lumadb_level_tables{shard="0",level="1"}')) > 0);
  t.true((await server.metric('lumadb_level_bytes{shard="1",level="1"}')) > 0);
  t.true((await server.metric('lumadb_pending_compaction_bytes{shard="0"}')) >= 0);
  t.true((await server.metric('lumadb_read_amplification{shard="0"}')) >= 1);
  t.true((await server.metric('lumadb_block_cache_hits_total')) > 0);
  t.true(
    (await server.metric('lumadb_block_cache_requests_total')) >=
      (await server.metric('lumadb_block_cache_hits_total')),
  );
  await server.until('the front has counted its row cache', async () => {
    return (await server.metric('lumadb_row_cache_hits_total')) >= 50;
  });
  t.is(await server.metric('lumadb_snapshots_held'), 0);
  t.is(await server.metric('lumadb_oldest_snapshot_age_seconds'), 0);
  t.true((await server.metric('lumadb_table_index_bytes')) > 0);
  t.is(await server.metric('lumadb_write_pressure{shard="0"}'), 0);
  t.regex(text, /cache_hit/, "the manual's grep finds them");
});

test.serial('/status shows the levels of each shard', async (t) => {
  const { shards } = (await server.get('/status')).json;
  for (const shard of shards) {
    t.is(shard.flush_error, null);
    t.is(typeof shard.pending_compaction_bytes, 'number');
    const bytes = shard.levels.reduce((sum: number, level: { bytes: number }) => sum + level.bytes, 0);
    t.is(bytes, shard.table_bytes);
  }
});

test('a dump does not disturb writes', async (t) => {
  const writes = fill(server, 'busy', 6000, 2);
  for (let i = 0; i < 5; i++) t.is((await server.get('/admin/dump-state')).status, 200);
  await t.notThrowsAsync(writes);
});
