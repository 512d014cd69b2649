/**
 * Reads keys of index entries (key-format.ts): where each column ends, whether it was cut short, the values that the key
 * holds exactly, and the document's `_id`. A KeyDecoder is used again for every key. Any thread; one thread per decoder.
 */
import { decodeText } from '../json/text.js';
import {
  COLUMN_BYTES_MAX,
  END_OF_VALUES,
  REMAINDER_INFINITE,
  REMAINDER_LONG,
  REMAINDER_NONE,
  TAG_ARRAY,
  TAG_BOOLEAN,
  TAG_INTERVAL,
  TAG_JSON_ARRAY,
  TAG_MOMENT,
  TAG_NULL_HIGHEST,
  TAG_NULL_LOWEST,
  TAG_NUMBER,
  TAG_OBJECT,
  TAG_RECORD,
  TAG_TEXT,
  TAG_TIME,
  TEXT_END,
  TEXT_ESCAPE,
} from './key-format.js';
import type { ColumnOrder } from './value.js';

/** What a key can give back. Times, arrays and objects can only be found by it. */
export type DecodedValue = null | boolean | number | bigint | string;

const doubleBytes = new DataView(new ArrayBuffer(8));

export class KeyDecoder {
  private readonly starts: number[];
  private readonly cuts: boolean[];
  private bytes: Uint8Array = new Uint8Array(0);
  private keyEnd = 0;
  /** The end of the column that is being read, if nothing ends it before. */
  private limit = 0;
  /** All bits set in a DESC column. */
  private mask = 0;

  constructor(private readonly columns: readonly ColumnOrder[]) {
    this.starts = new Array(columns.length + 1).fill(0);
    this.cuts = new Array(columns.length).fill(false);
  }

  /** Finds the columns of a key. False when it is no key of this index: damage. */
  read(bytes: Uint8Array, offset: number, length: number): boolean {
    this.bytes = bytes;
    this.keyEnd = offset + length;
    let at = offset;
    for (let i = 0; i < this.columns.length; i++) {
      this.starts[i] = at;
      this.enter(i);
      const end = this.skipValue(at);
      if (end < 0) return false;
      this.cuts[i] = end > this.limit;
      at = Math.min(end, this.limit);
      if (at > this.keyEnd) return false;
    }
    this.starts[this.columns.length] = at;
    return true;
  }

  /** Where the `_id` begins; it goes to the end of the key. */
  get idStart(): number {
    return this.starts[this.columns.length];
  }

  /** True when some column was cut short: conditions on it, and its order, are settled by the document. */
  get isCut(): boolean {
    return this.cuts.includes(true);
  }

  isColumnCut(column: number): boolean {
    return this.cuts[column];
  }

  /** Bytes of the key up to the end of the column. */
  columnLength(column: number): number {
    return this.starts[column + 1] - this.starts[0];
  }

  /** Undefined when the key does not hold the value exactly, and the document has to be read. */
  value(column: number): DecodedValue | undefined {
    if (this.cuts[column]) return undefined;
    this.enter(column);
    const at = this.starts[column];
    switch (this.byteAt(at)) {
      case TAG_NULL_LOWEST:
      case TAG_NULL_HIGHEST:
        return null;
      case TAG_BOOLEAN:
        return this.byteAt(at + 1) === 1;
      case TAG_NUMBER:
        return this.number(at + 1);
      case TAG_TEXT:
        return this.text(at + 1, this.starts[column + 1] - 2);
      default:
        return undefined;
    }
  }

  private enter(column: number): void {
    this.mask = this.columns[column].descending ? 0xff : 0;
    this.limit = this.starts[column] + COLUMN_BYTES_MAX;
  }

  /** 0 behind the end of the key, where nothing is read that counts. */
  private byteAt(at: number): number {
    return at < this.keyEnd ? this.bytes[at] ^ this.mask : 0;
  }

  private wordAt(at: number): number {
    return (
      ((this.byteAt(at) << 24) |
        (this.byteAt(at + 1) << 16) |
        (this.byteAt(at + 2) << 8) |
        this.byteAt(at + 3)) >>>
      0
    );
  }

  /** The index after the value at `at`; something behind the limit when it was cut; -1 when it is no value. */
  private skipValue(at: number): number {
    if (at >= this.limit) return at + 1;
    switch (this.byteAt(at)) {
      case TAG_NULL_LOWEST:
      case TAG_NULL_HIGHEST:
        return at + 1;
      case TAG_BOOLEAN:
        return at + 2;
      case TAG_MOMENT:
      case TAG_TIME:
        return at + 9;
      case TAG_NUMBER:
      case TAG_INTERVAL:
        return this.skipRemainder(at + 9);
      case TAG_TEXT:
        return this.skipText(at + 1);
      case TAG_ARRAY:
      case TAG_RECORD:
        return this.skipValues(at + 1);
      case TAG_OBJECT:
        // A name and a value each.
        return this.skipCounted(at + 5, 2 * this.wordAt(at + 1));
      case TAG_JSON_ARRAY:
        return this.skipCounted(at + 5, this.wordAt(at + 1));
      default:
        return -1;
    }
  }

  private skipRemainder(at: number): number {
    if (at >= this.limit) return at + 1;
    const first = this.byteAt(at);
    const count = Math.abs(first - REMAINDER_NONE);
    if (count !== REMAINDER_LONG) return count > REMAINDER_LONG ? -1 : at + 1 + count;
    const word = this.wordAt(at + 1);
    const longCount = first > REMAINDER_NONE ? word : ~word >>> 0;
    return at + 5 + (longCount === REMAINDER_INFINITE ? 0 : longCount);
  }

  private skipText(start: number): number {
    let at = start;
    const end = Math.min(this.limit, this.keyEnd);
    for (; at < end; at++) {
      if ((this.bytes[at] ^ this.mask) !== TEXT_ESCAPE) continue;
      at++;
      if (this.byteAt(at) === TEXT_END && at < this.limit) return at + 1;
    }
    return end === this.limit ? this.limit + 1 : -1;
  }

  private skipValues(start: number): number {
    let at = start;
    while (at >= 0 && at < this.limit) {
      if (this.byteAt(at) === END_OF_VALUES) return at + 1;
      at = this.skipValue(at);
    }
    return at < 0 ? at : this.limit + 1;
  }

  private skipCounted(start: number, count: number): number {
    let at = start;
    for (let left = count; left > 0 && at >= 0 && at <= this.limit; left--) at = this.skipValue(at);
    return at;
  }

  private number(at: number): number | bigint | undefined {
    const nearest = this.double(at);
    const first = this.byteAt(at + 8);
    if (first === REMAINDER_NONE) return nearest;
    const isAbove = first > REMAINDER_NONE;
    let start = at + 9;
    let count = Math.abs(first - REMAINDER_NONE);
    if (count === REMAINDER_LONG) {
      const word = this.wordAt(start);
      count = isAbove ? word : ~word >>> 0;
      if (count === REMAINDER_INFINITE) return nearest;
      start += 4;
    }
    let hex = '';
    for (let i = 0; i < count; i++) {
      const byte = this.byteAt(start + i);
      hex += (isAbove ? byte : byte ^ 0xff).toString(16).padStart(2, '0');
    }
    const base = Number.isFinite(nearest) ? nearest : Math.sign(nearest) * Number.MAX_VALUE;
    if (hex === '' || !Number.isInteger(base)) return undefined; // no encoder wrote this
    const difference = BigInt(`0x${hex}`);
    return BigInt(base) + (isAbove ? difference : -difference);
  }

  private double(at: number): number {
    const high = this.wordAt(at);
    const low = this.wordAt(at + 4);
    const isNegative = high < 0x8000_0000;
    doubleBytes.setUint32(0, isNegative ? ~high : high ^ 0x8000_0000);
    doubleBytes.setUint32(4, isNegative ? ~low : low);
    return doubleBytes.getFloat64(0);
  }

  private text(start: number, end: number): string {
    let isPlain = this.mask === 0;
    for (let at = start; at < end && isPlain; at++) isPlain = this.bytes[at] !== TEXT_ESCAPE;
    if (isPlain) return decodeText(this.bytes, start, end);
    const utf8 = new Uint8Array(end - start);
    let length = 0;
    for (let at = start; at < end; at++) {
      const byte = this.byteAt(at);
      utf8[length++] = byte;
      // Its second byte only says that it is one of the text.
      if (byte === TEXT_ESCAPE) at++;
    }
    return decodeText(utf8, 0, length);
  }
}
