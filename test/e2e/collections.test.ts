import test from 'ava';
import { TestServer } from '../support/server.js';

let server: TestServer;
test.before(async () => {
  server = await TestServer.start();
});
test.after.always(() => server?.close());

test('a collection is created, described, listed, and dropped with its documents', async (t) => {
  const created = await server.request('POST', '/api/v1/collections', { body: { name: 'crud' } });
  t.is(created.status, 201);
  t.like(created.json, { name: 'crud', document_count: 0, indexes: [] });
  t.regex(created.json.created_at, /^\d{4}-\d\d-\d\dT/);
  await server.put('/api/v1/crud/a', { n: 1 });
  await server.put('/api/v1/crud/b', { n: 1 });
  await server.request('DELETE', '/api/v1/crud/b');
  const described = await server.get('/api/v1/collections/crud');
  t.is(described.status, 200);
  t.like(described.json, { name: 'crud', document_count: 1, created_at: created.json.created_at });
  t.true(described.json.size_bytes > 0);
  const { json } = await server.get('/api/v1/collections');
  t.is(json.total, json.collections.length);
  t.true(json.collections.some(({ name }: { name: string }) => name === 'crud'));
  t.is((await server.request('DELETE', '/api/v1/collections/crud')).status, 200);
  t.is((await server.get('/api/v1/collections/crud')).status, 404);
  t.is((await server.get('/api/v1/crud/a')).status, 404);
  t.is((await server.request('DELETE', '/api/v1/collections/crud')).status, 404);
  await server.request('POST', '/api/v1/collections', { body: { name: 'crud' } });
  t.is((await server.get('/api/v1/crud/a')).status, 404, 'documents of the dropped one do not come back');
});

test('a name is taken once: 409', async (t) => {
  t.is((await server.request('POST', '/api/v1/collections', { body: { name: 'twice' } })).status, 201);
  const again = await server.request('POST', '/api/v1/collections', { body: { name: 'twice' } });
  t.is(again.status, 409);
  t.is(again.json.error.code, 'CONFLICT');
});

test('names and fields that are not allowed are refused by name', async (t) => {
  const cases: [unknown, string][] = [
    [{ name: '' }, 'name'],
    [{ name: '1a' }, 'name'],
    [{ name: 'a/b' }, 'name'],
    [{ name: 'a'.repeat(129) }, 'name'],
    [{ name: 'system.x' }, 'name'],
    [{ name: 'collections' }, 'name'],
    [{ name: 7 }, 'name'],
    [{ name: 'x', colour: 1 }, 'colour'],
    [{ name: 'x', schema: [] }, 'schema'],
    [{ name: 'x', schema: { columns: [{ name: 'a', type: 'no, such' }] } }, 'schema.columns[0].type'],
    [
      { name: 'x', schema: { columns: [{ name: 'a', type: 'int', check: '1) b int, (2' }] } },
      'schema.columns[0].check',
    ],
    [{ name: 'x', indexes: [{ columns: 'a' }] }, 'indexes[0].columns'],
  ];
  for (const [body, field] of cases) {
    const answer = await server.request('POST', '/api/v1/collections', { body });
    t.is(answer.status, 400, JSON.stringify(body));
    t.is(answer.json.error.details.field, field);
  }
  for (const body of ['', '[]', 'null', '{"name"']) {
    t.is((await server.request('POST', '/api/v1/collections', { body })).status, 400, body);
  }
  for (const name of ['1a', 'system.x', 'query', 'a%20b', '%2e%2e'])
    t.is((await server.put(`/api/v1/${name}/k`, {})).status, 400, name);
});

test('a write creates its collection, but not one with a bad document, nor a PATCH or DELETE', async (t) => {
  t.is((await server.put('/api/v1/auto_put/a', {})).status, 201);
  t.is((await server.request('POST', '/api/v1/auto_post', { body: {} })).status, 201);
  t.is((await server.put('/api/v1/not_yet/a', '{"bad"')).status, 400);
  t.is((await server.request('PATCH', '/api/v1/not_yet/a', { body: {} })).status, 404);
  t.is((await server.request('DELETE', '/api/v1/not_yet/a')).status, 404);
  const { json } = await server.get('/api/v1/collections');
  const names = json.collections.map(({ name }: { name: string }) => name);
  t.true(names.includes('auto_put') && names.includes('auto_post'));
  t.false(names.includes('not_yet'));
});

test('a burst of first writes to one collection creates it once', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, i) => server.put(`/api/v1/burst/k${i}`, { i })),
  );
  t.true(answers.every(({ status }) => status === 201));
  t.is((await server.get('/api/v1/collections/burst')).json.document_count, 60);
});

test('collections survive a kill -9, and with auto_create_collections off a write needs one', async (t) => {
  const other = await TestServer.start({ env: { LUMADB_SERVER__AUTO_CREATE_COLLECTIONS: 'false' } });
  t.teardown(() => other.close());
  t.is((await other.put('/api/v1/strict/a', {})).status, 404);
  await other.request('POST', '/api/v1/collections', { body: { name: 'strict' } });
  t.is((await other.put('/api/v1/strict/a', {})).status, 201);
  await other.kill9();
  await other.restart();
  t.like((await other.get('/api/v1/collections/strict')).json, { name: 'strict', document_count: 1 });
  t.is((await other.put('/api/v1/misspelt/a', {})).status, 404);
});
