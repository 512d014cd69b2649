/** Worker of the ring benchmark: sends every message back, sleeps in between, ends when told to. */
import { isMainThread, workerData } from 'node:worker_threads';
import { BlockingDoorbell, DoorbellRinger } from '../src/shm/doorbell.js';
import { RingReader } from '../src/shm/ring-reader.js';
import { RingWriter } from '../src/shm/ring-writer.js';

export interface RingEchoData {
  readonly there: SharedArrayBuffer;
  readonly back: SharedArrayBuffer;
  readonly ownDoorbell: SharedArrayBuffer;
  readonly echoDoorbell: SharedArrayBuffer;
  /** One int32: 1 = end. */
  readonly stop: SharedArrayBuffer;
}

function echo(data: RingEchoData): void {
  const reader = new RingReader(data.there);
  const writer = new RingWriter(data.back);
  const own = new BlockingDoorbell(data.echoDoorbell);
  const sender = new DoorbellRinger(data.ownDoorbell);
  const stop = new Int32Array(data.stop);
  const bytes = new Uint8Array(data.there);
  const hasWork = (): boolean => reader.hasNext() || Atomics.load(stop, 0) === 1;
  while (Atomics.load(stop, 0) === 0) {
    while (reader.next()) {
      const message = bytes.subarray(reader.payloadOffset, reader.payloadOffset + reader.payloadLength);
      writer.push(message, message.length);
      reader.release();
      sender.ring();
    }
    own.sleep(1000, hasWork);
  }
}

if (!isMainThread) echo(workerData as RingEchoData);
