/**
 * Writes keys of index entries (key-format.ts). A KeyEncoder is a buffer that is used again for every key: columns, then the
 * `_id`. Values come as such, or as the text of a JSON value, which is encoded without being made one. Any thread; one
 * thread per encoder.
 */
import { unreachable } from '../base/assert.js';
import { ElementCursor, MemberCursor, skipSpace } from '../json/members.js';
import { EXACT_INTEGER_DIGITS_MAX } from '../json/parse-exact.js';
import { decodeString, decodeText } from '../json/text.js';
import {
  COLUMN_BYTES_MAX,
  END_OF_VALUES,
  REMAINDER_DIGITS,
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
  TEXT_ZERO,
} from './key-format.js';
import type { ColumnOrder, IndexValue } from './value.js';

const INITIAL_BYTES = 1024;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const MINUS = 0x2d;
const ZERO = 0x30;
/** Integers of this many digits are exact as doubles. */
const EXACT_DIGITS_MAX = 15;
const MICROS_PER_DAY = 86_400_000_000;
const DAYS_PER_MONTH = 30;

const doubleBytes = new DataView(new ArrayBuffer(8));
/** The largest integer that is not stored by its digits. */
const DIGITS_BEYOND = 10n ** BigInt(EXACT_INTEGER_DIGITS_MAX) - 1n;
const textEncoder = new TextEncoder();
/** Text that is longer is cut before it is made bytes: it cannot fit, and a column may hold megabytes. */
const UNITS_ENCODED_MAX = COLUMN_BYTES_MAX;

export class KeyEncoder {
  bytes = new Uint8Array(INITIAL_BYTES);
  length = 0;
  /** Where the column that is being written has to end. */
  private columnEnd = 0;

  reset(): this {
    this.length = 0;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** One column. */
  addValue(value: IndexValue, order: ColumnOrder): this {
    const start = this.beginColumn();
    if (value === null) this.putByte(nullTag(order));
    else this.putValue(value);
    return this.endColumn(start, order);
  }

  /** One column whose value is the JSON text bytes[start, end) of a document. */
  addJson(bytes: Uint8Array, start: number, end: number, order: ColumnOrder): this {
    const columnStart = this.beginColumn();
    if (isNullText(bytes, start)) this.putByte(nullTag(order));
    else this.putJson(bytes, start, end);
    return this.endColumn(columnStart, order);
  }

  addNull(order: ColumnOrder): this {
    const start = this.beginColumn();
    this.putByte(nullTag(order));
    return this.endColumn(start, order);
  }

  /** The `_id`, or any bytes that are taken as they are. */
  addBytes(bytes: Uint8Array, start: number, end: number): this {
    this.reserve(end - start);
    for (let at = start; at < end; at++) this.bytes[this.length++] = bytes[at];
    return this;
  }

  /** What texts that begin with `prefix` begin with, not inverted: for intervals. */
  putTextPrefix(prefix: string): this {
    const start = this.beginColumn();
    this.putByte(TAG_TEXT);
    this.putTextContents(textEncoder.encode(prefix.slice(0, UNITS_ENCODED_MAX)));
    this.length = Math.min(this.length, start + COLUMN_BYTES_MAX);
    return this;
  }

  private beginColumn(): number {
    this.columnEnd = this.length + COLUMN_BYTES_MAX;
    // Room for whatever putByte() still writes after the column is full: it stops at the next value.
    this.reserve(COLUMN_BYTES_MAX);
    return this.length;
  }

  private endColumn(start: number, { descending }: ColumnOrder): this {
    if (descending) for (let at = start; at < this.length; at++) this.bytes[at] ^= 0xff;
    return this;
  }

  private get isFull(): boolean {
    return this.length >= this.columnEnd;
  }

  /** Bytes behind the end of the column are left out. */
  private putByte(byte: number): void {
    if (this.length < this.columnEnd) this.bytes[this.length++] = byte;
  }

  private putWord(word: number): void {
    for (let shift = 24; shift >= 0; shift -= 8) this.putByte((word >>> shift) & 0xff);
  }

  private putValue(value: IndexValue): void {
    if (this.isFull) return;
    if (value === null) {
      this.putByte(TAG_NULL_HIGHEST);
      return;
    }
    switch (typeof value) {
      case 'string':
        this.putText(value);
        return;
      case 'number':
        this.putNumber(value);
        return;
      case 'bigint':
        this.putBigint(value);
        return;
      case 'boolean':
        this.putBoolean(value);
        return;
      default:
        this.putObject(value);
        return;
    }
  }

  private putObject(value: Exclude<IndexValue, null | string | number | bigint | boolean>): void {
    if (!('kind' in value)) {
      this.putValues(TAG_ARRAY, value);
      return;
    }
    switch (value.kind) {
      case 'timestamp':
        this.putTagged(TAG_MOMENT, value.micros);
        return;
      case 'date':
        this.putTagged(TAG_MOMENT, value.days * MICROS_PER_DAY);
        return;
      case 'time':
        this.putTagged(TAG_TIME, value.micros);
        return;
      case 'interval':
        this.putByte(TAG_INTERVAL);
        this.putInteger(intervalMicros(value));
        return;
      case 'record':
        this.putValues(TAG_RECORD, value.values);
        return;
      case 'json': {
        const bytes = textEncoder.encode(value.text);
        this.putJson(bytes, skipSpace(bytes, 0), bytes.length);
        return;
      }
      default:
        unreachable(value);
    }
  }

  private putValues(tag: number, values: readonly IndexValue[]): void {
    this.putByte(tag);
    for (let i = 0; i < values.length && !this.isFull; i++) this.putValue(values[i]);
    this.putByte(END_OF_VALUES);
  }

  private putBoolean(value: boolean): void {
    this.putByte(TAG_BOOLEAN);
    this.putByte(value ? 1 : 0);
  }

  private putTagged(tag: number, double: number): void {
    this.putByte(tag);
    this.putDouble(double);
  }

  private putNumber(value: number): void {
    this.putTagged(TAG_NUMBER, value);
    if (Number.isFinite(value) || Number.isNaN(value)) this.putByte(REMAINDER_NONE);
    else this.putLongRemainder(value > 0, REMAINDER_INFINITE);
  }

  private putDouble(value: number): void {
    if (Number.isNaN(value)) {
      for (let i = 0; i < 8; i++) this.putByte(0xff);
      return;
    }
    doubleBytes.setFloat64(0, value === 0 ? 0 : value);
    const isNegative = doubleBytes.getUint8(0) >= 0x80;
    const high = doubleBytes.getUint32(0);
    const low = doubleBytes.getUint32(4);
    this.putWord(isNegative ? ~high : high ^ 0x8000_0000);
    this.putWord(isNegative ? ~low : low);
  }

  private putBigint(value: bigint): void {
    this.putByte(TAG_NUMBER);
    if (value >= -DIGITS_BEYOND && value <= DIGITS_BEYOND) {
      this.putInteger(value);
      return;
    }
    const isNegative = value < 0n;
    this.putDigits(isNegative, (isNegative ? -value : value).toString());
  }

  /** Its nearest double and what is missing to it. */
  private putInteger(value: bigint): void {
    let nearest = Number(value);
    this.putDouble(nearest);
    // Counted from the largest double, and so still in order.
    if (nearest === Number.POSITIVE_INFINITY) nearest = Number.MAX_VALUE;
    else if (nearest === Number.NEGATIVE_INFINITY) nearest = -Number.MAX_VALUE;
    const difference = value - BigInt(nearest);
    if (difference === 0n) {
      this.putByte(REMAINDER_NONE);
      return;
    }
    const isAbove = difference > 0n;
    const hex = (isAbove ? difference : -difference).toString(16);
    const byteCount = (hex.length + 1) >> 1;
    if (byteCount < REMAINDER_LONG)
      this.putByte(isAbove ? REMAINDER_NONE + byteCount : REMAINDER_NONE - byteCount);
    else this.putLongRemainder(isAbove, byteCount);
    const padded = hex.padStart(byteCount * 2, '0');
    for (let at = 0; at < padded.length && !this.isFull; at += 2) {
      const byte = Number.parseInt(padded.slice(at, at + 2), 16);
      this.putByte(isAbove ? byte : byte ^ 0xff);
    }
  }

  private putLongRemainder(isAbove: boolean, count: number): void {
    this.putByte(isAbove ? REMAINDER_NONE + REMAINDER_LONG : REMAINDER_NONE - REMAINDER_LONG);
    this.putWord(isAbove ? count : ~count);
  }

  private putText(value: string): void {
    this.putByte(TAG_TEXT);
    this.putTextContents(textEncoder.encode(value.slice(0, UNITS_ENCODED_MAX)));
    this.endText();
  }

  private putTextContents(utf8: Uint8Array, start = 0, end = utf8.length): void {
    for (let at = start; at < end && !this.isFull; at++) {
      const byte = utf8[at];
      this.putByte(byte);
      if (byte === TEXT_ESCAPE) this.putByte(TEXT_ZERO);
    }
  }

  private endText(): void {
    this.putByte(TEXT_ESCAPE);
    this.putByte(TEXT_END);
  }

  private putJson(bytes: Uint8Array, start: number, end: number): void {
    if (this.isFull) return;
    const first = bytes[start];
    if (first === QUOTE) this.putJsonText(bytes, start + 1, end - 1);
    else if (first === MINUS || (first >= ZERO && first <= 0x39)) this.putJsonNumber(bytes, start, end);
    else if (first === OPEN_BRACE) this.putJsonObject(bytes, start);
    else if (first === OPEN_BRACKET) this.putJsonArray(bytes, start);
    // Inside of JSON null sorts below everything, as in jsonb.
    else if (isNullText(bytes, start)) this.putByte(TAG_NULL_LOWEST);
    else this.putBoolean(first === 0x74);
  }

  private putJsonText(bytes: Uint8Array, start: number, end: number): void {
    // The first COLUMN_BYTES_MAX bytes decide; a text without escapes among them is copied as it is.
    const looked = Math.min(end, start + COLUMN_BYTES_MAX);
    for (let at = start; at < looked; at++) {
      if (bytes[at] !== BACKSLASH) continue;
      this.putText(decodeString(bytes, start, end));
      return;
    }
    this.putByte(TAG_TEXT);
    this.putTextContents(bytes, start, looked);
    this.endText();
  }

  private putJsonNumber(bytes: Uint8Array, start: number, end: number): void {
    const isNegative = bytes[start] === MINUS;
    const digitsStart = isNegative ? start + 1 : start;
    let magnitude = 0;
    let at = digitsStart;
    for (; at < end && bytes[at] >= ZERO && bytes[at] <= 0x39; at++)
      magnitude = magnitude * 10 + (bytes[at] - ZERO);
    const isInteger = at === end;
    if (isInteger && end - digitsStart <= EXACT_DIGITS_MAX) {
      this.putNumber(isNegative ? -magnitude : magnitude);
      return;
    }
    const text = decodeText(bytes, start, end);
    if (!isInteger) {
      this.putNumber(Number(text));
      return;
    }
    this.putByte(TAG_NUMBER);
    if (end - digitsStart > EXACT_INTEGER_DIGITS_MAX)
      this.putDigits(isNegative, text.slice(digitsStart - start));
    else this.putInteger(BigInt(text));
  }

  /** An integer of so many digits that turning it into a bigint takes too long: digits sort as they are. */
  private putDigits(isNegative: boolean, digits: string): void {
    this.putDouble(isNegative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
    this.putLongRemainder(!isNegative, REMAINDER_DIGITS + digits.length);
    for (let at = 0; at < digits.length && !this.isFull; at++)
      this.putByte(isNegative ? digits.charCodeAt(at) ^ 0xff : digits.charCodeAt(at));
  }

  private putJsonArray(bytes: Uint8Array, start: number): void {
    const elements = new ElementCursor();
    let count = 0;
    for (elements.reset(bytes, start); elements.next(); ) count++;
    this.putByte(TAG_JSON_ARRAY);
    this.putWord(count);
    elements.reset(bytes, start);
    while (!this.isFull && elements.next()) this.putJson(bytes, elements.valueStart, elements.valueEnd);
  }

  private putJsonObject(bytes: Uint8Array, start: number): void {
    const cursor = new MemberCursor();
    const members = new Map<
      string,
      { readonly utf8: Uint8Array; readonly start: number; readonly end: number }
    >();
    cursor.reset(bytes, start);
    while (cursor.next()) {
      const name = decodeString(bytes, cursor.keyStart, cursor.keyEnd);
      // Of a name that repeats the last one counts.
      members.set(name, { utf8: textEncoder.encode(name), start: cursor.valueStart, end: cursor.valueEnd });
    }
    this.putByte(TAG_OBJECT);
    this.putWord(members.size);
    for (const member of [...members.values()].sort((a, b) => Buffer.compare(a.utf8, b.utf8))) {
      if (this.isFull) return;
      this.putByte(TAG_TEXT);
      this.putTextContents(member.utf8);
      this.endText();
      this.putJson(bytes, member.start, member.end);
    }
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

/** The byte that stands for NULL in a column, before DESC inverts it. */
export function nullTag({ descending, nullsFirst }: ColumnOrder): number {
  return descending === nullsFirst ? TAG_NULL_HIGHEST : TAG_NULL_LOWEST;
}

export function intervalMicros({
  months,
  days,
  micros,
}: {
  months: number;
  days: number;
  micros: number;
}): bigint {
  return (
    (BigInt(months) * BigInt(DAYS_PER_MONTH) + BigInt(days)) * BigInt(MICROS_PER_DAY) +
    BigInt(Math.trunc(micros))
  );
}

const isNullText = (bytes: Uint8Array, start: number): boolean => bytes[start] === 0x6e;
