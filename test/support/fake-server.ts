/** Tiny servers for the client's tests: HTTP with a scripted handler, and a raw WebSocket server over node:net. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { RequestFrameView } from '../../src/batch/request-frame-view.js';
import { ResponseFrameEncoder } from '../../src/batch/response-frame-encoder.js';
import { acceptOf } from '../../src/client/websocket-handshake.js';
import { RequestOp } from '../../src/generated/lumadb/schema/request-op.js';
import { until as untilHolds } from './time.js';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Script = (request: SeenRequest, response: ServerResponse, count: number) => void;

export class FakeHttpServer {
  readonly requests: SeenRequest[] = [];
  connections = 0;
  private constructor(private readonly server: Server) {}

  static async start(script: Script): Promise<FakeHttpServer> {
    const server = createServer();
    const fake = new FakeHttpServer(server);
    server.on('connection', () => fake.connections++);
    server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      incoming.on('end', () => {
        const { method = '', url = '', headers } = incoming;
        const request = { method, url, headers, body };
        script(request, response, fake.requests.push(request));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** An unmasked frame as a server sends it; `first` is the whole first byte. */
export function serverFrame(first: number, payload: Uint8Array | string): Buffer {
  const body = Buffer.from(payload);
  const size = body.length;
  const header = Buffer.alloc(size < 126 ? 2 : size <= 0xffff ? 4 : 10);
  header[0] = first;
  header[1] = size < 126 ? size : size <= 0xffff ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(size, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([header, body]);
}

/** One client of the fake WebSocket server. */
export class FakePeer {
  readonly opcodes: number[] = [];
  readonly maskingKeys: number[] = [];
  readonly closeCodes: number[] = [];
  readonly texts: string[] = [];
  private received: Buffer = Buffer.alloc(0);
  /** Chunks behind `received`, joined only when the frame under way can be complete. */
  private chunks: Buffer[] = [];
  private available = 0;
  private needed = 0;
  constructor(readonly socket: Socket) {}

  send(first: number, payload: Uint8Array | string): void {
    this.socket.write(serverFrame(first, payload));
  }

  /** Takes frames out of the stream; an unmasked one is an error of the client. */
  take(chunk: Buffer, onFrame: (opcode: number, payload: Buffer) => void): void {
    this.chunks.push(chunk);
    this.available += chunk.length;
    if (this.available < this.needed) return;
    this.received = Buffer.concat([this.received, ...this.chunks]);
    this.chunks = [];
    for (;;) {
      const bytes = this.received;
      this.available = bytes.length;
      this.needed = 0;
      if (bytes.length < 2) return;
      const short = bytes[1] & 0x7f;
      const keyAt = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < keyAt + 4) return;
      const size =
        short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
      const end = keyAt + 4 + size;
      this.needed = end;
      if (bytes.length < end) return;
      if ((bytes[1] & 0x80) === 0) throw new Error('the client sent an unmasked frame');
      const payload = Buffer.from(bytes.subarray(keyAt + 4, end));
      for (let i = 0; i < size; i++) payload[i] ^= bytes[keyAt + (i & 3)];
      this.received = bytes.subarray(end);
      const opcode = bytes[0] & 0x0f;
      this.opcodes.push(opcode);
      this.maskingKeys.push(bytes.readUInt32BE(keyAt));
      if (opcode === 8 && size >= 2) this.closeCodes.push(payload.readUInt16BE(0));
      if (opcode === 1) this.texts.push(payload.toString());
      onFrame(opcode, payload);
    }
  }
}

export interface FakeWebSocketOptions {
  /** The whole answer to the handshake; default: accept. */
  readonly handshake?: (key: string, count: number) => string;
  /** Every data frame of a client; default: answer as a store would. */
  readonly onBinary?: (peer: FakePeer, payload: Buffer, server: FakeWebSocketServer) => void;
  readonly onOpen?: (peer: FakePeer, server: FakeWebSocketServer) => void;
  /** False: never answers a Close nor ends the connection. Default true. */
  readonly answersClose?: boolean;
}

export class FakeWebSocketServer {
  readonly peers: FakePeer[] = [];
  readonly documents = new Map<string, { text: string; seqno: number }>();
  readonly heads: string[] = [];
  /** Operations per frame received. */
  readonly frames: number[] = [];
  readonly operationIds: number[][] = [];
  /** Of every operation received. */
  readonly ttls: number[] = [];
  private seqno = 0;
  private readonly view = new RequestFrameView();
  private readonly encoder = new ResponseFrameEncoder();
  private constructor(
    private readonly server: TcpServer,
    private readonly options: FakeWebSocketOptions,
  ) {}

  static async start(options: FakeWebSocketOptions = {}): Promise<FakeWebSocketServer> {
    const server = createTcpServer();
    const fake = new FakeWebSocketServer(server, options);
    server.on('connection', (socket) => fake.accept(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Answers a request frame out of `documents`; `order` may shuffle or cut the answers. */
  answer(payload: Buffer, order: (count: number) => number[] = (count) => [...Array(count).keys()]): Buffer {
    const { view, encoder } = this;
    const bad = view.open(payload);
    if (bad !== undefined) throw bad;
    encoder.reset();
    this.frames.push(view.count);
    for (const i of order(view.count)) this.apply(i);
    return Buffer.from(encoder.finish());
  }

  private apply(i: number): void {
    const { view, encoder, documents } = this;
    const text = (start: number, end: number): string => Buffer.from(view.bytes.slice(start, end)).toString();
    const key = `${view.op(i) === RequestOp.Ping ? '' : view.collectionName(view.collectionIndex(i))}/${text(view.keyStart(i), view.keyEnd(i))}`;
    const known = documents.get(key);
    if (view.hasOperationIds)
      this.operationIds.push([0, 1, 2, 3].map((word) => view.operationIdWord(i, word)));
    this.ttls.push(view.ttlSeconds(i));
    switch (view.op(i)) {
      case RequestOp.Get:
        if (known === undefined) {
          encoder.add(
            view.id(i),
            404,
            0,
            Buffer.from('{"error":{"code":"NOT_FOUND","message":"no such document"}}'),
          );
        } else encoder.add(view.id(i), 200, known.seqno, Buffer.from(known.text));
        return;
      case RequestOp.Put:
        this.seqno++;
        documents.set(key, { text: text(view.valueStart(i), view.valueEnd(i)), seqno: this.seqno });
        encoder.add(view.id(i), known === undefined ? 201 : 200, this.seqno);
        return;
      case RequestOp.Delete:
        encoder.add(view.id(i), documents.delete(key) ? 200 : 404, ++this.seqno);
        return;
      default:
        encoder.add(view.id(i), 200, 0);
    }
  }

  private accept(socket: Socket): void {
    const peer = new FakePeer(socket);
    this.peers.push(peer);
    let head = '';
    let isOpen = false;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      if (isOpen) {
        peer.take(chunk, (opcode, payload) => this.onFrame(peer, opcode, payload));
        return;
      }
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      isOpen = true;
      this.heads.push(head);
      const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? '';
      socket.write((this.options.handshake ?? acceptHead)(key, this.heads.length), 'latin1');
      this.options.onOpen?.(peer, this);
    });
  }

  private onFrame(peer: FakePeer, opcode: number, payload: Buffer): void {
    if (opcode === 2 && this.options.onBinary) this.options.onBinary(peer, payload, this);
    else if (opcode === 2) peer.send(0x82, this.answer(payload));
    else if (opcode === 9) peer.send(0x8a, payload);
    else if (opcode === 8 && this.options.answersClose !== false) {
      peer.send(0x88, payload);
      peer.socket.end();
    }
  }
}

export function acceptHead(key: string): string {
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`;
}

/** Waits until `condition` holds. */
export function until(condition: () => boolean): Promise<void> {
  return untilHolds('the condition holds', condition, { pollMs: 1 });
}
