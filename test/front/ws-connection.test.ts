import type { WebSocket } from 'uWebSockets.js';
import test from 'ava';
import { TRUSTED } from '../../src/auth/session.js';
import { ResponseFrameEncoder } from '../../src/batch/response-frame-encoder.js';
import { RequestMeter } from '../../src/front/request-meter.js';
import {
  type ConnectionShared,
  SendBacklog,
  type SocketData,
  WebSocketConnection,
} from '../../src/front/ws-connection.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import {
  createStatsBlock,
  FRONT_CELLS,
  FRONT_LATENCY,
  FRONT_REQUESTS_OK,
  HISTOGRAM_CELLS,
  HISTOGRAM_SUM,
  METHOD_PUT,
} from '../../src/shm/stats-format.js';

const BACKLOG_BYTES_MAX = 1000;
const SENT = 1;
const QUEUED = 0;
const DROPPED = 2;

class Front {
  nowMs = 0;
  readonly meter = new RequestMeter(createStatsBlock(FRONT_CELLS), () => this.nowMs);
  private readonly shared: ConnectionShared = {
    encoder: new ResponseFrameEncoder(),
    meter: this.meter,
    backlog: new SendBacklog(BACKLOG_BYTES_MAX),
    requestId: () => 'r',
    onAnswersReady: () => {},
  };

  connect(): Peer {
    return new Peer(this.shared);
  }
}

/** A socket whose reader takes what the test says. */
class Peer {
  readonly connection: WebSocketConnection;
  sends = 0;
  result = SENT;
  bufferedBytes = 0;

  constructor(shared: ConnectionShared) {
    const ws = {
      send: () => {
        this.sends++;
        return this.result;
      },
      getBufferedAmount: () => this.bufferedBytes,
      close: () => this.connection.close(),
    };
    // The three methods that a connection calls.
    this.connection = new WebSocketConnection(ws as unknown as WebSocket<SocketData>, shared, TRUSTED);
  }

  sendQueued(bufferedBytes: number): void {
    this.result = QUEUED;
    this.bufferedBytes = bufferedBytes;
    this.connection.sendText('text');
  }
}

test('a connection that lost an answer is closed, and nothing more is sent', (t) => {
  const peer = new Front().connect();
  peer.result = DROPPED;
  peer.connection.sendText('text');
  t.true(peer.connection.isClosed);
  peer.connection.sendText('text');
  t.is(peer.sends, 1);
});

test('sockets together queue no more than the front allows: who exceeds it is closed', (t) => {
  const front = new Front();
  const [a, b, c] = [front.connect(), front.connect(), front.connect()];
  a.sendQueued(600);
  b.sendQueued(400);
  t.false(a.connection.isClosed || b.connection.isClosed);
  c.sendQueued(1);
  t.true(c.connection.isClosed);
  t.false(a.connection.isClosed || b.connection.isClosed);
});

test('bytes that were read, and those of closed sockets, are not counted any more', (t) => {
  const front = new Front();
  const [a, b, c] = [front.connect(), front.connect(), front.connect()];
  a.sendQueued(600);
  b.sendQueued(400);
  a.bufferedBytes = 100;
  a.connection.onDrain();
  b.connection.close();
  c.sendQueued(900);
  t.false(c.connection.isClosed);
  a.sendQueued(101);
  t.true(a.connection.isClosed);
});

test('the latency of writes is counted from the arrival of their frame', (t) => {
  const front = new Front();
  const { connection } = front.connect();
  connection.noteWrites(2, front.nowMs);
  front.nowMs = 10;
  connection.noteWrites(1, front.nowMs);
  front.nowMs = 30;
  for (const id of [1, 2, 3]) connection.onWritten(id, WriteStatus.Created, id, Durability.Always);
  connection.sendAnswers();
  const { cells } = front.meter;
  t.is(cells[FRONT_REQUESTS_OK + METHOD_PUT], 3);
  t.is(cells[FRONT_LATENCY + METHOD_PUT * HISTOGRAM_CELLS + HISTOGRAM_SUM], (30 + 20) * 1000);
});
