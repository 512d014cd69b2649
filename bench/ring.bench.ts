/** The ring and the doorbells: one hop within a thread, and a message there and back between two threads. */
import { Worker } from 'node:worker_threads';
import { BlockingDoorbell, createDoorbell, DoorbellRinger } from '../src/shm/doorbell.js';
import { createRing } from '../src/shm/ring-format.js';
import { RingReader } from '../src/shm/ring-reader.js';
import { RingWriter } from '../src/shm/ring-writer.js';
import type { RingEchoData } from './ring-echo.js';

const RING_BYTES = 1024 * 1024;
const CALLS = 100;
const WAIT_MS = 10_000;

interface RingBenchmark {
  readonly name: string;
  readonly fn: () => void;
  readonly operationsPerCall?: number;
  readonly teardown?: () => void;
}

export function ringBenchmarks(): RingBenchmark[] {
  return [hop(150), hop(10_000), pingPong()];
}

function hop(payloadBytes: number): RingBenchmark {
  const ring = createRing(RING_BYTES);
  const writer = new RingWriter(ring);
  const reader = new RingReader(ring);
  const payload = new Uint8Array(payloadBytes).fill(1);
  return {
    name: `ring: push, next and release of ${payloadBytes} bytes`,
    operationsPerCall: CALLS,
    fn: () => {
      for (let i = 0; i < CALLS; i++) {
        writer.push(payload, payload.length);
        if (!reader.next()) throw new Error('the message is missing');
        reader.release();
      }
    },
  };
}

/** Sends a message to another thread and sleeps until it is back. Both threads wake each other every time. */
function pingPong(): RingBenchmark {
  const data: RingEchoData = {
    there: createRing(RING_BYTES),
    back: createRing(RING_BYTES),
    ownDoorbell: createDoorbell(),
    echoDoorbell: createDoorbell(),
    stop: new SharedArrayBuffer(4),
  };
  const writer = new RingWriter(data.there);
  const reader = new RingReader(data.back);
  const own = new BlockingDoorbell(data.ownDoorbell);
  const echo = new DoorbellRinger(data.echoDoorbell);
  const payload = new Uint8Array(150).fill(1);
  let worker: Worker | undefined;
  const hasReply = (): boolean => reader.hasNext();
  return {
    name: 'ring: ping-pong of 150 bytes between two sleeping threads',
    fn: () => {
      worker ??= new Worker(new URL('./ring-echo.js', import.meta.url), { workerData: data });
      writer.push(payload, payload.length);
      echo.ring();
      while (!reader.next()) {
        const start = performance.now();
        own.sleep(WAIT_MS, hasReply);
        if (performance.now() - start >= WAIT_MS) throw new Error('the echo thread does not answer');
      }
      reader.release();
    },
    teardown: () => {
      Atomics.store(new Int32Array(data.stop), 0, 1);
      echo.ring();
      worker?.unref();
    },
  };
}
