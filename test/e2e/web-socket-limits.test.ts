import test from 'ava';
import { RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
test.before(async () => {
  server = await TestServer.start();
});
test.after.always(() => server?.close());

test('a text batch with more requests than allowed is refused before any of them is served', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const first = '{"id":1,"op":"put","collection":"limits","_id":"k","document":{}}';
  ws.sendText(`{"id":7,"op":"batch","requests":[${first}${',{}'.repeat(10_000)}]}`);
  t.like(await ws.nextJson(), { id: 7, error: { code: 'PAYLOAD_TOO_LARGE' } });
  t.like(await ws.call({ id: 8, op: 'get', collection: 'limits', _id: 'k' }), {
    error: { code: 'NOT_FOUND' },
  });
});

test('a text batch of as many requests as allowed is served', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const requests = Array.from({ length: 10_000 }, (_, id) => ({ id, op: 'ping' }));
  ws.sendText(JSON.stringify({ id: 'all', op: 'batch', requests }));
  for (const { id } of requests) t.like(await ws.nextJson(), { id, ok: true });
});

test('a thousand patches of one document at once all succeed, and so do the writes between them', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const at = { collection: 'hot', _id: 'k' };
  await ws.call({ id: 'first', op: 'put', ...at, document: {} });
  const requests = Array.from({ length: 1000 }, (_, id) =>
    id % 10 === 0
      ? { id, op: 'put', collection: 'hot', _id: `innocent-${id}`, document: {} }
      : { id, op: 'patch', ...at, document: { n: id, text: 'x'.repeat(300) } },
  );
  ws.sendText(JSON.stringify({ op: 'batch', requests }));
  for (let i = 0; i < requests.length; i++) t.like(await ws.nextJson(), { ok: true });
  t.like(await ws.call({ id: 1, op: 'get', ...at }), { document: { n: 999 } });
});
