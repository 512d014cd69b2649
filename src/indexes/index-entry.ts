/**
 * The entry that a document has in an index: its key (key-format.ts) and its value, the included members as a JSON array in
 * the order of the definition, null for one that is missing. A value is empty when nothing is included, and also when
 * it would be too long: then readers look at the document. One thread per instance.
 */
import { ByteSink } from '../json/byte-sink.js';
import { findPath, Span } from '../json/members.js';
import type { IndexDefinition } from './definition.js';
import { type IndexExtractor, pathUtf8 } from './extractor.js';
import { KeyEncoder } from './key-encoding.js';

/** Longest value of an entry. */
export const INCLUDED_BYTES_MAX = 4096;

const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const NULL = new TextEncoder().encode('null');

/** A buffer for one entry, used again and again. */
export class IndexEntry {
  readonly key = new KeyEncoder();
  readonly value = new ByteSink(64, INCLUDED_BYTES_MAX);
  /** False: the document has no entry, and the rest means nothing. */
  isPresent = false;

  isSameAs(other: IndexEntry): boolean {
    return (
      this.isPresent === other.isPresent &&
      sameBytes(this.key.bytes, this.key.length, other.key.bytes, other.key.length) &&
      sameBytes(this.value.bytes, this.value.length, other.value.bytes, other.value.length)
    );
  }

  hasSameKeyAs(other: IndexEntry): boolean {
    return sameBytes(this.key.bytes, this.key.length, other.key.bytes, other.key.length);
  }
}

/** An index and how its entries are made. */
export class IndexInUse {
  readonly id: number;
  private readonly include: readonly (readonly Uint8Array[])[];
  private readonly span = new Span();

  constructor(
    readonly definition: IndexDefinition,
    private readonly extractor: IndexExtractor,
  ) {
    this.id = definition.id;
    this.include = definition.include.map(pathUtf8);
  }

  /** Most bytes of a value. */
  get valueBytesMax(): number {
    return this.include.length === 0 ? 0 : INCLUDED_BYTES_MAX;
  }

  /** The entry of the document bytes[offset, offset + length) whose `_id` is id[idStart, idEnd). */
  entryOf(
    bytes: Uint8Array,
    offset: number,
    length: number,
    id: Uint8Array,
    idStart: number,
    idEnd: number,
    out: IndexEntry,
  ): void {
    out.key.reset();
    out.value.reset();
    out.isPresent = this.extractor.addColumns(bytes, offset, length, out.key);
    if (!out.isPresent) return;
    out.key.addBytes(id, idStart, idEnd);
    if (this.include.length > 0) this.addIncluded(bytes, offset, length, out.value);
  }

  private addIncluded(bytes: Uint8Array, offset: number, length: number, value: ByteSink): void {
    value.appendByte(OPEN_BRACKET);
    for (let i = 0; i < this.include.length; i++) {
      const { span } = this;
      const isThere = findPath(bytes, offset, offset + length, this.include[i], span);
      const source = isThere ? bytes : NULL;
      const start = isThere ? span.start : 0;
      const end = isThere ? span.end : NULL.length;
      // With the comma in front of it and the bracket behind all.
      if (value.length + (end - start) + 2 > INCLUDED_BYTES_MAX) {
        value.reset();
        return;
      }
      if (i > 0) value.appendByte(COMMA);
      value.append(source, start, end);
    }
    value.appendByte(CLOSE_BRACKET);
  }
}

function sameBytes(a: Uint8Array, aLength: number, b: Uint8Array, bLength: number): boolean {
  if (aLength !== bLength) return false;
  for (let i = 0; i < aLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
