import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { RawConnection, splitAnswers } from '../support/http.js';
import { TestServer } from '../support/server.js';
import { WAIT_MS_MAX } from '../support/time.js';

const MIB = 1024 * 1024;
/** That many answers of 8 MiB are more than the 256 MiB that are held for slow readers. */
const LARGE_READERS = 60;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const put = (path: string, body: string): string =>
  `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test('pipelined reads are answered in order', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  for (let i = 0; i < 10; i++) await server.put(`/api/v1/c/k${i}`, { i });
  const connection = await RawConnection.open(server.port);
  t.teardown(() => connection.destroy());
  const count = 500;
  connection.send(Array.from({ length: count }, (_, i) => get(`/api/v1/c/k${i % 11}`)).join(''));
  const answers = await connection.wait((received) => {
    const split = splitAnswers(received);
    return split.length === count ? split : undefined;
  });
  for (const [index, { status, body }] of answers.entries()) {
    if (index % 11 === 10) t.is(status, 404);
    else t.is(JSON.parse(body.toString()).i, index % 11);
  }
});

test('a request pipelined behind a write never gets its answer first: the connection ends instead', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  await server.put('/api/v1/c/a', { n: 0 });
  for (let round = 0; round < 20; round++) {
    const connection = await RawConnection.open(server.port);
    const requests: [string, string][] = [
      ['GET', get('/api/v1/c/a')],
      ['PUT', put('/api/v1/c/a', `{"n":${round}}`)],
      ['GET', get('/api/v1/c/a')],
      ['PUT', put('/api/v1/c/b', `{"n":${round}}`)],
    ];
    connection.send(requests.map(([, text]) => text).join(''));
    await Promise.race([connection.closed, delay(1000)]);
    const answers = splitAnswers(connection.received);
    t.true(answers.length <= requests.length);
    for (const [index, { body }] of answers.entries()) {
      t.is(body.includes('"_seq"'), requests[index][0] === 'PUT', `answer ${index} of round ${round}`);
    }
    connection.destroy();
    const read = await server.get('/api/v1/c/a');
    // Unanswered, so it may have happened or not, or be about to.
    t.true(Number.isInteger(read.json.n) && read.json.n <= round, read.text);
  }
});

test('sequential writes and reads on one connection see each other', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  const connection = await RawConnection.open(server.port);
  t.teardown(() => connection.destroy());
  for (let i = 0; i < 100; i++) {
    connection.send(put('/api/v1/c/a', `{"n":${i}}`));
    await connection.wait((received) => splitAnswers(received).length === 2 * i + 1 || undefined);
    connection.send(get('/api/v1/c/a'));
    const answers = await connection.wait((received) => {
      const split = splitAnswers(received);
      return split.length === 2 * i + 2 ? split : undefined;
    });
    t.is(JSON.parse(String(answers.at(-1)?.body)).n, i);
  }
});

test('readers that do not read cost bounded memory, pipelined or with large documents', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  await server.put('/api/v1/c/medium', { v: 'x'.repeat(100 * 1024) });
  await server.put('/api/v1/c/large', { v: 'x'.repeat(8 * MIB) });
  const before = server.rssBytes();
  const slow: RawConnection[] = [];
  t.teardown(() =>
    slow.forEach((connection) => {
      connection.destroy();
    }),
  );
  const ask = async (request: string): Promise<void> => {
    const connection = await RawConnection.open(server.port);
    connection.socket.pause();
    connection.send(request);
    slow.push(connection);
  };
  for (let i = 0; i < 4; i++) await ask(get('/api/v1/c/medium').repeat(5000));
  for (let i = 0; i < LARGE_READERS; i++) await ask(get('/api/v1/c/large'));
  let peak = 0;
  for (let i = 0; i < 10; i++) {
    await delay(150);
    peak = Math.max(peak, server.rssBytes());
  }
  t.is((await server.get('/live')).status, 200);
  // How much of an answer the kernel takes off the server's hands, and how soon the server has read
  // every request, differ between machines: more readers come until the limit is reached.
  let refused = await server.get('/api/v1/c/large');
  for (let i = 0; i < LARGE_READERS && refused.status === 200; i++) {
    await ask(get('/api/v1/c/large'));
    await delay(50);
    refused = await server.get('/api/v1/c/large');
    peak = Math.max(peak, server.rssBytes());
  }
  t.log(
    `resident memory grew by ${Math.round((peak - before) / MIB)} MiB at most, with ${slow.length} slow readers`,
  );
  t.true(peak - before < 450 * MIB, `${(peak - before) / MIB} MiB`);
  t.is(refused.status, 503);
  t.regex(refused.json.error.message, /slow readers/);
  t.truthy(refused.headers['retry-after']);
  for (const connection of slow.splice(0)) connection.destroy();
  await server.until(
    'large documents are served again',
    async () => (await server.get('/api/v1/c/large')).status === 200,
  );
});

test('a slow reader gets a large document whole, while others are served', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  const text = JSON.stringify({ _id: 'a', v: 'abcdefgh'.repeat(MIB) });
  await server.put('/api/v1/c/a', text);
  const connection = await RawConnection.open(server.port);
  t.teardown(() => connection.destroy());
  connection.send(get('/api/v1/c/a'));
  for (let i = 0; i < 10; i++) {
    connection.socket.pause();
    await delay(30);
    t.is((await server.get('/live')).status, 200);
    // The document changes while it is being read: what was begun is finished.
    await server.put('/api/v1/c/a', { i });
    connection.socket.resume();
    await delay(5);
  }
  const [answer] = await connection.wait((received) => {
    const split = splitAnswers(received);
    return split.length === 1 ? split : undefined;
  });
  t.is(answer.body.toString(), text);
});

test('slow heads and slow bodies end by a timeout, and neither keeps others waiting', async (t) => {
  const server = await TestServer.start();
  t.teardown(() => server.close());
  const head = await RawConnection.open(server.port);
  const body = await RawConnection.open(server.port);
  t.teardown(() => {
    head.destroy();
    body.destroy();
  });
  head.send('GET /live HTTP/1.1\r\nHo');
  body.send('PUT /api/v1/c/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"a"');
  t.is((await server.put('/api/v1/c/b', {})).status, 201);
  await Promise.race([
    Promise.all([head.closed, body.closed]),
    delay(WAIT_MS_MAX, undefined, { ref: false }).then(() => t.fail('the server waits for ever')),
  ]);
  t.is((await server.get('/api/v1/c/a')).status, 404);
  t.is(await server.metric('lumadb_request_body_bytes{front="0"}'), 0);
});
