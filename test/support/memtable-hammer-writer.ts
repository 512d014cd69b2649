/** Hammer thread: writes, rotates, retires and recycles memtables as fast as it can, until told to stop. */
import { parentPort, workerData } from 'node:worker_threads';
import { hashKey } from '../../src/base/hash.js';
import { createPrng } from '../../src/base/prng.js';
import { VERSION_KIND_DOCUMENT, VERSION_KIND_TOMBSTONE, writeSizeMax } from '../../src/memtable/format.js';
import { MemtablePool } from '../../src/memtable/pool.js';
import {
  BODY_BYTES_MAX,
  encodeValue,
  HAMMER_COLLECTIONS,
  HAMMER_KEYS,
  type MemtablePeerData,
  VALUE_HEADER_BYTES,
} from './memtable-peers.js';
import { oneIn, pick } from './random.js';
import { nap } from './worker.js';

const data = workerData as MemtablePeerData;
const stop = new Int32Array(data.stop);
const reached = new Int32Array(data.reached);
const prng = createPrng(data.seed);
const pool = new MemtablePool(data.buffers, createPrng(data.seed + 1));
const value = new Uint8Array(VALUE_HEADER_BYTES + BODY_BYTES_MAX);
// Crosses 2^32 on the way, where a torn seqno would show.
let seqno = 2 ** 32 - 50_000;
let writes = 0;
let rotations = 0;
let waits = 0;

function rotate(): void {
  while (!pool.rotate()) {
    // Retires one at a time: a reader inside must hold up only what it can reach.
    if (pool.reclaim() === 0) pool.retireOldest();
    if (pool.reclaim() === 0) continue;
    waits++;
    nap(0.05);
    if (Atomics.load(stop, 0) === 1) return;
  }
  rotations++;
  if (rotations === data.rotationsMin) Atomics.store(reached, 0, 1);
}

function write(): void {
  const index = prng.nextBelow(HAMMER_KEYS.length);
  const key = HAMMER_KEYS[index];
  const collection = pick(prng, HAMMER_COLLECTIONS);
  const hash = hashKey(collection, key, 0, key.length);
  const isTombstone = oneIn(prng, 20);
  const body = oneIn(prng, 2) ? prng.nextBelow(64) : prng.nextBelow(BODY_BYTES_MAX + 1);
  seqno++;
  const length = isTombstone ? 0 : encodeValue(value, index, collection, seqno, body);
  const node = pool.active.reader.find(hash, collection, key, 0, key.length);
  const kind = isTombstone ? VERSION_KIND_TOMBSTONE : VERSION_KIND_DOCUMENT;
  pool.active.put(node, hash, collection, key, 0, key.length, seqno, kind, 0, value, 0, length);
  pool.publishVisible(seqno);
  writes++;
}

pool.publishVisible(seqno);
while (Atomics.load(stop, 0) === 0) {
  if (pool.active.hasRoom(1, writeSizeMax(100, value.length))) write();
  else rotate();
}
parentPort?.postMessage({ writes, rotations, waits });
