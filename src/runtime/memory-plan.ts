/**
 * Divides the memory this process may use: what the configuration asks for, and caches cut down to what is left.
 * A pure function, evaluated once at start by the main thread.
 *
 * Memtables and rings are what writes need, and are never cut: a plan that they alone exceed keeps them, turns the
 * caches off and says so. Sizes are what each may grow to; most of it is only taken when it is used. What the heaps of
 * the threads, open tables (indexes, filters), requests and queries need must fit into the share that is not planned.
 */
import type { Config } from '../config/schema.js';
import { REPLY_RING_BYTES } from '../ipc/link.js';
import { mebibytes } from './mebibytes.js';

/** Share of the limit that memtables, rings and caches may take together. */
export const PLANNED_SHARE = 0.75;
/** Sizes of caches are multiples of this; a cache that would be smaller is off. */
export const CACHE_GRAIN_BYTES = 1024 * 1024;

export interface MemoryPlanInput {
  readonly memory: Pick<
    Config['memory'],
    'memtable_size' | 'memtables_max' | 'ring_bytes' | 'block_cache_size' | 'row_cache_size'
  >;
  readonly shards: number;
  readonly fronts: number;
  /** What the machine or the cgroup allows this process, see admin/memory-limit.ts. */
  readonly limitBytes: number;
}

/** Bytes, as /admin/memory shows them. */
export interface MemoryBreakdown {
  readonly memtables: number;
  readonly rings: number;
  readonly block_cache: number;
  readonly row_cache: number;
  readonly planned: number;
  readonly limit: number;
}

export interface MemoryPlan {
  /** All memtables of all shards. */
  readonly memtablesBytes: number;
  /** All rings between fronts and shards. */
  readonly ringsBytes: number;
  /** One cache for the process. */
  readonly blockCacheBytes: number;
  /** One cache of this size for each front; 0 = none. */
  readonly rowCacheBytesPerFront: number;
  readonly breakdown: MemoryBreakdown;
  /** Sentences for the log; none when everything fits. */
  readonly warnings: readonly string[];
}

export function planMemory({ memory, shards, fronts, limitBytes }: MemoryPlanInput): MemoryPlan {
  const memtablesBytes = shards * memory.memtables_max * memory.memtable_size;
  const ringsBytes = shards * fronts * (memory.ring_bytes + REPLY_RING_BYTES);
  const wantedBytes = memory.block_cache_size + memory.row_cache_size;
  const availableBytes = Math.max(0, limitBytes * PLANNED_SHARE - memtablesBytes - ringsBytes);
  const isCut = wantedBytes > availableBytes;
  const factor = isCut ? availableBytes / wantedBytes : 1;
  const blockCacheBytes = grains(memory.block_cache_size * factor);
  const rowCacheBytesPerFront = grains((memory.row_cache_size * factor) / fronts);
  const cachesBytes = blockCacheBytes + rowCacheBytesPerFront * fronts;
  const warnings: string[] = [];
  if (isCut) {
    warnings.push(
      `caches get ${mebibytes(cachesBytes)} instead of ${mebibytes(wantedBytes)} (memory.block_cache_size + ` +
        `memory.row_cache_size): memtables and rings may take ${mebibytes(memtablesBytes + ringsBytes)}, and all ` +
        `together at most ${PLANNED_SHARE * 100} % of the ${mebibytes(limitBytes)} that this process may use`,
    );
  }
  return {
    memtablesBytes,
    ringsBytes,
    blockCacheBytes,
    rowCacheBytesPerFront,
    breakdown: {
      memtables: memtablesBytes,
      rings: ringsBytes,
      block_cache: blockCacheBytes,
      row_cache: rowCacheBytesPerFront * fronts,
      planned: memtablesBytes + ringsBytes + cachesBytes,
      limit: limitBytes,
    },
    warnings,
  };
}

/** Rounds down; a configured size that is no multiple loses less than one grain. */
const grains = (bytes: number): number => Math.floor(bytes / CACHE_GRAIN_BYTES) * CACHE_GRAIN_BYTES;
