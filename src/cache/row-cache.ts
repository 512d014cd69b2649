/**
 * The row cache of one front thread, which alone may call it. Layout in row-format.ts; how a row is known to be the newest
 * version is explained in write-stamps.ts. The calls, in one piece of synchronous code:
 *
 *   const before = stamps.load(hash);
 *   if (the memtables have the key) answer
 *   else if (rows.get(hash, collection, key, at, length, stamps.load(hash))) answer from rows.bytes
 *   else if (the tables, as listed now, have a document) { rows.insert(..., before, ...); answer }
 *
 * Only newest versions that are documents are cached; whoever gets one checks `expiresAt`.
 */
import { assert } from '../base/assert.js';
import { fromWords, highWord, lowWord } from '../base/bytes.js';
import {
  ROW_COLLECTION,
  ROW_EXPIRES_AT,
  ROW_KEY_LENGTH,
  ROW_KEY_OFFSET,
  ROW_SEQNO,
  ROW_STAMP,
  ROW_VALUE_AT,
  ROW_VALUE_LENGTH,
  rowValueBytesMax,
} from './row-format.js';
import { CacheSegment } from './segment.js';
import { CELL_DECLINED, CELL_HITS, CELL_INSERTS, CELL_REQUESTS, CELL_STALE } from './segment-format.js';

/** Above this a native copy beats a loop, although it needs a view of the source first. */
const COPY_LOOP_BYTES_MAX = 64;
const NO_SLOT = -1;

export class RowCache {
  /** The whole cache: offsets are those of its SharedArrayBuffer. */
  readonly bytes: Uint8Array;
  /** Largest value that is kept, in bytes. */
  readonly valueBytesMax: number;

  /** Of the row that get() found. Its value is bytes[valueOffset, valueOffset + valueLength) until the next insert. */
  valueOffset = 0;
  valueLength = 0;
  seqno = 0;
  /** Database time in seconds, 0 = never. */
  expiresAt = 0;

  /** Undefined when the cache is too small to keep anything. */
  private readonly segment: CacheSegment | undefined;

  /** Over what createRowCache() returned. */
  constructor(sab: SharedArrayBuffer) {
    this.bytes = new Uint8Array(sab);
    this.valueBytesMax = rowValueBytesMax(sab.byteLength);
    this.segment = sab.byteLength === 0 ? undefined : new CacheSegment(sab, 0, sab.byteLength);
  }

  /** Finds a row that is still valid under `stamp`: the stamp of now, loaded after the memtables had nothing. */
  get(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    stamp: number,
  ): boolean {
    const { segment } = this;
    if (segment === undefined) return false;
    const { words, cells } = segment;
    cells[CELL_REQUESTS]++;
    const slot = this.slotOf(segment, hash, collection, key, keyOffset, keyLength);
    if (slot === NO_SLOT) return false;
    const entry = segment.index.entryAt(slot);
    if (words[entry + ROW_STAMP] !== stamp) {
      cells[CELL_STALE]++;
      return false;
    }
    cells[CELL_HITS]++;
    segment.touch(entry);
    this.valueOffset = entry * 4 + words[entry + ROW_VALUE_AT];
    this.valueLength = words[entry + ROW_VALUE_LENGTH];
    this.seqno = fromWords(words[entry + ROW_SEQNO], words[entry + ROW_SEQNO + 1]);
    this.expiresAt = fromWords(words[entry + ROW_EXPIRES_AT], words[entry + ROW_EXPIRES_AT + 1]);
    return true;
  }

  /**
   * Keeps a copy of a document, unless it is too large. `stamp`: the stamp loaded before the memtables were looked into;
   * seqno and value are those of the key's newest version.
   */
  insert(
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    stamp: number,
    seqno: number,
    expiresAt: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
  ): void {
    const { segment } = this;
    if (segment === undefined) return;
    assert(
      keyOffset + keyLength <= key.length && valueOffset + valueLength <= value.length,
      'the row to be cached lies in its arrays',
    );
    const { words } = segment;
    const keyEnd = ROW_KEY_OFFSET + keyLength;
    const valueAt = keyEnd + ((value.byteOffset + valueOffset - keyEnd) & 7);
    const size = ((valueAt + valueLength + 7) >> 3) * 2;
    if (valueLength > this.valueBytesMax || size > segment.entryWordsMax) {
      segment.cells[CELL_DECLINED]++;
      return;
    }
    let isProven = false;
    const slot = this.slotOf(segment, hash, collection, key, keyOffset, keyLength);
    if (slot !== NO_SLOT) {
      const old = segment.index.entryAt(slot);
      if (fromWords(words[old + ROW_SEQNO], words[old + ROW_SEQNO + 1]) === seqno) {
        // Another key of its bucket was written, or this is the same read again: the row is as it was.
        words[old + ROW_STAMP] = stamp;
        segment.touch(old);
        return;
      }
      isProven = segment.remove(slot);
    }
    const entry = segment.admit(hash, size, isProven);
    words[entry + ROW_COLLECTION] = collection;
    words[entry + ROW_KEY_LENGTH] = keyLength;
    words[entry + ROW_VALUE_LENGTH] = valueLength;
    words[entry + ROW_STAMP] = stamp;
    words[entry + ROW_VALUE_AT] = valueAt;
    words[entry + ROW_SEQNO] = lowWord(seqno);
    words[entry + ROW_SEQNO + 1] = highWord(seqno);
    words[entry + ROW_EXPIRES_AT] = lowWord(expiresAt);
    words[entry + ROW_EXPIRES_AT + 1] = highWord(expiresAt);
    copyInto(this.bytes, entry * 4 + ROW_KEY_OFFSET, key, keyOffset, keyLength);
    copyInto(this.bytes, entry * 4 + valueAt, value, valueOffset, valueLength);
    segment.cells[CELL_INSERTS]++;
  }

  /** Forgets all rows. For a front that is told of a shard's new incarnation, whose stamps start anew. */
  clear(): void {
    this.segment?.clear();
  }

  private slotOf(
    segment: CacheSegment,
    hash: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): number {
    const { index, words } = segment;
    for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) {
      const entry = index.entryAt(slot);
      if (words[entry + ROW_COLLECTION] !== collection || words[entry + ROW_KEY_LENGTH] !== keyLength)
        continue;
      if (equalBytes(this.bytes, entry * 4 + ROW_KEY_OFFSET, key, keyOffset, keyLength)) return slot;
    }
    return NO_SLOT;
  }
}

function equalBytes(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aOffset + i] !== b[bOffset + i]) return false;
  return true;
}

/** copyBytes of base has its limit where private memory wants it; for shared targets it lies lower. */
function copyInto(
  target: Uint8Array,
  targetOffset: number,
  source: Uint8Array,
  sourceOffset: number,
  length: number,
): void {
  if (length <= COPY_LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) target[targetOffset + i] = source[sourceOffset + i];
    return;
  }
  // Made by the constructor, which takes less time than subarray().
  target.set(new Uint8Array(source.buffer, source.byteOffset + sourceOffset, length), targetOffset);
}
