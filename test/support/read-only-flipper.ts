/** Hammer thread: changes the read-only state as fast as it can, between three that differ in every byte. */
import { parentPort, workerData } from 'node:worker_threads';
import { READ_ONLY_ALL, READ_ONLY_DISK, READ_ONLY_OFF } from '../../src/shm/read-only-format.js';
import { ReadOnlyWriter } from '../../src/shm/read-only-writer.js';

const { block, rounds } = workerData as { block: SharedArrayBuffer; rounds: number };
const writer = new ReadOnlyWriter(block);
for (let round = 0; round < rounds; round++) {
  writer.publish(READ_ONLY_DISK, 'd'.repeat(1000));
  writer.publish(READ_ONLY_ALL, 'a'.repeat(300));
  writer.publish(READ_ONLY_OFF, '');
}
writer.publish(READ_ONLY_ALL, 'end');
parentPort?.postMessage('done');
