/** Collections with a schema through real sockets: every way to write is checked, definitions change online and survive. */
import test, { type ExecutionContext } from 'ava';
import type { Answer } from '../support/http.js';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';

let server: TestServer;

test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
});
test.after.always(() => server?.close());

const query = (sql: string, params: readonly unknown[] = []): Promise<Answer> =>
  server.request('POST', '/api/v1/query', { body: JSON.stringify({ query: sql, params }) });

async function run(t: ExecutionContext, sql: string, params: readonly unknown[] = []): Promise<Answer> {
  const answer = await query(sql, params);
  t.is(answer.status, 200, `${sql}: ${answer.text}`);
  return answer;
}

async function fails(t: ExecutionContext, sql: string, sqlstate: string, message: RegExp): Promise<void> {
  const { status, json, text } = await query(sql);
  t.is(status, 400, text);
  t.is(json.error.code, 'QUERY_ERROR');
  t.is(json.error.details.sqlstate, sqlstate, text);
  t.regex(json.error.message, message);
}

const goods = (name: string): string =>
  `CREATE TABLE ${name} (name text NOT NULL, price numeric(10,2) DEFAULT 1.5 CHECK (price >= 0), made timestamptz,
     tags text[], stock bigint NOT NULL DEFAULT 3 + 4, CONSTRAINT sane CHECK (price < 100 OR name = 'gold'))`;

test('PUT, POST, PATCH and bulk refuse what the schema does not allow, with the name of the field', async (t) => {
  await run(t, goods('http_goods'));
  const good = {
    name: 'a',
    price: 2.25,
    stock: 1,
    tags: ['x', null],
    made: '2026-01-02T03:04:05Z',
    other: { free: 1 },
  };
  t.is((await server.put('/api/v1/http_goods/a', good)).status, 201);
  const wrong: [Record<string, unknown>, string, string][] = [
    [{ name: null }, 'name', '23502'],
    [{ stock: undefined }, 'stock', '23502'],
    [{ price: 'x' }, 'price', '22P02'],
    [{ price: 1.555 }, 'price', '22003'],
    [{ price: 123456789.5 }, 'price', '22003'],
    [{ stock: 1.5 }, 'stock', '22P02'],
    [{ name: 7 }, 'name', '22P02'],
    [{ made: 'yesterday' }, 'made', '22P02'],
    [{ tags: 'x' }, 'tags', '22P02'],
    [{ tags: ['x', 1] }, 'tags', '22P02'],
  ];
  for (const [change, field, sqlstate] of wrong) {
    const document = { ...good, ...change };
    for (const answer of [
      await server.put('/api/v1/http_goods/b', document),
      await server.request('POST', '/api/v1/http_goods', { body: document }),
    ]) {
      t.is(answer.status, 400, answer.text);
      t.like(answer.json.error, { code: 'VALIDATION_ERROR', details: { field, sqlstate } });
      t.true(answer.json.error.message.includes(`"${field}"`), answer.text);
    }
  }
  const checked = await server.put('/api/v1/http_goods/b', { ...good, price: -1 });
  t.like(checked.json.error.details, { sqlstate: '23514', constraint: 'http_goods_price_check' });
  const patched = await server.request('PATCH', '/api/v1/http_goods/a', { body: { price: 100 } });
  t.is(patched.status, 400, patched.text);
  t.like(patched.json.error.details, { sqlstate: '23514', constraint: 'sane' });
  const gold = await server.request('PATCH', '/api/v1/http_goods/a', { body: { price: 100, name: 'gold' } });
  t.is(gold.status, 200, gold.text);
  const removed = await server.request('PATCH', '/api/v1/http_goods/a', { body: { name: null } });
  t.like(removed.json.error.details, { field: 'name', sqlstate: '23502' });
  t.is((await server.get('/api/v1/http_goods/b')).status, 404);
  t.like((await server.get('/api/v1/http_goods/a')).json, { name: 'gold', price: 100 });
  const documents = [
    { _id: 'x', ...good },
    { _id: 'y', ...good, stock: 'many' },
    { _id: 'z', ...good },
  ];
  const bulk = await server.request('POST', '/api/v1/http_goods/bulk', { body: { documents } });
  t.deepEqual(
    bulk.json.results.map(({ status }: { status: number }) => status),
    [201, 400, 201],
  );
  t.regex(bulk.json.results[1].error.message, /column "stock"/);
  t.is(bulk.json.results[1].error.details.field, 'stock');
  const atomic = await server.request('POST', '/api/v1/http_goods/bulk?atomic=true', {
    body: {
      documents: [
        { _id: 'p', ...good, stock: 'no' },
        ...['q', 'r', 's', 'u', 'v'].map((_id) => ({ _id, ...good })),
      ],
    },
  });
  t.is(atomic.json.results[0].status, 400);
  const aborted = atomic.json.results.filter(({ status }: { status: number }) => status === 412).length;
  const written = atomic.json.results.filter(({ status }: { status: number }) => status === 201).length;
  t.is(aborted + written, 5, 'those of the same shard are not written');
  t.true(aborted > 0);
});

test('a WebSocket is told the same', async (t) => {
  await run(t, goods('ws_goods'));
  const socket = await RawWebSocket.open(server.port);
  t.teardown(() => socket.destroy());
  const at = { collection: 'ws_goods', _id: 'a' };
  const bad = await socket.call({ id: 1, op: 'put', ...at, document: { name: 'a' } });
  t.like(bad, { id: 1, error: { code: 'VALIDATION_ERROR', details: { field: 'stock', sqlstate: '23502' } } });
  t.like(await socket.call({ id: 2, op: 'put', ...at, document: { name: 'a', stock: 1 } }), {
    id: 2,
    ok: true,
  });
  const patch = await socket.call({ id: 3, op: 'patch', ...at, document: { stock: 'b' } });
  t.like(patch, {
    id: 3,
    error: { code: 'VALIDATION_ERROR', details: { field: 'stock', sqlstate: '22P02' } },
  });
});

test('INSERT applies defaults, and INSERT and UPDATE answer with PostgreSQL states', async (t) => {
  await run(t, goods('sql_goods'));
  await run(t, `INSERT INTO sql_goods (_id, name, made) VALUES ('a', 'one', '2026-01-02 04:04:05+01')`);
  t.deepEqual((await server.get('/api/v1/sql_goods/a')).json, {
    _id: 'a',
    name: 'one',
    made: '2026-01-02T03:04:05.000Z',
    price: 1.5,
    stock: 7,
  });
  const { json } = await run(t, `SELECT * FROM sql_goods WHERE made = '2026-01-02T03:04:05Z'`);
  t.deepEqual(json.columns.slice(0, 5), ['name', 'price', 'made', 'tags', 'stock']);
  t.is(json.row_count, 1);
  await fails(
    t,
    `INSERT INTO sql_goods (price) VALUES (1)`,
    '23502',
    /column "name" of relation "sql_goods"/,
  );
  await fails(t, `INSERT INTO sql_goods (name, price) VALUES ('x', -1)`, '23514', /"sql_goods_price_check"/);
  await fails(t, `INSERT INTO sql_goods (name, price) VALUES ('x', 'abc')`, '22P02', /abc/);
  await fails(t, `UPDATE sql_goods SET price = 200`, '23514', /"sane"/);
  await fails(t, `UPDATE sql_goods SET name = NULL`, '23502', /"name"/);
  await run(t, `UPDATE sql_goods SET price = 200, name = 'gold'`);
  t.is((await run(t, 'SELECT price FROM sql_goods')).json.rows[0][0], 200);
});

test('POST collections takes a schema and indexes, and GET shows them', async (t) => {
  const schema = {
    columns: [
      { name: 'city', type: 'varchar(5)', not_null: true },
      { name: 'price', type: 'numeric(10,2)', default: 0, check: 'price >= 0 -- never negative' },
    ],
    checks: [{ name: 'sane', expression: 'price < 10' }],
  };
  const indexes = [
    { name: 'posted_city', columns: ['city', { expression: 'lower(city)', descending: true }] },
  ];
  const created = await server.request('POST', '/api/v1/collections', {
    body: { name: 'posted', schema, indexes, ttl: 900 },
  });
  t.is(created.status, 201, created.text);
  const { json } = await server.get('/api/v1/collections/posted');
  t.deepEqual(json.indexes, ['posted_city']);
  t.is(json.ttl, 900);
  t.deepEqual(json.schema.columns, [
    { name: 'city', type: 'varchar(5)', not_null: true },
    { name: 'price', type: 'numeric(10,2)', not_null: false, default: '0' },
  ]);
  t.deepEqual(json.schema.checks.map(({ name }: { name: string }) => name).sort(), [
    'posted_price_check',
    'sane',
  ]);
  const long = await server.put('/api/v1/posted/a', { city: 'Berlin' });
  t.like(long.json.error.details, { field: 'city', sqlstate: '22001' });
  t.is((await server.put('/api/v1/posted/a', { city: 'Bonn' })).status, 201);
  const unique = await server.request('POST', '/api/v1/collections', {
    body: { name: 'posted_unique', indexes: [{ columns: ['a'], unique: true }] },
  });
  t.is(unique.status, 400);
  t.regex(unique.json.error.message, /UNIQUE is not supported/);
  t.is((await server.get('/api/v1/collections/posted_unique')).status, 404, 'nothing is left of it');
  await fails(t, 'CREATE TABLE u (a text UNIQUE)', '0A000', /UNIQUE/);
  const columns = Array.from({ length: 1001 }, (_, i) => `c${i} text`).join(', ');
  await fails(t, `CREATE TABLE wide (${columns})`, '54011', /1000 columns/);
  await fails(t, 'CREATE TABLE odd (a text CHECK (a < now()::text))', '42P17', /immutable/);
});

test('ALTER TABLE checks the documents that are there and names the first that is in the way', async (t) => {
  await run(t, 'CREATE TABLE IF NOT EXISTS altered ()');
  for (let i = 0; i < 40; i++)
    await server.put(`/api/v1/altered/k${i}`, { n: i, ...(i === 17 ? {} : { s: 'x' }) });
  await fails(t, 'ALTER TABLE altered ADD COLUMN s text NOT NULL', '23502', /"s".*in document "k17"/);
  t.is((await server.put('/api/v1/altered/free', { n: 1 })).status, 201, 'the old schema is back');
  await server.request('DELETE', '/api/v1/altered/free');
  await run(t, 'ALTER TABLE altered ADD COLUMN IF NOT EXISTS s text');
  await fails(t, 'ALTER TABLE altered ALTER COLUMN s SET NOT NULL', '23502', /in document "k17"/);
  await run(t, `UPDATE altered SET s = 'y' WHERE _id = 'k17'`);
  await run(t, 'ALTER TABLE altered ALTER COLUMN s SET NOT NULL, ADD COLUMN n bigint');
  t.is((await server.put('/api/v1/altered/more', { n: 1 })).status, 400);
  await fails(t, 'ALTER TABLE altered ADD CONSTRAINT small CHECK (n < 39)', '23514', /in document "k39"/);
  await run(t, 'ALTER TABLE altered ADD CONSTRAINT small CHECK (n < 40)');
  t.is((await server.put('/api/v1/altered/more', { n: 40, s: 'x' })).status, 400);
  await run(t, 'ALTER TABLE altered DROP CONSTRAINT small');
  t.is((await server.put('/api/v1/altered/more', { n: 40, s: 'x' })).status, 201);
  await run(t, `ALTER TABLE altered ALTER COLUMN s SET DEFAULT 'fallback'`);
  await run(t, `INSERT INTO altered (_id, n) VALUES ('d', 1)`);
  t.is((await server.get('/api/v1/altered/d')).json.s, 'fallback');
  await run(t, 'ALTER TABLE altered ALTER COLUMN s DROP DEFAULT, ALTER COLUMN s DROP NOT NULL');
  await run(t, `INSERT INTO altered (_id, n) VALUES ('e', 1)`);
  await fails(t, 'ALTER TABLE altered ALTER COLUMN s TYPE bigint', '22P02', /"s".*in document/);
  await run(t, 'ALTER TABLE altered ALTER COLUMN n TYPE numeric(5,1)');
  await run(t, 'ALTER TABLE altered DROP COLUMN s, DROP COLUMN IF EXISTS nothing');
  t.is((await server.put('/api/v1/altered/k1', { s: 7 })).status, 200);
  t.is((await server.get('/api/v1/altered/k2')).json.s, 'x', 'members stay');
  await fails(t, 'ALTER TABLE altered RENAME TO other', '0A000', /./);
});

test('many patches of one document at once are checked one after the other', async (t) => {
  await run(t, 'CREATE TABLE counted (a bigint, b bigint, CHECK (a IS NULL OR b IS NULL))');
  for (let round = 0; round < 20; round++) {
    await server.put('/api/v1/counted/k', {});
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        server.request('PATCH', '/api/v1/counted/k', { body: i % 2 === 0 ? { a: i } : { b: i } }),
      ),
    );
    for (const { status, text } of answers) t.true(status === 200 || status === 400, text);
    const { json } = await server.get('/api/v1/counted/k');
    t.true(json.a === undefined || json.b === undefined, JSON.stringify(json));
    t.is(answers.filter(({ status }) => status === 200).length, 5);
  }
});

test('indexes answer for declared columns what the documents say', async (t) => {
  await run(t, 'CREATE TABLE dated (made timestamptz NOT NULL, city text, size double precision)');
  await run(t, 'CREATE INDEX dated_made ON dated (made)');
  await run(t, 'CREATE INDEX dated_day ON dated ((made::date))');
  await run(t, 'CREATE INDEX dated_city ON dated (lower(city))');
  await run(t, 'CREATE INDEX dated_third ON dated ((size / 3))');
  await run(t, `CREATE INDEX dated_late ON dated (city) WHERE made > '2026-01-01T12:00:00Z'`);
  for (let i = 0; i < 300; i++)
    await server.put(`/api/v1/dated/f${i}`, {
      made: '2020-05-05T00:00:00Z',
      city: `City${i}`,
      size: i * 1000,
    });
  await server.put('/api/v1/dated/zoned', { made: '2026-01-02T04:04:05+05:00', city: 'Bonn', size: 4 });
  const ids = async (where: string): Promise<string[]> =>
    (await run(t, `SELECT _id FROM dated WHERE ${where}`)).json.rows.flat();
  t.deepEqual(await ids(`made = '2026-01-01T23:04:05Z'`), ['zoned']);
  t.deepEqual(await ids(`made::date = '2026-01-01'`), ['zoned']);
  t.deepEqual(await ids(`made::date = '2026-01-02'`), []);
  t.deepEqual(await ids(`lower(city) = 'bonn'`), ['zoned']);
  t.deepEqual(await ids('size / 3 > 1.3 AND size / 3 < 1.4'), ['zoned']);
  t.deepEqual(await ids(`city = 'Bonn' AND made > '2026-01-01T12:00:00Z'`), ['zoned']);
  const { json } = await run(t, `EXPLAIN SELECT _id FROM dated WHERE lower(city) = 'bonn'`);
  t.regex(JSON.stringify(json.rows), /dated_city/);
});

test('DROP COLUMN asks whether CHECKs hold without the declaration', async (t) => {
  await run(
    t,
    `CREATE TABLE undeclared (made timestamptz, CONSTRAINT late CHECK (made > '2026-01-01T12:00:00Z'))`,
  );
  // Later as a time, earlier as a text.
  t.is((await server.put('/api/v1/undeclared/a', { made: '2026-01-01T09:00:00-05:00' })).status, 201);
  await fails(t, 'ALTER TABLE undeclared DROP COLUMN made', '23514', /"late" \(in document "a"\)/);
  await run(t, 'ALTER TABLE undeclared DROP COLUMN made, DROP CONSTRAINT late');
  t.is((await server.get('/api/v1/collections/undeclared')).json.schema, undefined);
  t.is((await server.put('/api/v1/undeclared/b', { made: 7 })).status, 201);
});

test('TRUNCATE keeps the schema, DROP TABLE does not', async (t) => {
  await run(t, 'CREATE TABLE emptied (n bigint NOT NULL)');
  await server.put('/api/v1/emptied/a', { n: 1 });
  await run(t, 'TRUNCATE emptied');
  t.is((await server.put('/api/v1/emptied/a', {})).status, 400);
  t.is((await server.put('/api/v1/emptied/a', { n: 1 })).status, 201);
  await run(t, 'DROP TABLE emptied');
  t.is((await server.put('/api/v1/emptied/a', {})).status, 201);
});

test('patches behind other writes of their document in one frame are checked on what those leave', async (t) => {
  await run(t, 'CREATE TABLE framed (a bigint, b bigint, CHECK (a IS NULL OR b IS NULL))');
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const at = { collection: 'framed', _id: 'k' };
  const requests: Record<string, unknown>[] = [];
  const good: boolean[] = [];
  for (let round = 0; round < 100; round++) {
    const steps: [string, Record<string, unknown>, boolean][] = [
      ['put', {}, true],
      ['patch', { a: round }, true],
      ['patch', { b: round }, false],
      ['patch', { a: null, b: round }, true],
      ['patch', { a: round }, false],
    ];
    for (const [op, document, isGood] of steps) {
      requests.push({ id: requests.length, op, ...at, document });
      good.push(isGood);
    }
  }
  ws.sendText(JSON.stringify({ op: 'batch', requests }));
  for (let i = 0; i < requests.length; i++) {
    const { id, ok, error } = await ws.nextJson();
    t.is(ok === true, good[id], JSON.stringify([requests[id], error]));
    if (!good[id]) t.is(error.details.sqlstate, '23514');
  }
  t.deepEqual((await server.get('/api/v1/framed/k')).json, { _id: 'k', b: 99 });
});
