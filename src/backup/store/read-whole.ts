/** Objects read whole, for those small enough. */
import type { ObjectStore } from './object-store.js';
import { tooLarge } from './store-errors.js';

/** Stops reading as soon as there is more than allowed. */
export async function readWhole(
  store: Pick<ObjectStore, 'get' | 'url'>,
  name: string,
  bytesMax: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of store.get(name)) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > bytesMax) throw tooLarge(name, store.url, bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}
