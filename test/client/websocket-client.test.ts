import test from 'ava';
import { TTL_NEVER, TTL_UNSET } from '../../src/base/expiry.js';
import { TTL_SECONDS_MAX } from '../../src/base/limits.js';
import { createPrng } from '../../src/base/prng.js';
import { LumaDbError, WebSocketClient, type WebSocketClientOptions } from '../../src/client/index.js';
import {
  type FakePeer,
  type FakeWebSocketOptions,
  FakeWebSocketServer,
  until,
} from '../support/fake-server.js';
import { testSeed } from '../support/random.js';

async function withClient(
  serverOptions: FakeWebSocketOptions,
  use: (client: WebSocketClient, server: FakeWebSocketServer) => Promise<void>,
  options: WebSocketClientOptions = {},
): Promise<void> {
  const server = await FakeWebSocketServer.start(serverOptions);
  try {
    const client = await WebSocketClient.connect(server.url, { timeoutMs: 60_000, ...options });
    await use(client, server);
    await client.close();
  } finally {
    await server.close();
  }
}

test.serial('a document is written, read, deleted and then missing', async (t) => {
  await withClient({}, async (client) => {
    t.deepEqual(await client.put('users', 'ключ/\0', { x: 1 }), {
      id: 'ключ/\0',
      seqno: 1,
      durability: undefined,
      created: true,
    });
    t.is((await client.put('users', 'ключ/\0', '{"x":2}', { durability: 'os' })).created, false);
    t.deepEqual(await client.get('users', 'ключ/\0'), { document: { x: 2 }, seqno: 2 });
    await client.delete('users', 'ключ/\0');
    const error = await t.throwsAsync(client.get('users', 'ключ/\0'), { instanceOf: LumaDbError });
    t.like(error, { code: 'NOT_FOUND', status: 404, message: 'no such document' });
    await client.ping();
  });
});

test.serial('a time to live travels with the operation or the call it was given for', async (t) => {
  await withClient({}, async (client, server) => {
    await client.put('c', 'a', {});
    await client.put('c', 'b', {}, { ttlSeconds: 60 });
    await client.patch('c', 'b', {}, { ttlSeconds: null });
    await client.putMany('c', ['d', 'e'], [{}, {}], { ttlSeconds: 7 });
    await client.getMany('c', ['d']);
    t.deepEqual(server.ttls, [TTL_UNSET, 60, TTL_NEVER, 7, 7, TTL_UNSET]);
    for (const ttlSeconds of [0, -1, 1.5, Number.NaN, TTL_SECONDS_MAX + 1]) {
      const refusals = [
        client.put('c', 'a', {}, { ttlSeconds }),
        client.putMany('c', ['a'], [{}], { ttlSeconds }),
      ];
      for (const refusal of refusals) await t.throwsAsync(refusal, { message: /ttlSeconds/ });
    }
    t.is(server.ttls.length, 6, 'nothing of them was sent');
  });
});

test.serial('operations of one turn share a frame, also those asked for by promises', async (t) => {
  await withClient({}, async (client, server) => {
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        if (i % 2 === 0) await Promise.resolve();
        await client.put('c', `k${i}`, { i });
      }),
    );
    t.deepEqual(server.frames, [100]);
    await Promise.all(Array.from({ length: 100 }, (_, i) => client.get('c', `k${i}`)));
    t.deepEqual(server.frames, [100, 100]);
  });
});

test.serial('operations with another durability go in another frame', async (t) => {
  await withClient({}, async (client, server) => {
    await Promise.all([
      client.put('c', 'a', {}),
      client.put('c', 'b', {}, { durability: 'os' }),
      client.put('c', 'd', {}, { durability: 'os' }),
    ]);
    t.deepEqual(server.frames, [1, 2]);
  });
});

test.serial('frames are bounded by operations and by bytes', async (t) => {
  await withClient(
    {},
    async (client, server) => {
      await Promise.all(Array.from({ length: 25 }, (_, i) => client.get('c', `k${i}`).catch(() => {})));
      t.deepEqual(server.frames, [10, 10, 5]);
      server.frames.length = 0;
      const value = JSON.stringify({ x: 'y'.repeat(400) });
      await client.putMany('c', ['a', 'b', 'd', 'e'], [value, value, value, value]);
      t.true(server.frames.length > 1, 'more than batchBytes do not share a frame');
    },
    { batchOperations: 10, batchBytes: 1000 },
  );
});

test.serial('answers out of order, in pieces and from late frames find their operations', async (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const backlog: [FakePeer, Buffer][] = [];
  await withClient(
    {
      onBinary: (peer, payload, server) => {
        const shuffled = (count: number): number[] => {
          const order = [...Array(count).keys()];
          for (let i = count - 1; i > 0; i--) {
            const j = prng.nextBelow(i + 1);
            [order[i], order[j]] = [order[j], order[i]];
          }
          return order;
        };
        let all: number[] = [];
        server.answer(payload, (count) => {
          all = shuffled(count);
          return [];
        });
        const cut = prng.nextBelow(all.length + 1);
        backlog.push([peer, server.answer(payload, () => all.slice(0, cut))]);
        backlog.push([peer, server.answer(payload, () => all.slice(cut))]);
        setImmediate(() => {
          while (backlog.length > 0) {
            const [to, frame] = backlog.splice(prng.nextBelow(backlog.length), 1)[0];
            to.send(0x82, frame);
          }
        });
      },
    },
    async (client) => {
      const keys = Array.from({ length: 500 }, (_, i) => `k${i}`);
      await Promise.all(keys.map((key) => client.put('c', key, { key })));
      const read = await Promise.all(keys.map((key) => client.get('c', key)));
      t.deepEqual(
        read.map(({ document }) => document['key']),
        keys,
      );
      const many = await client.getMany('c', keys);
      t.deepEqual(
        keys.map((_, i) => many.document(i)?.['key']),
        keys,
      );
    },
    { batchOperations: 32 },
  );
});

test.serial('the bulk face answers by columns', async (t) => {
  await withClient(
    {},
    async (client) => {
      const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
      const put = await client.putMany(
        'c',
        keys,
        keys.map((key) => ({ key })),
        { durability: 'group' },
      );
      t.true(put.isAllOk);
      t.true(put.statuses.every((status) => status === 201));
      const got = await client.getMany('c', [...keys, Buffer.from('missing')]);
      t.is(got.count, 1001);
      t.is(got.statuses[0], 200);
      t.is(got.seqnos[999], put.seqnos[999]);
      t.is(Buffer.from(got.value(7) ?? []).toString(), '{"key":"k7"}');
      t.is(got.statuses[1000], 404);
      t.is(got.document(1000), undefined);
      t.is(got.error(1000)?.code, 'NOT_FOUND');
      t.false(got.isAllOk);
      t.is((await client.getMany('c', [])).count, 0);
    },
    { batchOperations: 64, maxInFlight: 200 },
  );
});

test.serial('no more than maxInFlight operations are under way, and ready() waits for room', async (t) => {
  const held: (() => void)[] = [];
  let underWay = 0;
  let most = 0;
  await withClient(
    {
      onBinary: (peer, payload, server) => {
        const answer = server.answer(payload);
        const count = server.frames.at(-1) ?? 0;
        underWay += count;
        most = Math.max(most, underWay);
        held.push(() => {
          underWay -= count;
          peer.send(0x82, answer);
        });
      },
    },
    async (client) => {
      const puts = Array.from({ length: 20 }, (_, i) => client.put('c', `k${i}`, {}));
      const error = await t.throwsAsync(client.put('c', 'one too many', {}), { instanceOf: LumaDbError });
      t.is(error.code, 'UNAVAILABLE');
      let isReady = false;
      const ready = client.ready().then(() => {
        isReady = true;
      });
      await until(() => held.length > 0);
      t.is(underWay, 10);
      t.false(isReady);
      held.shift()?.();
      await until(() => held.length > 0);
      t.is(client.outstanding, 10);
      t.false(isReady);
      held.shift()?.();
      await ready;
      await Promise.all(puts);
      const many = client.putMany(
        'c',
        Array.from({ length: 95 }, (_, i) => `k${i}`),
        new Array(95).fill('{}'),
      );
      const release = setInterval(() => held.shift()?.(), 1);
      t.true((await many).isAllOk);
      clearInterval(release);
      t.is(most, 10);
    },
    { maxInFlight: 10, batchOperations: 10 },
  );
});

test.serial('a disconnect fails writes in flight, repeats reads, and leaves the client usable', async (t) => {
  let isCut = false;
  await withClient(
    {
      onBinary: (peer, payload, server) => {
        if (isCut) peer.send(0x82, server.answer(payload));
        else peer.socket.destroy();
        isCut = true;
      },
    },
    async (client, server) => {
      server.documents.set('c/k', { text: '{"x":1}', seqno: 5 });
      const [read, write] = await Promise.allSettled([client.get('c', 'k'), client.put('c', 'k', {})]);
      t.is(read.status, 'fulfilled');
      t.is(write.status, 'rejected');
      const error = write.status === 'rejected' ? (write.reason as LumaDbError) : undefined;
      t.is(error?.code, 'UNAVAILABLE');
      t.regex(error?.message ?? '', /outcome is unknown/);
      t.true((await client.put('c', 'new', {})).created);
      t.is(server.peers.length, 2);
    },
  );
});

test.serial('a write with an operation id is repeated with the same id', async (t) => {
  for (const retryWrites of [false, true]) {
    let cuts = 0;
    await withClient(
      {
        onBinary: (peer, payload, server) => {
          const answer = server.answer(payload);
          if (cuts++ === 0) peer.socket.destroy();
          else peer.send(0x82, answer);
        },
      },
      async (client, server) => {
        await client.put('c', 'k', {}, retryWrites ? {} : { idempotencyKey: 'once' });
        t.is(server.operationIds.length, 2);
        t.deepEqual(server.operationIds[0], server.operationIds[1]);
        t.true(server.operationIds[0][0] !== 0);
      },
      { retryWrites },
    );
  }
});

test.serial('bulk calls survive a disconnect when repeating is safe, and fail when it is not', async (t) => {
  const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
  const values = keys.map((key) => JSON.stringify({ key }));
  for (const retryWrites of [true, false]) {
    let frames = 0;
    await withClient(
      {
        onBinary: (peer, payload, server) => {
          frames++;
          // These frames are answered in part, then the connection is cut.
          if (frames === 3 || frames === 20) {
            peer.send(
              0x82,
              server.answer(payload, () => [0, 1]),
            );
            peer.socket.end();
          } else peer.send(0x82, server.answer(payload));
        },
      },
      async (client, server) => {
        const put = client.putMany('c', keys, values);
        if (retryWrites) {
          t.true((await put).isAllOk);
          t.is(new Set(server.operationIds.map((id) => id.join())).size, 100);
        } else {
          const error = await t.throwsAsync(put, { instanceOf: LumaDbError });
          t.is(error.code, 'UNAVAILABLE');
          for (const [i, key] of keys.entries())
            server.documents.set(`c/${key}`, { text: values[i], seqno: 1 });
        }
        const got = await client.getMany('c', keys);
        t.deepEqual(
          keys.map((_, i) => got.document(i)?.['key']),
          keys,
        );
        t.true(server.peers.length >= 2);
      },
      { retryWrites, batchOperations: 10 },
    );
  }
});

test.serial('an idle connection that is cut is opened again', async (t) => {
  await withClient({}, async (client, server) => {
    server.peers[0].socket.destroy();
    await until(() => !client.isConnected);
    await until(() => client.isConnected);
    t.is(server.peers.length, 2);
    await client.ping();
  });
});

test.serial('operations asked for while there is no connection wait for the next one', async (t) => {
  await withClient({}, async (client, server) => {
    server.peers[0].socket.destroy();
    await until(() => !client.isConnected);
    t.true((await client.put('c', 'k', {})).created);
  });
});

test.serial('the client gives up after reconnectAttempts, and at once when it is refused', async (t) => {
  const refusal = 'HTTP/1.1 401 Unauthorized\r\n\r\n';
  for (const attempts of [0, 1, 10]) {
    const { acceptHead } = await import('../support/fake-server.js');
    await withClient(
      {
        handshake: (key, count) => (count > 1 ? (attempts === 10 ? refusal : 'x\r\n\r\n') : acceptHead(key)),
      },
      async (client, server) => {
        const waiting = client.ready();
        await waiting;
        server.peers[0].socket.destroy();
        await until(() => !client.isConnected);
        const error = await t.throwsAsync(client.put('c', 'k', {}), { instanceOf: LumaDbError });
        t.is(error.code, attempts === 10 ? 'UNAUTHORIZED' : 'UNAVAILABLE');
        await t.throwsAsync(client.ready(), { instanceOf: LumaDbError });
        t.is(server.heads.length, attempts === 0 ? 1 : 2);
      },
      { reconnectAttempts: attempts },
    );
  }
});

test.serial(
  'an operation without an answer fails with TIMEOUT, and a late answer harms nobody',
  async (t) => {
    const late: [FakePeer, Buffer][] = [];
    await withClient(
      {
        onBinary: (peer, payload, server) => {
          const answer = server.answer(payload);
          if (late.length === 0) late.push([peer, answer]);
          else peer.send(0x82, answer);
        },
      },
      async (client) => {
        const error = await t.throwsAsync(client.put('c', 'slow', {}), { instanceOf: LumaDbError });
        t.is(error.code, 'TIMEOUT');
        await until(() => late.length === 1);
        late[0][0].send(0x82, late[0][1]);
        t.is((await client.put('c', 'quick', {})).seqno, 2);
        t.is(client.outstanding, 0);
      },
      { timeoutMs: 3000 },
    );
  },
);

test.serial('answers that were given before, or to nothing, are ignored', async (t) => {
  await withClient(
    {
      onBinary: (peer, payload, server) => {
        const answer = server.answer(payload);
        for (let i = 0; i < 3; i++) peer.send(0x82, answer);
        peer.send(
          0x82,
          server.answer(payload, (count) => new Array(5).fill(count - 1)),
        );
      },
    },
    async (client) => {
      for (let i = 0; i < 50; i++) t.is((await client.put('c', `k${i}`, {})).seqno > 0, true);
      t.true((await client.putMany('c', ['a', 'b'], ['{}', '{}'])).isAllOk);
      t.is(client.outstanding, 0);
    },
  );
});

test.serial('a malformed answer ends the connection; a text is the complaint of the server', async (t) => {
  for (const [first, payload, code] of [
    [0x82, 'garbage garbage', 'UNAVAILABLE'],
    [0x81, '{"error":{"code":"FORBIDDEN","message":"no"}}', 'UNAVAILABLE'],
  ] as const) {
    await withClient(
      { onBinary: (peer) => peer.send(first, payload) },
      async (client) => {
        const error = await t.throwsAsync(client.put('c', 'k', {}), { instanceOf: LumaDbError });
        t.is(error.code, code);
        t.regex(error.message, first === 0x82 ? /response frame/ : /^no;/);
      },
      { reconnectAttempts: 0 },
    );
  }
});

test.serial('what cannot be sent is refused alone', async (t) => {
  await withClient({}, async (client) => {
    const refusals: [Promise<unknown>, string][] = [
      [client.get('c', ''), 'VALIDATION_ERROR'],
      [client.get('', 'k'), 'VALIDATION_ERROR'],
      [client.get('c', 'k'.repeat(1025)), 'VALIDATION_ERROR'],
      [client.get('c', 'é'.repeat(513)), 'VALIDATION_ERROR'],
      [client.get('c', '\ud800'), 'VALIDATION_ERROR'],
      [client.put('c', 'k', '"\ud800"'), 'VALIDATION_ERROR'],
      [client.put('c', 'k', `"${'x'.repeat(16 * 1024 * 1024)}"`), 'PAYLOAD_TOO_LARGE'],
      [client.put('c', 'k', {}, { ifMatch: 1, ifNoneMatch: '*' }), 'VALIDATION_ERROR'],
      [client.put('c', 'k', {}, { ifMatch: 1.5 }), 'VALIDATION_ERROR'],
      [client.putMany('c', ['a'], []), 'VALIDATION_ERROR'],
      [client.getMany('c', ['a', '']), 'VALIDATION_ERROR'],
    ];
    const good = client.put('c', 'k'.repeat(1024), {});
    for (const [refused, code] of refusals) {
      t.is((await t.throwsAsync<LumaDbError>(refused, { instanceOf: LumaDbError })).code, code as never);
    }
    t.true((await good).created);
  });
  await t.throwsAsync(WebSocketClient.connect('ws://localhost:1', { maxInFlight: 0 }), {
    message: /maxInFlight/,
  });
});

test.serial('a large document goes through', async (t) => {
  await withClient({}, async (client) => {
    const text = `{"x":"${'é'.repeat(7 * 1024 * 1024)}"}`;
    await client.put('c', 'k', text);
    const many = await client.getMany('c', ['k']);
    t.is(many.value(0)?.length, Buffer.byteLength(text));
  });
});

test.serial('close() waits for what is under way and then accepts nothing', async (t) => {
  await withClient(
    {
      onBinary: (peer, payload, server) => void setTimeout(() => peer.send(0x82, server.answer(payload)), 30),
    },
    async (client, server) => {
      const put = client.put('c', 'k', {});
      const closed = client.close();
      t.true((await put).created);
      await closed;
      t.deepEqual(server.peers[0].closeCodes, [1000]);
      await t.throwsAsync(client.get('c', 'k'), { instanceOf: LumaDbError, message: /closed/ });
      t.false(client.isConnected);
    },
  );
});

test.serial('an abort rejects with its reason, waiting or under way', async (t) => {
  await withClient(
    { onBinary: () => {} },
    async (client, server) => {
      const reason = new Error('enough');
      await t.throwsAsync(client.get('c', 'k', { signal: AbortSignal.abort(reason) }), { is: reason });
      const controller = new AbortController();
      const waiting = client.get('c', 'k', { signal: controller.signal });
      controller.abort(reason);
      await t.throwsAsync(waiting, { is: reason });
      t.is(client.outstanding, 0);
      const later = new AbortController();
      const underWay = client.get('c', 'k', { signal: later.signal });
      await until(() => server.peers[0].opcodes.length === 1);
      later.abort(reason);
      await t.throwsAsync(underWay, { is: reason });
    },
    { timeoutMs: 60_000 },
  );
});

test.serial('a socket that takes no more holds frames back', async (t) => {
  let peer: FakePeer | undefined;
  await withClient(
    {
      onOpen: (opened) => {
        peer = opened;
        opened.socket.pause();
      },
    },
    async (client) => {
      const value = `"${'x'.repeat(200_000)}"`;
      const keys = Array.from({ length: 200 }, (_, i) => `k${i}`);
      const put = client.putMany('c', keys, new Array(200).fill(value));
      await new Promise((resolve) => setTimeout(resolve, 100));
      // 40 MB were asked for; what has not fitted into the socket has not been encoded.
      t.true(client.outstanding < 200, `${client.outstanding} under way`);
      peer?.socket.resume();
      t.true((await put).isAllOk);
    },
    { batchOperations: 5 },
  );
});
