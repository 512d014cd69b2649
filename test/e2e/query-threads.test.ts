/** Statements that several query threads run together, over several shards, through a real server. */
import test from 'ava';
import type { Answer } from '../support/http.js';
import { TestServer } from '../support/server.js';

const DOCUMENTS = 30_000;
const GROUPS = 50;
const BULK = 1000;
let server: TestServer;

test.before(async () => {
  server = await TestServer.start({
    env: {
      LUMADB_SHARDING__SHARDS: '2',
      LUMADB_QUERY__THREADS: '3',
      LUMADB_QUERY__MEMORY_LIMIT: String(4 * 1024 * 1024),
    },
  });
  for (let start = 0; start < DOCUMENTS; start += BULK) {
    const documents = Array.from({ length: BULK }, (_, i) => document(start + i));
    const { status, text } = await server.request('POST', '/api/v1/items/bulk', {
      body: JSON.stringify({ documents }),
    });
    if (status !== 200) throw new Error(text);
  }
  // Plans have a gather once the statistics know how many documents there are.
  await server.until('the planner knows the collection', async () => /Gather/.test(await planOf(GROUPED)));
});
test.after.always(() => server?.close());

const document = (n: number) => ({
  _id: `k${String(n).padStart(6, '0')}`,
  n,
  group: n % GROUPS,
  mixed: n % 100 === 0 ? null : n % 3 === 0 ? `t${n}` : n / 4,
  text: `${'x'.repeat(40)}${n}`,
});

const query = (sql: string, more: Record<string, unknown> = {}): Promise<Answer> =>
  server.request('POST', '/api/v1/query', { body: JSON.stringify({ query: sql, ...more }) });

async function planOf(sql: string, words = 'EXPLAIN'): Promise<string> {
  const { json, text, status } = await query(`${words} ${sql}`);
  if (status !== 200) throw new Error(text);
  return json.rows.flat().join('\n');
}

const GROUPED = 'SELECT "group" AS g, count(*) AS c, avg(n) AS a FROM items GROUP BY g ORDER BY g';
/** Takes some seconds; no two of its rows can be left out. */
const LONG =
  "SELECT count(*) FROM items WHERE (length(replace(repeat(text, 300), 'x', 'yz')) + length(replace(repeat(text, 301), 'x', 'yz'))) > 0";

test('groups of all parts are put together', async (t) => {
  const { json, text } = await query(GROUPED);
  t.is(json.rows?.length, GROUPS, text);
  for (const [g, c, a] of json.rows) {
    t.is(c, DOCUMENTS / GROUPS);
    t.is(a, g + (DOCUMENTS - GROUPS) / 2);
  }
});

test('sorted parts are merged to the first rows of all', async (t) => {
  const sql = 'SELECT n, text FROM items WHERE n % 7 = 3 ORDER BY n DESC LIMIT 25';
  t.regex(await planOf(sql), /Gather Merge/);
  const { json, text } = await query(sql);
  const expected = Array.from({ length: DOCUMENTS }, (_, n) => DOCUMENTS - 1 - n).filter((n) => n % 7 === 3);
  t.deepEqual(
    json.rows?.map(([n]: [number]) => n),
    expected.slice(0, 25),
    text,
  );
});

test('EXPLAIN ANALYZE has the rows of all shards, whichever thread read them', async (t) => {
  const plan = await planOf(GROUPED, 'EXPLAIN (ANALYZE, FORMAT JSON)');
  const launched = /"Workers Launched": (\d+)/.exec(plan);
  t.truthy(launched, plan);
  t.true(Number(launched?.[1]) >= 1 && Number(launched?.[1]) <= 3, plan);
  const text = await planOf(GROUPED, 'EXPLAIN ANALYZE');
  const shards = [...text.matchAll(/shard \d+.*?rows=(\d+)/gi)].map(([, rows]) => Number(rows));
  t.is(
    shards.reduce((sum, rows) => sum + rows, 0),
    DOCUMENTS,
    text,
  );
});

test('more than one thread takes part once they have started', async (t) => {
  await server.until('a member has helped', async () => {
    const plan = await planOf(GROUPED, 'EXPLAIN (ANALYZE, FORMAT JSON)');
    return Number(/"Workers Launched": (\d+)/.exec(plan)?.[1] ?? 0) > 1;
  });
  t.pass();
});

test('an error in any part is the error of the statement, with its position', async (t) => {
  for (let i = 0; i < 5; i++) {
    const { status, json, text } = await query('SELECT sum(10 / (n - 29999)) FROM items');
    t.is(status, 400, text);
    t.is(json.error.details.sqlstate, '22012', text);
  }
});

test('many statements at once all get an answer: nobody waits for a thread that waits for it', async (t) => {
  const answers = await Promise.all(Array.from({ length: 24 }, () => query(GROUPED)));
  for (const { status, json, text } of answers) {
    t.is(status, 200, text);
    t.is(json.rows.length, GROUPS);
  }
});

test('time that is up ends all parts', async (t) => {
  const { status, json } = await query(LONG, { timeout_ms: 200 });
  t.is(status, 408, JSON.stringify(json));
  await server.until('nothing runs', async () => (await server.get('/admin/queries')).json.total === 0);
  t.is((await query(GROUPED)).json.rows.length, GROUPS);
});

test('a statement that is cancelled in the middle ends on all threads', async (t) => {
  const running = query(`${LONG} OR n = 4711`, { timeout_ms: 60_000 });
  let id = '';
  await server.until('it runs', async () => {
    const { json } = await server.get('/admin/queries');
    const found = json.queries.find(
      (each: { query: string; state: string }) => each.state === 'running' && each.query.includes('4711'),
    );
    id = found?.id ?? '';
    return id !== '';
  });
  t.is((await server.request('DELETE', `/admin/queries/${id}`)).status, 200);
  const { status, json } = await running;
  t.is(status, 400, JSON.stringify(json));
  t.is(json.error.details.sqlstate, '57014');
  t.is((await query(GROUPED)).json.rows.length, GROUPS);
});

test('memory is what all threads of a statement hold together', async (t) => {
  const sql = 'SELECT text, count(*) FROM items GROUP BY text, n, _id ORDER BY text LIMIT 1';
  const { status, json, text } = await query(sql);
  t.is(status, 400, text);
  t.is(json.error?.details.sqlstate, '53200', text);
  t.regex(json.error.message, /query\.memory_limit/);
  t.is((await query(GROUPED)).json.rows.length, GROUPS, 'and it is given back');
});

test('rows of many batches come through whole, as values of any kind', async (t) => {
  const { text } = await server.request('POST', '/api/v1/query', {
    body: JSON.stringify({ query: 'SELECT n, mixed, text FROM items WHERE n >= 0' }),
    headers: { Accept: 'application/x-ndjson' },
  });
  const rows = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((a, b) => a.n - b.n);
  t.is(rows.length, DOCUMENTS);
  for (const [n, row] of rows.entries()) {
    const { mixed, text: expected } = document(n);
    if (row.n !== n || row.mixed !== mixed || row.text !== expected)
      t.deepEqual(row, { n, mixed, text: expected });
  }
});
