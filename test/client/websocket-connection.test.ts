import test from 'ava';
import { LumaDbError } from '../../src/client/index.js';
import {
  WebSocketConnection,
  type WebSocketConnectionOptions,
  type WebSocketHandler,
} from '../../src/client/websocket-connection.js';
import {
  acceptHead,
  type FakeWebSocketOptions,
  FakeWebSocketServer,
  serverFrame,
  until,
} from '../support/fake-server.js';

class Log implements WebSocketHandler {
  readonly messages: string[] = [];
  drains = 0;
  closes: { code: number; error: LumaDbError | undefined }[] = [];
  onBinary(bytes: Uint8Array): void {
    this.messages.push(Buffer.from(bytes).toString());
  }
  onText(text: string): void {
    this.messages.push(`text ${text}`);
  }
  onDrain(): void {
    this.drains++;
  }
  onClose(code: number, error: LumaDbError | undefined): void {
    this.closes.push({ code, error });
  }
}

const OPTIONS = {
  connectTimeoutMs: 2_000,
  closeTimeoutMs: 200,
  messageBytesMax: 1_000_000,
  heartbeatMs: 60_000,
};

async function withConnection(
  serverOptions: FakeWebSocketOptions,
  use: (connection: WebSocketConnection, log: Log, server: FakeWebSocketServer) => Promise<void>,
  options: Partial<WebSocketConnectionOptions> = {},
): Promise<void> {
  const server = await FakeWebSocketServer.start(serverOptions);
  const log = new Log();
  try {
    const connection = await WebSocketConnection.open({ ...OPTIONS, url: server.url, ...options }, log);
    await use(connection, log, server);
    await connection.close();
  } finally {
    await server.close();
  }
}

test.serial(
  'messages go both ways, also fragmented ones with a ping in between, which is answered',
  async (t) => {
    await withConnection(
      {
        onBinary: (peer, payload) => {
          peer.send(0x02, payload.subarray(0, 2));
          peer.send(0x89, 'are you there');
          peer.send(0x80, payload.subarray(2));
        },
      },
      async (connection, log, server) => {
        connection.sendBinary(Buffer.from('hello'));
        await until(() => log.messages.length === 1 && server.peers[0].opcodes.length === 2);
        t.deepEqual(log.messages, ['hello']);
        t.deepEqual(server.peers[0].opcodes, [2, 10]);
        connection.sendText('ж');
        await until(() => server.peers[0].texts.length === 1);
        t.deepEqual(server.peers[0].texts, ['ж']);
        t.regex(server.heads[0], /^GET \/ws HTTP\/1\.1\r\n/);
        t.regex(server.heads[0], /\r\nAuthorization: Bearer secret\r\n/);
      },
      { token: 'secret' },
    );
  },
);

test.serial('every frame has a masking key of its own', async (t) => {
  await withConnection({ onBinary: () => {} }, async (connection, _, server) => {
    for (let i = 0; i < 3000; i++) connection.sendBinary(Buffer.from('x'));
    await until(() => server.peers[0].maskingKeys.length === 3000);
    t.true(new Set(server.peers[0].maskingKeys).size > 2990);
  });
});

test.serial('what the server sends right behind the handshake is delivered after open()', async (t) => {
  await withConnection(
    { handshake: (key) => acceptHead(key) + serverFrame(0x82, 'early').toString('latin1') },
    async (_, log) => {
      await until(() => log.messages.length === 1);
      t.deepEqual(log.messages, ['early']);
    },
  );
});

test.serial('close() shakes hands and ends without an error', async (t) => {
  await withConnection({}, async (connection, log, server) => {
    await connection.close(1000, 'done');
    t.deepEqual(server.peers[0].closeCodes, [1000]);
    t.deepEqual(log.closes, [{ code: 1000, error: undefined }]);
    t.false(connection.isOpen);
    connection.sendBinary(Buffer.from('ignored'));
  });
});

test.serial('a server that never answers the close is left after closeTimeoutMs', async (t) => {
  await withConnection({ answersClose: false }, async (connection, log) => {
    const start = performance.now();
    await connection.close();
    t.true(performance.now() - start < 30_000);
    t.is(log.closes.length, 1);
  });
});

test.serial('a close of the server is answered with its code and reported with its reason', async (t) => {
  await withConnection({}, async (connection, log, server) => {
    server.peers[0].send(0x88, Buffer.concat([Uint8Array.of(0x03, 0xf0), Buffer.from('disabled')]));
    await until(() => server.peers[0].closeCodes.length === 1);
    server.peers[0].socket.end();
    await until(() => log.closes.length === 1);
    t.deepEqual(server.peers[0].closeCodes, [1008]);
    t.is(log.closes[0].code, 1008);
    t.regex(log.closes[0].error?.message ?? '', /1008: disabled/);
    t.false(connection.isOpen);
  });
});

test.serial('a broken protocol closes the connection with its code', async (t) => {
  await withConnection({}, async (_, log, server) => {
    server.peers[0].send(0xf2, 'x');
    await until(() => log.closes.length === 1 && server.peers[0].closeCodes.length === 1);
    t.deepEqual(server.peers[0].closeCodes, [1002]);
    t.regex(log.closes[0].error?.message ?? '', /reserved bit/);
  });
});

test.serial('a message above the limit closes the connection with 1009', async (t) => {
  await withConnection({}, async (_, log, server) => {
    server.peers[0].send(0x82, Buffer.alloc(1_000_001));
    await until(() => log.closes.length === 1 && server.peers[0].closeCodes.length === 1);
    t.deepEqual(server.peers[0].closeCodes, [1009]);
  });
});

test.serial('a connection that is cut is reported once', async (t) => {
  await withConnection({}, async (_, log, server) => {
    server.peers[0].socket.resetAndDestroy();
    await until(() => log.closes.length === 1);
    t.is(log.closes[0].error?.code, 'UNAVAILABLE');
  });
});

test.serial('a silent server is pinged, and given up when it stays silent', async (t) => {
  await withConnection(
    {},
    async (connection, log, server) => {
      await until(() => server.peers[0].opcodes.filter((opcode) => opcode === 9).length >= 2);
      t.true(connection.isOpen, 'pongs keep it alive');
      server.peers[0].socket.removeAllListeners('data');
      server.peers[0].socket.pause();
      await until(() => log.closes.length === 1);
      t.regex(log.closes[0].error?.message ?? '', /nothing came/);
    },
    { heartbeatMs: 60 },
  );
});

test.serial('a flood of pings does not fill the memory of a client whose answers are not read', async (t) => {
  await withConnection({}, async (connection, log, server) => {
    const [peer] = server.peers;
    peer.socket.removeAllListeners('data');
    peer.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 1000 }, () => serverFrame(0x89, 'x'.repeat(125))));
    for (let i = 0; i < 100; i++) {
      if (!peer.socket.write(pings)) await new Promise((resolve) => peer.socket.once('drain', resolve));
    }
    await until(() => connection.isCongested);
    peer.socket.on('data', () => {});
    peer.socket.resume();
    await until(() => log.drains > 0);
    t.pass();
  });
});

const REFUSALS: readonly [claim: string, head: (key: string) => string, pattern: RegExp][] = [
  ['a wrong Sec-WebSocket-Accept', (key) => acceptHead(`${key}x`), /Sec-WebSocket-Accept/],
  ['no Upgrade', (key) => acceptHead(key).replace('websocket', 'h2c'), /upgrade to websocket/],
  [
    'no Connection: Upgrade',
    (key) => acceptHead(key).replace('Connection: Upgrade', 'Connection: close'),
    /Connection/,
  ],
  [
    'an extension',
    (key) => acceptHead(key).replace('\r\n\r\n', '\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n'),
    /extension/,
  ],
  ['another protocol', () => 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /HTTP/],
  ['an endless head', () => `HTTP/1.1 101 OK\r\nX: ${'x'.repeat(20_000)}`, /longer than/],
];

for (const [claim, handshake, pattern] of REFUSALS) {
  test.serial(`a handshake with ${claim} is refused`, async (t) => {
    const error = await t.throwsAsync(
      withConnection({ handshake }, async () => {}),
      { instanceOf: LumaDbError, message: pattern },
    );
    t.is(error.code, 'UNAVAILABLE');
  });
}

test.serial('a refused login keeps its status, code and message', async (t) => {
  const body = '{"error":{"code":"UNAUTHORIZED","message":"no such token"}}';
  const handshake = () => `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const error = await t.throwsAsync(
    withConnection({ handshake }, async () => {}),
    { instanceOf: LumaDbError },
  );
  t.like(error, { code: 'UNAUTHORIZED', status: 401, message: 'no such token', retryable: false });
});

test.serial(
  'connecting ends in time with a server that says nothing, and with one that hangs up',
  async (t) => {
    const silent = await t.throwsAsync(
      withConnection({ handshake: () => '' }, async () => {}, { connectTimeoutMs: 50 }),
      { instanceOf: LumaDbError },
    );
    t.is(silent.code, 'TIMEOUT');
    const hungUp = await t.throwsAsync(
      withConnection({ handshake: () => '', onOpen: (peer) => peer.socket.end() }, async () => {}),
      { instanceOf: LumaDbError },
    );
    t.is(hungUp.code, 'UNAVAILABLE');
  },
);

test.serial('an address of another kind and a token with a line break are refused', async (t) => {
  for (const change of [
    { url: 'http://localhost' },
    { url: 'x' },
    { url: 'ws://localhost', token: 'a\r\nb' },
  ]) {
    const error = await t.throwsAsync(WebSocketConnection.open({ ...OPTIONS, ...change }, new Log()), {
      instanceOf: LumaDbError,
    });
    t.is(error.code, 'VALIDATION_ERROR');
  }
});
