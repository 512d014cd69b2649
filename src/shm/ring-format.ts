/**
 * Ring: a single-producer, single-consumer queue of byte messages in a SharedArrayBuffer.
 *
 * Layout (little endian; offsets in bytes)
 *
 *   offset  size  field     written by  read by   how
 *   0       4     head      consumer    producer  Atomics; position of the first byte not yet released
 *   64      4     tail      producer    consumer  Atomics; position of the first byte not yet published
 *   128     4     capacity  creator     both      plain, constant: bytes of the data area, a power of two
 *   192     cap   data      producer    consumer  plain, published by tail
 *
 * head and tail sit on cache lines of their own. Both are free-running 32-bit counters: the place of position p in
 * the data area is p & (capacity - 1), and tail - head (in 32-bit arithmetic) is what is in use.
 *
 * A message is a header of 8 bytes and a payload padded to 8 bytes, and never wraps around the end of the data area:
 *
 *   0  4  length   payload bytes, not counting padding
 *   4  4  kind     1 inline: payload follows
 *                  2 skip: nothing follows; the next message is at the start of the data area
 *                  0 is reserved: reading it means corruption
 *
 * Ordering: the producer writes header and payload with plain stores and then publishes tail with Atomics.store
 * (publishTail in ring-writer.ts, pairs with observeTail in ring-reader.ts). The consumer is done with the bytes
 * before it publishes head (publishHead in ring-reader.ts, pairs with observeHead in ring-writer.ts).
 */
import { assert } from '../base/assert.js';

export const RING_HEAD = 0 >> 2;
export const RING_TAIL = 64 >> 2;
export const RING_CAPACITY = 128 >> 2;
export const RING_DATA_OFFSET = 192;

export const RING_MESSAGE_HEADER = 8;
export const RING_MESSAGE_LENGTH = 0;
export const RING_MESSAGE_KIND = 4;

export const RING_KIND_INLINE = 1;
export const RING_KIND_SKIP = 2;

export const RING_CAPACITY_MIN = 4096;
export const RING_CAPACITY_MAX = 1 << 30;

assert(RING_DATA_OFFSET % 8 === 0, 'ring payloads must be 8-byte aligned');
assert(RING_MESSAGE_HEADER % 8 === 0, 'ring payloads must be 8-byte aligned');

/** Bytes a message takes in the data area. */
export function ringMessageSize(payloadBytes: number): number {
  return RING_MESSAGE_HEADER + ((payloadBytes + 7) & ~7);
}

/**
 * Largest payload a ring takes. Half of it: a message that does not fit before the end of the data area first skips
 * there, and skip and message together must fit into an empty ring.
 */
export function ringPayloadMax(capacity: number): number {
  return (capacity >> 1) - RING_MESSAGE_HEADER;
}

/**
 * When the producer finds the ring empty beyond this place, or beyond a 64th of a large ring, it starts again at the
 * front, so that a ring which is rarely full keeps to a few pages (and cache lines) of memory.
 *
 * A rewind has a price: until the consumer has passed the skip, only what lies before it can be used, and the ring
 * counts as full when that is. So the place moves back with what the ring has had to hold; see ring-writer.ts.
 */
export const RING_REWIND_BYTES = 256 * 1024;
export const RING_REWIND_SHIFT = 6;
/** A rewind leaves room for this many times what was ever in use at once, up to half of the ring. */
export const RING_REWIND_FACTOR = 4;

/** Allocates a ring. `capacity`: bytes, a power of two between RING_CAPACITY_MIN and RING_CAPACITY_MAX. */
export function createRing(capacity: number): SharedArrayBuffer {
  assert(
    capacity >= RING_CAPACITY_MIN && capacity <= RING_CAPACITY_MAX && (capacity & (capacity - 1)) === 0,
    () => `ring capacity ${capacity} is not a power of two in range`,
  );
  const sab = new SharedArrayBuffer(RING_DATA_OFFSET + capacity);
  new Int32Array(sab)[RING_CAPACITY] = capacity;
  return sab;
}
