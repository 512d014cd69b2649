/** Hammer thread: pushes messages into a small ring and sleeps when it is full. */
import { parentPort, workerData } from 'node:worker_threads';
import { createPrng } from '../../src/base/prng.js';
import { BlockingDoorbell, DoorbellRinger } from '../../src/shm/doorbell.js';
import { RingWriter } from '../../src/shm/ring-writer.js';
import { LOST_WAKE_UP_MS, nextMessageLength, pauseSometimes, type RingPeerData } from './ring-peers.js';
import { patternPayload } from './rings.js';

const data = workerData as RingPeerData;
const writer = new RingWriter(data.ring);
const own = new BlockingDoorbell(data.producerDoorbell);
const consumer = new DoorbellRinger(data.consumerDoorbell);
const lengths = createPrng(data.seed);
const pauses = createPrng(data.seed + 1);
const hasRoom = (): boolean => writer.usedBytes() <= writer.capacity / 2;
let bytes = 0;
let sleeps = 0;
let lostWakeUps = 0;

for (let message = 0; message < data.messages; message++) {
  const length = nextMessageLength(lengths);
  const payload = patternPayload(message, length);
  while (!writer.push(payload, length)) {
    const start = performance.now();
    own.sleep(LOST_WAKE_UP_MS, hasRoom);
    sleeps++;
    if (performance.now() - start >= LOST_WAKE_UP_MS) lostWakeUps++;
  }
  consumer.ring();
  bytes += length;
  pauseSometimes(pauses);
}
parentPort?.postMessage({ messages: data.messages, bytes, sleeps, lostWakeUps });
