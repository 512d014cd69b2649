/** Entries of the LSM tree for tests: versions as plain objects, and a cursor over an array of them. */
import {
  compareKeys,
  ENTRY_DOCUMENT,
  ENTRY_TOMBSTONE,
  type Entry,
  type EntryCursor,
} from '../../src/iter/entry-cursor.js';
import { textOf, utf8 } from './text.js';

const NO_BYTES = new Uint8Array(0);

export interface EntryFields {
  readonly collection?: number;
  readonly seqno: number;
  readonly kind?: number;
  readonly expiresAt?: number;
  /** Text of the value; absent for a tombstone. */
  readonly value?: string;
  readonly originalLength?: number;
}

/** A document, or without `value` a tombstone, unless `kind` says otherwise. */
export function entryOf(key: string | Uint8Array, fields: EntryFields): Entry {
  const bytes = typeof key === 'string' ? utf8(key) : key;
  const value = fields.value === undefined ? NO_BYTES : utf8(fields.value);
  return {
    collection: fields.collection ?? 1,
    key: bytes,
    keyOffset: 0,
    keyLength: bytes.length,
    seqno: fields.seqno,
    kind: fields.kind ?? (fields.value === undefined ? ENTRY_TOMBSTONE : ENTRY_DOCUMENT),
    expiresAt: fields.expiresAt ?? 0,
    value,
    valueOffset: 0,
    valueLength: value.length,
    originalLength: fields.originalLength ?? value.length,
  };
}

/** A copy whose bytes stay when the cursor moves. */
export function copyOf(entry: Entry): Entry {
  const { collection, seqno, kind, expiresAt, keyLength, valueLength, originalLength } = entry;
  const key = entry.key.slice(entry.keyOffset, entry.keyOffset + keyLength);
  const value = entry.value.slice(entry.valueOffset, entry.valueOffset + valueLength);
  const offsets = { keyOffset: 0, valueOffset: 0 };
  return {
    collection,
    key,
    keyLength,
    seqno,
    kind,
    expiresAt,
    value,
    valueLength,
    originalLength,
    ...offsets,
  };
}

/** Order of entries: key ascending, seqno descending. */
export function compareEntries(a: Entry, b: Entry): number {
  return compareKeys(a, b) || b.seqno - a.seqno;
}

/** `collection/key@seqno kind expiry=value`, for comparisons that print well. */
export function describe(entry: Entry): string {
  const key = Buffer.from(entry.key.slice(entry.keyOffset, entry.keyOffset + entry.keyLength)).toString(
    'latin1',
  );
  const value = textOf(entry.value, entry.valueOffset, entry.valueLength);
  const { collection, seqno, kind, expiresAt, originalLength } = entry;
  return `${collection}/${key}@${seqno} ${kind} ${expiresAt}=${value} (${originalLength})`;
}

/** What a cursor gives from where it stands to its end. */
export function restOf(cursor: EntryCursor): Entry[] {
  const found: Entry[] = [];
  for (; cursor.isValid; cursor.next()) found.push(copyOf(cursor));
  return found;
}

export function allOf(cursor: EntryCursor): Entry[] {
  cursor.seekToFirst();
  return restOf(cursor);
}

/**
 * The plainest cursor there is. The key lies in a buffer that every move overwrites, as in a cursor over
 * prefix-compressed blocks: who uses a key after moving on reads garbage here.
 */
export class ArrayCursor implements EntryCursor {
  private readonly entries: readonly Entry[];
  private at = -1;
  private readonly keyBuffer = new Uint8Array(2048);
  closed = 0;
  seeks = 0;

  constructor(entries: readonly Entry[]) {
    this.entries = [...entries].sort(compareEntries);
  }

  get isValid(): boolean {
    return this.at >= 0 && this.at < this.entries.length;
  }
  get collection(): number {
    return this.current.collection;
  }
  get key(): Uint8Array {
    return this.keyBuffer;
  }
  get keyOffset(): number {
    return 1;
  }
  get keyLength(): number {
    return this.current.keyLength;
  }
  get seqno(): number {
    return this.current.seqno;
  }
  get kind(): number {
    return this.current.kind;
  }
  get expiresAt(): number {
    return this.current.expiresAt;
  }
  get value(): Uint8Array {
    return this.current.value;
  }
  get valueOffset(): number {
    return this.current.valueOffset;
  }
  get valueLength(): number {
    return this.current.valueLength;
  }
  get originalLength(): number {
    return this.current.originalLength;
  }

  seekToFirst(): void {
    this.moveTo(0);
  }

  seek(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    this.seeks++;
    this.moveTo(this.firstNotBefore(collection, key.slice(keyOffset, keyOffset + keyLength)));
  }

  seekBefore(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    this.seeks++;
    const before = this.firstNotBefore(collection, key.slice(keyOffset, keyOffset + keyLength)) - 1;
    if (before < 0) this.moveTo(-1);
    else this.moveTo(this.entries.findIndex((entry) => compareKeys(entry, this.entries[before]) === 0));
  }

  next(): void {
    this.moveTo(this.at + 1);
  }

  close(): void {
    this.closed++;
    this.keyBuffer.fill(0xee);
    this.at = -1;
  }

  private get current(): Entry {
    return this.entries[this.at];
  }

  private firstNotBefore(collection: number, key: Uint8Array): number {
    const target = { ...entryOf(key, { seqno: 0, value: '' }), collection };
    const index = this.entries.findIndex((entry) => compareKeys(entry, target) >= 0);
    return index < 0 ? this.entries.length : index;
  }

  private moveTo(at: number): void {
    this.at = at;
    this.keyBuffer.fill(0xee);
    if (this.isValid) this.keyBuffer.set(this.current.key, 1);
  }
}
