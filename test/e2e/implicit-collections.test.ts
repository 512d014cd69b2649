import test from 'ava';
import { TestServer } from '../support/server.js';

let server: TestServer;
test.before(async () => {
  server = await TestServer.start();
});
test.after.always(() => server?.close());

test('a write that is refused for what it is does not create its collection', async (t) => {
  const refusals = [
    await server.put('/api/v1/never/k', { _id: 'another' }),
    await server.put('/api/v1/never/k', {}, { 'If-Match': '"7"' }),
    await server.put('/api/v1/never/k', {}, { 'If-Match': '*' }),
    await server.put('/api/v1/never/k', 'no object'),
    await server.request('PATCH', '/api/v1/never/k', { body: {} }),
  ];
  t.deepEqual(
    refusals.map(({ status }) => status),
    [400, 412, 412, 400, 404],
  );
  t.is((await server.get('/api/v1/collections/never')).status, 404);
  t.is((await server.put('/api/v1/never/k', {}, { 'If-None-Match': '*' })).status, 201);
  t.is((await server.get('/api/v1/collections/never')).status, 200);
});
