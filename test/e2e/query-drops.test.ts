/** Statements beside the end of what they read: all rows, or an error that says why; never fewer. */
import { type IncomingMessage, request } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { TestServer } from '../support/server.js';
import { SMALL_LSM, writeNoise } from '../support/small-lsm.js';

/** Of 2 KB: more than sockets and a slice of a scan hold. */
const DOCUMENTS = 8000;

async function loaded(t: ExecutionContext): Promise<TestServer> {
  const server = await TestServer.start({ env: { ...SMALL_LSM, LUMADB_QUERY__THREADS: '1' } });
  t.teardown(() => server.close());
  await writeNoise(server, DOCUMENTS);
  return server;
}

const query = (server: TestServer, sql: string) =>
  server.request('POST', '/api/v1/query', { body: { query: sql } });

/** Merges everything, dropping what may be dropped. Returns the bytes of all tables. */
async function compact(server: TestServer): Promise<number> {
  const { json } = await server.request('POST', '/admin/compaction', { body: { all: true } });
  let task = json;
  await server.until('the compaction is done', async () => {
    task = (await server.get(`/admin/tasks/${json.id}`)).json;
    return task.state !== 'running';
  });
  return task.result.table_bytes_after;
}

/** A stream of rows that is not read yet: the query thread waits for its client in the middle of the scan. */
async function beginStream(t: ExecutionContext, server: TestServer, sql: string): Promise<IncomingMessage> {
  const sent = request({
    port: server.port,
    method: 'POST',
    path: '/api/v1/query',
    headers: { accept: 'application/x-ndjson' },
  });
  t.teardown(() => sent.destroy());
  sent.end(JSON.stringify({ query: sql }));
  return new Promise((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
}

async function rowsOf(stream: IncomingMessage): Promise<number> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{"_id"')).length;
}

for (const end of ['DROP TABLE c', 'TRUNCATE c']) {
  test(`a scan that has begun before ${end} sees every row, and the space is free afterwards`, async (t) => {
    const server = await loaded(t);
    const full = await compact(server);
    const stream = await beginStream(t, server, 'SELECT _id, pad FROM c');
    t.is((await query(server, end)).status, 200);
    t.true((await compact(server)) > full / 2, 'what is read is still there');
    t.is(await rowsOf(stream), DOCUMENTS);
    const tableBytes = () => server.metric('lumadb_table_bytes{shard="0"}');
    await server.until('the space is free by itself', async () => (await tableBytes()) < full / 10);
  });
}

test('a statement that waits for a thread while its collection is dropped sees every row or says why not', async (t) => {
  const server = await loaded(t);
  const busy = await beginStream(t, server, 'SELECT _id, pad FROM c');
  const waiting = query(server, 'SELECT count(*), count(pad) FROM c');
  await server.until('it waits', async () => {
    const { queries } = (await server.get('/admin/queries')).json;
    return queries.some(({ state }: { state: string }) => state === 'queued');
  });
  t.is((await query(server, 'DROP TABLE c')).status, 200);
  await compact(server);
  t.is(await rowsOf(busy), DOCUMENTS);
  const { status, json, text } = await waiting;
  t.is(status, 200, text);
  t.deepEqual(json.rows, [[DOCUMENTS, DOCUMENTS]]);
});

test('statements beside a collection that is dropped and made again all the time give its rows, none, or an error', async (t) => {
  const server = await TestServer.start({ env: SMALL_LSM });
  t.teardown(() => server.close());
  const body = { documents: Array.from({ length: 300 }, (_, i) => ({ _id: `k${i}`, n: 1 })) };
  let isOver = false;
  const drops = async (): Promise<void> => {
    for (let round = 0; round < 20; round++) {
      await server.request('POST', '/api/v1/brief/bulk?atomic=true', { body });
      if (round % 5 === 0) await compact(server);
      await query(server, round % 2 === 0 ? 'DROP TABLE brief' : 'TRUNCATE brief');
    }
    isOver = true;
  };
  const counts = new Map<string, number>();
  const ask = async (sql: string): Promise<void> => {
    while (!isOver) {
      const { status, json } = await query(server, sql);
      const outcome = status === 200 ? `${json.rows[0]?.[0]}` : json.error.message;
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
  };
  await Promise.all([
    drops(),
    ask('SELECT count(*) FROM brief'),
    ask("SELECT count(*) FROM brief WHERE _id = 'k7'"),
  ]);
  t.log(JSON.stringify(Object.fromEntries(counts)));
  const allowed = /^(0|1|300|relation "brief" does not exist)$/;
  t.deepEqual(
    [...counts.keys()].filter((outcome) => !allowed.test(outcome)),
    [],
  );
});
