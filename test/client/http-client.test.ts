import test from 'ava';
import { HttpClient, type HttpClientOptions, LumaDbError } from '../../src/client/index.js';
import { answerJson, FakeHttpServer, type Script } from '../support/fake-server.js';

async function withServer(
  script: Script,
  use: (client: HttpClient, server: FakeHttpServer) => Promise<void>,
  options: Partial<HttpClientOptions> = {},
): Promise<void> {
  const server = await FakeHttpServer.start(script);
  const client = new HttpClient({ baseUrl: server.url, ...options });
  try {
    await use(client, server);
  } finally {
    client.close();
    await server.close();
  }
}

const WRITTEN = { etag: '"7"', 'x-lumadb-durability': 'always' };
const unavailable = { error: { code: 'UNAVAILABLE', message: 'shard 2: L0 stop', request_id: 'r1' } };

test.serial(
  'a put sends its options as headers and gives back version, durability and whether it created',
  async (t) => {
    await withServer(
      (_, response) => answerJson(response, 201, { _id: 'k', _seq: 7 }, WRITTEN),
      async (client, server) => {
        const options = { ifMatch: 6, durability: 'group', idempotencyKey: 'once' } as const;
        const result = await client.put('users', 'k', { x: 1 }, options);
        t.deepEqual(result, { id: 'k', seqno: 7, durability: 'always', created: true });
        await client.put('users', 'k', '{"raw": true}', { ifNoneMatch: '*' });
        const [first, second] = server.requests;
        t.is(first.method, 'PUT');
        t.is(first.url, '/api/v1/users/k');
        t.is(first.body, '{"x":1}');
        t.is(first.headers['if-match'], '"6"');
        t.is(first.headers['x-lumadb-durability'], 'group');
        t.is(first.headers['idempotency-key'], 'once');
        t.is(first.headers.authorization, 'Bearer secret');
        t.is(second.body, '{"raw": true}');
        t.is(second.headers['if-none-match'], '*');
      },
      { token: 'secret' },
    );
  },
);

test.serial('every call goes to the path of the contract', async (t) => {
  const bodies: Record<string, unknown> = {
    'GET /api/v1/c/k': { x: 1 },
    'GET /api/v1/c?filter=%7B%22a%22%3A1%7D&sort=-b&limit=5&cursor=abc&fields=a%2Cb': {
      data: [{ _id: '1' }],
      pagination: { limit: 5, offset: 0, has_more: true, next_cursor: 'def', total: 9 },
    },
    'GET /api/v1/collections': { collections: [{ name: 'c', document_count: 2, size_bytes: 3 }], total: 1 },
    'GET /api/v1/collections/c': { name: 'c', document_count: 2 },
    'POST /api/v1/collections': { name: 'new', ttl: 60 },
    'PATCH /api/v1/collections/c': { name: 'c', ttl: null },
    'GET /health': { status: 'healthy' },
    'GET /status': { shards: [] },
    'POST /api/v1/c/bulk?atomic=true': {
      created: 1,
      replaced: 0,
      failed: 1,
      results: [
        { _id: 'a', _seq: 4, status: 201 },
        { status: 400, error: { code: 'VALIDATION_ERROR', message: 'no' } },
      ],
    },
  };
  await withServer(
    ({ method, url }, response) =>
      answerJson(response, 200, bodies[`${method} ${url}`] ?? { _id: 'k', _seq: 1 }, WRITTEN),
    async (client, server) => {
      t.deepEqual(await client.get('c', 'k'), { document: { x: 1 }, seqno: 7 });
      t.deepEqual(await client.head('c', 'k'), { seqno: 7 });
      t.is((await client.patch('c', 'k', { x: null })).created, false);
      t.is((await client.delete('c', 'k')).seqno, 1);
      t.is((await client.post('c', { _id: 'k', x: 1 })).id, 'k');
      const page = await client.list('c', {
        filter: { a: 1 },
        sort: '-b',
        limit: 5,
        cursor: 'abc',
        fields: ['a', 'b'],
      });
      t.deepEqual(page, { documents: [{ _id: '1' }], hasMore: true, nextCursor: 'def', total: 9 });
      t.deepEqual(await client.bulk('c', [{ _id: 'a' }, {}], { atomic: true }), {
        created: 1,
        replaced: 0,
        failed: 1,
        durability: 'always',
        items: [
          { id: 'a', seqno: 4, status: 201, error: undefined },
          { id: undefined, seqno: 0, status: 400, error: { code: 'VALIDATION_ERROR', message: 'no' } },
        ],
      });
      t.is((await client.collections.list())[0].documentCount, 2);
      t.is((await client.collections.get('c')).name, 'c');
      t.like(await client.collections.create('new', { ttlSeconds: 60 }), { name: 'new', ttlSeconds: 60 });
      t.is(server.requests.at(-1)?.body, '{"name":"new","ttl":60}');
      t.like(await client.collections.setTtl('c', null), { name: 'c', ttlSeconds: null });
      t.is(server.requests.at(-1)?.body, '{"ttl":null}');
      await client.collections.drop('c');
      t.true((await client.health()).isHealthy);
      t.deepEqual(await client.status(), { shards: [] });
      t.is(server.requests.at(-3)?.method, 'DELETE');
    },
  );
});

test.serial(
  'a time to live becomes a header, and one that cannot be is refused before anything is sent',
  async (t) => {
    await withServer(
      (_, response) => answerJson(response, 200, {}, WRITTEN),
      async (client, server) => {
        await client.put('c', 'k', {}, { ttlSeconds: 60 });
        await client.patch('c', 'k', {}, { ttlSeconds: null });
        await client.put('c', 'k', {});
        t.deepEqual(
          server.requests.map(({ headers }) => headers['x-lumadb-ttl']),
          ['60', 'none', undefined],
        );
        for (const ttlSeconds of [0, -1, 0.5, Number.POSITIVE_INFINITY])
          await t.throwsAsync(client.put('c', 'k', {}, { ttlSeconds }), { message: /ttlSeconds/ });
        t.is(server.requests.length, 3);
      },
    );
  },
);

test.serial('keys with slashes, dots, Unicode and NUL are percent-encoded', async (t) => {
  await withServer(
    (_, response) => answerJson(response, 200, {}, WRITTEN),
    async (client, server) => {
      const keys = ['a/b', '..', '.', 'ключ 😀', 'n\0l', 'a?b#c%2F', "!'()*"];
      for (const key of keys) await client.get('c', key);
      t.is(server.requests[1].url, '/api/v1/c/%2E%2E');
      const got = server.requests.map(({ url }) => decodeURIComponent(url.slice('/api/v1/c/'.length)));
      t.deepEqual(got, keys);
      t.true(server.requests.every(({ url }) => url.split('/').length === 5));
      const error = await t.throwsAsync(client.get('c', '\ud800'), { instanceOf: LumaDbError });
      t.is(error.code, 'VALIDATION_ERROR');
      await t.throwsAsync(client.put('c', '', {}), { instanceOf: LumaDbError });
      t.is(server.requests.length, keys.length);
    },
  );
});

test.serial('connections are kept alive and their number is bounded', async (t) => {
  await withServer(
    (_, response) => setTimeout(() => answerJson(response, 200, {}, WRITTEN), 1),
    async (client, server) => {
      for (let i = 0; i < 20; i++) await client.get('c', 'k');
      t.is(server.connections, 1);
      await Promise.all(Array.from({ length: 40 }, () => client.get('c', 'k')));
      t.true(server.connections <= 4, `${server.connections} connections`);
    },
    { maxConnections: 4 },
  );
});

test.serial('an error answer becomes a typed error with everything the server said', async (t) => {
  const details = { field: 'x', offset: 3 };
  await withServer(
    (_, response) =>
      answerJson(response, 412, {
        error: { code: 'PRECONDITION_FAILED', message: 'version 8', details, request_id: 'r9' },
      }),
    async (client, server) => {
      const error = await t.throwsAsync(client.put('c', 'k', {}, { ifMatch: 3 }), {
        instanceOf: LumaDbError,
      });
      t.like(error, {
        code: 'PRECONDITION_FAILED',
        status: 412,
        message: 'version 8',
        requestId: 'r9',
        details,
      });
      t.false(error.retryable);
      t.is(server.requests.length, 1);
    },
  );
});

test.serial('an answer without our error body is classified by its status', async (t) => {
  await withServer(
    (_, response) => {
      response.writeHead(502, { 'x-request-id': 'proxy-1' });
      response.end('<html>bad gateway');
    },
    async (client) => {
      const error = await t.throwsAsync(client.get('c', 'k'), { instanceOf: LumaDbError });
      t.like(error, { code: 'UNAVAILABLE', status: 502, requestId: 'proxy-1', retryable: true });
    },
    { retries: 0 },
  );
});

test.serial('a read is repeated after 503 and after a broken connection', async (t) => {
  await withServer(
    (_, response, count) => {
      if (count === 1) answerJson(response, 503, unavailable);
      else if (count === 2) response.destroy();
      else answerJson(response, 200, { x: 1 }, WRITTEN);
    },
    async (client, server) => {
      t.deepEqual((await client.get('c', 'k')).document, { x: 1 });
      t.is(server.requests.length, 3);
    },
  );
});

test.serial('a write is repeated with one and the same idempotency key', async (t) => {
  await withServer(
    (_, response, count) => {
      if (count === 1) response.destroy();
      else if (count === 2) answerJson(response, 503, unavailable);
      else answerJson(response, 201, { _id: 'k', _seq: 7 }, WRITTEN);
    },
    async (client, server) => {
      t.true((await client.put('c', 'k', {})).created);
      const keys = new Set(server.requests.map(({ headers }) => headers['idempotency-key']));
      t.is(server.requests.length, 3);
      t.is(keys.size, 1);
      t.true([...keys][0] !== undefined);
    },
  );
});

test.serial('a write without an idempotency key is never repeated', async (t) => {
  for (const retries of [0, 2]) {
    await withServer(
      (_, response) => response.destroy(),
      async (client, server) => {
        // Creating a collection carries no key; a put without retries carries none either.
        const call = retries === 0 ? client.put('c', 'k', {}) : client.collections.create('c');
        const error = await t.throwsAsync<LumaDbError>(call, { instanceOf: LumaDbError });
        t.is(error.code, 'UNAVAILABLE');
        t.is(error.status, 0);
        t.is(server.requests.length, 1);
        t.is(server.requests[0].headers['idempotency-key'], undefined);
      },
      { retries },
    );
  }
});

test.serial('a write is not repeated after 500, 429 or a 503 that says it is final', async (t) => {
  const final = { error: { code: 'UNAVAILABLE', message: 'fsync failed', details: { retryable: false } } };
  for (const [status, body] of [
    [500, {}],
    [429, {}],
    [503, final],
  ] as const) {
    await withServer(
      (_, response) => answerJson(response, status, body),
      async (client, server) => {
        await t.throwsAsync(client.put('c', 'k', {}), { instanceOf: LumaDbError });
        t.is(server.requests.length, 1, `${status}`);
      },
    );
  }
});

test.serial('a created document gets its id before the first attempt', async (t) => {
  await withServer(
    (_, response, count) => {
      if (count === 1) response.destroy();
      else answerJson(response, 201, { _seq: 7 }, WRITTEN);
    },
    async (client, server) => {
      const { id } = await client.create('c', { x: 1 });
      const [first, second] = server.requests.map(({ body }) => JSON.parse(body) as { _id: string });
      t.is(first._id, id);
      t.deepEqual(first, second);
    },
  );
});

test.serial('Retry-After is honoured, and a wait beyond the time limit ends the call at once', async (t) => {
  await withServer(
    (_, response, count) => {
      if (count === 1) answerJson(response, 503, unavailable, { 'retry-after': '1' });
      else answerJson(response, 200, {}, WRITTEN);
    },
    async (client, server) => {
      const start = performance.now();
      await client.get('c', 'k');
      t.true(performance.now() - start >= 990);
      t.is(server.requests.length, 2);
    },
  );
  await withServer(
    (_, response) => answerJson(response, 503, unavailable, { 'retry-after': '3600' }),
    async (client, server) => {
      const start = performance.now();
      const error = await t.throwsAsync(client.get('c', 'k'), { instanceOf: LumaDbError });
      t.is(error.retryAfterMs, 3_600_000);
      t.true(performance.now() - start < 30_000);
      t.is(server.requests.length, 1);
    },
    { timeoutMs: 60_000 },
  );
});

test.serial('a call that gets no answer in time fails with TIMEOUT and is not repeated', async (t) => {
  await withServer(
    () => {},
    async (client, server) => {
      const error = await t.throwsAsync(client.get('c', 'k'), { instanceOf: LumaDbError });
      t.like(error, { code: 'TIMEOUT', status: 0, retryable: true });
      t.is(server.requests.length, 1);
    },
    { timeoutMs: 1000 },
  );
});

test.serial('a server that is not there is UNAVAILABLE', async (t) => {
  const server = await FakeHttpServer.start(() => {});
  const { url } = server;
  await server.close();
  const client = new HttpClient({ baseUrl: url, retries: 1 });
  const error = await t.throwsAsync(client.get('c', 'k'), { instanceOf: LumaDbError });
  t.is(error.code, 'UNAVAILABLE');
  t.regex(error.message, /ECONNREFUSED/);
});

test.serial('an abort rejects with its reason, before, during and between attempts', async (t) => {
  const reason = new Error('enough');
  await t.throwsAsync(
    withServer(
      () => {},
      async (client) => {
        await client.get('c', 'k', { signal: AbortSignal.abort(reason) });
      },
    ),
    { is: reason },
  );
  for (const retryAfter of [undefined, '10']) {
    await withServer(
      (_, response) => {
        if (retryAfter !== undefined) answerJson(response, 503, unavailable, { 'retry-after': retryAfter });
      },
      async (client) => {
        const controller = new AbortController();
        setTimeout(() => controller.abort(reason), 50);
        await t.throwsAsync(client.get('c', 'k', { signal: controller.signal }), { is: reason });
      },
    );
  }
});

test.serial('a truncated answer and an answer above the limit are errors', async (t) => {
  await withServer(
    (_, response) => {
      response.writeHead(200, { 'content-length': '100', etag: '"1"' });
      response.write('{"x":');
      setTimeout(() => response.destroy(), 10);
    },
    async (client) => {
      const error = await t.throwsAsync(client.get('c', 'k'), { instanceOf: LumaDbError });
      t.is(error.code, 'UNAVAILABLE');
    },
    { retries: 0 },
  );
  await withServer(
    (_, response) => answerJson(response, 200, 'x'.repeat(5000), WRITTEN),
    async (client) => {
      const error = await t.throwsAsync(client.get('c', 'k'), { instanceOf: LumaDbError });
      t.is(error.code, 'PAYLOAD_TOO_LARGE');
    },
    { responseBytesMax: 1000 },
  );
});

test.serial(
  'a missing document is NOT_FOUND for get and undefined for head; an unhealthy server is a result',
  async (t) => {
    await withServer(
      ({ url }, response) => {
        if (url === '/health') answerJson(response, 503, { status: 'degraded' });
        else answerJson(response, 404, { error: { code: 'NOT_FOUND', message: 'no such document' } });
      },
      async (client) => {
        const error = await t.throwsAsync(client.get('c', 'k'), { instanceOf: LumaDbError });
        t.is(error.code, 'NOT_FOUND');
        t.is(await client.head('c', 'k'), undefined);
        t.like(await client.health(), { isHealthy: false, status: 'degraded' });
      },
    );
  },
);
