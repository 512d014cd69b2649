/** Builders of rings, and payloads whose every byte can be checked. */
import { createRing, RING_HEAD, RING_TAIL } from '../../src/shm/ring-format.js';
import { RingReader } from '../../src/shm/ring-reader.js';
import { RingWriter } from '../../src/shm/ring-writer.js';

export interface RingEnds {
  readonly buffer: SharedArrayBuffer;
  readonly writer: RingWriter;
  readonly reader: RingReader;
}

/** An empty ring whose counters stand at `position`, a multiple of 8. */
export function ringAt(capacity: number, position: number): RingEnds {
  const buffer = createRing(capacity);
  const words = new Int32Array(buffer);
  words[RING_HEAD] = position | 0;
  words[RING_TAIL] = position | 0;
  return { buffer, writer: new RingWriter(buffer), reader: new RingReader(buffer) };
}

/** Byte `index` of message number `message`. */
export function patternByte(message: number, index: number): number {
  return (Math.imul(message, 0x9e3779b1) >>> 16) ^ (index * 31) ^ (index >>> 8);
}

/** The payload of message number `message`. */
export function patternPayload(message: number, length: number): Uint8Array {
  const payload = new Uint8Array(length);
  for (let i = 0; i < length; i++) payload[i] = patternByte(message, i);
  return payload;
}

/** Index of the first byte of bytes[offset, offset + length) that is not message number `message`; -1 if all are. */
export function firstWrongByte(bytes: Uint8Array, offset: number, length: number, message: number): number {
  for (let i = 0; i < length; i++) {
    if (bytes[offset + i] !== (patternByte(message, i) & 0xff)) return i;
  }
  return -1;
}
