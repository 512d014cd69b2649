/** What the threads of the block cache hammer agree on: blocks that say what they are, in every byte. */
import type { BlockCacheBuffers } from '../../src/cache/block-cache-format.js';

export interface BlockCachePeerData {
  readonly buffers: BlockCacheBuffers;
  readonly owner: number;
  /** One int32: 1 = stop. */
  readonly stop: SharedArrayBuffer;
  readonly seed: number;
  /** Enters the first segment after this many reads, leaves a mess there, and dies. */
  readonly diesInsideAfterReads?: number;
  /** Frees the first segment's lock before each read and insert, whoever holds it: this must go wrong. */
  readonly breaksLocks?: boolean;
}

/** A hammer thread goes on until it has had this many hits, however slow the machine is. */
export const PEER_HITS_MIN = 500;

export interface BlockCachePeerResult {
  readonly reads: number;
  readonly hits: number;
  readonly inserts: number;
  readonly fault?: string;
}

export const PEER_BLOCK_BYTES_MAX = 6000;

/** Length of a block, which its name decides. */
export function blockLength(shard: number, file: number, offset: number): number {
  return 8 + ((shard * 7919 + file * 104_729 + offset) % (PEER_BLOCK_BYTES_MAX - 8));
}

const firstByte = (shard: number, file: number, offset: number): number =>
  shard * 31 + file * 17 + offset * 13;

/** Fills `into` with a block and returns its length. Each byte depends on its place and on the block's name. */
export function fillBlock(into: Uint8Array, shard: number, file: number, offset: number): number {
  const length = blockLength(shard, file, offset);
  const first = firstByte(shard, file, offset);
  for (let i = 0; i < length; i++) into[i] = first + i * 3;
  return length;
}

/** What is wrong with a block that was read; undefined if nothing is. */
export function faultOfBlock(
  bytes: Uint8Array,
  length: number,
  shard: number,
  file: number,
  offset: number,
): string | undefined {
  const name = `block ${shard}/${file}/${offset}`;
  if (length !== blockLength(shard, file, offset)) return `${name} has ${length} bytes`;
  const first = firstByte(shard, file, offset);
  for (let i = 0; i < length; i++) {
    if (bytes[i] !== ((first + i * 3) & 255)) return `byte ${i} of ${name}`;
  }
  return undefined;
}
