import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import test from 'ava';
import { createSharedBlockCache, segmentPlaces } from '../../src/cache/block-cache-format.js';
import { CacheMeter } from '../../src/cache/cache-stats.js';
import { CacheSegment } from '../../src/cache/segment.js';
import { NO_OWNER } from '../../src/cache/segment-lock.js';
import { releaseLocksOf } from '../../src/cache/shared-block-cache.js';
import {
  type BlockCachePeerData,
  type BlockCachePeerResult,
  PEER_HITS_MIN,
} from '../support/block-cache-peers.js';
import { checkSegment } from '../support/cache-segments.js';
import { seedOf } from '../support/random.js';
import { until } from '../support/time.js';
import { resultOf, startWorker } from '../support/worker.js';

const SECONDS = Number(process.env['HAMMER_SECONDS'] ?? 3);
/** For threads that have little of a busy machine. */
const GRACE_MS = 120_000;
const LOCK_BREAKER_MS = 120_000;
/** One segment: all threads want the same lock. */
const CACHE_BYTES = 200_000;
const PEERS = 4;
const ROUNDS_OF_DEATH = 5;

function peerData(buffers: readonly SharedArrayBuffer[], seed: number): BlockCachePeerData[] {
  const stop = new SharedArrayBuffer(4);
  return Array.from({ length: PEERS }, (_, i) => ({ buffers, owner: i + 1, stop, seed: seed + i }));
}

test.serial('threads that read and insert at once never see a wrong byte', async (t) => {
  const buffers = createSharedBlockCache(CACHE_BYTES);
  const peers = peerData(buffers, seedOf(t));
  const results = Promise.all(
    peers.map((peer) =>
      resultOf<BlockCachePeerResult>(startWorker('block-cache-hammer', peer), SECONDS * 1000 + GRACE_MS),
    ),
  );
  const stats = () => CacheMeter.ofBlockCache(buffers).read();
  const isEnough = (): boolean => stats().evictions > 500 && stats().contendedReads > 0;
  const goOn = async (): Promise<void> => {
    await delay(SECONDS * 1000);
    await until('there was contention', isEnough, { timeoutMs: GRACE_MS / 2 });
  };
  await Promise.race([goOn().catch((error: Error) => t.log(error.message)), results]);
  Atomics.store(new Int32Array(peers[0].stop), 0, 1);
  for (const result of await results) {
    t.log(JSON.stringify(result));
    t.is(result.fault, undefined);
    t.true(result.hits >= PEER_HITS_MIN && result.inserts > 100);
  }
  t.log(JSON.stringify(stats()));
  t.true(isEnough());
  const [place] = segmentPlaces(buffers);
  t.true(checkSegment(new CacheSegment(place.slab, place.byteOffset, place.byteLength)) > 10);
});

/** Resolves when a thread has ended, in whatever way. */
async function untilExit(worker: Worker): Promise<void> {
  await new Promise((resolve) => worker.once('exit', resolve));
}

test.serial(
  'threads that die inside do not hold up the others, and spoil nothing once released',
  async (t) => {
    const buffers = createSharedBlockCache(CACHE_BYTES);
    const [survivor, ...victims] = peerData(buffers, seedOf(t));
    const done = resultOf<BlockCachePeerResult>(startWorker('block-cache-hammer', survivor), GRACE_MS);
    const [{ slab }] = segmentPlaces(buffers);
    const lock = new Int32Array(slab, 0, 1);
    const firstOwner = 10;
    let owner = firstOwner;
    let diedInside = 0;
    for (let round = 0; round < ROUNDS_OF_DEATH; round++) {
      const [dying, ...killed] = victims.map((victim, i) =>
        startWorker('block-cache-hammer', {
          ...victim,
          owner: owner++,
          seed: victim.seed + 100 * round,
          diesInsideAfterReads: i === 0 ? 500 : undefined,
        }),
      );
      await untilExit(dying);
      await Promise.all(killed.map((worker) => worker.terminate()));
      t.is(Atomics.load(lock, 0), owner - victims.length, 'the dead thread is still inside');
      for (let dead = firstOwner; dead < owner; dead++) diedInside += releaseLocksOf(buffers, dead);
      await delay(30); // the survivor has the cache to itself, and checks what it reads
    }
    Atomics.store(new Int32Array(survivor.stop), 0, 1);
    const { fault, hits } = await done;
    t.is(fault, undefined);
    t.true(hits >= PEER_HITS_MIN);
    t.is(diedInside, ROUNDS_OF_DEATH);
    t.is(Atomics.load(lock, 0), NO_OWNER);
    t.true(checkSegment(new CacheSegment(slab, 0, slab.byteLength)) > 0);
  },
);

test.serial('the hammer has teeth: threads that break locks see wrong bytes', async (t) => {
  const buffers = createSharedBlockCache(CACHE_BYTES);
  const peers = peerData(buffers, seedOf(t));
  const faults = peers.map((peer) => faultOfLockBreaker(peer));
  t.log(await Promise.any(faults)); // rejects when no thread finds a fault
  Atomics.store(new Int32Array(peers[0].stop), 0, 1);
  await Promise.allSettled(faults);
  t.pass();
});

/** What a thread that breaks locks finds: a wrong byte, or an error of its own. Rejects when it finds none in time. */
async function faultOfLockBreaker(peer: BlockCachePeerData): Promise<string> {
  const worker = startWorker('block-cache-hammer', { ...peer, breaksLocks: true });
  const { fault } = await resultOf<BlockCachePeerResult>(worker, LOCK_BREAKER_MS).catch((error: Error) => {
    if (error.message.startsWith('no result')) throw error;
    return { fault: error.message };
  });
  if (fault === undefined) throw new Error('this thread found nothing');
  return fault;
}
