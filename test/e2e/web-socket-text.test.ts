import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { encodeFrame, OPCODE_TEXT, RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';
import { WAIT_MS_MAX } from '../support/time.js';

const MIB = 1024 * 1024;
let server: TestServer;
test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
});
test.after.always(() => server?.close());

test('get, put, patch, delete, bulk and ping answer with the id of the request', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const at = { collection: 'ops', _id: 'k' };
  t.deepEqual(await ws.call({ id: 1, op: 'ping' }), { id: 1, ok: true });
  const put = await ws.call({ id: 'two', op: 'put', ...at, document: { n: 1 } });
  t.like(put, { id: 'two', ok: true, _id: 'k', created: true, durability: 'always' });
  const patch = await ws.call({ id: 3, op: 'patch', ...at, document: { m: 2 }, durability: 'os' });
  t.like(patch, { id: 3, ok: true, created: false, durability: 'os' });
  t.true(patch._seq > put._seq);
  t.deepEqual(await ws.call({ id: 4, op: 'get', ...at }), {
    id: 4,
    ok: true,
    _seq: patch._seq,
    document: { _id: 'k', n: 1, m: 2 },
  });
  t.like(await ws.call({ id: 5, op: 'put', ...at, document: {}, if_none_match: '*' }), {
    id: 5,
    error: { code: 'PRECONDITION_FAILED' },
  });
  t.like(await ws.call({ id: 6, op: 'put', ...at, document: {}, if_match: patch._seq }), { id: 6, ok: true });
  t.like(await ws.call({ id: 7, op: 'delete', ...at }), { id: 7, ok: true });
  t.like(await ws.call({ id: 8, op: 'get', ...at }), { id: 8, error: { code: 'NOT_FOUND' } });
  const bulk = await ws.call({ id: 9, op: 'bulk', collection: 'ops', documents: [{ _id: 'x' }, 7] });
  t.like(bulk, { id: 9, ok: true, created: 1, failed: 1 });
  t.is((await server.get('/api/v1/ops/x')).status, 200);
});

test('numbers pass through text frames with every digit', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  await ws.call('{"id":1,"op":"put","collection":"exact","_id":"k","document":{"n":9007199254740993}}');
  ws.sendText('{"id":2,"op":"get","collection":"exact","_id":"k"}');
  t.true((await ws.next()).payload.toString().endsWith('"document":{"_id":"k","n":9007199254740993}}'));
});

test('thousands of pipelined requests are each answered once', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const count = 3000;
  for (let id = 0; id < count; id++) {
    const op = id % 3 === 0 ? 'get' : 'put';
    ws.sendText(JSON.stringify({ id, op, collection: 'piped', _id: `k${id % 100}`, document: { id } }));
  }
  const seen = new Set<number>();
  while (seen.size < count) {
    const answer = await ws.nextJson();
    t.false(seen.has(answer.id));
    seen.add(answer.id);
    if (answer.id % 3 !== 0) t.true(answer.ok);
  }
  t.pass();
});

test('an idempotency key makes a repeated write harmless', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const put = { id: 1, op: 'put', collection: 'idem', _id: 'k', document: { n: 1 }, idempotency_key: 'w1' };
  const first = await ws.call(put);
  t.deepEqual(await ws.call(put), first);
  t.like(await ws.call({ ...put, document: { n: 2 } }), { error: { code: 'CONFLICT' } });
});

test('bad requests get an error with their id, and the socket goes on', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const cases: [string, RegExp][] = [
    ['', /at byte 0/],
    ['not json', /at byte 0/],
    ['[]', /at byte 0/],
    ['{"id":1', /at byte/],
    ['{"id":1}', /op is nothing/],
    ['{"id":1,"op":"drop"}', /op is "drop"/],
    ['{"id":1,"op":"query"}', /query must be a string/],
    ['{"id":1,"op":"subscribe"}', /not supported yet/],
    ['{"id":1,"op":"get"}', /collection must be a string/],
    ['{"id":1,"op":"get","collection":"c","_id":7}', /_id must be a string/],
    ['{"id":1,"op":"get","collection":"nowhere","_id":"k"}', /does not exist/],
    ['{"id":1,"op":"put","collection":"1","_id":"k","document":{}}', /collection name/],
    ['{"id":1,"op":"put","collection":"c","_id":"","document":{}}', /_id is empty/],
    ['{"id":1,"op":"put","collection":"c","_id":"k"}', /document is missing/],
    ['{"id":1,"op":"put","collection":"c","_id":"k","document":[]}', /document/],
    ['{"id":1,"op":"put","collection":"c","_id":"k","document":{"_id":"j"}}', /_id/],
    ['{"id":1,"op":"put","collection":"c","_id":"k","document":{},"durability":"no"}', /durability/],
    ['{"id":1,"op":"batch","requests":7}', /requests must be an array/],
    ['{"id":1,"op":"bulk","collection":"c"}', /documents/],
  ];
  for (const [text, message] of cases) {
    const answer = await ws.call(text);
    t.regex(answer.error.message, message, text);
    t.is(answer.error.code, /does not exist/.test(message.source) ? 'NOT_FOUND' : 'VALIDATION_ERROR', text);
    t.is(answer.id, text.startsWith('{"id":1,') || text === '{"id":1}' ? 1 : null, text);
    t.truthy(answer.error.request_id);
  }
  t.deepEqual(await ws.call({ id: 2, op: 'ping' }), { id: 2, ok: true });
});

test('a batch of requests in one frame, with elements that are no requests', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  ws.sendText('{"op":"batch","requests":[{"id":1,"op":"ping"},7,"x",null,[],{"id":2,"op":"ping"}]}');
  const answers = [];
  for (let i = 0; i < 6; i++) answers.push(await ws.nextJson());
  t.is(answers.filter(({ ok }) => ok).length, 2);
  t.is(answers.filter(({ error }) => error?.code === 'VALIDATION_ERROR').length, 4);
  t.deepEqual(await ws.call({ id: 3, op: 'ping' }), { id: 3, ok: true });
});

test('a frame that is too large, or no WebSocket at all, ends that socket only', async (t) => {
  const attempts: ((ws: RawWebSocket) => void)[] = [
    (ws) => ws.connection.send(encodeFrame(OPCODE_TEXT, Buffer.alloc(33 * MIB, 0x20))),
    (ws) =>
      ws.connection.send(
        Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
      ),
    (ws) => ws.connection.send(Buffer.from([0x81, 0x05, 1, 2, 3, 4, 5])),
    (ws) => ws.connection.send(Buffer.from([0xf3, 0x80, 0, 0, 0, 0])),
    (ws) => ws.connection.send(encodeFrame(OPCODE_TEXT, Buffer.from([0xff, 0xfe]))),
  ];
  for (const [index, attempt] of attempts.entries()) {
    const ws = await RawWebSocket.open(server.port);
    attempt(ws);
    // The third may be the beginning of a frame.
    const waitMs = index === 2 ? 300 : WAIT_MS_MAX;
    const late = delay(waitMs, false, { ref: false });
    const closed = await Promise.race([ws.connection.closed.then(() => true), late]);
    if (index !== 2) t.true(closed, `attempt ${index}`);
    ws.destroy();
  }
  t.is((await server.get('/live')).status, 200);
});

test('pages of other origins may not open a socket, those of this server may', async (t) => {
  const refused = await t.throwsAsync(RawWebSocket.open(server.port, 'Origin: http://evil.example\r\n'));
  t.regex(refused.message, /^HTTP\/1\.1 403 /);
  await t.throwsAsync(RawWebSocket.open(server.port, 'Origin: null\r\n'));
  const ws = await RawWebSocket.open(server.port, `Origin: http://127.0.0.1:${server.port}\r\n`);
  t.deepEqual(await ws.call({ id: 1, op: 'ping' }), { id: 1, ok: true });
  ws.destroy();
  t.is((await server.get('/ws')).status, 404);
});

test('a socket that does not read is closed before its answers fill the memory', async (t) => {
  const own = await TestServer.start();
  t.teardown(() => own.close());
  await own.put('/api/v1/c/large', { v: 'x'.repeat(MIB) });
  const before = own.rssBytes();
  const ws = await RawWebSocket.open(own.port);
  t.teardown(() => ws.destroy());
  ws.connection.socket.pause();
  for (let id = 0; id < 2000; id++) ws.sendText(`{"id":${id},"op":"get","collection":"c","_id":"large"}`);
  await own.until(
    'the socket is closed',
    async () => (await own.metric('lumadb_websockets{front="0"}')) === 0,
  );
  const growth = (own.rssBytes() - before) / MIB;
  t.true(growth < 300, `${growth} MiB`);
  t.is((await own.get('/live')).status, 200);
});
