/** Closed loop over HTTP: kept-alive connections with one operation under way each, raw sockets, prebuilt bytes. */
import { BUSY_MS_MAX, busyTooLong, RETRY_MS, STATUS_BUSY } from '../bulk-put.js';
import { HttpLane } from '../http-lane.js';
import { CHECK_EVERY, type LoadContext } from './load.js';
import { BODY_BYTES, COLLECTION_PATH, documentBytes, documentFault, keyOf } from './records.js';
import type { Request } from './request-source.js';
import { SCAN_RECORDS_MAX } from './workloads.js';

const REQUEST_BYTES_MAX = 1024 + BODY_BYTES;

/** What a connection is doing. */
interface Client {
  readonly buffer: Buffer;
  request: Request;
  key: string;
  startMs: number;
  /** Of a read-modify-write: true while it writes. */
  isWriting: boolean;
}

interface ScanAnswer {
  readonly data: readonly { readonly _id: string }[];
}

class HttpDriver {
  private readonly clients = new Map<HttpLane, Client>();
  private readonly head: string;
  private running = 0;
  private answers = 0;
  private resolveDone: () => void = () => {};
  private rejectDone: (error: Error) => void = () => {};

  constructor(private readonly context: LoadContext) {
    this.head = ` HTTP/1.1\r\nHost: 127.0.0.1:${context.load.port}\r\n`;
  }

  async run(): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.resolveDone = resolve;
      this.rejectDone = reject;
    });
    const { port, connections } = this.context.load;
    const handlers = {
      onAnswer: (lane: HttpLane) => this.onAnswer(lane),
      onFault: (error: Error) => this.rejectDone(error),
      isAllowed: (status: number) => status === STATUS_BUSY,
    };
    const lanes = await Promise.all(Array.from({ length: connections }, () => HttpLane.open(port, handlers)));
    this.running = lanes.length;
    this.context.begin();
    for (const lane of lanes) this.beginNext(lane, Buffer.allocUnsafe(REQUEST_BYTES_MAX));
    await done;
    for (const lane of lanes) lane.close();
  }

  private beginNext(lane: HttpLane, buffer: Buffer): void {
    const request = this.context.source.next();
    const client: Client = {
      buffer,
      request,
      key: keyOf(request.number),
      startMs: performance.now(),
      isWriting: false,
    };
    this.clients.set(lane, client);
    this.send(lane, client);
  }

  private send(lane: HttpLane, client: Client): void {
    const { request, key } = client;
    switch (request.operation) {
      case 'read':
        lane.send(this.get(client, `/${key}`), client.startMs);
        return;
      case 'update':
      case 'insert':
        lane.send(this.put(client), client.startMs);
        return;
      case 'readModifyWrite':
        lane.send(client.isWriting ? this.put(client) : this.get(client, `/${key}`), client.startMs);
        return;
      case 'scan':
        // {"_id":{"$gte":"<key>"}}, as a browser would encode it.
        lane.send(
          this.get(client, `?limit=${request.count}&filter=%7B%22_id%22:%7B%22$gte%22:%22${key}%22%7D%7D`),
          client.startMs,
        );
        return;
      default:
        throw new Error(`no operation ${request.operation satisfies never}`);
    }
  }

  private get({ buffer }: Client, path: string): Buffer {
    return buffer.subarray(0, buffer.write(`GET ${COLLECTION_PATH}${path}${this.head}\r\n`, 'latin1'));
  }

  private put({ buffer, key }: Client): Buffer {
    const headers = `Content-Type: application/json\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`;
    const bodyAt = buffer.write(`PUT ${COLLECTION_PATH}/${key}${this.head}${headers}`, 'latin1');
    this.context.bodies.writeTo(buffer, bodyAt);
    return buffer.subarray(0, bodyAt + BODY_BYTES);
  }

  private onAnswer(lane: HttpLane): void {
    const client = this.clients.get(lane) as Client;
    const { context } = this;
    const { operation, number } = client.request;
    const now = performance.now();
    if (lane.status === STATUS_BUSY) {
      context.refused++;
      if (now - client.startMs > BUSY_MS_MAX) throw busyTooLong();
      setTimeout(() => lane.sendAgain(), RETRY_MS);
      return;
    }
    this.check(lane, client);
    if (operation === 'readModifyWrite' && !client.isWriting) {
      client.isWriting = true;
      this.send(lane, client);
      return;
    }
    if (operation === 'insert') context.source.records.acknowledge(number);
    context.book.record(operation, client.startMs, now);
    if (now < context.book.toMs) this.beginNext(lane, client.buffer);
    else if (--this.running === 0) this.resolveDone();
  }

  private check(lane: HttpLane, { request, key, isWriting }: Client): void {
    const { operation } = request;
    const isDue = this.answers++ % CHECK_EVERY === 0;
    if (operation === 'scan') {
      if (isDue) checkScan(lane.body, request.count, key);
    } else if (operation === 'read' || (operation === 'readModifyWrite' && !isWriting)) {
      const isRightSize = lane.bodyLength === documentBytes(key);
      const fault = isDue || !isRightSize ? documentFault(key, lane.body) : undefined;
      if (fault !== undefined) throw new Error(`wrong document: ${fault}`);
    }
  }
}

function checkScan(body: string, count: number, firstKey: string): void {
  const { data } = JSON.parse(body) as ScanAnswer;
  const keys = data.map(({ _id }) => _id);
  const isInOrder = keys.every((key, i) => key >= (i === 0 ? firstKey : keys[i - 1]));
  // The record that a scan begins with is there, so that a scan finds one at least.
  if (keys.length === 0 || keys.length > Math.min(count, SCAN_RECORDS_MAX) || !isInOrder)
    throw new Error(`a scan of ${count} from ${firstKey} gave ${keys.join(', ')}`);
}

export async function driveHttp(context: LoadContext): Promise<void> {
  await new HttpDriver(context).run();
}
