/**
 * The hash that routes keys to shards and addresses the memtable's hash index. It is stored in batches and in the
 * WAL, so its results must never change (a golden test pins them).
 *
 * MurmurHash3 x86 32-bit (Austin Appleby, public domain), seeded with the collection's number.
 */

/** Hash of `length` key bytes at `offset`, as an int32. */
export function hashKey(collection: number, bytes: Uint8Array, offset: number, length: number): number {
  let h = collection | 0;
  const blocksEnd = offset + (length & ~3);
  let i = offset;
  for (; i < blocksEnd; i += 4) {
    let k = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    k = Math.imul(k, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  const rest = length & 3;
  if (rest !== 0) {
    let tail = bytes[i];
    if (rest >= 2) tail ^= bytes[i + 1] << 8;
    if (rest === 3) tail ^= bytes[i + 2] << 16;
    tail = Math.imul(tail, 0xcc9e2d51);
    tail = (tail << 15) | (tail >>> 17);
    h ^= Math.imul(tail, 0x1b873593);
  }
  h ^= length;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * The shard of a key. Uses the high half of the hash, so that the keys of one shard still differ in the low bits
 * by which the hash index addresses them.
 */
export function shardOfHash(hash: number, shards: number): number {
  return shards === 1 ? 0 : (hash >>> 12) % shards;
}
