import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import test from 'ava';
import { TestServer } from '../support/server.js';
import { NO_COMPACTION, noiseFaults, SMALL_LSM, tablesOf, writeNoise } from '../support/small-lsm.js';

const DOCUMENTS = 3000;
/** Makes more tables than the server below may have files open. */
const KIB_64 = String(64 * 1024);
const SPARE_HANDLES = 12;

/** For a process that runs: with `ulimit -n` Node could not even load its modules. */
function limitOpenFiles(server: TestServer, count: number): void {
  const { status, stderr, error } = spawnSync(
    'prlimit',
    ['--pid', `${server.pid}`, `--nofile=${count}:${count}`],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`prlimit: ${stderr ?? error?.message}`);
}

const openFiles = (server: TestServer): number => readdirSync(`/proc/${server.pid}/fd`).length;

test('with more tables than file handles every document is still read and listed, and nothing is taken for damaged', async (t) => {
  const env = {
    ...SMALL_LSM,
    ...NO_COMPACTION,
    LUMADB_COMPACTION__TABLE_SIZE: KIB_64,
    LUMADB_MEMORY__BLOCK_CACHE_SIZE: '0',
    LUMADB_MEMORY__ROW_CACHE_SIZE: '0',
  };
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  await writeNoise(server, DOCUMENTS);
  t.is((await server.stop()).code, 0);
  const tables = tablesOf(server.dataDir).length;
  t.true(tables > SPARE_HANDLES * 4, `${tables} tables`);
  await server.restart();
  // From now on, since a start needs many handles for a moment to load its code.
  limitOpenFiles(server, openFiles(server) + SPARE_HANDLES);
  t.deepEqual(await noiseFaults(server, DOCUMENTS), []);
  for (const query of ['limit=1000', 'limit=1000&sort=-_id']) {
    let seen = 0;
    for (let cursor: string | null = ''; cursor !== null; ) {
      const answer = await server.get(`/api/v1/c?${query}${cursor === '' ? '' : `&cursor=${cursor}`}`);
      t.is(answer.status, 200, `${query}: ${answer.text.slice(0, 300)}`);
      if (answer.status !== 200) return;
      seen += answer.json.data.length;
      cursor = query.includes('sort') ? null : answer.json.pagination.next_cursor;
    }
    t.is(seen, query.includes('sort') ? 1000 : DOCUMENTS);
  }
  // Writes that must look into tables, and flushes, whose files have to be opened as well.
  for (let n = 0; n < 100; n++) t.is((await server.put(`/api/v1/c/k${n * 7}`, { n })).status, 200);
  await writeNoise(server, 700, { prefix: 'later' });
  const flushes = () => server.metric('lumadb_memtable_flushes_total{shard="0"}');
  await server.until('a memtable is flushed', async () => (await flushes()) >= 1, 60_000);
  t.deepEqual(await noiseFaults(server, 700, { prefix: 'later' }), []);
  t.notRegex(server.log, /CORRUPT|is damaged/);
  await server.kill9();
  await server.restart();
  t.deepEqual(await noiseFaults(server, 700, { prefix: 'later' }), []);
});
