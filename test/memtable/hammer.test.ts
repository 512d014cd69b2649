import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { createMemtablePool } from '../../src/memtable/pool.js';
import type {
  MemtablePeerData,
  MemtableReaderResult,
  MemtableWriterResult,
} from '../support/memtable-peers.js';
import { seedOf } from '../support/random.js';
import { resultOf, startWorker } from '../support/worker.js';

const SECONDS = Number(process.env['HAMMER_SECONDS'] ?? 5);
const SLOTS = 4;
const ARENA_BYTES = 256 * 1024;
const GRACE_MS = 20_000;

/** Shared memory of a small pool that a writer recycles all the time. */
function smallPool(seed: number, pins: boolean): MemtablePeerData {
  return {
    buffers: createMemtablePool(SLOTS, ARENA_BYTES),
    stop: new SharedArrayBuffer(4),
    seed,
    readerIndex: 0,
    pins,
  };
}

function stop(peers: MemtablePeerData): void {
  Atomics.store(new Int32Array(peers.stop), 0, 1);
}

test.serial(
  'readers never see a torn, foreign or older value while memtables are recycled under them',
  async (t) => {
    const peers = smallPool(seedOf(t), true);
    const timeoutMs = SECONDS * 1000 + GRACE_MS;
    const writer = resultOf<MemtableWriterResult>(startWorker('memtable-hammer-writer', peers), timeoutMs);
    const readers = Promise.all(
      [1, 2, 3].map((readerIndex) =>
        resultOf<MemtableReaderResult>(
          startWorker('memtable-hammer-reader', {
            ...peers,
            readerIndex,
            seed: peers.seed + 10 * readerIndex,
          }),
          timeoutMs,
        ),
      ),
    );
    await Promise.race([delay(SECONDS * 1000), readers]);
    stop(peers);
    const written = await writer;
    t.log(JSON.stringify(written));
    for (const read of await readers) {
      t.log(JSON.stringify(read));
      t.is(read.fault, undefined);
      t.true(read.found > 1000 && read.deleted > 10 && read.scanned > 1000);
    }
    // Last: a reader that saw a fault ends the run early.
    t.true(written.rotations > 20 * SECONDS, 'slots were recycled all the time');
  },
);

test.serial('the hammer has teeth: a reader that does not pin sees its memtable recycled', async (t) => {
  const peers = smallPool(seedOf(t), false);
  const writer = resultOf<MemtableWriterResult>(startWorker('memtable-hammer-writer', peers), GRACE_MS);
  const reader = startWorker('memtable-hammer-reader', { ...peers, seed: peers.seed + 10 });
  const timer = setTimeout(() => stop(peers), 3000);
  // What it follows may be anything: it finds a fault, throws, or runs in circles and does not even stop.
  const seen = await resultOf<MemtableReaderResult>(reader, 6000).then(
    (result) => result.fault,
    (error: Error) => error.message,
  );
  clearTimeout(timer);
  stop(peers);
  await writer;
  t.log(seen);
  t.is(typeof seen, 'string');
});
