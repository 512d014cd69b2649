/** Streams of bytes for tests of stores. */
import { createHash } from 'node:crypto';
import { createPrng } from '../../src/base/prng.js';

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export async function* sourceOf(...chunks: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? bytesOf(chunk) : chunk;
}

/** Bytes that look like no other ones, so that a piece in the wrong place shows. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  const prng = createPrng(seed);
  for (let at = 0; at + 4 <= sizeBytes; at += 4) bytes.writeUInt32LE(prng.nextUint32(), at);
  return bytes;
}

/** The bytes in chunks that all lie in one buffer, which is overwritten for the next one, as readers of files do. */
export async function* reusedBuffer(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(chunkBytes);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    buffer.set(chunk);
    yield buffer.subarray(0, chunk.length);
    buffer.fill(0xee);
  }
}

/** Yields what it has, and then never again. */
export async function* hangingAfter(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
  await new Promise(() => undefined);
}

export async function* failingAfter(
  error: unknown,
  ...chunks: readonly Uint8Array[]
): AsyncGenerator<Uint8Array> {
  yield* chunks;
  throw error;
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function textOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  return (await collect(source)).toString();
}

export async function toArray<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
