/** Strings out of JSON text that was validated when it was written. The bytes may be shared memory. One thread. */
import { hasEscape } from '../../json/escape.js';
import { decodeString } from '../../json/text.js';

/** Shorter texts are decoded by a loop. */
const LOOP_BYTES_MAX = 8;

/** The string whose contents, between the quotes, are bytes[start, end). */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= LOOP_BYTES_MAX) return decodeString(bytes, start, end);
  return hasEscape(bytes, start, end) ? decodeString(bytes, start, end) : slice(bytes, start, end);
}

let lastBytes: Uint8Array | undefined;
let lastBuffer: Buffer | undefined;

/** Text as it is, escapes untouched. Views are kept: making one costs more than decoding a short text. */
export function slice(bytes: Uint8Array, start: number, end: number): string {
  if (bytes !== lastBytes || lastBuffer === undefined) {
    lastBytes = bytes;
    lastBuffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return lastBuffer.toString('utf8', start, end);
}
