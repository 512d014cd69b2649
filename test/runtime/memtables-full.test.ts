import test from 'ava';
import { TestServer } from '../support/server.js';

const env = {
  LUMADB_MEMORY__MEMTABLE_SIZE: String(1024 * 1024),
  LUMADB_MEMORY__MEMTABLES_MAX: '2',
  LUMADB_WAL__SEGMENT_SIZE: String(1024 * 1024),
};

test('a full memtable chain refuses writes by name, serves reads, and recovers full', async (t) => {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  const pad = 'x'.repeat(10_000);
  const stored = new Map<string, number>();
  let refused = await server.put('/api/v1/c/k0', { n: 0, pad });
  for (let n = 1; refused.status < 300; n++) {
    t.true(n < 1000, 'the chain never fills');
    stored.set(`k${n - 1}`, n - 1);
    refused = await server.put(`/api/v1/c/k${n}`, { n, pad });
  }
  const check = async (): Promise<void> => {
    const answer = await server.put('/api/v1/c/more', { pad });
    t.is(answer.status, 503);
    t.is(answer.json.error.code, 'UNAVAILABLE');
    t.regex(answer.json.error.message, /all 2 memtables are full.*memory\.memtables_max/);
    t.truthy(answer.headers['retry-after']);
    t.is((await server.get('/status')).json.shards[0].stall_cause, 'memtables_full');
    t.is((await server.get('/health')).status, 503);
    for (const [key, n] of stored) t.is((await server.get(`/api/v1/c/${key}`)).json.n, n);
    t.is((await server.get('/api/v1/c?limit=1000')).json.data.length, stored.size);
    t.is((await server.get('/ready')).status, 200);
  };
  await check();
  t.true((await server.metric('lumadb_writes_refused_total{shard="0",cause="memtables_full"}')) >= 1);
  await server.kill9();
  await server.restart();
  await check();
  t.is((await server.stop()).code, 0);
  await server.restart();
  await check();
});

test('a document larger than a memtable is refused for good: 413', async (t) => {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  const answer = await server.put('/api/v1/c/a', { pad: 'x'.repeat(2 * 1024 * 1024) });
  t.is(answer.status, 413);
  t.regex(answer.json.error.message, /memory\.memtable_size/);
  t.is((await server.put('/api/v1/c/b', {})).status, 201);
});
