/** A statement that cannot look whether it has to end loses its thread, and nobody else loses anything. */
import test from 'ava';
import { TestServer } from '../support/server.js';
import { SMALL_LSM, writeNoise } from '../support/small-lsm.js';

/** V8 matches them for longer than anybody waits. A front would take them for short, or work them out while it plans. */
const ENDLESS = [
  "SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' ~ '^(a+)+\\1$'",
  "SELECT regexp_replace(_id || 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', '(a+)+\\1$', '') FROM c WHERE _id = 'k1'",
];

for (const [index, endless] of ENDLESS.entries())
  test(`the thread of a statement that does not stop is ended, and those that wait for it run (${index + 1})`, async (t) => {
    const server = await TestServer.start({ env: { ...SMALL_LSM, LUMADB_QUERY__THREADS: '1' } });
    t.teardown(() => server.close());
    await writeNoise(server, 100);
    const query = (sql: string, timeout_ms: number) =>
      server.request('POST', '/api/v1/query', { body: { query: sql, timeout_ms } });
    // Its time starts when it is sent: the thread is there by then.
    t.is((await query('SELECT count(*) FROM c', 100_000)).status, 200);
    const answer = query(endless, 2000);
    await server.until('it runs', async () => {
      const { queries } = (await server.get('/admin/queries')).json;
      return queries[0]?.state === 'running';
    });
    const waiting = query('SELECT count(*), max(pad) FROM c', 100_000);
    const late = await answer;
    t.is(late.status, 408, late.text);
    t.regex(late.json.error.message, /did not stop by itself, and its thread was ended/);
    const { status, json, text } = await waiting;
    t.is(status, 200, text);
    t.is(json.rows[0][0], 100);
    await server.untilLogged(/a statement does not stop by itself: its thread is ended request_id=\S+ sql=/);
    // Nothing of the dead thread holds memtables back.
    await writeNoise(server, 2000, { prefix: 'more-' });
    await server.until(
      'memtables are flushed',
      async () => (await server.metric('lumadb_memtables{shard="0"}')) <= 2,
    );
    t.is((await query('SELECT count(*) FROM c', 100_000)).json.rows[0][0], 2100);
  });
