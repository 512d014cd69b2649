import test from 'ava';
import { limitOpenFiles, openFiles, openFilesMax } from '../support/file-limits.js';
import { TestServer } from '../support/server.js';
import { MIB, NO_COMPACTION, noiseFaults, SMALL_LSM, tablesOf, writeNoise } from '../support/small-lsm.js';

const DOCUMENTS = 2000;
/** For tables and for the connection of the test. */
const SPARE_HANDLES = 12;
const MANY_HANDLES = 4096;

/** Many small tables, and no cache that could answer in their place. */
const env = {
  ...SMALL_LSM,
  ...NO_COMPACTION,
  LUMADB_COMPACTION__TABLE_SIZE: String(MIB / 16),
  LUMADB_MEMORY__BLOCK_CACHE_SIZE: '0',
  LUMADB_MEMORY__ROW_CACHE_SIZE: '0',
};

async function listedDocuments(server: TestServer): Promise<number> {
  let seen = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const answer = await server.get(`/api/v1/c?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`);
    if (answer.status !== 200) throw new Error(answer.text);
    seen += answer.json.data.length;
    cursor = answer.json.pagination.next_cursor as string | null;
  }
  return seen;
}

test('with more tables than file handles every document is read and listed; what finds no handle fails by name and is done later', async (t) => {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  await writeNoise(server, DOCUMENTS);
  t.is((await server.stop()).code, 0);
  t.true(tablesOf(server.dataDir).length > SPARE_HANDLES * 4);
  await server.restart();
  // The WAL segment needs its handle while there still is one.
  t.true((await server.put('/api/v1/other/first', {})).status < 300);
  limitOpenFiles(server.pid, openFiles(server.pid) + SPARE_HANDLES);
  // One at a time, over one connection: connections need handles too.
  t.deepEqual(await noiseFaults(server, DOCUMENTS, { parallel: 1 }), []);
  t.is(await listedDocuments(server), DOCUMENTS);

  const acknowledged: number[] = [];
  for (let batch = 0; batch < 24; batch++) {
    const refusal = await writeNoise(server, 50, { prefix: `b${batch}-` }).catch((error: Error) => error);
    if (refusal === undefined) acknowledged.push(batch);
    else t.regex(refusal.message, /EMFILE|memtables are full/);
  }
  t.true(acknowledged.length > 0, 'writes need no handle until a memtable is full');
  t.deepEqual(await noiseFaults(server, 200, { parallel: 1 }), []);
  t.notRegex(server.log, /is damaged|CORRUPT/, 'nothing is taken for damaged');

  limitOpenFiles(server.pid, Math.min(MANY_HANDLES, openFilesMax(server.pid)));
  t.is((await server.get('/status')).json.shards[0].restarts, 0, 'no thread has died of it');
  const memtables = () => server.metric('lumadb_memtables{shard="0"}');
  await server.until('the memtables are flushed', async () => (await memtables()) === 1);
  let refusal = '';
  await server
    .until('writes are taken again, or the log says why not', async () => {
      const answer = await server.put('/api/v1/c/after', {});
      refusal = `${answer.status} ${answer.text}`;
      // A segment that found no handle for its directory has poisoned the log, which is loud and lasts until the restart.
      return answer.status < 300 || /takes no more writes until it is reopened.*EMFILE/.test(answer.text);
    })
    .catch((error: Error) => t.fail(`${error.message}: ${refusal}`));
  await server.kill9();
  await server.restart();
  for (const batch of acknowledged)
    t.deepEqual(await noiseFaults(server, 50, { prefix: `b${batch}-` }), [], `batch ${batch}`);
  t.deepEqual(await noiseFaults(server, DOCUMENTS), []);
});
