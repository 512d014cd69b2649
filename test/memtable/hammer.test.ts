import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createMemtablePool } from '../../src/memtable/pool.js';
import {
  hasReadEnough,
  type MemtablePeerData,
  type MemtableReaderResult,
  type MemtableWriterResult,
} from '../support/memtable-peers.js';
import { seedOf } from '../support/random.js';
import { until } from '../support/time.js';
import { resultOf, startWorker } from '../support/worker.js';

const SECONDS = Number(process.env['HAMMER_SECONDS'] ?? 5);
const SLOTS = 4;
const ARENA_BYTES = 256 * 1024;
/** For threads that have little of a busy machine. */
const GRACE_MS = 120_000;
const ROTATIONS_MIN = 100;
/** The reader that does not pin: how long it may find nothing, then not end, and how often. */
const UNPINNED_MS = 3000;
const UNPINNED_GRACE_MS = 15_000;
const UNPINNED_ATTEMPTS = 10;
const READERS = [1, 2, 3];

/** Shared memory of a small pool that a writer recycles all the time. */
function smallPool(seed: number, pins: boolean): MemtablePeerData {
  return {
    buffers: createMemtablePool(SLOTS, ARENA_BYTES),
    stop: new SharedArrayBuffer(4),
    reached: new SharedArrayBuffer(4 * (READERS.length + 1)),
    rotationsMin: ROTATIONS_MIN,
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
      READERS.map((readerIndex) =>
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
    const reached = new Int32Array(peers.reached);
    const isEnough = (): boolean => reached.every((_, peer) => Atomics.load(reached, peer) === 1);
    const goOn = async (): Promise<void> => {
      await delay(SECONDS * 1000);
      await until('everybody has done enough to tell', isEnough, { timeoutMs: GRACE_MS / 2 });
    };
    await Promise.race([goOn().catch((error: Error) => t.log(error.message)), readers]);
    stop(peers);
    const written = await writer;
    t.log(JSON.stringify(written));
    for (const read of await readers) {
      t.log(JSON.stringify(read));
      t.is(read.fault, undefined);
      t.true(hasReadEnough(read));
    }
    // Last: a reader that saw a fault ends the run early.
    t.true(written.rotations >= ROTATIONS_MIN, 'slots were recycled all the time');
  },
);

/** What a reader that does not pin sees go wrong; undefined when it is lucky. */
async function faultWithoutPin(t: ExecutionContext): Promise<string | undefined> {
  const peers = smallPool(seedOf(t), false);
  const writer = resultOf<MemtableWriterResult>(startWorker('memtable-hammer-writer', peers), GRACE_MS);
  const reader = startWorker('memtable-hammer-reader', { ...peers, seed: peers.seed + 10 });
  const timer = setTimeout(() => stop(peers), UNPINNED_MS);
  // What it follows may be anything: it finds a fault, throws, or runs in circles and does not even stop.
  const seen = await resultOf<MemtableReaderResult>(reader, UNPINNED_MS + UNPINNED_GRACE_MS).then(
    (result) => result.fault,
    (error: Error) => error.message,
  );
  clearTimeout(timer);
  stop(peers);
  await writer;
  return seen;
}

test.serial('the hammer has teeth: a reader that does not pin sees its memtable recycled', async (t) => {
  let seen: string | undefined;
  for (let attempt = 0; seen === undefined && attempt < UNPINNED_ATTEMPTS; attempt++)
    seen = await faultWithoutPin(t);
  t.log(seen);
  t.is(typeof seen, 'string');
});
