import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { RawConnection, splitAnswers } from '../support/http.js';
import { TestServer } from '../support/server.js';
import { WAIT_MS_MAX } from '../support/time.js';

const MIB = 1024 * 1024;
/**
 * Of all tests that have no need of their own; each has its own collection. One after the other: a test that keeps this
 * process busy would let connections of another idle until the server closes them.
 */
let server: TestServer;
test.before(async () => {
  server = await TestServer.start();
});
test.after.always(() => server?.close());

/** That many answers of 8 MiB are more than the 256 MiB that are held for slow readers. */
const LARGE_READERS = 60;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const put = (path: string, body: string): string =>
  `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test.serial('pipelined reads are answered in order', async (t) => {
  for (let i = 0; i < 10; i++) await server.put(`/api/v1/piped/k${i}`, { i });
  const connection = await RawConnection.open(server.port);
  t.teardown(() => connection.destroy());
  const count = 500;
  connection.send(Array.from({ length: count }, (_, i) => get(`/api/v1/piped/k${i % 11}`)).join(''));
  const answers = await connection.wait((received) => {
    const split = splitAnswers(received);
    return split.length === count ? split : undefined;
  });
  for (const [index, { status, body }] of answers.entries()) {
    if (index % 11 === 10) t.is(status, 404);
    else t.is(JSON.parse(body.toString()).i, index % 11);
  }
});

test.serial(
  'a request pipelined behind a write never gets its answer first: the connection ends instead',
  async (t) => {
    await server.put('/api/v1/behind/a', { n: 0 });
    for (let round = 0; round < 20; round++) {
      const connection = await RawConnection.open(server.port);
      const requests: [string, string][] = [
        ['GET', get('/api/v1/behind/a')],
        ['PUT', put('/api/v1/behind/a', `{"n":${round}}`)],
        ['GET', get('/api/v1/behind/a')],
        ['PUT', put('/api/v1/behind/b', `{"n":${round}}`)],
      ];
      connection.send(requests.map(([, text]) => text).join(''));
      await Promise.race([connection.closed, delay(1000)]);
      const answers = splitAnswers(connection.received);
      t.true(answers.length <= requests.length);
      for (const [index, { body }] of answers.entries()) {
        t.is(body.includes('"_seq"'), requests[index][0] === 'PUT', `answer ${index} of round ${round}`);
      }
      connection.destroy();
      const read = await server.get('/api/v1/behind/a');
      // Unanswered, so it may have happened or not, or be about to.
      t.true(Number.isInteger(read.json.n) && read.json.n <= round, read.text);
    }
  },
);

test.serial('sequential writes and reads on one connection see each other', async (t) => {
  const connection = await RawConnection.open(server.port);
  t.teardown(() => connection.destroy());
  for (let i = 0; i < 100; i++) {
    connection.send(put('/api/v1/sequential/a', `{"n":${i}}`));
    await connection.wait((received) => splitAnswers(received).length === 2 * i + 1 || undefined);
    connection.send(get('/api/v1/sequential/a'));
    const answers = await connection.wait((received) => {
      const split = splitAnswers(received);
      return split.length === 2 * i + 2 ? split : undefined;
    });
    t.is(JSON.parse(String(answers.at(-1)?.body)).n, i);
  }
});

test.serial('readers that do not read cost bounded memory, pipelined or with large documents', async (t) => {
  const own = await TestServer.start();
  t.teardown(() => own.close());
  await own.put('/api/v1/c/medium', { v: 'x'.repeat(100 * 1024) });
  await own.put('/api/v1/c/large', { v: 'x'.repeat(8 * MIB) });
  const before = own.rssBytes();
  const slow: RawConnection[] = [];
  t.teardown(() =>
    slow.forEach((connection) => {
      connection.destroy();
    }),
  );
  const ask = async (request: string): Promise<void> => {
    const connection = await RawConnection.open(own.port);
    connection.socket.pause();
    connection.send(request);
    slow.push(connection);
  };
  for (let i = 0; i < 4; i++) await ask(get('/api/v1/c/medium').repeat(5000));
  for (let i = 0; i < LARGE_READERS; i++) await ask(get('/api/v1/c/large'));
  let peak = 0;
  for (let i = 0; i < 10; i++) {
    await delay(150);
    peak = Math.max(peak, own.rssBytes());
  }
  t.is((await own.get('/live')).status, 200);
  // How much of an answer the kernel takes off the server's hands, and how soon the server has read
  // every request, differ between machines: more readers come until the limit is reached. Many at a time, or the first
  // of them would be given up meanwhile.
  let refused = await own.get('/api/v1/c/large');
  for (let burst = 0; burst < 8 && refused.status === 200; burst++) {
    await Promise.all(Array.from({ length: 10 * 2 ** burst }, () => ask(get('/api/v1/c/large'))));
    refused = await own.get('/api/v1/c/large');
    peak = Math.max(peak, own.rssBytes());
  }
  t.log(
    `resident memory grew by ${Math.round((peak - before) / MIB)} MiB at most, with ${slow.length} slow readers`,
  );
  t.true(peak - before < 450 * MIB, `${(peak - before) / MIB} MiB`);
  t.is(refused.status, 503);
  t.regex(refused.json.error.message, /slow readers/);
  t.truthy(refused.headers['retry-after']);
  for (const connection of slow.splice(0)) connection.destroy();
  await own.until(
    'large documents are served again',
    async () => (await own.get('/api/v1/c/large')).status === 200,
  );
});

test.serial('a slow reader gets a large document whole, while others are served', async (t) => {
  const text = JSON.stringify({ _id: 'a', v: 'abcdefgh'.repeat(MIB) });
  await server.put('/api/v1/whole/a', text);
  const connection = await RawConnection.open(server.port);
  t.teardown(() => connection.destroy());
  connection.send(get('/api/v1/whole/a'));
  for (let i = 0; i < 10; i++) {
    connection.socket.pause();
    await delay(30);
    t.is((await server.get('/live')).status, 200);
    // The document changes while it is being read: what was begun is finished.
    await server.put('/api/v1/whole/a', { i });
    connection.socket.resume();
    await delay(5);
  }
  const [answer] = await connection.wait((received) => {
    const split = splitAnswers(received);
    return split.length === 1 ? split : undefined;
  });
  t.is(answer.body.toString(), text);
});

test.serial('slow heads and slow bodies end by a timeout, and neither keeps others waiting', async (t) => {
  const head = await RawConnection.open(server.port);
  const body = await RawConnection.open(server.port);
  t.teardown(() => {
    head.destroy();
    body.destroy();
  });
  head.send('GET /live HTTP/1.1\r\nHo');
  body.send('PUT /api/v1/slow/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"a"');
  t.is((await server.put('/api/v1/slow/b', {})).status, 201);
  await Promise.race([
    Promise.all([head.closed, body.closed]),
    delay(WAIT_MS_MAX, undefined, { ref: false }).then(() => t.fail('the server waits for ever')),
  ]);
  t.is((await server.get('/api/v1/slow/a')).status, 404);
  // Other tests may be sending theirs.
  const bodyBytes = () => server.metric('lumadb_request_body_bytes{front="0"}');
  await server.until('no bytes of bodies are held', async () => (await bodyBytes()) === 0);
});
