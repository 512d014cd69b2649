/** Input that is compressed: gzip (also of several members) and zstd (of several frames), from its beginning. */
import { Readable, type Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DbError } from '../base/errors.js';
import type { Compression } from './formats.js';

/** What the chunks hold. Throws DbError('VALIDATION') when they are damaged or cut off. */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  if (compression === 'none') {
    yield* chunks;
    return;
  }
  const source = Readable.from(chunks);
  const transform = compression === 'gzip' ? createGunzip() : await zstdStream();
  source.on('error', (error) => transform.destroy(error));
  source.pipe(transform);
  try {
    for await (const chunk of transform) yield chunk as Buffer;
  } catch (error) {
    throw new DbError(
      'VALIDATION',
      `the ${compression} input is damaged or cut off: ${(error as Error).message}`,
    );
  } finally {
    source.destroy();
    transform.destroy();
  }
}

async function zstdStream(): Promise<Transform> {
  const { DecompressStream } = await import('zstd-napi');
  return new DecompressStream();
}

/** The chunks behind the first `bytes`; throws when there are fewer. */
export async function* skipBytes(
  chunks: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (left >= chunk.length) left -= chunk.length;
    else {
      yield left === 0 ? chunk : chunk.subarray(left);
      left = 0;
    }
  }
  if (left > 0) throw new DbError('VALIDATION', `the input ends ${left} bytes before the place to go on at`);
}
