import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { RawConnection } from '../support/http.js';
import { TestServer } from '../support/server.js';

const MIB = 1024 * 1024;
const DOCUMENT_BYTES_MAX = 16 * MIB;
let server: TestServer;
test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '1' } });
});
test.after.always(() => server?.close());

const untilNoBodies = (): Promise<void> =>
  server.until(
    'no bytes of bodies are held',
    async () => (await server.metric('lumadb_request_body_bytes{front="0"}')) === 0,
  );

const alive = async (): Promise<boolean> => (await server.get('/health')).status === 200;

test('malformed JSON is refused with the offset of the first wrong byte', async (t) => {
  const cases: [string, number][] = [
    ['', 0],
    ['{', 1],
    ['[]', 0],
    ['"text"', 0],
    ['{"a":1,}', 7],
    ['{"a":01}', 6],
    ['{"a":.5}', 5],
    ['{"a":1}x', 7],
    ['{"a":"\u0001"}', 6],
    ["{'a':1}", 1],
    ['{"a":tru}', 5],
    ['{"a":NaN}', 5],
    ['\ufeff{}', 0],
  ];
  for (const [body, offset] of cases) {
    const answer = await server.put('/api/v1/bad/a', body);
    t.is(answer.status, 400, JSON.stringify(body));
    t.is(answer.json.error.code, 'VALIDATION_ERROR');
    const { details } = answer.json.error;
    t.true(Math.abs(details.offset - offset) <= 3, `${JSON.stringify(body)}: ${JSON.stringify(details)}`);
  }
  for (const bytes of [
    [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d],
    [0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d],
    [0],
  ]) {
    t.is((await server.put('/api/v1/bad/a', Uint8Array.from(bytes))).status, 400, String(bytes));
  }
  t.is((await server.get('/api/v1/collections/bad')).status, 404);
});

test('nesting up to the limit is stored, 100,000 levels are refused', async (t) => {
  const nested = (depth: number): string => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  t.is((await server.put('/api/v1/deep/ok', nested(199))).status, 201);
  for (const text of [nested(100_000), '['.repeat(100_000), '{"a":'.repeat(100_000)]) {
    const answer = await server.put('/api/v1/deep/bad', text);
    t.is(answer.status, 400);
    t.true(answer.json.error.details.offset >= 0);
  }
  t.is((await server.request('PATCH', '/api/v1/deep/ok', { body: nested(100_000) })).status, 400);
  t.true(await alive());
});

test('odd but valid JSON is kept as it is: __proto__, empty names, huge numbers', async (t) => {
  for (const [key, text] of [
    ['proto', '{"_id":"proto","__proto__":{"admin":true},"constructor":{"prototype":1}}'],
    ['number', '{"_id":"number","n":1e999,"m":-0,"l":123456789012345678901234567890.5}'],
    ['empty', '{"_id":"empty","":{"":[]}}'],
  ]) {
    const written = await server.put(`/api/v1/odd/${key}`, text);
    t.is(written.status, 201, written.text);
    t.is((await server.get(`/api/v1/odd/${key}`)).text, text);
  }
  t.is(
    (await server.get(`/api/v1/odd?filter=${encodeURIComponent('{"__proto__.admin":true}')}`)).json.data
      .length,
    1,
  );
});

test('half of a surrogate pair has no UTF-8 form: it is refused with its offset', async (t) => {
  for (const text of ['{"s":"\\ud800"}', '{"s":"\\udfff\\ud800"}', '{"\\ud83d":1}']) {
    const answer = await server.put('/api/v1/halves/a', text);
    t.is(answer.status, 400, text);
    t.regex(answer.json.error.message, /surrogate pair at byte/);
  }
  t.is((await server.put('/api/v1/halves/a', '{"s":"\\ud83d\\ude00"}')).status, 201);
});

test('a member given twice is refused or stored as one of the two, never as a mixture', async (t) => {
  const answer = await server.put('/api/v1/twice/a', '{"a":1,"a":2,"_id":"a"}');
  t.true([201, 400].includes(answer.status));
  const ids = await server.request('POST', '/api/v1/twice', { body: '{"_id":"x","_id":"y"}' });
  if (ids.status === 201) {
    const read = await server.get(`/api/v1/twice/${ids.json._id}`);
    t.is(read.json._id, ids.json._id, 'what a parser sees is the key under which it is stored');
  } else t.is(ids.status, 400);
});

test('a document of exactly 16 MiB is stored byte for byte, one byte more is 413', async (t) => {
  const frame = '{"_id":"huge","v":""}';
  const text = (size: number): Buffer =>
    Buffer.from(`{"_id":"huge","v":"${'x'.repeat(size - frame.length)}"}`);
  const largest = text(DOCUMENT_BYTES_MAX);
  t.is((await server.put('/api/v1/huge/huge', largest)).status, 201);
  const read = await server.get('/api/v1/huge/huge');
  t.true(read.body.equals(largest));
  const tooLarge = await server.put('/api/v1/huge/huge', text(DOCUMENT_BYTES_MAX + 1));
  t.is(tooLarge.status, 413);
  t.is(tooLarge.json.error.code, 'PAYLOAD_TOO_LARGE');
  t.is(tooLarge.json.error.details.limitBytes, DOCUMENT_BYTES_MAX);
  // Its _id is added, which makes it too long.
  const spliced = await server.put('/api/v1/huge/other', `{"v":"${'x'.repeat(DOCUMENT_BYTES_MAX - 8)}"}`);
  t.is(spliced.status, 413);
  const patched = await server.request('PATCH', '/api/v1/huge/huge', { body: { w: 1 } });
  t.is(patched.status, 413);
  t.true((await server.get('/api/v1/huge/huge')).body.equals(largest));
  // Refused long before its end: a client that is still sending may see the closed connection instead of the answer.
  const refused = await server.request('POST', '/api/v1/huge', { body: Buffer.alloc(40 * MIB, 0x20) }).then(
    (answer) => answer.status,
    (error: NodeJS.ErrnoException) => error.code,
  );
  t.true([413, 'EPIPE', 'ECONNRESET'].includes(refused ?? 0), String(refused));
  // Other tests may be sending theirs.
  await untilNoBodies();
});

test('keys of 1 to 1024 bytes are stored under exactly these bytes', async (t) => {
  const keys = [
    'a',
    'k'.repeat(1024),
    'é'.repeat(512),
    'a/b//c',
    '..',
    '.',
    'nul\0inside',
    '\0',
    ' blank ',
    '%2F',
    'quote"back\\slash',
    '\u{1f600}',
    '\n\t\u007f',
    'a?b#c&d=e+f;g',
  ];
  for (const key of keys) {
    const path = `/api/v1/keys/${encodeURIComponent(key).replaceAll('.', '%2E')}`;
    const written = await server.put(path, { is: key });
    t.is(written.status, 201, JSON.stringify(key));
    t.is(written.json._id, key);
    t.deepEqual((await server.get(path)).json, { _id: key, is: key });
  }
  const listed = await server.get('/api/v1/keys?limit=1000');
  const found = listed.json.data.map(({ _id }: { _id: string }) => _id);
  t.deepEqual(found.sort(), [...keys].sort());
  for (const key of keys) {
    const posted = await server.request('POST', '/api/v1/keys', { body: { _id: key } });
    t.is(posted.status, 409, 'the body names the same key as the path');
  }
});

test('keys of 0 and of 1025 bytes, and broken percent-encoding, are refused', async (t) => {
  const cases: [string, RegExp][] = [
    ['', /empty/],
    ['k'.repeat(1025), /1025 bytes/],
    ['%C3%A9'.repeat(513), /1026 bytes/],
    ['%', /percent-encoded/],
    ['%zz', /percent-encoded/],
    ['%ff', /percent-encoded/],
    ['%c3', /percent-encoded/],
    ['%ed%a0%80', /percent-encoded/],
    ['a/b', /%2F/],
  ];
  for (const [key, message] of cases) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await server.request(method, `/api/v1/badkeys/${key}`, {
        body: method === 'PUT' ? {} : undefined,
      });
      t.is(answer.status, 400, `${method} ${key}`);
      t.regex(answer.json.error.message, message);
      t.is(answer.json.error.details.field, '_id');
    }
  }
  for (const _id of ['', 'k'.repeat(1025), 'é'.repeat(513)]) {
    t.is((await server.request('POST', '/api/v1/badkeys', { body: { _id } })).status, 400);
  }
});

// Alone with the server: it looks at its memory.
test.serial('uploads that break off leave nothing behind', async (t) => {
  await server.put('/api/v1/aborted/warm', {});
  const before = server.rssBytes();
  const piece = Buffer.alloc(256 * 1024, 0x20);
  for (let round = 0; round < 10; round++) {
    const connections = await Promise.all(Array.from({ length: 40 }, () => RawConnection.open(server.port)));
    for (const [index, connection] of connections.entries()) {
      const target = ['PUT /api/v1/aborted/a', 'POST /api/v1/aborted/bulk', 'PATCH /api/v1/aborted/warm'][
        index % 3
      ];
      connection.send(`${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n`);
      connection.send(piece);
    }
    await delay(30);
    for (const connection of connections) connection.destroy();
  }
  await untilNoBodies();
  t.is((await server.get('/api/v1/aborted/a')).status, 404);
  t.is((await server.put('/api/v1/aborted/a', {})).status, 201);
  const growth = (server.rssBytes() - before) / MIB;
  t.true(growth < 200, `${growth} MiB after 100 MiB of broken uploads`);
});

test('bodies under way are bounded: more of them get 503 with the setting named', async (t) => {
  const small = await TestServer.start({
    env: { LUMADB_SERVER__MAX_IN_FLIGHT_BODY_BYTES: String(32 * MIB) },
  });
  t.teardown(() => small.close());
  const part = Buffer.alloc(12 * MIB, 0x20);
  const held: RawConnection[] = [];
  t.teardown(() => {
    for (const connection of held) connection.destroy();
  });
  for (let i = 0; i < 5; i++) {
    const connection = await RawConnection.open(small.port);
    held.push(connection);
    connection.send(`PUT /api/v1/c/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${16 * MIB}\r\n\r\n`);
    connection.send(part);
  }
  const isRefused = ({ received }: RawConnection): boolean => received.includes('max_in_flight_body_bytes');
  await small.until('some of them are refused', () => held.filter(isRefused).length >= 2);
  t.true((await small.metric('lumadb_request_body_bytes{front="0"}')) <= 32 * MIB);
  const refused = held.find(isRefused)?.received.toString() ?? '';
  t.regex(refused, /^HTTP\/1\.1 503 /);
  t.regex(refused, /\r\nRetry-After: 1\r\n/);
  t.regex(refused, /"code":"UNAVAILABLE"/);
  for (const connection of held.splice(0)) connection.destroy();
  await small.until(
    'they are given back',
    async () => (await small.metric('lumadb_request_body_bytes{front="0"}')) === 0,
  );
  t.is((await small.put('/api/v1/c/b', {})).status, 201);
});

test('nonsense instead of HTTP ends the connection and nothing else', async (t) => {
  const attempts = [
    'GARBAGE\r\n\r\n',
    '\0\0\0\0\0\0\0\0\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET /api/v1/c/a HTTP/9.9\r\nHost: x\r\n\r\n',
    'PUT /api/v1/c/a HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
    'PUT /api/v1/c/a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n',
    'PUT /api/v1/c/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'PUT /api/v1/c/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    `GET /live HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(1024 * 1024)}\r\n\r\n`,
    `GET /${'a'.repeat(1024 * 1024)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /live HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(20_000)}\r\n`,
  ];
  for (const text of attempts) {
    const connection = await RawConnection.open(server.port);
    connection.send(text);
    await Promise.race([connection.closed, delay(300)]);
    const answer = connection.received.toString('latin1');
    t.true(answer === '' || /^HTTP\/1\.1 [45]/.test(answer), `${text.slice(0, 60)} → ${answer.slice(0, 80)}`);
    connection.destroy();
  }
  t.true(await alive());
});

test('a chunked body is a body like any other', async (t) => {
  const connection = await RawConnection.open(server.port);
  t.teardown(() => connection.destroy());
  connection.send('PUT /api/v1/chunked/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (const piece of ['{"a"', ':', '[1,2', ',3]}']) {
    connection.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await delay(10);
  }
  connection.send('0\r\n\r\n');
  await connection.wait((received) => received.includes('"_seq"') || undefined);
  t.deepEqual((await server.get('/api/v1/chunked/a')).json, { _id: 'a', a: [1, 2, 3] });
});
