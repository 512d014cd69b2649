/** What SSTable readers ask of a cache of blocks. Implemented by shared-block-cache.ts; blocks never change. */
export interface BlockCache {
  /**
   * Copies a cached block into `into` (from offset 0) and returns its length, or -1 when it is not cached. `into` must
   * have room: when the block is larger than `into`, nothing is copied and the needed length is returned all the same.
   */
  read(shard: number, fileNumber: number, blockOffset: number, into: Uint8Array): number;
  /** Takes a copy of bytes[0, length). May decline. */
  insert(shard: number, fileNumber: number, blockOffset: number, bytes: Uint8Array, length: number): void;
}

/** For tools and tests: caches nothing. */
export const NO_BLOCK_CACHE: BlockCache = { read: () => -1, insert: () => {} };
