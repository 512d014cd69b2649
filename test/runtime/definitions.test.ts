/** Definitions that change while a shard starts, and batches that their entries make too large. */
import test from 'ava';
import type { CollectionControl } from '../../src/runtime/collection-control.js';
import { type InProcessServer, startInProcess } from '../support/in-process.js';
import { until } from '../support/time.js';

async function sql({ http }: InProcessServer, query: string) {
  const answer = await http.request('POST', '/api/v1/query', { body: { query } });
  if (answer.status !== 200) throw new Error(`${query.slice(0, 100)}: ${answer.text}`);
  return answer.json;
}

const collectionsOf = ({ server }: InProcessServer): CollectionControl =>
  // Private to the server; there is no other way to change definitions while it refuses clients.
  (server as unknown as { collections: CollectionControl }).collections;

test('a shard that starts goes by the definitions of then, not of when it was started', async (t) => {
  const server = await startInProcess(t);
  await sql(server, 'CREATE TABLE s (x bigint NOT NULL)');
  await sql(server, "INSERT INTO t (_id, city) VALUES ('a', 'Ulm')");
  await sql(server, 'CREATE INDEX p ON t (city)');
  const [slot] = server.supervisor.shards;
  const before = slot.incarnation;
  await before?.thread.worker.terminate();
  await until('the shard starts again', () => slot.incarnation !== before && slot.incarnation !== undefined);
  // The schema needs a module that the shard is about to load, the emptied index does not.
  const collections = collectionsOf(server);
  await Promise.all([collections.drop('s'), collections.truncate('t')]);
  await until('the shard serves', () => slot.state === 'ready');
  const values = Array.from({ length: 100 }, (_, i) => `('d${i}', 'C${i}')`);
  await sql(server, `INSERT INTO t (_id, city) VALUES ${values.join(', ')}`);
  t.deepEqual((await sql(server, "SELECT _id FROM t WHERE city = 'C7'")).rows, [['d7']]);
  t.deepEqual((await sql(server, "SELECT count(*) FROM t WHERE city >= 'C'")).rows, [[100]]);
});

test('an index is built however many others there are, also where memtables are small', async (t) => {
  const server = await startInProcess(t, { LUMADB_MEMORY__MEMTABLE_SIZE: String(1024 * 1024) });
  const text = (i: number, name: string) => `${name}${String(i).padStart(6, '0')}`.padEnd(490, name);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (let from = 0; from < 600; from += 50) {
    const documents = Array.from({ length: 50 }, (_, i) => {
      const members = names.map((name) => [name, text(from + i, name)]);
      return { _id: `k${from + i}`, ...Object.fromEntries(members) };
    });
    const { status, text: answer } = await server.http.request('POST', '/api/v1/wide/bulk', {
      body: { documents },
    });
    t.is(status, 200, answer);
  }
  for (const name of names) await sql(server, `CREATE INDEX wide_${name} ON wide (${name})`);
  for (const name of names) {
    const found = await sql(server, `SELECT _id FROM wide WHERE ${name} = '${text(599, name)}'`);
    t.deepEqual(found.rows, [['k599']], name);
  }
});

test('a statement that waited for its thread sees one version of a document that expired meanwhile', async (t) => {
  const server = await startInProcess(t, { LUMADB_COMPACTION__EXPIRY_SWEEP_INTERVAL_MS: '3600000' });
  const { http } = server;
  await sql(server, 'CREATE TABLE a ()');
  await sql(server, 'CREATE INDEX a_city ON a (city)');
  const put = (city: string, headers: Record<string, string>) =>
    http.request('PUT', '/api/v1/a/d', { body: { city }, headers });
  t.is((await put('A', { 'x-lumadb-ttl': '1' })).status, 201);
  const holds = sql(server, 'SELECT count(*) FROM generate_series(1, 12000000) g WHERE g % 7 = 3');
  const waits = sql(
    server,
    "SELECT a._id, a.city FROM a JOIN generate_series(1, 2) g ON true WHERE a.city IN ('A', 'B') AND g = 1",
  );
  // The time to live of the first has passed and the second is written before the statement has its thread.
  await until(
    'the first version has expired',
    async () => (await http.request('GET', '/api/v1/a/d')).status === 404,
  );
  t.is((await put('B', {})).status, 201);
  await holds;
  const { rows } = await waits;
  t.true(rows.length <= 1, JSON.stringify(rows));
});
