import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { RequestFrameEncoder } from '../../src/batch/request-frame-encoder.js';
import { ResponseFrameView } from '../../src/batch/response-frame-view.js';
import { WebSocketClient } from '../../src/client/index.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { RequestOp } from '../../src/generated/lumadb/schema/request-op.js';
import { seededPrng } from '../support/random.js';
import { OPCODE_BINARY, OPCODE_CLOSE, RawWebSocket } from '../support/raw-web-socket.js';
import { TestServer } from '../support/server.js';
import { utf8 } from '../support/text.js';

const MIB = 1024 * 1024;
let server: TestServer;
test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
});
test.after.always(() => server?.close());

test('the client puts, gets, patches and deletes over binary frames', async (t) => {
  const client = await WebSocketClient.connect(server.webSocketUrl);
  t.teardown(() => client.close());
  const put = await client.put('ops', 'k', { n: 1 });
  t.like(put, { id: 'k', created: true });
  const patch = await client.patch('ops', 'k', { m: 2 }, { ifMatch: put.seqno });
  t.deepEqual(await client.get('ops', 'k'), { document: { _id: 'k', n: 1, m: 2 }, seqno: patch.seqno });
  await t.throwsAsync(client.put('ops', 'k', {}, { ifMatch: put.seqno }), {
    code: 'PRECONDITION_FAILED',
  } as never);
  await t.throwsAsync(client.put('ops', 'k', {}, { ifNoneMatch: '*' }), {
    code: 'PRECONDITION_FAILED',
  } as never);
  t.false((await client.delete('ops', 'k')).created);
  await t.throwsAsync(client.get('ops', 'k'), { code: 'NOT_FOUND' } as never);
  await t.throwsAsync(client.get('nowhere', 'k'), { code: 'NOT_FOUND' } as never);
  await t.throwsAsync(client.put('1bad', 'k', {}), { code: 'VALIDATION_ERROR' } as never);
  await t.throwsAsync(client.put('ops', 'k', '{"a":'), { code: 'VALIDATION_ERROR' } as never);
  await client.ping();
});

test('pipelined operations are matched by id, across collections and keys', async (t) => {
  const client = await WebSocketClient.connect(server.webSocketUrl);
  t.teardown(() => client.close());
  const count = 5000;
  const writes = Array.from({ length: count }, (_, i) => client.put(`piped${i % 3}`, `k${i}`, { i }));
  const written = await Promise.all(writes);
  t.is(new Set(written.map(({ seqno }) => seqno)).size, count);
  const reads = await Promise.all(written.map((_, i) => client.get(`piped${i % 3}`, `k${i}`)));
  for (const [i, { document, seqno }] of reads.entries()) {
    t.is(document['i'], i);
    t.is(seqno, written[i].seqno);
  }
});

test('keys and documents of every size pass, up to the limits', async (t) => {
  const client = await WebSocketClient.connect(server.webSocketUrl);
  t.teardown(() => client.close());
  for (const key of ['\0', 'k'.repeat(1024), 'é'.repeat(512), 'a/b', '\u{1f600}']) {
    await client.put('keys', key, { key });
    t.is((await client.get('keys', key)).document['key'], key);
    t.is((await server.get(`/api/v1/keys/${encodeURIComponent(key)}`)).json.key, key);
  }
  const frame = '{"_id":"a","v":""}';
  const text = `{"_id":"a","v":"${'x'.repeat(16 * MIB - frame.length)}"}`;
  await client.put('keys', 'a', text);
  t.is(JSON.stringify((await client.get('keys', 'a')).document), text);
});

test('a repeated operation id is recognised', async (t) => {
  const client = await WebSocketClient.connect(server.webSocketUrl);
  t.teardown(() => client.close());
  const options = { idempotencyKey: 'once' };
  const first = await client.put('idem', 'k', { n: 1 }, options);
  await client.put('idem', 'k', { n: 2 });
  t.is((await client.put('idem', 'k', { n: 1 }, options)).seqno, first.seqno);
  t.is((await client.get('idem', 'k')).document['n'], 2);
  await t.throwsAsync(client.put('idem', 'k', { n: 3 }, options), { code: 'CONFLICT' } as never);
});

const OPS = [RequestOp.Get, RequestOp.Put, RequestOp.Patch, RequestOp.Delete, RequestOp.Ping];

function validFrame(): Uint8Array {
  const encoder = new RequestFrameEncoder();
  const collection = encoder.collectionIndex('fuzz');
  for (let i = 0; i < 20; i++) {
    encoder.add(OPS[i % OPS.length], collection, i, `k${i}`, '{"a":1}');
  }
  return encoder.finish(Durability.Unspecified);
}

function pingFrame(): Uint8Array {
  const encoder = new RequestFrameEncoder();
  encoder.add(RequestOp.Ping, encoder.collectionIndex('fuzz'), 999, 'k');
  return encoder.finish(Durability.Unspecified);
}

test('mangled and random frames close their socket with a reason or get answers, and never hurt others', async (t) => {
  const prng = seededPrng(t);
  const good = validFrame();
  const ping = pingFrame();
  const bystander = await WebSocketClient.connect(server.webSocketUrl);
  t.teardown(() => bystander.close());
  let closed = 0;
  let answered = 0;
  for (let round = 0; round < 300; round++) {
    const bytes = Uint8Array.from(good);
    const kind = round % 3;
    if (kind === 0)
      for (let i = 0; i < 1 + prng.nextBelow(8); i++)
        bytes[prng.nextBelow(bytes.length)] = prng.nextBelow(256);
    const frame =
      kind === 1
        ? bytes.slice(0, prng.nextBelow(bytes.length))
        : kind === 2
          ? bytes.map(() => prng.nextBelow(256))
          : bytes;
    const ws = await RawWebSocket.open(server.port);
    ws.sendBinary(frame);
    // A frame may have become one without requests, which has no answer: the ping behind it has.
    ws.sendBinary(ping);
    const first = await ws.next().catch(() => undefined);
    if (first?.opcode === OPCODE_CLOSE) {
      closed++;
      t.is(first.payload.readUInt16BE(0), 1003);
      t.true(first.payload.length > 10, 'a close frame says why');
    } else {
      answered++;
      t.is(first?.opcode, OPCODE_BINARY, `round ${round}`);
      t.is(new ResponseFrameView().open(first?.payload ?? new Uint8Array(0)), undefined);
    }
    ws.destroy();
  }
  t.log(`${closed} frames closed their socket, ${answered} were answered`);
  t.true(closed > 150);
  await bystander.put('fuzzed', 'alive', {});
  t.is((await server.get('/health')).status, 200);
});

test('a text client and a binary client see the same documents', async (t) => {
  const client = await WebSocketClient.connect(server.webSocketUrl);
  const ws = await RawWebSocket.open(server.port);
  t.teardown(async () => {
    ws.destroy();
    await client.close();
  });
  const { seqno } = await client.put('both', 'k', { n: 1 });
  t.like(await ws.call({ id: 1, op: 'get', collection: 'both', _id: 'k' }), {
    _seq: seqno,
    document: { n: 1 },
  });
});

test('one small frame that asks for gigabytes ends its socket quickly when nobody reads', async (t) => {
  const own = await TestServer.start();
  t.teardown(() => own.close());
  await own.put('/api/v1/c/large', { v: 'x'.repeat(8 * MIB) });
  const before = own.rssBytes();
  const encoder = new RequestFrameEncoder();
  const collection = encoder.collectionIndex('c');
  for (let id = 0; id < 10_000; id++) encoder.add(RequestOp.Get, collection, id, 'large');
  const ws = await RawWebSocket.open(own.port);
  t.teardown(() => ws.destroy());
  ws.connection.socket.pause();
  ws.sendBinary(encoder.finish(Durability.Unspecified));
  await delay(50);
  const start = performance.now();
  const answer = await own.request('GET', '/live', { timeoutMs: 120_000 });
  const waitedMs = performance.now() - start;
  t.is(answer.status, 200);
  t.log(`others waited ${Math.round(waitedMs)} ms`);
  // The answers to all of it would take minutes.
  t.true(waitedMs < 60_000);
  await own.until(
    'the socket is closed',
    async () => (await own.metric('lumadb_websockets{front="0"}')) === 0,
  );
  t.true((own.rssBytes() - before) / MIB < 400);
});

test('keys that are no UTF-8 are refused one by one', async (t) => {
  const ws = await RawWebSocket.open(server.port);
  t.teardown(() => ws.destroy());
  const encoder = new RequestFrameEncoder();
  const collection = encoder.collectionIndex('utf');
  encoder.add(RequestOp.Put, collection, 1, Uint8Array.from([0xff]), '{}');
  encoder.add(RequestOp.Put, collection, 2, utf8('fine'), '{}');
  ws.sendBinary(encoder.finish(Durability.Unspecified));
  const statuses = new Map<number, number>();
  while (statuses.size < 2) {
    const view = new ResponseFrameView();
    t.is(view.open((await ws.next()).payload), undefined);
    for (let i = 0; i < view.count; i++) statuses.set(view.id(i), view.status(i));
  }
  t.is(statuses.get(1), 400);
  t.is(statuses.get(2), 201);
});
