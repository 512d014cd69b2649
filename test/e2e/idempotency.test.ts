import test from 'ava';
import { TestServer } from '../support/server.js';

test('a retried write gets the first answer, also after kill -9, and another request under its key a 409', async (t) => {
  const server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
  t.teardown(() => server.close());
  const writes: [string, string, unknown][] = [
    ['PUT', '/api/v1/c/put', { n: 1 }],
    ['POST', '/api/v1/c', { n: 2 }],
    ['POST', '/api/v1/c', { _id: 'named', n: 3 }],
    ['PATCH', '/api/v1/c/patched', { n: 4 }],
    ['DELETE', '/api/v1/c/deleted', undefined],
  ];
  await server.put('/api/v1/c/patched', { n: 0 });
  await server.put('/api/v1/c/deleted', {});
  const send = ([method, path, body]: [string, string, unknown], index: number) =>
    server.request(method, path, { body, headers: { 'idempotency-key': `key-${index}` } });
  const first = await Promise.all(writes.map(send));
  t.deepEqual(
    first.map(({ status }) => status),
    [201, 201, 201, 200, 200],
  );
  // In between the documents change: the retry must not undo that.
  await server.put('/api/v1/c/put', { n: 'later' });
  const check = async (when: string): Promise<void> => {
    const again = await Promise.all(writes.map(send));
    for (const [index, answer] of again.entries()) {
      t.is(answer.status, first[index].status, `${when}: ${answer.text}`);
      t.is(answer.text, first[index].text, when);
      t.is(answer.headers.etag, first[index].headers.etag, when);
    }
    t.is((await server.get('/api/v1/c/put')).json.n, 'later', when);
    const other = await server.put('/api/v1/c/put', { n: 'other' }, { 'idempotency-key': 'key-0' });
    t.is(other.status, 409, when);
    t.is(other.json.error.code, 'CONFLICT');
    t.is(other.json.error.details.field, 'Idempotency-Key');
  };
  await check('at once');
  await server.kill9();
  await server.restart();
  await check('after a restart');
  t.is((await server.get('/api/v1/c')).json.data.length, 4);
});

test('an Idempotency-Key of more than 256 characters is refused', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  t.is((await server.put('/api/v1/c/a', {}, { 'idempotency-key': 'k'.repeat(256) })).status, 201);
  const answer = await server.put('/api/v1/c/a', {}, { 'idempotency-key': 'k'.repeat(257) });
  t.is(answer.status, 400);
  t.is(answer.json.error.details.field, 'Idempotency-Key');
});
