/** Hammer thread: takes messages out of a ring on its event loop, as a front does. */
import { parentPort, workerData } from 'node:worker_threads';
import { AsyncDoorbell } from '../../src/shm/doorbell.js';
import { RingChecker } from './ring-checker.js';
import { LOST_WAKE_UP_MS, type RingPeerData } from './ring-peers.js';

const data = workerData as RingPeerData;
const checker = new RingChecker(data);
let sleeps = 0;
let lostWakeUps = 0;
let lastWakeMs = performance.now();

// A waitAsync does not keep the event loop alive, and nobody else finds out about a lost wake-up.
const watchdog = setInterval(() => {
  if (!checker.reader.hasNext() || performance.now() - lastWakeMs < LOST_WAKE_UP_MS) return;
  lostWakeUps++;
  finish();
}, 100);

const doorbell = new AsyncDoorbell(
  data.consumerDoorbell,
  () => {
    sleeps++;
    lastWakeMs = performance.now();
    checker.drain();
    if (checker.isDone) finish();
  },
  () => checker.reader.hasNext(),
);
doorbell.arm();

function finish(): void {
  clearInterval(watchdog);
  doorbell.close();
  const { messages, bytes, fault } = checker;
  parentPort?.postMessage({ messages, bytes, sleeps, lostWakeUps, fault });
}
