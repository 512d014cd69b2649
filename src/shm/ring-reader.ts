/**
 * The consuming end of a ring. One thread. Messages are read in place: next() moves a private cursor over published
 * messages, and release() gives everything behind the cursor back to the producer. Until then the bytes stay valid.
 */
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
  RING_TAIL,
  ringMessageSize,
} from './ring-format.js';

export class RingReader {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  private readonly words: Int32Array;
  private cursor: number;
  private released: number;

  /** Of the message that next() found: byte offset of the payload in `buffer`, 8-byte aligned. */
  payloadOffset = 0;
  /** Payload size in bytes. */
  payloadLength = 0;

  constructor(sab: SharedArrayBuffer) {
    this.buffer = sab;
    this.words = new Int32Array(sab);
    this.capacity = this.words[RING_CAPACITY];
    this.cursor = Atomics.load(this.words, RING_HEAD);
    this.released = this.cursor;
  }

  /** True when next() would find a message. */
  hasNext(): boolean {
    return Atomics.load(this.words, RING_TAIL) !== this.cursor;
  }

  /** Steps to the next message. False when there is none. */
  next(): boolean {
    const tail = Atomics.load(this.words, RING_TAIL); // observeTail: pairs with publishTail in ring-writer.ts
    while (tail !== this.cursor) {
      const place = this.cursor & (this.capacity - 1);
      const at = RING_DATA_OFFSET + place;
      const length = this.words[(at + RING_MESSAGE_LENGTH) >> 2];
      const kind = this.words[(at + RING_MESSAGE_KIND) >> 2];
      if (kind === RING_KIND_SKIP) {
        this.cursor = (this.cursor + this.capacity - place) | 0;
        continue;
      }
      assert(kind === RING_KIND_INLINE, () => `ring message kind ${kind} at ${place}`);
      this.payloadOffset = at + RING_MESSAGE_HEADER;
      this.payloadLength = length;
      this.cursor = (this.cursor + ringMessageSize(length)) | 0;
      return true;
    }
    return false;
  }

  /** Gives all messages behind the cursor back to the producer (publishHead: pairs with observeHead in ring-writer.ts). */
  release(): void {
    if (this.released === this.cursor) return;
    this.released = this.cursor;
    Atomics.store(this.words, RING_HEAD, this.cursor);
  }

  /** Bytes published and not yet released. */
  usedBytes(): number {
    return (Atomics.load(this.words, RING_TAIL) - this.released) | 0;
  }
}
