/** The producing end of a ring. One thread. Never blocks: a full ring is reported to the caller. */
import { assert } from '../base/assert.js';
import {
  RING_CAPACITY,
  RING_DATA_OFFSET,
  RING_HEAD,
  RING_KIND_INLINE,
  RING_KIND_SKIP,
  RING_MESSAGE_HEADER,
  RING_MESSAGE_KIND,
  RING_MESSAGE_LENGTH,
  RING_REWIND_BYTES,
  RING_REWIND_FACTOR,
  RING_REWIND_SHIFT,
  RING_TAIL,
  ringMessageSize,
  ringPayloadMax,
} from './ring-format.js';

export class RingWriter {
  readonly capacity: number;
  /** Largest payload that push() can ever take, in bytes. */
  readonly payloadMax: number;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private tail: number;
  /** The last observed head; refreshed only when the ring looks full. */
  private knownHead: number;
  /** An empty ring is rewound beyond this place. Grows with what the ring has had to hold. */
  private rewindAt: number;
  /** Position behind the last skip, and the bytes that it left unused. */
  private skipEnd: number;
  private skippedBytes = 0;

  constructor(sab: SharedArrayBuffer) {
    this.words = new Int32Array(sab);
    this.bytes = new Uint8Array(sab);
    this.capacity = this.words[RING_CAPACITY];
    this.payloadMax = ringPayloadMax(this.capacity);
    this.tail = Atomics.load(this.words, RING_TAIL);
    this.knownHead = Atomics.load(this.words, RING_HEAD);
    this.rewindAt = Math.max(RING_REWIND_BYTES, this.capacity >> RING_REWIND_SHIFT);
    this.skipEnd = this.tail;
  }

  /** Copies `payload[0, length)` into the ring and publishes it. False when there is no room now. */
  push(payload: Uint8Array, length: number): boolean {
    // Such a message would be refused forever, or taken or not depending on where the ring stands.
    assert(
      length <= this.payloadMax,
      () => `a payload of ${length} bytes in a ring that takes ${this.payloadMax}`,
    );
    const size = ringMessageSize(length);
    this.noteUse(size);
    const at = this.reserve(size);
    if (at < 0) return false;
    this.writeHeader(at, length, RING_KIND_INLINE);
    this.bytes.set(
      payload.length === length ? payload : payload.subarray(0, length),
      at + RING_MESSAGE_HEADER,
    );
    this.publishTail(size);
    return true;
  }

  /** Bytes in use, as far as this end knows. */
  usedBytes(): number {
    return (this.tail - Atomics.load(this.words, RING_HEAD)) | 0;
  }

  /** Byte offset in the buffer where a message of `size` bytes may be written, or -1. May publish a skip first. */
  private reserve(size: number): number {
    const place = this.tail & (this.capacity - 1);
    const toEnd = this.capacity - place;
    const rewind = place > this.rewindAt && size <= place && this.isEmpty();
    if (size <= toEnd && !rewind) return this.hasRoom(size) ? RING_DATA_OFFSET + place : -1;
    if (!this.hasRoom(toEnd + size)) return -1;
    this.writeHeader(RING_DATA_OFFSET + place, 0, RING_KIND_SKIP);
    this.tail = (this.tail + toEnd) | 0;
    this.skipEnd = this.tail;
    this.skippedBytes = toEnd;
    return RING_DATA_OFFSET;
  }

  /** What had to be held at once will have to be again, perhaps right behind a rewind: it must leave room for that. */
  private noteUse(size: number): void {
    const head = Atomics.load(this.words, RING_HEAD);
    // The consumer has passed the last skip: nothing of it is in use.
    if (((this.skipEnd - head) | 0) <= 0) this.skippedBytes = 0;
    const needed = RING_REWIND_FACTOR * (((this.tail - head) | 0) - this.skippedBytes + size);
    if (needed > this.rewindAt) this.rewindAt = Math.min(this.capacity >> 1, needed);
  }

  private isEmpty(): boolean {
    this.knownHead = Atomics.load(this.words, RING_HEAD); // observeHead
    return this.knownHead === this.tail;
  }

  private hasRoom(size: number): boolean {
    if (((this.tail - this.knownHead) | 0) + size <= this.capacity) return true;
    this.knownHead = Atomics.load(this.words, RING_HEAD); // observeHead: pairs with publishHead in ring-reader.ts
    return ((this.tail - this.knownHead) | 0) + size <= this.capacity;
  }

  private writeHeader(at: number, length: number, kind: number): void {
    this.words[(at + RING_MESSAGE_LENGTH) >> 2] = length;
    this.words[(at + RING_MESSAGE_KIND) >> 2] = kind;
  }

  /** Makes everything written so far visible. Pairs with observeTail in ring-reader.ts. */
  private publishTail(size: number): void {
    this.tail = (this.tail + size) | 0;
    Atomics.store(this.words, RING_TAIL, this.tail);
  }
}
