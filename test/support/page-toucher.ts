/** Touches the pages of a memtable again and again until told to stop; says how often it did. */
import { parentPort, workerData } from 'node:worker_threads';
import { touchPages } from '../../src/memtable/touch.js';

export interface PageToucherData {
  readonly memtable: SharedArrayBuffer;
  /** One int32: 1 = stop. */
  readonly stop: SharedArrayBuffer;
  /** One int32: rounds so far. */
  readonly rounds: SharedArrayBuffer;
}

const { memtable, stop, rounds } = workerData as PageToucherData;
while (Atomics.load(new Int32Array(stop), 0) === 0) {
  touchPages(memtable);
  Atomics.add(new Int32Array(rounds), 0, 1);
}
parentPort?.postMessage(Atomics.load(new Int32Array(rounds), 0));
