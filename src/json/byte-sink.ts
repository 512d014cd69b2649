/** A growable byte buffer that is reused: reset, append, read `bytes` up to `length`. One owner, one thread. */
import { assert } from '../base/assert.js';
import { copyBytes } from '../base/bytes.js';
import { DbError } from '../base/errors.js';

const CAPACITY_BYTES_MIN = 64;

export class ByteSink {
  /** The contents are bytes[0, length). Replaced when it grows: read it again after every append. */
  bytes: Uint8Array;
  length = 0;

  /** `maxBytes` bounds the contents; an append beyond it throws DbError('PAYLOAD_TOO_LARGE') and changes nothing. */
  constructor(
    initialBytes: number,
    readonly maxBytes: number,
  ) {
    assert(initialBytes <= maxBytes, 'a byte sink starts larger than its limit');
    this.bytes = new Uint8Array(Math.max(initialBytes, CAPACITY_BYTES_MIN));
  }

  /** Forgets the contents and keeps the memory. */
  reset(): void {
    this.length = 0;
  }

  appendByte(byte: number): void {
    if (this.length >= this.bytes.length || this.length >= this.maxBytes) this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  /** Copies source[start, end). `source` may be shared memory, but not this sink's own buffer. */
  append(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    copyBytes(source, start, this.bytes, this.length, count);
    this.length += count;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.maxBytes) {
      throw new DbError('PAYLOAD_TOO_LARGE', `the result is longer than ${this.maxBytes} bytes`, {
        limitBytes: this.maxBytes,
        neededBytes: needed,
      });
    }
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
