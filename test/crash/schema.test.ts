/** Definitions that change under writes, and servers that are killed in the middle of it. */
import test, { type ExecutionContext } from 'ava';
import { seededPrng } from '../support/random.js';
import { TestServer } from '../support/server.js';

const ROUNDS = 5;
const WRITERS = 8;

const query = (server: TestServer, sql: string) =>
  server.request('POST', '/api/v1/query', { body: JSON.stringify({ query: sql }) });

async function violations(t: ExecutionContext, server: TestServer): Promise<number> {
  const { json, text } = await query(server, 'SELECT count(*) FROM busy WHERE NOT (n < 100)');
  t.is(json.row_count, 1, text);
  return json.rows[0][0];
}

test('a constraint that ALTER TABLE has added holds for every document, whatever was being written', async (t) => {
  const prng = seededPrng(t);
  const server = await TestServer.start({
    env: { LUMADB_SHARDING__SHARDS: '2', LUMADB_WAL__DURABILITY: 'os' },
  });
  t.teardown(() => server.close());
  await query(server, 'CREATE TABLE busy ()');
  let isOver = false;
  const counts = { refused: 0, taken: 0 };
  const write = async (): Promise<void> => {
    while (!isOver) {
      // Few are too large: sometimes there is none when the constraint comes.
      const n = prng.nextBelow(12) === 0 ? 100 + prng.nextBelow(100) : prng.nextBelow(100);
      const body = { n };
      const path = `/api/v1/busy/k${prng.nextBelow(4)}`;
      const method = prng.nextBelow(2) === 0 ? 'PUT' : 'PATCH';
      const { status, text } = await server.request(method, path, { body });
      if (status === 400) counts.refused++;
      else if (status < 300) counts.taken++;
      else if (status !== 404 && status !== 503) throw new Error(text);
    }
  };
  const writers = Array.from({ length: WRITERS }, write);
  let added = 0;
  let refused = 0;
  try {
    await server.until('the constraint was added and refused', async () => {
      const { status, json } = await query(server, 'ALTER TABLE busy ADD CONSTRAINT low CHECK (n < 100)');
      if (status !== 200) {
        t.is(json.error.details.sqlstate, '23514', json.error.message);
        refused++;
        return false;
      }
      added++;
      for (let look = 0; look < 3; look++) t.is(await violations(t, server), 0);
      t.is((await query(server, 'ALTER TABLE busy DROP CONSTRAINT low')).status, 200);
      return added >= ROUNDS && refused > 0 && counts.refused > 0;
    });
  } finally {
    isOver = true;
    await Promise.all(writers);
  }
  t.log(
    `added ${added} times, refused ${refused} times; ${counts.taken} writes taken, ${counts.refused} refused`,
  );
  t.true(counts.taken > 0);
});

test('an ALTER TABLE that fails leaves nothing behind that only it would have allowed', async (t) => {
  const server = await TestServer.start({
    env: { LUMADB_SHARDING__SHARDS: '2', LUMADB_WAL__DURABILITY: 'os' },
  });
  t.teardown(() => server.close());
  await query(server, 'CREATE TABLE strict (x bigint NOT NULL)');
  for (let i = 0; i < 20; i++) await server.put(`/api/v1/strict/k${i}`, { x: 1, y: i === 19 ? -1 : 1 });
  let isOver = false;
  let refused = 0;
  const write = async (writer: number): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      const { status, text } = await server.put(`/api/v1/strict/bad-${writer}-${i % 50}`, { y: 1 });
      t.true(status === 400 || status === 503, text);
      if (status === 400) refused++;
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
  for (let round = 0; round < 10; round++) {
    const change = 'ALTER TABLE strict ALTER COLUMN x DROP NOT NULL, ADD CONSTRAINT c CHECK (y > 0)';
    t.is((await query(server, change)).status, 400);
  }
  isOver = true;
  await Promise.all(writers);
  t.true(refused > 10);
  t.deepEqual((await query(server, 'SELECT count(*) FROM strict WHERE x IS NULL')).json.rows, [[0]]);
  // What the old schema does not allow is no hindrance to a looser one.
  t.is((await query(server, 'ALTER TABLE strict ALTER COLUMN x DROP NOT NULL')).status, 200);
  t.is((await server.put('/api/v1/strict/now', { y: 1 })).status, 201);
});

test('definitions survive kill -9: what was acknowledged, or the change that was under way', async (t) => {
  const prng = seededPrng(t);
  const server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
  t.teardown(() => server.close());
  await query(server, 'CREATE TABLE kept (n bigint NOT NULL CHECK (n >= 0))');
  await server.put('/api/v1/kept/a', { n: 1 });
  let acknowledged = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const target = acknowledged + 1 + prng.nextBelow(4);
    let asked = acknowledged;
    const changes = (async () => {
      for (;;) {
        asked = acknowledged + 1;
        const { status } = await query(
          server,
          `ALTER TABLE kept ADD CONSTRAINT c${asked} CHECK (n <> -${asked})`,
        );
        if (status !== 200) throw new Error(`status ${status}`);
        acknowledged = asked;
      }
    })().catch(() => {}); // ends when the server is killed
    await server.until('some changes are acknowledged', () => acknowledged >= target);
    await server.kill9();
    await changes;
    await server.restart();
    const { json } = await server.get('/api/v1/collections/kept');
    const names: string[] = json.schema.checks.map(({ name }: { name: string }) => name);
    const found = names.length - 1;
    t.true(
      found === acknowledged || found === asked,
      `${found} of ${acknowledged} acknowledged, ${asked} asked`,
    );
    t.deepEqual(names, ['kept_n_check', ...Array.from({ length: found }, (_, i) => `c${i + 1}`)]);
    acknowledged = found;
    t.is((await server.put('/api/v1/kept/b', { n: -1 })).status, 400, 'it is enforced from the first write');
    t.is((await server.request('PATCH', '/api/v1/kept/a', { body: { n: null } })).status, 400);
    t.is((await server.request('PATCH', '/api/v1/kept/a', { body: { n: round } })).status, 200);
  }
  t.deepEqual((await server.get('/api/v1/kept/a')).json, { _id: 'a', n: ROUNDS - 1 });
  t.is((await server.get('/api/v1/kept/b')).status, 404);
});

test('no document comes in unchecked beside the CREATE TABLE that makes its collection', async (t) => {
  const server = await TestServer.start({
    env: { LUMADB_SHARDING__SHARDS: '2', LUMADB_SERVER__FRONT_THREADS: '2', LUMADB_WAL__DURABILITY: 'os' },
  });
  t.teardown(() => server.close());
  let made = 0;
  let refused = 0;
  let round = 0;
  await server.until('collections were made with their schema in the middle of writes', async () => {
    const name = `fresh${round++}`;
    const write = async (i: number): Promise<void> => {
      // Later in each round: sooner or later it is CREATE TABLE that makes the collection.
      for (let turn = 0; turn < round * 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      const { status, text } = await server.put(`/api/v1/${name}/k${i}`, {});
      t.true(status === 201 || status === 400 || status === 503, text);
      if (status === 400) refused++;
    };
    const create = query(server, `CREATE TABLE ${name} (n bigint NOT NULL)`);
    const [{ status, text }] = await Promise.all([create, ...Array.from({ length: 20 }, (_, i) => write(i))]);
    t.true(status === 200 || /already exists/.test(text), text);
    if (status !== 200) return false;
    made++;
    const { json } = await query(server, `SELECT count(*) FROM ${name} WHERE n IS NULL`);
    t.is(json.rows[0][0], 0, name);
    return made >= 5 && refused > 0;
  });
  t.log(`${made} of ${round} were made with their schema; ${refused} writes were refused`);
});
