/**
 * Columns: how the columnar FlatBuffers tables of schemas/*.fbs are built and read without touching single elements.
 * A column is a growable typed array on the building side and one vector in the finished buffer.
 */
import type { Builder, ByteBuffer, Offset } from 'flatbuffers';
import { copyBytes, fromWords, highWord, lowWord } from '../base/bytes.js';

/** What createColumn needs of a Builder beyond its public face; the names are those of flatbuffers 25. */
interface BuilderInternals {
  bb: ByteBuffer;
  space: number;
}

/**
 * Writes `byteLength` bytes as a vector of elements of `elementBytes` (1, 2, 4 or 8) with one copy.
 * The generated create*Vector functions do the same element by element, at ~10 ns each; Builder.createByteVector
 * is the model for this, but it is limited to single bytes.
 */
export function createColumn(
  builder: Builder,
  bytes: Uint8Array,
  byteLength: number,
  elementBytes: number,
): Offset {
  builder.startVector(elementBytes, byteLength / elementBytes, elementBytes);
  // The cast reaches two private fields: the public API has no bulk copy for wider elements.
  const internals = builder as unknown as BuilderInternals;
  internals.space -= byteLength;
  internals.bb.setPosition(internals.space);
  internals.bb
    .bytes()
    .set(bytes.length === byteLength ? bytes : bytes.subarray(0, byteLength), internals.space);
  return builder.endVector();
}

/** A growable column of bytes. */
export class ByteColumn {
  bytes: Uint8Array;
  length = 0;

  constructor(private readonly initialCapacity: number) {
    this.bytes = new Uint8Array(initialCapacity);
  }

  /** Makes room for `extra` more bytes; `bytes` may be replaced. */
  reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  append(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    copyBytes(source, start, this.bytes, this.length, count);
    this.length += count;
  }

  /** Empties the column; gives memory back if one large batch made it grow far beyond its usual size. */
  reset(): void {
    this.length = 0;
    if (this.bytes.length > this.initialCapacity * 64) this.bytes = new Uint8Array(this.initialCapacity);
  }

  create(builder: Builder): Offset {
    return createColumn(builder, this.bytes, this.length, 1);
  }
}

/** A growable column of 32-bit words; a 64-bit value is two words, low first. */
export class WordColumn {
  words: Uint32Array;
  length = 0;

  constructor(private readonly initialCapacity: number) {
    this.words = new Uint32Array(initialCapacity);
  }

  push(value: number): void {
    if (this.length === this.words.length) this.grow();
    this.words[this.length++] = value;
  }

  /** Appends a non-negative integer below 2^53 as a 64-bit value. */
  pushUint64(value: number): void {
    this.push(lowWord(value));
    this.push(highWord(value));
  }

  reset(): void {
    this.length = 0;
    if (this.words.length > this.initialCapacity * 64) this.words = new Uint32Array(this.initialCapacity);
  }

  /** `elementBytes`: 4, or 8 when pairs of words are 64-bit elements. */
  create(builder: Builder, elementBytes: 4 | 8): Offset {
    const bytes = new Uint8Array(this.words.buffer, 0, this.length * 4);
    return createColumn(builder, bytes, bytes.length, elementBytes);
  }

  private grow(): void {
    const grown = new Uint32Array(this.words.length * 2);
    grown.set(this.words);
    this.words = grown;
  }
}

/** Reads element `index` of a 64-bit column given as words. Exact below 2^53. */
export function readUint64(words: Uint32Array, index: number): number {
  return fromWords(words[index * 2], words[index * 2 + 1]);
}

const NO_WORDS = new Uint32Array(0);

/**
 * The words of a [ulong] field, low first; empty when the field is absent. flatc 2.0 generates no *Array accessor for
 * 64-bit vectors, and reading them one by one would create a bigint each.
 * `fieldId` is the number after `id:` in the schema.
 */
export function uint64Column(bb: ByteBuffer, tablePosition: number, fieldId: number): Uint32Array {
  const offset = bb.__offset(tablePosition, 4 + fieldId * 2);
  if (offset === 0) return NO_WORDS;
  const field = tablePosition + offset;
  const bytes = bb.bytes();
  return new Uint32Array(bytes.buffer, bytes.byteOffset + bb.__vector(field), bb.__vector_len(field) * 2);
}
