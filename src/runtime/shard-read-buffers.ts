/** The shared memory through which other threads read a shard; one set per incarnation of its thread. */
import { createWriteStamps } from '../cache/write-stamps.js';
import { createVersionBoard, type VersionBoard } from '../manifest/version-board.js';
import { createMemtablePool } from '../memtable/pool.js';
import type { MemtablePoolBuffers } from '../memtable/pool-format.js';

/**
 * Counters that invalidate rows in the fronts' caches, per shard. A write bumps one, and with it all rows that share the
 * counter: with 2^21 of them (8 MiB) a row outlives some 20 s of 100,000 writes a second to other keys.
 */
const WRITE_STAMPS = 2 ** 21;

export interface ShardReadBuffers {
  readonly memtables: MemtablePoolBuffers;
  readonly versions: VersionBoard;
  readonly stamps: SharedArrayBuffer;
}

export function createShardReadBuffers(memtables: number, memtableBytes: number): ShardReadBuffers {
  return {
    memtables: createMemtablePool(memtables, memtableBytes),
    versions: createVersionBoard(),
    stamps: createWriteStamps(WRITE_STAMPS),
  };
}
