/** SQL when clients are slow, gone or wrong, and threads are busy. One query thread. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { Answer } from '../support/http.js';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';

const DOCUMENTS = 4000;
const LONG = 'SELECT count(*) FROM items a, items b, items c WHERE a.n + b.n + c.n = -1';
let server: TestServer;

test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_QUERY__THREADS: '1' } });
  for (let i = 0; i < DOCUMENTS; i += 1000) {
    const documents = Array.from({ length: 1000 }, (_, j) => ({
      _id: `k${i + j}`,
      n: i + j,
      text: 'x'.repeat(2000),
    }));
    const body = JSON.stringify({ documents });
    const { status, text } = await server.request('POST', '/api/v1/items/bulk', { body });
    if (status !== 200) throw new Error(text);
  }
});
test.after.always(() => server?.close());

const query = (sql: string, more: Record<string, unknown> = {}): Promise<Answer> =>
  server.request('POST', '/api/v1/query', { body: JSON.stringify({ query: sql, ...more }) });

test.serial(
  'objects as parameters and times of system tables arrive on query threads as what they are',
  async (t) => {
    const parameter = await query("SELECT count(*) AS c FROM items WHERE n < ($1::jsonb ->> 'n')::int", {
      params: [{ n: 7 }],
    });
    t.deepEqual(parameter.json.rows, [[7]], parameter.text);
    const times = await query("SELECT started_at < now() + interval '1 hour' AS past FROM system.queries");
    // The statement before may still be listed.
    t.true(
      times.json.rows?.length > 0 && times.json.rows.every(([past]: unknown[]) => past === true),
      times.text,
    );
    const given = await query('SELECT $1::jsonb AS p, n FROM items WHERE n = 0', { params: [{ n: [7] }] });
    t.deepEqual(given.json.rows, [[{ n: [7] }, 0]], given.text);
    const started = await query('SELECT started_at, started_at::date FROM system.queries');
    t.regex(started.json.rows?.[0]?.[0] ?? '', /^\d{4}-\d\d-\d\dT.*Z$/, started.text);
  },
);

test.serial('a client that leaves in the middle of a stream ends its statement, not the front', async (t) => {
  const body = JSON.stringify({ query: 'SELECT a.text, b.n FROM items a, items b' });
  const socket = connect(server.port, '127.0.0.1');
  socket.write(
    `POST /api/v1/query HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
  socket.destroy();
  await delay(500);
  const { status, text } = await query('SELECT count(*) AS c FROM items WHERE n < 3');
  t.is(status, 200, text);
});

test.serial('a statement that waits for a thread ends when its time is up', async (t) => {
  const running = async (): Promise<{ id: string } | undefined> =>
    (await server.get('/admin/queries')).json.queries.find((each: { query: string }) => each.query === LONG);
  const long = query(LONG, { timeout_ms: 240_000 });
  await server.until('the long one has the thread', async () => (await running()) !== undefined);
  const { json, text } = await query('SELECT sum(n) AS s FROM items', { timeout_ms: 500 });
  t.is(json.error?.code, 'TIMEOUT', text);
  const stillThere = await running();
  t.truthy(stillThere, 'it did not wait for the end of the long one');
  t.is((await server.request('DELETE', `/admin/queries/${stillThere?.id}`)).status, 200);
  t.is((await long).json.error.details.sqlstate, '57014');
});

test.serial('a statement over a WebSocket that does not parse is answered with its fault', async (t) => {
  const socket = await RawWebSocket.open(server.port);
  t.teardown(() => socket.destroy());
  const { id, error } = await socket.call({ id: 1, op: 'query', query: 'SELEC 1' });
  t.is(id, 1);
  t.is(error.code, 'QUERY_ERROR', JSON.stringify(error));
  t.regex(error.message, /syntax error/);
});
