/** Memtables for tests: keys by text, and the versions of a chain as plain objects. */
import type { DatabaseClock } from '../../src/base/database-clock.js';
import { hashKey } from '../../src/base/hash.js';
import { createPrng } from '../../src/base/prng.js';
import { keyRange } from '../../src/iter/key-range.js';
import { MergingCursor } from '../../src/iter/merging-cursor.js';
import { STEP_DOCUMENT, VisibleCursor } from '../../src/iter/visible-cursor.js';
import { ABSENT, ChainReader, FOUND } from '../../src/memtable/chain-reader.js';
import {
  createMemtableSlot,
  VERSION_KIND_DOCUMENT,
  VERSION_KIND_TOMBSTONE,
  writeSizeMax,
} from '../../src/memtable/format.js';
import { MemtableCursor } from '../../src/memtable/memtable-cursor.js';
import { createMemtablePool, MemtablePool } from '../../src/memtable/pool.js';
import type { MemtablePoolBuffers } from '../../src/memtable/pool-format.js';
import type { MemtableReader } from '../../src/memtable/reader.js';
import { MemtableWriter } from '../../src/memtable/writer.js';
import { textOf, utf8 } from './text.js';

export const NO_BYTES = new Uint8Array(0);

/** A database clock at which no document has expired. */
export const BEGINNING_OF_TIME: DatabaseClock = { nowSeconds: () => 0 };

export interface TestPool {
  readonly buffers: MemtablePoolBuffers;
  readonly pool: MemtablePool;
  readonly reader: ChainReader;
}

/** `time`: what the reader takes for now; by default nothing has expired. */
export function testPool(slots: number, arenaBytes: number, seed = 1, time = BEGINNING_OF_TIME): TestPool {
  const buffers = createMemtablePool(slots, arenaBytes);
  return {
    buffers,
    pool: new MemtablePool(buffers, createPrng(seed)),
    reader: new ChainReader(buffers, 0, time),
  };
}

export function singleMemtable(arenaBytes: number, seed = 1): MemtableWriter {
  return new MemtableWriter(createMemtableSlot(arenaBytes), createPrng(seed));
}

/** Writes one version of a key. `value` undefined is a tombstone. */
export function putBytes(
  memtable: MemtableWriter,
  collection: number,
  key: Uint8Array,
  seqno: number,
  value: Uint8Array | undefined,
  expiresAt = 0,
): void {
  const hash = hashKey(collection, key, 0, key.length);
  const kind = value === undefined ? VERSION_KIND_TOMBSTONE : VERSION_KIND_DOCUMENT;
  const bytes = value ?? NO_BYTES;
  const node = memtable.reader.find(hash, collection, key, 0, key.length);
  memtable.put(node, hash, collection, key, 0, key.length, seqno, kind, expiresAt, bytes, 0, bytes.length);
}

export function putText(memtable: MemtableWriter, key: string, seqno: number, value?: string): void {
  putBytes(memtable, 1, utf8(key), seqno, value === undefined ? undefined : utf8(value));
}

export function roomFor(memtable: MemtableWriter, key: Uint8Array, value: Uint8Array | undefined): boolean {
  return memtable.hasRoom(1, writeSizeMax(key.length, value?.length ?? 0));
}

export function findNode(memtable: MemtableReader, collection: number, key: Uint8Array): number {
  return memtable.find(hashKey(collection, key, 0, key.length), collection, key, 0, key.length);
}

export interface FoundVersion {
  readonly seqno: number;
  /** Undefined: a tombstone. */
  readonly value: Uint8Array | undefined;
}

/** What a key is now, through the chain. Undefined: no memtable knows it. */
export function getBytes(reader: ChainReader, collection: number, key: Uint8Array): FoundVersion | undefined {
  reader.enter();
  try {
    const lookup = reader.get(hashKey(collection, key, 0, key.length), collection, key, 0, key.length);
    if (lookup === ABSENT) return undefined;
    const { bytes, seqno, valueOffset, valueLength } = reader;
    const value = lookup === FOUND ? bytes.slice(valueOffset, valueOffset + valueLength) : undefined;
    return { seqno, value };
  } finally {
    reader.leave();
  }
}

export function getText(reader: ChainReader, key: string): string | undefined {
  const value = getBytes(reader, 1, utf8(key))?.value;
  return value === undefined ? undefined : textOf(value);
}

export interface ScannedDocument {
  readonly key: Uint8Array;
  readonly seqno: number;
  readonly expiresAt: number;
  readonly value: Uint8Array;
}

/** What is in a chain, as readers of the newest version see it when nothing has expired. Between enter() and leave(). */
export function visibleIn(
  reader: ChainReader,
  collection: number,
  from: Uint8Array = NO_BYTES,
  exclusive = false,
): VisibleCursor {
  const sources = reader.chain().map((memtable) => new MemtableCursor(memtable));
  const range = keyRange({ collection, from: { key: from, inclusive: !exclusive } });
  return new VisibleCursor(new MergingCursor(sources), range, Number.MAX_SAFE_INTEGER, 0);
}

/** The documents of a collection, expired ones included, from `from` on, in the order in which the cursor gives them. */
export function scanDocuments(
  reader: ChainReader,
  collection: number,
  from: Uint8Array = NO_BYTES,
  exclusive = false,
  limit = Number.POSITIVE_INFINITY,
): ScannedDocument[] {
  const found: ScannedDocument[] = [];
  reader.enter();
  const cursor = visibleIn(reader, collection, from, exclusive);
  while (found.length < limit && cursor.next() === STEP_DOCUMENT) {
    const { key, keyOffset, keyLength, seqno, expiresAt, value, valueOffset, valueLength } = cursor.entry;
    found.push({
      key: key.slice(keyOffset, keyOffset + keyLength),
      seqno,
      expiresAt,
      value: value.slice(valueOffset, valueOffset + valueLength),
    });
  }
  reader.leave();
  return found;
}
