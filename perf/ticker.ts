/**
 * A thread that wakes the one which started it every `workerData.everyMs`. Timers of an event loop are good to a
 * millisecond; a sleeping thread is good to some ten microseconds, and costs no CPU in between.
 */
import { parentPort, workerData } from 'node:worker_threads';

const { everyMs } = workerData as { everyMs: number };
const never = new Int32Array(new SharedArrayBuffer(4));

for (;;) {
  Atomics.wait(never, 0, 0, everyMs);
  parentPort?.postMessage(0);
}
