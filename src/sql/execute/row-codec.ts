/**
 * Rows between threads, and the states of aggregates in them, as bytes. Format of one value: a tag, then what it needs; counts
 * and lengths are varints. Both ends are threads of one process and one version, so nothing here is stored.
 *
 *   row    := count value*            value := tag contents
 *   00 NULL · 01 false · 02 true · 03 undefined · 04 integer (zigzag varint, 32 bits) · 05 double (8 bytes, little endian)
 *   06 bigint (text) · 07 latin1 text · 08 UTF-16 text · 09 array · 0a timestamp with zone · 0b timestamp · 0c date · 0d time
 *   0e interval · 0f JSON · 10 record · 11 object · 12 Map · 13 Set · 14 bytes
 */
import { unreachable } from '../../base/assert.js';
import {
  Interval,
  Json,
  type Row,
  SqlDate,
  SqlRecord,
  SqlTime,
  type SqlValue,
  Timestamp,
} from '../types/values.js';

const TAG_NULL = 0x00;
const TAG_FALSE = 0x01;
const TAG_TRUE = 0x02;
const TAG_UNDEFINED = 0x03;
const TAG_INTEGER = 0x04;
const TAG_DOUBLE = 0x05;
const TAG_BIGINT = 0x06;
const TAG_LATIN1 = 0x07;
const TAG_UTF16 = 0x08;
const TAG_ARRAY = 0x09;
const TAG_TIMESTAMP_ZONE = 0x0a;
const TAG_TIMESTAMP = 0x0b;
const TAG_DATE = 0x0c;
const TAG_TIME = 0x0d;
const TAG_INTERVAL = 0x0e;
const TAG_JSON = 0x0f;
const TAG_RECORD = 0x10;
const TAG_OBJECT = 0x11;
const TAG_MAP = 0x12;
const TAG_SET = 0x13;
const TAG_BYTES = 0x14;

const INITIAL_BYTES = 4096;
const VARINT_BYTES_MAX = 5;
const DOUBLE_BYTES = 8;
const LATIN1_MAX = 0xff;
/** Up to here a loop beats the call into C++. */
const LOOP_TEXT_MAX = 32;

/** Rows one after the other in one buffer: append them, take the bytes, reset. */
export class RowEncoder {
  private bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private at = 0;

  get length(): number {
    return this.at;
  }

  reset(): void {
    this.at = 0;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return new Uint8Array(this.bytes.subarray(0, this.at));
  }

  /** `width`: how many of the row's values are handed over. */
  addRow(row: Row, width = row.length): void {
    this.putCount(width);
    for (let i = 0; i < width; i++) this.putValue(row[i]);
  }

  private putValue(value: unknown): void {
    switch (typeof value) {
      case 'number':
        this.putNumber(value);
        return;
      case 'string':
        this.putText(value);
        return;
      case 'boolean':
        this.putByte(value ? TAG_TRUE : TAG_FALSE);
        return;
      case 'bigint':
        this.putByte(TAG_BIGINT);
        this.putText(value.toString());
        return;
      case 'undefined':
        this.putByte(TAG_UNDEFINED);
        return;
      case 'object':
        if (value === null) this.putByte(TAG_NULL);
        else this.putObject(value);
        return;
      default:
        throw new Error(`a ${typeof value} cannot be handed to another thread`);
    }
  }

  private putObject(value: object): void {
    if (Array.isArray(value)) {
      this.putByte(TAG_ARRAY);
      this.putItems(value);
    } else if (value instanceof Timestamp) {
      this.putByte(value.hasZone ? TAG_TIMESTAMP_ZONE : TAG_TIMESTAMP);
      this.putDouble(value.micros);
    } else if (value instanceof SqlDate) {
      this.putByte(TAG_DATE);
      this.putDouble(value.days);
    } else if (value instanceof SqlTime) {
      this.putByte(TAG_TIME);
      this.putDouble(value.micros);
    } else if (value instanceof Interval) {
      this.putByte(TAG_INTERVAL);
      this.putDouble(value.months);
      this.putDouble(value.days);
      this.putDouble(value.micros);
    } else if (value instanceof Json) {
      this.putByte(TAG_JSON);
      this.putText(value.text);
    } else if (value instanceof SqlRecord) {
      this.putByte(TAG_RECORD);
      this.putItems(value.names);
      this.putItems(value.values);
    } else this.putState(value);
  }

  /** What only states of aggregates are made of. */
  private putState(value: object): void {
    if (value instanceof Map) {
      this.putByte(TAG_MAP);
      this.putItems([...value].flat());
    } else if (value instanceof Set) {
      this.putByte(TAG_SET);
      this.putItems([...value]);
    } else if (value instanceof Uint8Array) {
      this.putByte(TAG_BYTES);
      this.putCount(value.length);
      this.reserve(value.length);
      this.bytes.set(value, this.at);
      this.at += value.length;
    } else {
      this.putByte(TAG_OBJECT);
      const entries = Object.entries(value);
      this.putCount(entries.length);
      for (const [name, member] of entries) {
        this.putText(name);
        this.putValue(member);
      }
    }
  }

  private putItems(items: readonly unknown[]): void {
    this.putCount(items.length);
    for (let i = 0; i < items.length; i++) this.putValue(items[i]);
  }

  private putNumber(value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) {
      this.putByte(TAG_INTEGER);
      this.putCount(((value << 1) ^ (value >> 31)) >>> 0);
      return;
    }
    this.putByte(TAG_DOUBLE);
    this.putDouble(value);
  }

  private putDouble(value: number): void {
    this.reserve(DOUBLE_BYTES);
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }

  private putText(text: string): void {
    const { length } = text;
    let isLatin1 = true;
    for (let i = 0; i < length && isLatin1; i++) isLatin1 = text.charCodeAt(i) <= LATIN1_MAX;
    this.putByte(isLatin1 ? TAG_LATIN1 : TAG_UTF16);
    this.putCount(length);
    this.reserve(isLatin1 ? length : length * 2);
    if (isLatin1 && length <= LOOP_TEXT_MAX) {
      for (let i = 0; i < length; i++) this.bytes[this.at++] = text.charCodeAt(i);
    } else this.at += this.bytes.write(text, this.at, isLatin1 ? 'latin1' : 'utf16le');
  }

  private putByte(byte: number): void {
    if (this.at === this.bytes.length) this.reserve(1);
    this.bytes[this.at++] = byte;
  }

  /** Below 2^32. */
  private putCount(count: number): void {
    this.reserve(VARINT_BYTES_MAX);
    let left = count;
    while (left >= 0x80) {
      this.bytes[this.at++] = (left & 0x7f) | 0x80;
      left = left >>> 7;
    }
    this.bytes[this.at++] = left;
  }

  private reserve(count: number): void {
    const needed = this.at + count;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}

/** Reads what one encoder wrote. */
export class RowDecoder {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A new row; undefined at the end. */
  next(): Row | undefined {
    if (this.at >= this.bytes.length) return undefined;
    return this.items() as Row;
  }

  private items(): unknown[] {
    const count = this.count();
    const items: unknown[] = new Array(count);
    for (let i = 0; i < count; i++) items[i] = this.value();
    return items;
  }

  private value(): unknown {
    const tag = this.bytes[this.at++];
    switch (tag) {
      case TAG_NULL:
        return null;
      case TAG_FALSE:
        return false;
      case TAG_TRUE:
        return true;
      case TAG_UNDEFINED:
        return undefined;
      case TAG_INTEGER: {
        const zigzag = this.count();
        return (zigzag >>> 1) ^ -(zigzag & 1);
      }
      case TAG_DOUBLE:
        return this.double();
      case TAG_BIGINT:
        return BigInt(this.value() as string);
      case TAG_LATIN1:
        return this.text('latin1', 1);
      case TAG_UTF16:
        return this.text('utf16le', 2);
      default:
        return this.object(tag);
    }
  }

  private object(tag: number): unknown {
    switch (tag) {
      case TAG_ARRAY:
        return this.items();
      case TAG_TIMESTAMP_ZONE:
        return new Timestamp(this.double(), true);
      case TAG_TIMESTAMP:
        return new Timestamp(this.double(), false);
      case TAG_DATE:
        return new SqlDate(this.double());
      case TAG_TIME:
        return new SqlTime(this.double());
      case TAG_INTERVAL:
        return new Interval(this.double(), this.double(), this.double());
      case TAG_JSON:
        return new Json(this.value() as string);
      case TAG_RECORD:
        return new SqlRecord(this.items() as string[], this.items() as SqlValue[]);
      default:
        return this.state(tag);
    }
  }

  private state(tag: number): unknown {
    switch (tag) {
      case TAG_OBJECT: {
        const count = this.count();
        const object: Record<string, unknown> = {};
        for (let i = 0; i < count; i++) object[this.value() as string] = this.value();
        return object;
      }
      case TAG_MAP: {
        const flat = this.items();
        const map = new Map<unknown, unknown>();
        for (let i = 0; i < flat.length; i += 2) map.set(flat[i], flat[i + 1]);
        return map;
      }
      case TAG_SET:
        return new Set(this.items());
      case TAG_BYTES: {
        const count = this.count();
        const bytes = new Uint8Array(this.bytes.subarray(this.at, this.at + count));
        this.at += count;
        return bytes;
      }
      default:
        return unreachable(tag as never);
    }
  }

  private text(encoding: 'latin1' | 'utf16le', unitBytes: number): string {
    const count = this.count();
    const start = this.at;
    this.at += count * unitBytes;
    return this.bytes.toString(encoding, start, this.at);
  }

  private double(): number {
    const value = this.bytes.readDoubleLE(this.at);
    this.at += DOUBLE_BYTES;
    return value;
  }

  private count(): number {
    let count = 0;
    let shift = 0;
    for (;;) {
      const byte = this.bytes[this.at++];
      // Not by shifting: the fifth byte would reach the sign.
      count += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return count;
      shift += 7;
    }
  }
}
