/** Integers and internal keys in the bytes of a table: fixed words, varints, and comparison of keys in place. */
import { assert } from '../base/assert.js';
import { fromWords } from '../base/bytes.js';

const TWO_32 = 4294967296;
/** A varint holds at most 35 bits here; lengths are below 2^31. */
export const VARINT_BYTES_MAX = 5;
export const VARINT_LIMIT = 2 ** (7 * VARINT_BYTES_MAX);

/** Bytes in front of the key in an internal key: the collection, big-endian, so that bytewise order is key order. */
export const COLLECTION_BYTES = 4;

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

export function readU32BigEndian(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

export function writeU32BigEndian(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function readU64(bytes: Uint8Array, at: number): number {
  return fromWords(readU32(bytes, at), readU32(bytes, at + 4));
}

export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, () => `${value} does not fit a u64 field`);
  writeU32(bytes, at, value >>> 0);
  writeU32(bytes, at + 4, (value / TWO_32) >>> 0);
}

/** Writes `value` (below 2^32) in groups of seven bits, lowest first; returns the offset behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Length of the longest common start of two byte ranges. */
export function commonLength(
  a: Uint8Array,
  aOffset: number,
  aLength: number,
  b: Uint8Array,
  bOffset: number,
  bLength: number,
): number {
  const limit = aLength < bLength ? aLength : bLength;
  let i = 0;
  while (i < limit && a[aOffset + i] === b[bOffset + i]) i++;
  return i;
}

/** Reads fields of a meta block one after the other; a field that reaches beyond the end is a RangeError. */
export class FieldReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get remaining(): number {
    return this.bytes.length - this.at;
  }
  u8(): number {
    return this.bytes[this.skip(1)];
  }
  u16(): number {
    const at = this.skip(2);
    return this.bytes[at] | (this.bytes[at + 1] << 8);
  }
  u32(): number {
    return readU32(this.bytes, this.skip(4));
  }
  u64(): number {
    return readU64(this.bytes, this.skip(8));
  }
  varint(): number {
    const first = this.u8();
    if (first < 128) return first;
    let value = first & 127;
    for (let scale = 128; scale < VARINT_LIMIT; scale *= 128) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new RangeError(`a varint at ${this.at} does not end`);
  }
  /** A view. */
  raw(length: number): Uint8Array {
    const at = this.skip(length);
    return this.bytes.subarray(at, at + length);
  }
  /** Passes over `count` bytes; returns where they begin. */
  skip(count: number): number {
    if (count > this.remaining) throw new RangeError(`a field at ${this.at} reaches beyond the block`);
    const at = this.at;
    this.at += count;
    return at;
  }
}

/** Appends fields to a buffer that grows. */
export class FieldWriter {
  private bytes: Uint8Array = new Uint8Array(1024);
  length = 0;

  // grow() may replace the buffer, so it comes first, in a statement of its own.
  u8(value: number): void {
    const at = this.grow(1);
    this.bytes[at] = value;
  }
  u16(value: number): void {
    const at = this.grow(2);
    this.bytes[at] = value;
    this.bytes[at + 1] = value >>> 8;
  }
  u32(value: number): void {
    const at = this.grow(4);
    writeU32(this.bytes, at, value);
  }
  u64(value: number): void {
    const at = this.grow(8);
    writeU64(this.bytes, at, value);
  }
  varint(value: number): void {
    const at = this.grow(VARINT_BYTES_MAX);
    this.length = writeVarint(this.bytes, at, value);
  }
  raw(source: Uint8Array, offset = 0, length = source.length - offset): void {
    const at = this.grow(length);
    this.bytes.set(source.subarray(offset, offset + length), at);
  }
  /** A view of all that was written. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private grow(count: number): number {
    const at = this.length;
    const needed = at + count;
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
    }
    this.length = needed;
    return at;
  }
}
