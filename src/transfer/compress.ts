/**
 * Output that is compressed, a block at a time: each becomes a gzip member or a zstd frame of its own, which readers of
 * both formats put together. So an export can go on behind any block, and gives the same bytes as one that never stopped.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Compression } from './formats.js';

const gzipBlock = promisify(gzip);

export async function compressBlock(block: Uint8Array, compression: Compression): Promise<Uint8Array> {
  // Nothing in is nothing out, and not an empty member.
  if (compression === 'none' || block.length === 0) return block;
  if (compression === 'gzip') return gzipBlock(block);
  const { compress } = await import('zstd-napi');
  return compress(block);
}
