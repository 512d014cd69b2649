/** A growing buffer of little-endian fields, reused from one edit to the next. One thread. */
import { assert } from '../base/assert.js';
import { highWord, lowWord } from '../base/bytes.js';

const INITIAL_BYTES = 4096;

export class ByteWriter {
  private bytes = new Uint8Array(INITIAL_BYTES);
  private view = new DataView(this.bytes.buffer);
  private used = 0;

  get length(): number {
    return this.used;
  }

  clear(): void {
    this.used = 0;
  }

  u8(value: number): void {
    requireRange(value, 0xff);
    const at = this.extend(1);
    this.view.setUint8(at, value);
  }

  u16(value: number): void {
    requireRange(value, 0xffff);
    const at = this.extend(2);
    this.view.setUint16(at, value, true);
  }

  u32(value: number): void {
    requireRange(value, 0xffffffff);
    const at = this.extend(4);
    this.view.setUint32(at, value, true);
  }

  /** Below 2^53. */
  u64(value: number): void {
    requireRange(value, Number.MAX_SAFE_INTEGER);
    const at = this.extend(8);
    this.view.setUint32(at, lowWord(value), true);
    this.view.setUint32(at + 4, highWord(value), true);
  }

  append(bytes: Uint8Array): void {
    const at = this.extend(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** Leaves room for a u32 that is known later; returns where. */
  reserveU32(): number {
    return this.extend(4);
  }

  putU32(at: number, value: number): void {
    requireRange(value, 0xffffffff);
    this.view.setUint32(at, value, true);
  }

  /** What was written, as a view: valid until the writer is used again. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.used);
  }

  /** Returns where the room is. Grows the buffer: look at `bytes` and `view` only after it. */
  private extend(count: number): number {
    const at = this.used;
    const end = at + count;
    if (end > this.bytes.length) this.grow(end);
    this.used = end;
    return at;
  }

  private grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

function requireRange(value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max)
    assert(false, `${value} does not fit a field of a version edit`);
}
