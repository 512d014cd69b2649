/** Hammer thread: takes messages out of a ring and blocks when it is empty, as a shard does. */
import { parentPort, workerData } from 'node:worker_threads';
import { BlockingDoorbell } from '../../src/shm/doorbell.js';
import { RingChecker } from './ring-checker.js';
import { LOST_WAKE_UP_MS, type RingPeerData } from './ring-peers.js';

const data = workerData as RingPeerData;
const checker = new RingChecker(data);
const own = new BlockingDoorbell(data.consumerDoorbell);
const hasWork = (): boolean => checker.reader.hasNext();
let sleeps = 0;
let lostWakeUps = 0;

for (;;) {
  checker.drain();
  if (checker.isDone) break;
  const start = performance.now();
  own.sleep(LOST_WAKE_UP_MS, hasWork);
  sleeps++;
  if (performance.now() - start >= LOST_WAKE_UP_MS) lostWakeUps++;
}
const { messages, bytes, fault } = checker;
parentPort?.postMessage({ messages, bytes, sleeps, lostWakeUps, fault });
