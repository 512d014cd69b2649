import test from 'ava';
import type { Answer } from '../support/http.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
});
test.after.always(() => server?.close());

const bulk = (
  collection: string,
  body: unknown,
  query = '',
  headers: Record<string, string> = {},
): Promise<Answer> => server.request('POST', `/api/v1/${collection}/bulk${query}`, { body, headers });

const count = async (collection: string): Promise<number> =>
  (await server.get(`/api/v1/collections/${collection}`)).json.document_count;

test('a bulk write answers per document in the order of the request', async (t) => {
  const documents = Array.from({ length: 500 }, (_, i) => ({ _id: `k${i}`, i }));
  const first = await bulk('order', { documents });
  t.is(first.status, 200);
  t.like(first.json, { created: 500, replaced: 0, failed: 0 });
  t.deepEqual(
    first.json.results.map(({ _id, status }: { _id: string; status: number }) => [_id, status]),
    documents.map(({ _id }) => [_id, 201]),
  );
  const second = await bulk('order', { documents: [...documents, { _id: 'new' }] });
  t.like(second.json, { created: 1, replaced: 500, failed: 0 });
  t.is(await count('order'), 501);
  t.is((await server.get('/api/v1/order/k499')).json.i, 499);
});

test('documents without an id get one each', async (t) => {
  const { json } = await bulk('generated', { documents: [{}, {}, {}] });
  const ids = new Set(json.results.map(({ _id }: { _id: string }) => _id));
  t.is(ids.size, 3);
  for (const id of ids) t.is((await server.get(`/api/v1/generated/${id}`)).status, 200);
});

test('lines of JSON are taken with their content type', async (t) => {
  const body = '{"_id":"a"}\n\n{"_id":"b","n":1}\r\n  \n{"_id":"c"}';
  for (const type of ['application/x-ndjson', 'application/ndjson']) {
    const answer = await bulk('lines', body, '', { 'content-type': type });
    t.is(answer.status, 200, answer.text);
    t.is(answer.json.results.length, 3);
  }
  t.is((await server.get('/api/v1/lines/b')).json.n, 1);
});

test('a bad document spoils only itself: 207 with the reason at its place', async (t) => {
  const body = '{"_id":"ok1"}\n{"_id":"bad",}\n[1]\n{"_id":""}\n{"_id":"ok2"}';
  const answer = await bulk('partial', body, '', { 'content-type': 'application/x-ndjson' });
  t.is(answer.status, 207);
  t.like(answer.json, { created: 2, failed: 3 });
  t.deepEqual(
    answer.json.results.map(({ status }: { status: number }) => status),
    [201, 400, 400, 400, 201],
  );
  t.is(answer.json.results[1].error.code, 'VALIDATION_ERROR');
  t.regex(answer.json.results[1].error.message, /at byte/);
  t.is((await server.get('/api/v1/partial/ok2')).status, 200);
});

test('?create=true makes existing documents conflicts', async (t) => {
  await bulk('creating', { documents: [{ _id: 'a', n: 1 }] });
  const answer = await bulk('creating', { documents: [{ _id: 'a', n: 2 }, { _id: 'b' }] }, '?create=true');
  t.is(answer.status, 207);
  t.like(answer.json.results[0], { _id: 'a', status: 409, error: { code: 'CONFLICT' } });
  t.is(answer.json.results[1].status, 201);
  t.is((await server.get('/api/v1/creating/a')).json.n, 1);
});

test('?atomic=true writes nothing when one document is malformed', async (t) => {
  const body = '{"_id":"a"}\n{"_id":"b"}\nnonsense\n{"_id":"c"}';
  const answer = await bulk('atomic', body, '?atomic=true', { 'content-type': 'application/x-ndjson' });
  t.is(answer.status, 207);
  t.like(answer.json, { created: 0, replaced: 0, failed: 4 });
  t.is(await count('atomic'), 0);
});

test('?atomic=true&create=true keeps the documents of a shard together', async (t) => {
  await bulk('together', { documents: [{ _id: 'taken' }] });
  const documents = [...Array.from({ length: 100 }, (_, i) => ({ _id: `n${i}` })), { _id: 'taken' }];
  const answer = await bulk('together', { documents }, '?atomic=true&create=true');
  t.is(answer.status, 207);
  const results = answer.json.results as { _id: string; status: number }[];
  t.is(results[100].status, 409);
  const written = results.filter(({ status }) => status === 201).length;
  t.is(results.filter(({ status }) => status === 412).length, 100 - written);
  // Only the shard that holds the conflict wrote nothing.
  t.true(written > 20 && written < 80, String(written));
  t.is(await count('together'), 1 + written);
});

test('a bulk request that makes no sense is refused as a whole, with the field named', async (t) => {
  const cases: [unknown, string, RegExp][] = [
    ['', '', /empty/],
    ['{"documents":[', '', /at byte 14/],
    [{ docs: [] }, '', /"documents"/],
    [{ documents: {} }, '', /"documents"/],
    [{ documents: [] }, '', /no documents/],
    [{ documents: [{}] }, '?atomic=maybe', /atomic can be/],
    [{ documents: Array.from({ length: 10_001 }, () => ({})) }, '', /at most 10000/],
  ];
  for (const [body, query, message] of cases) {
    const answer = await bulk('refused', body, query);
    t.is(answer.status, /at most/.test(message.source) ? 413 : 400);
    t.regex(answer.json.error.message, message);
  }
  t.is((await server.get('/api/v1/collections/refused')).status, 404);
});

test('POST /api/v1/bulk creates a document in the collection called bulk', async (t) => {
  const answer = await server.request('POST', '/api/v1/bulk', { body: { _id: 'x' } });
  t.is(answer.status, 201, answer.text);
  t.is((await server.get('/api/v1/bulk/x')).status, 200);
});

test('a repeated Idempotency-Key makes a bulk request harmless, and generates the same ids', async (t) => {
  const body = { documents: [{ n: 1 }, { n: 2 }] };
  const headers = { 'idempotency-key': 'bulk-1' };
  const first = await bulk('again', body, '', headers);
  const second = await bulk('again', body, '', headers);
  t.is(first.status, 200);
  t.deepEqual(second.json, first.json);
  t.is(await count('again'), 2);
});
