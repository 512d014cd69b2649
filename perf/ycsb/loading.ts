/** Loads the records over WebSocket, durably, in frames of many: the fastest way in. */
import { WebSocketClient } from '../../src/client/index.js';
import { BUSY_MS_MAX, putAll } from '../bulk-put.js';
import type { ServerProcess } from '../server-process.js';
import { BodyMaker, COLLECTION, keyOf } from './records.js';

/** Records in one call of the client, which makes frames of them; and calls under way. */
const CALL_RECORDS = 1000;
const CALLS = 4;

export interface LoadFigures {
  readonly recordsPerSecond: number;
  /** Answers of 503; such a record was sent again. */
  readonly refused: number;
}

class Loader {
  refused = 0;
  private next = 0;
  private done = 0;

  constructor(
    private readonly client: WebSocketClient,
    private readonly records: number,
    private readonly bodies: BodyMaker,
    private readonly onProgress: (share: number) => void,
  ) {}

  /** Takes the next records, again and again. */
  async runLane(): Promise<void> {
    while (this.next < this.records) {
      const first = this.next;
      const count = Math.min(CALL_RECORDS, this.records - first);
      this.next += count;
      const keys = Array.from({ length: count }, (_, i) => keyOf(first + i));
      const documents = keys.map(() => this.bodies.make());
      this.refused += await putAll(this.client, COLLECTION, keys, documents);
      this.done += count;
      this.onProgress(this.done / this.records);
    }
  }
}

export async function loadRecords(
  server: ServerProcess,
  records: number,
  seed: number,
  onProgress: (share: number) => void,
): Promise<LoadFigures> {
  const client = await WebSocketClient.connect(server.wsUrl, { timeoutMs: 2 * BUSY_MS_MAX });
  const loader = new Loader(client, records, new BodyMaker(seed), onProgress);
  const startMs = performance.now();
  const lanes = Promise.all(Array.from({ length: CALLS }, () => loader.runLane()));
  await server.process.during(lanes);
  const seconds = (performance.now() - startMs) / 1000;
  await client.close();
  return { recordsPerSecond: records / seconds, refused: loader.refused };
}
