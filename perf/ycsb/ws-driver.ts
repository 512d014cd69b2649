/**
 * Closed loop over WebSocket: every lane sends the operations of a group as one frame of reads and one of writes, side by
 * side, and waits for the answers; a connection has several lanes. The latency of an operation is that of its frame, and
 * of a read-modify-write that of both of its frames.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ManyResult, WebSocketClient } from '../../src/client/index.js';
import { BUSY_MS_MAX, busyTooLong, RETRY_MS, STATUS_BUSY } from '../bulk-put.js';
import { CHECK_EVERY, type LoadContext } from './load.js';
import { COLLECTION, documentBytes, documentFault, keyOf } from './records.js';
import type { Request } from './request-source.js';

const OPERATION_MS_MAX = 60_000;
const ERROR_STATUS_MIN = 400;

class WsDriver {
  private answers = 0;

  constructor(private readonly context: LoadContext) {}

  async run(): Promise<void> {
    const { port, connections, window, frameOperations } = this.context.load;
    // Nothing is repeated silently: a connection that breaks is a failure of the run.
    const options = {
      batchOperations: frameOperations,
      retries: 0,
      reconnectAttempts: 0,
      timeoutMs: OPERATION_MS_MAX,
    };
    const clients = await Promise.all(
      Array.from({ length: connections }, () => WebSocketClient.connect(`ws://127.0.0.1:${port}`, options)),
    );
    this.context.begin();
    await Promise.all(
      clients.flatMap((client) => Array.from({ length: window }, () => this.runLane(client))),
    );
    await Promise.all(clients.map((client) => client.close()));
  }

  private async runLane(client: WebSocketClient): Promise<void> {
    const { source, book, load } = this.context;
    while (performance.now() < book.toMs) {
      const requests = Array.from({ length: load.frameOperations }, () => source.next());
      const startMs = performance.now();
      const ofKind = (...kinds: Request['operation'][]): Request[] =>
        requests.filter(({ operation }) => kinds.includes(operation));
      const modified = ofKind('readModifyWrite');
      await Promise.all([
        this.read(client, ofKind('read', 'readModifyWrite'), startMs),
        this.write(client, ofKind('update', 'insert'), startMs),
      ]);
      if (modified.length > 0) await this.write(client, modified, startMs);
    }
  }

  private async read(client: WebSocketClient, requests: readonly Request[], startMs: number): Promise<void> {
    const { book } = this.context;
    let open = requests;
    while (open.length > 0) {
      const keys = open.map(({ number }) => keyOf(number));
      const result = await client.getMany(COLLECTION, keys);
      const now = performance.now();
      const refused = this.refusedOf(result, open, now - startMs);
      for (let i = 0; i < open.length; i++) {
        if (result.statuses[i] === STATUS_BUSY) continue;
        this.check(result, i, keys[i]);
        if (open[i].operation === 'read') book.record('read', startMs, now);
      }
      open = refused;
      if (open.length > 0) await sleep(RETRY_MS);
    }
  }

  private async write(client: WebSocketClient, requests: readonly Request[], startMs: number): Promise<void> {
    const { book, bodies, source } = this.context;
    let open = requests;
    while (open.length > 0) {
      const keys = open.map(({ number }) => keyOf(number));
      const documents = open.map(() => bodies.make());
      const result = await client.putMany(COLLECTION, keys, documents);
      const now = performance.now();
      const refused = this.refusedOf(result, open, now - startMs);
      for (let i = 0; i < open.length; i++) {
        if (result.statuses[i] === STATUS_BUSY) continue;
        const { operation, number } = open[i];
        if (operation === 'insert') source.records.acknowledge(number);
        book.record(operation, startMs, now);
      }
      open = refused;
      if (open.length > 0) await sleep(RETRY_MS);
    }
  }

  /** The requests that are to be tried again. Any other error ends the run. */
  private refusedOf(result: ManyResult, requests: readonly Request[], tookMs: number): Request[] {
    const refused: Request[] = [];
    for (let i = 0; i < requests.length; i++) {
      const status = result.statuses[i];
      if (status < ERROR_STATUS_MIN) continue;
      if (status !== STATUS_BUSY)
        throw new Error(`key ${keyOf(requests[i].number)}: status ${status}, ${result.error(i)?.message}`);
      refused.push(requests[i]);
    }
    this.context.refused += refused.length;
    if (refused.length > 0 && tookMs > BUSY_MS_MAX) throw busyTooLong();
    return refused;
  }

  private check(result: ManyResult, index: number, key: string): void {
    const value = result.value(index);
    const isDue = this.answers++ % CHECK_EVERY === 0;
    if (value?.length === documentBytes(key) && !isDue) return;
    const fault = documentFault(key, Buffer.from(value ?? []).toString('latin1'));
    if (fault !== undefined) throw new Error(`wrong document: ${fault}`);
  }
}

export async function driveWs(context: LoadContext): Promise<void> {
  await new WsDriver(context).run();
}
