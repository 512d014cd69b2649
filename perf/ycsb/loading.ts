/** Loads the records over WebSocket, durably, in frames of many: the fastest way in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketClient } from '../../src/client/index.js';
import type { ServerProcess } from '../server-process.js';
import { BUSY_MS_MAX, busyTooLong, RETRY_MS, STATUS_BUSY } from './load.js';
import { BodyMaker, COLLECTION, keyOf } from './records.js';

/** Records in one call of the client, which makes frames of them; and calls under way. */
const CALL_RECORDS = 1000;
const CALLS = 4;
const STATUS_CREATED = 201;

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
      await this.put(Array.from({ length: count }, (_, i) => first + i));
      this.done += count;
      this.onProgress(this.done / this.records);
    }
  }

  private async put(numbers: readonly number[]): Promise<void> {
    const startMs = performance.now();
    let open = numbers;
    for (;;) {
      const documents = open.map(() => this.bodies.make());
      const result = await this.client.putMany(COLLECTION, open.map(keyOf), documents);
      const wrong = result.statuses.findIndex(
        (status) => status !== STATUS_CREATED && status !== STATUS_BUSY,
      );
      if (wrong >= 0)
        throw new Error(`loading: status ${result.statuses[wrong]}, ${result.error(wrong)?.message}`);
      open = open.filter((_, i) => result.statuses[i] === STATUS_BUSY);
      if (open.length === 0) return;
      this.refused += open.length;
      if (performance.now() - startMs > BUSY_MS_MAX) throw busyTooLong();
      await sleep(RETRY_MS);
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
