/** SQL through real sockets: HTTP, WebSocket and the command line; limits, cancelling, streaming, errors. */
import test from 'ava';
import type { Answer } from '../support/http.js';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';

const DOCUMENTS = 5000;
let server: TestServer;

test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
  const documents = Array.from({ length: DOCUMENTS }, (_, i) => ({
    _id: `k${String(i).padStart(5, '0')}`,
    n: i,
    group: `g${i % 10}`,
    nested: { tags: ['a', `t${i % 3}`] },
  }));
  for (let i = 0; i < DOCUMENTS; i += 1000) {
    const body = JSON.stringify({ documents: documents.slice(i, i + 1000) });
    const { status, text } = await server.request('POST', '/api/v1/items/bulk', { body });
    if (status !== 200) throw new Error(text);
  }
});
test.after.always(() => server?.close());

const query = (
  sql: string,
  params: readonly unknown[] = [],
  more: Record<string, unknown> = {},
): Promise<Answer> =>
  server.request('POST', '/api/v1/query', { body: JSON.stringify({ query: sql, params, ...more }) });

test('a result has columns, rows, their number and the time', async (t) => {
  const { status, json } = await query('SELECT _id, n FROM items WHERE _id = $1', ['k00042']);
  t.is(status, 200);
  t.deepEqual(json.columns, ['_id', 'n']);
  t.deepEqual(json.rows, [['k00042', 42]]);
  t.is(json.row_count, 1);
  t.is(typeof json.execution_time_ms, 'number');
});

test('* is spread into the members of the documents', async (t) => {
  const { json } = await query("SELECT * FROM items WHERE _id = 'k00001'");
  t.deepEqual(json.columns, ['_id', 'n', 'group', 'nested']);
  t.deepEqual(json.rows, [['k00001', 1, 'g1', { tags: ['a', 't1'] }]]);
});

test('a value that is far more frequent than expected is answered in full all the same', async (t) => {
  const documents = Array.from({ length: 4000 }, (_, i) => ({ _id: `s${i}`, c: i < 3000 ? 'hot' : `c${i}` }));
  const body = JSON.stringify({ documents });
  t.is((await server.request('POST', '/api/v1/skewed/bulk', { body })).status, 200);
  t.is((await query('CREATE INDEX skewed_c ON skewed (c)')).status, 200);
  for (const [value, count] of [
    ['c3500', 1],
    ['hot', 3000],
    ['none', 0],
  ] as const) {
    const { json, text } = await query('SELECT _id FROM skewed WHERE c = $1', [value]);
    t.is(json.row_count, count, text.slice(0, 300));
    t.is(new Set(json.rows.map(([id]: [string]) => id)).size, count);
  }
});

test("UPDATE and ON CONFLICT DO UPDATE keep the time to live of a document, a new one gets its collection's", async (t) => {
  t.is(
    (await server.request('POST', '/api/v1/collections', { body: { name: 'brief', ttl: 5000 } })).status,
    201,
  );
  const expiry = async (id: string): Promise<number> => {
    const { headers } = await server.get(`/api/v1/brief/${id}`);
    return Date.parse(String(headers['x-lumadb-expires-at']));
  };
  await server.put('/api/v1/brief/own', { n: 1 }, { 'X-LumaDB-TTL': '90000' });
  const own = await expiry('own');
  t.is((await query("UPDATE brief SET n = n + 1 WHERE _id = 'own'")).json.row_count, 1);
  t.is(await expiry('own'), own);
  const upsert =
    "INSERT INTO brief (_id, n) VALUES ('own', 0), ('new', 0) ON CONFLICT (_id) DO UPDATE SET n = brief.n + 1";
  const upserted = await query(upsert);
  t.is(upserted.status, 200, upserted.text);
  t.is(await expiry('own'), own);
  t.is((await server.get('/api/v1/brief/own')).json.n, 3);
  const made = await expiry('new');
  t.true(made < own && made > own - 90_000_000, 'about 5000 seconds');
});

test('definitions and suggestions of indexes run as they are, also for members of members', async (t) => {
  const documents = Array.from({ length: 3000 }, (_, i) => ({
    _id: `d${i}`,
    at: { city: `c${i}`, 'Zip Code': i },
  }));
  t.is((await server.request('POST', '/api/v1/deep/bulk', { body: { documents } })).status, 200);
  const made = await query(
    'CREATE INDEX deep_i ON deep ((at.city) DESC, (at."Zip Code")) INCLUDE ((at.city)) WHERE at.city IS NOT NULL',
  );
  t.is(made.status, 200, made.text);
  const definition = async (): Promise<string> =>
    (await query("SELECT definition FROM system.indexes WHERE index_name = 'deep_i'")).json.rows[0][0];
  const text = await definition();
  t.is((await query('DROP INDEX deep_i')).status, 200);
  const again = await query(text);
  t.is(again.status, 200, `${text}: ${again.text}`);
  t.is(await definition(), text);
  t.is((await query('DROP INDEX deep_i')).status, 200);
  t.is((await query("SELECT _id FROM deep WHERE at.city = 'c7'")).json.row_count, 1);
  let suggestion: string | undefined;
  await server.until('there is a suggestion', async () => {
    const { json } = await query(
      "SELECT suggestion FROM system.missing_index_suggestions WHERE table_name = 'deep'",
    );
    suggestion = json.rows[0]?.[0];
    return suggestion !== undefined;
  });
  const suggested = await query(suggestion ?? '');
  t.is(suggested.status, 200, `${suggestion}: ${suggested.text}`);
  const { json } = await query("EXPLAIN ANALYZE SELECT _id, at FROM deep WHERE at.city = 'c7'");
  const plan = json.rows.flat().join('\n');
  t.regex(plan, /Index Scan using idx_deep_at_city/);
  const perShard = [...plan.matchAll(/Shard \d+: rows=(\d+)/g)].map(([, rows]) => Number(rows));
  t.is(
    perShard.reduce((sum, rows) => sum + rows, 0),
    1,
    'an entry and its document are one row',
  );
});

test('aggregates, groups and order over all shards', async (t) => {
  const { json, text } = await query(
    'SELECT "group" AS g, count(*) AS n, avg(n) AS a FROM items GROUP BY g ORDER BY g LIMIT 2',
  );
  t.deepEqual(
    json.rows,
    [
      ['g0', 500, 2495],
      ['g1', 500, 2496],
    ],
    text,
  );
});

test('a statement sees what was acknowledged before it', async (t) => {
  for (let i = 0; i < 50; i++) {
    const id = `fresh-${i}`;
    await server.put(`/api/v1/fresh/${id}`, { i });
    const byKey = await query('SELECT i FROM fresh WHERE _id = $1', [id]);
    t.deepEqual(byKey.json.rows, [[i]], byKey.text);
    const counted = await query('SELECT count(*) FROM fresh');
    t.deepEqual(counted.json.rows, [[i + 1]], counted.text);
  }
});

test('documents are inserted, updated and deleted, and the answer says how many', async (t) => {
  const inserted = await query(
    "INSERT INTO written (_id, a, b) VALUES ('x', 1, 'one'), ('y', 2, 'two') RETURNING _id",
  );
  t.deepEqual(inserted.json.rows, [['x'], ['y']], inserted.text);
  const again = await query("INSERT INTO written (_id, a) VALUES ('x', 9)");
  t.is(again.status, 400, again.text);
  t.is(again.json.error.details.sqlstate, '23505');
  const skipped = await query("INSERT INTO written (_id, a) VALUES ('x', 9) ON CONFLICT (_id) DO NOTHING");
  t.is(skipped.json.row_count, 0, skipped.text);
  const updated = await query("UPDATE written SET a = a + 10 WHERE b = 'one'");
  t.is(updated.json.row_count, 1, updated.text);
  t.deepEqual((await server.get('/api/v1/written/x')).json, { _id: 'x', a: 11, b: 'one' });
  const deleted = await query('DELETE FROM written WHERE a < 5 RETURNING _id');
  t.deepEqual(deleted.json.rows, [['y']], deleted.text);
  t.is((await server.get('/api/v1/written/y')).status, 404);
});

test('an error names what is wrong and where', async (t) => {
  const syntax = await query('SELECT * FORM items');
  t.is(syntax.status, 400);
  t.is(syntax.json.error.code, 'QUERY_ERROR');
  t.is(syntax.json.error.details.position, 10);
  const table = await query('SELECT * FROM itens');
  t.regex(table.json.error.message, /relation "itens" does not exist/);
  const division = await query('SELECT n / 0 FROM items');
  t.is(division.json.error.details.sqlstate, '22012', division.text);
  const missing = await query('SELECT $1');
  t.is(missing.status, 400);
  const transaction = await query('BEGIN');
  t.regex(transaction.json.error.message, /not supported/);
});

test('what is no query request is refused with its field', async (t) => {
  const send = (body: string): Promise<Answer> => server.request('POST', '/api/v1/query', { body });
  t.is((await send('{"query": 1}')).json.error.details.field, 'query');
  t.is((await send('{"query": "SELECT 1", "params": {}}')).json.error.details.field, 'params');
  t.is((await send('{"query": "SELECT 1", "timeout_ms": 0}')).json.error.details.field, 'timeout_ms');
  t.is((await send('{"query": "SELECT 1", "more": 0}')).json.error.details.field, 'more');
  t.is((await send('{"query": ')).status, 400);
});

test('rows are streamed as lines', async (t) => {
  const { status, text, headers } = await server.request('POST', '/api/v1/query', {
    body: JSON.stringify({ query: 'SELECT * FROM items ORDER BY n' }),
    headers: { Accept: 'application/x-ndjson' },
  });
  t.is(status, 200);
  t.is(headers['content-type'], 'application/x-ndjson');
  const lines = text.trim().split('\n');
  t.is(lines.length, DOCUMENTS);
  t.deepEqual(JSON.parse(lines[4999]), {
    _id: 'k04999',
    n: 4999,
    group: 'g9',
    nested: { tags: ['a', 't1'] },
  });
});

const ENDLESS = 'SELECT count(*) FROM generate_series(1, 1000000000000) AS s';

test('a statement ends when its time is up', async (t) => {
  const { status, json } = await query(ENDLESS, [], { timeout_ms: 300 });
  t.is(status, 408, JSON.stringify(json));
  t.is(json.error.code, 'TIMEOUT');
});

test('a statement is listed while it runs, and ends when somebody says so', async (t) => {
  const running = query(`${ENDLESS} WHERE s > 7`, [], { timeout_ms: 60_000 });
  let id = '';
  await server.until('it is listed', async () => {
    const { json } = await server.get('/admin/queries');
    const found = json.queries.find((each: { query: string }) => each.query.includes('s > 7'));
    id = found?.id ?? '';
    return id !== '';
  });
  t.is((await server.request('DELETE', `/admin/queries/${id}`)).status, 200);
  const { status, json } = await running;
  t.is(status, 400);
  t.is(json.error.details.sqlstate, '57014');
  t.is((await server.request('DELETE', '/admin/queries/none')).status, 404);
});

test('the answers over a WebSocket are those of HTTP', async (t) => {
  const socket = await RawWebSocket.open(server.port);
  t.teardown(() => socket.destroy());
  const { id, ok, columns, rows } = await socket.call({
    id: 1,
    op: 'query',
    query: 'SELECT max(n) AS m FROM items',
  });
  t.deepEqual({ id, ok, columns, rows }, { id: 1, ok: true, columns: ['m'], rows: [[DOCUMENTS - 1]] });
});

test('a row of a streamed result is one line, whatever line ends its document was written with', async (t) => {
  const body = '{\n  "a": [1,\r\n 2],\n  "text": "two\\nlines"\n}';
  await server.request('PUT', '/api/v1/multiline/x', { body });
  const { text } = await server.request('POST', '/api/v1/query', {
    body: { query: 'SELECT * FROM multiline' },
    headers: { Accept: 'application/x-ndjson' },
  });
  const lines = text.trimEnd().split('\n');
  t.is(lines.length, 1);
  t.like(JSON.parse(lines[0]), { a: [1, 2], text: 'two\nlines' });
});
