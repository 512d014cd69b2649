/** Hammer thread: reads random blocks of a shared block cache, checks every byte, and inserts what was missing. */
import { parentPort, workerData } from 'node:worker_threads';
import { createPrng } from '../../src/base/prng.js';
import { SEGMENT_LOCK } from '../../src/cache/segment-format.js';
import { NO_OWNER, tryLock } from '../../src/cache/segment-lock.js';
import { openSharedBlockCache } from '../../src/cache/shared-block-cache.js';
import {
  type BlockCachePeerData,
  faultOfBlock,
  fillBlock,
  PEER_BLOCK_BYTES_MAX,
  PEER_HITS_MIN,
} from './block-cache-peers.js';

const FILES = 4;
const OFFSETS = 40;
/** Index, ghosts and rings are from here on. */
const FIRST_VARIABLE_WORD = 64;

const data = workerData as BlockCachePeerData;
const stop = new Int32Array(data.stop);
const firstSegment = new Int32Array(data.buffers[0]);
const prng = createPrng(data.seed);
const cache = openSharedBlockCache(data.buffers, data.owner);
const block = new Uint8Array(PEER_BLOCK_BYTES_MAX);
const result = { reads: 0, hits: 0, inserts: 0, fault: undefined as string | undefined };

/** What a thread that ends in the middle of a change can leave behind, and more. */
function dieInside(): void {
  while (!tryLock(firstSegment, data.owner));
  for (let i = 0; i < 500; i++)
    firstSegment[FIRST_VARIABLE_WORD + prng.nextBelow(10_000)] = prng.nextUint32();
  process.exit();
}

function breakLock(): void {
  if (data.breaksLocks === true) Atomics.store(firstSegment, SEGMENT_LOCK, NO_OWNER);
}

const isOver = (): boolean =>
  result.fault !== undefined || (Atomics.load(stop, 0) === 1 && result.hits >= PEER_HITS_MIN);

while (!isOver()) {
  const shard = prng.nextBelow(2);
  const file = 2 ** 32 - 1 - prng.nextBelow(FILES);
  const offset = 2 ** 32 - 20 + prng.nextBelow(OFFSETS);
  block.fill(0);
  breakLock();
  const length = cache.read(shard, file, offset, block);
  result.reads++;
  if (result.reads === data.diesInsideAfterReads) dieInside();
  if (length >= 0) {
    result.hits++;
    result.fault = faultOfBlock(block, length, shard, file, offset);
  } else {
    breakLock();
    cache.insert(shard, file, offset, block, fillBlock(block, shard, file, offset));
    result.inserts++;
  }
}
parentPort?.postMessage(result);
