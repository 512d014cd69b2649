import test from 'ava';
import { TestServer } from '../support/server.js';

const MIB = 1024 * 1024;
const env = {
  LUMADB_MEMORY__MEMTABLE_SIZE: String(MIB),
  LUMADB_MEMORY__MEMTABLES_MAX: '3',
  LUMADB_MEMORY__BLOCK_CACHE_SIZE: String(MIB),
  LUMADB_MEMORY__ROW_CACHE_SIZE: String(MIB),
  LUMADB_WAL__SEGMENT_SIZE: String(MIB),
  LUMADB_COMPACTION__TABLE_SIZE: String(256 * 1024),
  LUMADB_COMPACTION__LEVEL_BASE_SIZE: String(MIB),
  LUMADB_SHARDING__SHARDS: '2',
};
const DOCUMENTS = 4000;
const pad = (n: number): string => `${n}:`.repeat(500).slice(0, 3000);

/** Writes all documents, a few at a time. Some are written twice: the second time counts. */
async function load(server: TestServer): Promise<void> {
  for (let n = 0; n < DOCUMENTS; n += 100) {
    const documents = Array.from({ length: 100 }, (_, i) => ({
      _id: `k${n + i}`,
      n: n + i,
      pad: pad(n + i),
    }));
    const answer = await server.request('POST', '/api/v1/c/bulk', { body: { documents } });
    if (answer.status !== 200) throw new Error(`bulk: ${answer.status} ${answer.text}`);
  }
  for (let n = 0; n < DOCUMENTS; n += 97) {
    const answer = await server.put(`/api/v1/c/k${n}`, { n: -n, pad: pad(n) });
    if (answer.status !== 200) throw new Error(`overwrite: ${answer.status} ${answer.text}`);
  }
}

async function everythingIsThere(server: TestServer): Promise<string | undefined> {
  for (let n = 0; n < DOCUMENTS; n += 13) {
    const answer = await server.get(`/api/v1/c/k${n}`);
    const wanted = n % 97 === 0 ? -n : n;
    if (answer.status !== 200 || answer.json.n !== wanted) return `k${n}: ${answer.status} ${answer.text}`;
  }
  let cursor: string | null = '';
  let seen = 0;
  while (cursor !== null) {
    const page: { data: unknown[]; pagination: { next_cursor: string | null } } = (
      await server.get(`/api/v1/c?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`)
    ).json;
    seen += page.data.length;
    cursor = page.pagination.next_cursor;
  }
  return seen === DOCUMENTS ? undefined : `${seen} documents in the list`;
}

test('data far larger than all memtables and caches is taken, served, and survives kill -9 and a clean stop', async (t) => {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  await load(server);
  const flushes = () => server.metric('lumadb_memtable_flushes_total{shard="0"}');
  await server.until('more memtables are flushed than there may be', async () => (await flushes()) >= 3);
  t.is(await everythingIsThere(server), undefined);
  await server.kill9();
  await server.restart();
  t.is(await everythingIsThere(server), undefined);
  t.is((await server.stop()).code, 0);
  await server.restart();
  t.is(await everythingIsThere(server), undefined);
  const collection = (await server.get('/api/v1/collections/c')).json;
  t.is(collection.document_count, DOCUMENTS);
  const absent = await server.get('/api/v1/c/k99999');
  t.is(absent.status, 404);
  t.is(
    (await server.put('/api/v1/c/k7', { n: 7 })).status,
    200,
    'a document in tables is replaced, not created',
  );
  t.is((await server.request('DELETE', '/api/v1/c/k8')).status, 200);
  t.is((await server.get('/api/v1/c/k8')).status, 404);
});

test('a document larger than a memtable is refused for good: 413', async (t) => {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  const answer = await server.put('/api/v1/c/a', { pad: 'x'.repeat(2 * MIB) });
  t.is(answer.status, 413);
  t.regex(answer.json.error.message, /memory\.memtable_size/);
  t.is((await server.put('/api/v1/c/b', {})).status, 201);
});
