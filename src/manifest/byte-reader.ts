/**
 * Reads little-endian fields out of bytes that came from outside, and never beyond their end. What does not fit is a
 * CORRUPT_MANIFEST that names the file and the offset in it.
 */
import { fromWords } from '../base/bytes.js';
import { DbError } from '../base/errors.js';

/** Where the bytes came from, for messages. */
export interface Place {
  readonly file: string;
  /** Offset of the first byte in that file. */
  readonly offset: number;
}

export class ByteReader {
  private readonly view: DataView;
  private at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly place: Place,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes from the start. */
  get position(): number {
    return this.at;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  u64(): number {
    const at = this.take(8);
    const value = fromWords(this.view.getUint32(at, true), this.view.getUint32(at + 4, true));
    if (!Number.isSafeInteger(value)) throw this.malformed('a number is 2^53 or more', 'below 2^53', value);
    return value;
  }

  /** A copy. */
  copy(count: number): Uint8Array {
    const at = this.take(count);
    return this.bytes.slice(at, at + count);
  }

  /** A count of items that take at least `itemBytesMin` each: checked before anything is allocated for them. */
  count(itemBytesMin: number): number {
    const count = this.u32();
    const room = Math.floor((this.bytes.length - this.at) / itemBytesMin);
    if (count > room) throw this.malformed('a list is longer than its field', `at most ${room} items`, count);
    return count;
  }

  malformed(reason: string, expected: string | number, got: string | number): DbError {
    const { file } = this.place;
    const offset = this.place.offset + this.at;
    return new DbError('CORRUPT_MANIFEST', `${file} is damaged at offset ${offset}: ${reason}`, {
      file,
      offset,
      expected,
      got,
    });
  }

  private take(count: number): number {
    const at = this.at;
    if (count > this.bytes.length - at)
      throw this.malformed('a field ends too early', `${count} bytes`, this.bytes.length - at);
    this.at = at + count;
    return at;
  }
}
