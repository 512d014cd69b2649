/** The answer of GET /admin/memory: where the memory of the process is, and what was planned. Pure. */
import type { StorageFacts } from '../admin/storage-facts.js';
import type { MemoryPlan } from './memory-plan.js';

/**
 * `rssBytes`: resident memory of the process, the total. The parts are what is in use of each structure; `other` is the
 * rest: heaps of the threads, rings, buffers, and what parts have touched and given back. It is never below 0, although
 * parts may be counted that the system has swapped out.
 */
export function memoryReport(
  rssBytes: number,
  { memtableBytes, blockCache, rowCache, indexBytes }: StorageFacts,
  { breakdown }: Pick<MemoryPlan, 'breakdown'>,
): Record<string, unknown> {
  const parts = memtableBytes + blockCache.usedBytes + rowCache.usedBytes + indexBytes;
  const { limit, planned, ...sizes } = breakdown;
  return {
    total_bytes: rssBytes,
    memtables: memtableBytes,
    block_cache: blockCache.usedBytes,
    row_cache: rowCache.usedBytes,
    indexes: indexBytes,
    other: Math.max(0, rssBytes - parts),
    limit_bytes: limit,
    planned: { ...sizes, total: planned },
  };
}
