/** Documents that expire, over every way in and out of a real server. Time is real: times to live are a second or two. */
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { RequestFrameEncoder } from '../../src/batch/request-frame-encoder.js';
import { ResponseFrameView } from '../../src/batch/response-frame-view.js';
import { HttpClient, WebSocketClient } from '../../src/client/index.js';
import { RequestOp } from '../../src/generated/lumadb/schema/request-op.js';
import type { Answer } from '../support/http.js';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';

const TEN_YEARS = 315_360_000;
const HOUR = '3600';
let server: TestServer;
test.before(async () => {
  server = await TestServer.start({
    env: { LUMADB_SHARDING__SHARDS: '2', LUMADB_SERVER__FRONT_THREADS: '2' },
  });
});
test.after.always(() => server?.close());

const ttl = (value: string): Record<string, string> => ({ 'x-lumadb-ttl': value });
const expiryOf = async (path: string): Promise<string | undefined> =>
  (await server.request('HEAD', path)).headers['x-lumadb-expires-at'] as string | undefined;
const secondsLeft = async (path: string): Promise<number> =>
  (Date.parse((await expiryOf(path)) ?? '') - Date.now()) / 1000;
const isAbout = (seconds: number, wanted: number): boolean => Math.abs(seconds - wanted) < 30;

/** Waits until a document is gone. */
const untilGone = (path: string, of = server): Promise<void> =>
  of.until(`${path} expires`, async () => (await of.get(path)).status === 404);

interface Brief {
  readonly put: Answer;
  readonly read: Answer;
  readonly ttlSeconds: number;
  /** The put was sent after, and answered before: performance.now(). */
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** A document that expires soon, and was seen before: on a machine that stops for seconds, soon is later. */
async function putBriefly(path: string, ttlSeconds = 3): Promise<Brief> {
  const sentMs = performance.now();
  const put = await server.put(path, { n: 1 }, ttl(String(ttlSeconds)));
  const answeredMs = performance.now();
  const read = await server.get(path);
  if (read.status === 200 || ttlSeconds > 60) return { put, read, ttlSeconds, sentMs, answeredMs };
  return putBriefly(path, 3 * ttlSeconds);
}

test('a document is there until its time is over, and absent for reads, lists and writes from then on', async (t) => {
  await server.put('/api/v1/gone/kept', { n: 0 });
  const { put, read, ttlSeconds, sentMs, answeredMs } = await putBriefly('/api/v1/gone/short');
  t.is(put.status, 201);
  t.is(read.status, 200);
  t.regex(String(read.headers['x-lumadb-expires-at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  t.is((await server.get('/api/v1/gone/kept')).headers['x-lumadb-expires-at'], undefined);
  const expiresAt = Date.parse(String(read.headers['x-lumadb-expires-at']));
  t.true(isAbout((expiresAt - Date.now()) / 1000, ttlSeconds));
  await untilGone('/api/v1/gone/short');
  // Told by a clock that nobody sets: the wall clock may be set meanwhile. Times to live are whole seconds of the database.
  const goneMs = performance.now();
  t.true(goneMs - sentMs > (ttlSeconds - 1) * 1000, `it went ${goneMs - sentMs} ms after it was written`);
  const lateMs = goneMs - answeredMs - ttlSeconds * 1000;
  t.true(lateMs < 20_000, `it went ${lateMs} ms after its time`);
  t.is((await server.request('HEAD', '/api/v1/gone/short')).status, 404);
  for (const query of ['', '?sort=-_id', '?sort=n', '?_id=short'])
    t.notRegex((await server.get(`/api/v1/gone${query}`)).text, /short/, query);
  t.is((await server.request('PATCH', '/api/v1/gone/short', { body: {} })).status, 404);
  t.is((await server.request('DELETE', '/api/v1/gone/short')).status, 404);
  const ifMatch = { 'if-match': String(put.headers.etag) };
  t.is((await server.put('/api/v1/gone/short', {}, ifMatch)).status, 412);
  t.is((await server.put('/api/v1/gone/short', {}, { 'if-none-match': '*' })).status, 201);
  t.is(await expiryOf('/api/v1/gone/short'), undefined, 'the new one has no time to live');
});

test('a patch keeps the expiry, sets a new one, or takes it away; a put decides anew', async (t) => {
  const path = '/api/v1/changed/k';
  const patch = (headers = {}) => server.request('PATCH', path, { body: { m: 1 }, headers });
  await server.put(path, {}, ttl(HOUR));
  const before = await expiryOf(path);
  await patch();
  t.is(await expiryOf(path), before);
  await patch(ttl('7200'));
  t.true(isAbout(await secondsLeft(path), 7200));
  await patch(ttl('none'));
  t.is(await expiryOf(path), undefined);
  await server.put(path, {}, ttl(HOUR));
  await server.put(path, {});
  t.is(await expiryOf(path), undefined);
});

test('documents written without a time to live get that of their collection, as it is at that time', async (t) => {
  const created = await server.request('POST', '/api/v1/collections', {
    body: { name: 'sessions', ttl: 3600 },
  });
  t.like(created.json, { name: 'sessions', ttl: 3600 });
  await server.put('/api/v1/sessions/default', {});
  await server.put('/api/v1/sessions/own', {}, ttl('60'));
  await server.put('/api/v1/sessions/zero', {}, ttl('0'));
  await server.put('/api/v1/sessions/none', {}, ttl('none'));
  await server.request('POST', '/api/v1/sessions', { body: { _id: 'posted' } });
  await server.request('POST', '/api/v1/sessions/bulk', { body: { documents: [{ _id: 'bulk' }] } });
  for (const id of ['default', 'posted', 'bulk'])
    t.true(isAbout(await secondsLeft(`/api/v1/sessions/${id}`), 3600), id);
  t.true(isAbout(await secondsLeft('/api/v1/sessions/own'), 60));
  t.is(await expiryOf('/api/v1/sessions/zero'), undefined);
  t.is(await expiryOf('/api/v1/sessions/none'), undefined);
  await server.request('PATCH', '/api/v1/sessions/none', { body: { n: 1 } });
  t.is(
    await expiryOf('/api/v1/sessions/none'),
    undefined,
    'a patch keeps, it does not fall back on the default',
  );

  const change = (body: unknown) => server.request('PATCH', '/api/v1/collections/sessions', { body });
  t.like((await change({ ttl: 7200 })).json, { name: 'sessions', ttl: 7200 });
  // On every front: connections are spread over both.
  await Promise.all(Array.from({ length: 20 }, (_, i) => server.put(`/api/v1/sessions/later${i}`, {})));
  for (let i = 0; i < 20; i++) t.true(isAbout(await secondsLeft(`/api/v1/sessions/later${i}`), 7200));
  t.true(isAbout(await secondsLeft('/api/v1/sessions/default'), 3600), 'what was written before stays');
  t.like((await change({ ttl: null })).json, { ttl: null });
  await server.put('/api/v1/sessions/last', {});
  t.is(await expiryOf('/api/v1/sessions/last'), undefined);
  t.is((await server.get('/api/v1/collections/sessions')).json.ttl, null);
  t.is((await server.request('PATCH', '/api/v1/collections/missing', { body: { ttl: 5 } })).status, 404);
});

test('bulk takes one time to live for all its documents, as a parameter or as a header', async (t) => {
  const bulk = (query: string, ids: string[], headers = {}) =>
    server.request('POST', `/api/v1/bulked/bulk${query}`, {
      body: { documents: ids.map((_id) => ({ _id })) },
      headers,
    });
  t.is((await bulk('?ttl=3600', ['a', 'b'])).status, 200);
  t.is((await bulk('', ['c'], ttl('60'))).status, 200);
  t.is((await bulk('?ttl=none', ['d'])).status, 200);
  t.true(isAbout(await secondsLeft('/api/v1/bulked/a'), 3600));
  t.true(isAbout(await secondsLeft('/api/v1/bulked/b'), 3600));
  t.true(isAbout(await secondsLeft('/api/v1/bulked/c'), 60));
  t.is(await expiryOf('/api/v1/bulked/d'), undefined);
  for (const answer of [
    await bulk('?ttl=', ['x']),
    await bulk('?ttl=x', ['x']),
    await bulk('?ttl=1', ['x'], ttl('1')),
  ]) {
    t.is(answer.status, 400);
    t.is(answer.json.error.details.field, 'ttl');
  }
  t.is((await bulk('', ['x'], ttl('-1'))).json.error.details.field, 'X-LumaDB-TTL');
});

test('text frames take ttl, and a get no longer finds what has expired', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const at = { collection: 'texts', _id: 'k' };
  t.like(await ws.call({ id: 1, op: 'put', ...at, document: {}, ttl: 3600 }), { ok: true });
  t.true(isAbout(await secondsLeft('/api/v1/texts/k'), 3600));
  t.like(await ws.call({ id: 2, op: 'patch', ...at, document: {}, ttl: 'none' }), { ok: true });
  t.is(await expiryOf('/api/v1/texts/k'), undefined);
  t.like(await ws.call({ id: 3, op: 'bulk', collection: 'texts', documents: [{ _id: 'b' }], ttl: 60 }), {
    ok: true,
  });
  t.true(isAbout(await secondsLeft('/api/v1/texts/b'), 60));
  for (const value of [-1, 1.5, '', '60', null, true, [], {}, TEN_YEARS + 1, 1e300]) {
    const answer = await ws.call({ id: 4, op: 'put', ...at, document: {}, ttl: value });
    t.like(answer.error, { code: 'VALIDATION_ERROR', details: { field: 'ttl' } }, JSON.stringify(value));
  }
  await ws.call({ id: 5, op: 'patch', ...at, document: {}, ttl: 1 });
  await untilGone('/api/v1/texts/k');
  t.like(await ws.call({ id: 6, op: 'get', ...at }), { error: { code: 'NOT_FOUND' } });
});

test('binary frames have a time to live per operation, and one that cannot be fails its operation alone', async (t) => {
  const client = await WebSocketClient.connect(server.webSocketUrl);
  t.teardown(() => client.close());
  await client.put('frames', 'hour', {}, { ttlSeconds: 3600 });
  await client.put('frames', 'kept', {}, { ttlSeconds: null });
  t.true(isAbout(await secondsLeft('/api/v1/frames/hour'), 3600));
  t.is(await expiryOf('/api/v1/frames/kept'), undefined);
  await client.putMany('frames', ['a', 'b'], [{}, {}], { ttlSeconds: 1 });
  // Their seconds may differ.
  await untilGone('/api/v1/frames/a');
  await untilGone('/api/v1/frames/b');
  t.deepEqual([...(await client.getMany('frames', ['a', 'b', 'kept'])).statuses], [404, 404, 200]);

  const raw = await RawWebSocket.open(server.port);
  t.teardown(() => raw.destroy());
  const encoder = new RequestFrameEncoder();
  const frames = encoder.collectionIndex('frames');
  const ttls = [TEN_YEARS, TEN_YEARS + 1, 0xffff_fffe, 0xffff_ffff];
  for (const [id, seconds] of ttls.entries())
    encoder.add(RequestOp.Put, frames, id, `limit${id}`, '{}', undefined, undefined, undefined, seconds);
  raw.sendBinary(encoder.finish(0));
  const statuses = new Map<number, number>();
  const view = new ResponseFrameView();
  while (statuses.size < ttls.length) {
    t.is(view.open((await raw.next()).payload), undefined);
    for (let i = 0; i < view.count; i++) statuses.set(view.id(i), view.status(i));
  }
  t.deepEqual(
    ttls.map((_, id) => statuses.get(id)),
    [201, 400, 400, 201],
  );
});

test('the HTTP client sets times to live of documents and collections', async (t) => {
  const client = new HttpClient({ baseUrl: server.url });
  t.teardown(() => client.close());
  t.is((await client.collections.create('client', { ttlSeconds: 3600 })).ttlSeconds, 3600);
  await client.put('client', 'default', {});
  await client.put('client', 'own', {}, { ttlSeconds: 60 });
  await client.bulk('client', [{ _id: 'bulk' }], { ttlSeconds: null });
  t.true(isAbout(await secondsLeft('/api/v1/client/default'), 3600));
  t.true(isAbout(await secondsLeft('/api/v1/client/own'), 60));
  t.is(await expiryOf('/api/v1/client/bulk'), undefined);
  t.is((await client.collections.setTtl('client', null)).ttlSeconds, null);
  t.is((await client.collections.get('client')).ttlSeconds, null);
});

test('a time to live that cannot be is refused with the field and the limits, and nothing is written', async (t) => {
  for (const value of [
    '-1',
    '1.5',
    'x',
    'NONE',
    '1e3',
    '+1',
    '0x10',
    '1,2',
    String(TEN_YEARS + 1),
    '9'.repeat(30),
  ]) {
    for (const method of ['PUT', 'PATCH'] as const) {
      const answer = await server.request(method, '/api/v1/hostile/k', { body: {}, headers: ttl(value) });
      t.is(answer.status, 400, value);
      t.like(answer.json.error, {
        code: 'VALIDATION_ERROR',
        details: { field: 'X-LumaDB-TTL', limit: TEN_YEARS },
      });
      t.regex(answer.json.error.message, /1 to 315360000/);
    }
    t.is(
      (await server.request('POST', '/api/v1/hostile', { body: {}, headers: ttl(value) })).status,
      400,
      value,
    );
  }
  t.is((await server.get('/api/v1/hostile')).status, 404, 'the collection did not come into being');
  t.is((await server.put('/api/v1/hostile/k', {}, ttl(String(TEN_YEARS)))).status, 201);
  for (const value of [-1, 1.5, '60', '', true, {}, [], TEN_YEARS + 1]) {
    const created = await server.request('POST', '/api/v1/collections', {
      body: { name: 'bad_ttl', ttl: value },
    });
    t.is(created.json.error?.details.field, 'ttl', JSON.stringify(value));
    const changed = await server.request('PATCH', '/api/v1/collections/hostile', { body: { ttl: value } });
    t.is(changed.json.error?.details.field, 'ttl', JSON.stringify(value));
  }
  for (const body of [{}, { ttl: 5, name: 'x' }, [], 'null'])
    t.is(
      (await server.request('PATCH', '/api/v1/collections/hostile', { body })).status,
      400,
      JSON.stringify(body),
    );
});

test('expiries and defaults survive kill -9, and what expired meanwhile is gone', async (t) => {
  const other = await TestServer.start();
  t.teardown(() => other.close());
  await other.request('POST', '/api/v1/collections', { body: { name: 'c', ttl: 3600 } });
  await other.put('/api/v1/c/hour', {});
  await other.put('/api/v1/c/short', { n: 1 }, ttl('1'));
  const expiresAt = (await other.get('/api/v1/c/hour')).headers['x-lumadb-expires-at'];
  t.truthy(expiresAt);
  await other.kill9();
  await delay(1100);
  await other.restart();
  t.is((await other.get('/api/v1/c/hour')).headers['x-lumadb-expires-at'], expiresAt);
  await untilGone('/api/v1/c/short', other);
  t.is((await other.request('PATCH', '/api/v1/c/short', { body: {} })).status, 404);
  t.is((await other.get('/api/v1/collections/c')).json.ttl, 3600);
  await other.kill9();
  await other.restart();
  t.is((await other.get('/api/v1/c/short')).status, 404, 'nor does the second replay bring it back');
  t.is((await other.put('/api/v1/c/short', {})).status, 201);
});
