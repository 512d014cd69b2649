/** A view of the shared block cache that counts what went through it: for EXPLAIN ANALYZE's "blocks hit, read". One thread. */
import type { BlockCache } from '../../cache/block-cache.js';

export class CountingBlockCache implements BlockCache {
  hits = 0;
  misses = 0;

  constructor(private readonly cache: BlockCache) {}

  read(shard: number, fileNumber: number, blockOffset: number, into: Uint8Array): number {
    const length = this.cache.read(shard, fileNumber, blockOffset, into);
    if (length < 0) this.misses++;
    // Longer than `into`: the caller asks again.
    else if (length <= into.length) this.hits++;
    return length;
  }

  insert(shard: number, fileNumber: number, blockOffset: number, bytes: Uint8Array, length: number): void {
    this.cache.insert(shard, fileNumber, blockOffset, bytes, length);
  }
}
