/**
 * Stands on an entry of one decompressed data block, or of its keys alone (data-block-format.ts). The reading half of block-builder.ts, for
 * point lookups and for table cursors alike. Allocates nothing per entry; one thread.
 */
import { copyBytes } from '../base/bytes.js';
import { compareBytes, ENTRY_EXPIRED, type Entry } from '../iter/entry-cursor.js';
import {
  COLLECTION_BYTES,
  readU32,
  readU32BigEndian,
  VARINT_LIMIT,
  writeU32,
  writeU32BigEndian,
} from './coding.js';
import { corruptTable } from './corruption.js';
import {
  isEntryKind,
  RESTART_BYTES,
  RESTART_COUNT_BYTES,
  TABLE_KEY_BYTES_MAX,
  TAG_EXPIRES,
  TAG_KIND_MASK,
  TAG_KNOWN_BITS,
} from './data-block-format.js';

const NO_BYTES = new Uint8Array(0);
const TWO_32 = 4294967296;
/** Enough for the keys of documents; longer ones make the buffer grow. */
const KEY_BUFFER_BYTES = COLLECTION_BYTES + 1024;

export class BlockCursor implements Entry {
  /** The internal key: COLLECTION_BYTES, then the key's own bytes. */
  key: Uint8Array = new Uint8Array(KEY_BUFFER_BYTES);
  readonly keyOffset = COLLECTION_BYTES;
  collection = 0;
  keyLength = 0;
  seqno = 0;
  kind = 0;
  expiresAt = 0;
  value: Uint8Array = NO_BYTES;
  valueOffset = 0;
  valueLength = 0;
  originalLength = 0;
  isValid = false;

  /** Where the block came from, for error messages. */
  private file = '';
  private blockOffset = 0;
  private bytes: Uint8Array = NO_BYTES;
  /** False in a key block: entries have the length of their value, and no value. */
  private hasValues = true;
  /** Where the entries end and the restarts begin. */
  private entriesEnd = 0;
  private restartCount = 0;
  /** Offset of the entry it stands on, and of the next one. */
  private entryAt = 0;
  private at = 0;
  /** Of the entry whose header was parsed last. */
  private shared = 0;
  private rest = 0;
  private restAt = 0;
  /** For copyKeys. */
  private readonly restartOffsets: number[] = [];

  /** Takes the payload in bytes[0, length). It must stay unchanged while the cursor uses it. */
  load(bytes: Uint8Array, length: number, file: string, blockOffset: number): void {
    this.hasValues = true;
    this.value = bytes;
    this.take(bytes, length, file, blockOffset);
  }

  /** The same for a key block. `value` is empty then, whatever `valueLength` says. */
  loadKeys(bytes: Uint8Array, length: number, file: string, blockOffset: number): void {
    this.hasValues = false;
    this.value = NO_BYTES;
    this.take(bytes, length, file, blockOffset);
  }

  private take(bytes: Uint8Array, length: number, file: string, blockOffset: number): void {
    this.file = file;
    this.blockOffset = blockOffset;
    this.bytes = bytes;
    this.isValid = false;
    const restartCount = length < RESTART_COUNT_BYTES ? 0 : readU32(bytes, length - RESTART_COUNT_BYTES);
    const entriesEnd = length - RESTART_COUNT_BYTES - restartCount * RESTART_BYTES;
    if (restartCount === 0 || entriesEnd <= 0) this.malformed('restarts of the block', restartCount);
    this.restartCount = restartCount;
    this.entriesEnd = entriesEnd;
  }

  /** Bytes of the block that is loaded. */
  get blockLength(): number {
    return this.entriesEnd + this.restartCount * RESTART_BYTES + RESTART_COUNT_BYTES;
  }

  /** To the first entry. */
  seekToFirst(): void {
    this.standBefore(0);
    this.next();
  }

  /** To the next entry; not valid behind the last one. */
  next(): void {
    if (this.at >= this.entriesEnd) {
      this.isValid = false;
      return;
    }
    this.parseHeader();
    this.takeKey(this.key);
    this.isValid = true;
  }

  /**
   * To the first entry whose key is not below (collection, key), which may be any version of its key if the versions
   * began in an earlier block. Returns 0 when it is that key, 1 when it is a later one, -1 when there is none.
   */
  seek(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    this.standBefore(this.restartBelow(collection, key, keyOffset, keyLength));
    // `matched` bytes of the target equal the entry before, which is below the target. What an entry shares with the
    // one before then says how it compares, without its key being put together. Only a restart leaves out nothing
    // whatever it has in common, so an entry that shares nothing is compared in full.
    let matched = 0;
    while (this.at < this.entriesEnd) {
      this.parseHeader();
      if (this.shared > matched) continue;
      if (this.shared < matched && this.shared > 0) return this.landBehind(collection, key, keyOffset, 1);
      const common = this.matchRest(collection, key, keyOffset, keyLength);
      const order = this.orderAt(common, collection, key, keyOffset, keyLength);
      if (order >= 0) return this.landBehind(collection, key, keyOffset, order === 0 ? 0 : 1);
      matched = common;
    }
    this.isValid = false;
    return -1;
  }

  /**
   * To the last entry whose key is below (collection, key): the oldest version of that key in this block. Returns
   * false, and is not valid, when the block has none.
   */
  seekBefore(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): boolean {
    this.standBefore(this.restartBelow(collection, key, keyOffset, keyLength));
    let lastBelow = -1;
    while (this.at < this.entriesEnd) {
      const startAt = this.at;
      this.next();
      if (this.compareTo(collection, key, keyOffset, keyLength) >= 0) break;
      lastBelow = startAt;
    }
    if (lastBelow < 0) {
      this.isValid = false;
      return false;
    }
    // Keys are put together front to back, so the way back to the entry is the way it was found.
    this.standBefore(this.restartBelow(collection, key, keyOffset, keyLength));
    do this.next();
    while (this.entryAt < lastBelow);
    return true;
  }

  /**
   * Writes the key block of the block that is loaded, which must not be longer than `limit` bytes, into `into`, which has
   * room for them. Returns its length, or -1 when it is longer. Then the cursor stands nowhere until the next seek.
   */
  copyKeys(into: Uint8Array, limit: number): number {
    const { bytes, restartCount } = this;
    const entriesMax = limit - RESTART_COUNT_BYTES - restartCount * RESTART_BYTES;
    this.isValid = false;
    let length = 0;
    let restart = 0;
    let nextRestart = this.restartAt(0);
    this.at = 0;
    while (this.at < this.entriesEnd) {
      this.parseHeader();
      const from = this.entryAt;
      const count = this.valueOffset - from;
      if (length + count > entriesMax) return -1;
      if (from === nextRestart) {
        this.restartOffsets[restart++] = length;
        nextRestart = restart < restartCount ? this.restartAt(restart) : -1;
      }
      copyBytes(bytes, from, into, length, count);
      length += count;
    }
    if (restart !== restartCount) this.malformed('offset of a restart', nextRestart);
    for (let i = 0; i < restartCount; i++) {
      writeU32(into, length, this.restartOffsets[i]);
      length += RESTART_BYTES;
    }
    writeU32(into, length, restartCount);
    return length + RESTART_COUNT_BYTES;
  }

  /** Negative, 0 or positive, as the key it stands on is below, equal to or above (collection, key). */
  compareTo(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    if (this.collection !== collection) return this.collection - collection;
    return compareBytes(this.key, COLLECTION_BYTES, this.keyLength, key, keyOffset, keyLength);
  }

  private standBefore(at: number): void {
    this.at = at;
    this.keyLength = -COLLECTION_BYTES;
  }

  /** Offset of the last restart whose key is below (collection, key), or of the first entry. */
  private restartBelow(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    let low = 0;
    let high = this.restartCount - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      this.at = this.restartAt(middle);
      this.keyLength = -COLLECTION_BYTES;
      this.parseHeader();
      const common = this.matchRest(collection, key, keyOffset, keyLength);
      if (this.orderAt(common, collection, key, keyOffset, keyLength) < 0) low = middle;
      else high = middle - 1;
    }
    return this.restartAt(low);
  }

  private restartAt(index: number): number {
    const at = readU32(this.bytes, this.entriesEnd + index * RESTART_BYTES);
    if (at >= this.entriesEnd) this.malformed('offset of a restart', at);
    return at;
  }

  /** Fills the fields from the header at `at` and moves `at` behind the entry. The key is not touched. */
  private parseHeader(): void {
    const { bytes } = this;
    this.entryAt = this.at;
    const tag = bytes[this.at++];
    const shared = this.varint();
    const rest = this.varint();
    const valueLength = this.varint();
    const low = readU32(bytes, this.at);
    this.at += 4;
    this.seqno = this.varint() * TWO_32 + low;
    this.kind = tag & TAG_KIND_MASK;
    this.expiresAt = 0;
    if ((tag & TAG_EXPIRES) !== 0) {
      this.expiresAt = readU32(bytes, this.at);
      this.at += 4;
    }
    this.originalLength = this.kind === ENTRY_EXPIRED ? this.varint() : valueLength;
    this.shared = shared;
    this.rest = rest;
    this.restAt = this.at;
    this.valueOffset = this.at + rest;
    this.valueLength = valueLength;
    this.at = this.hasValues ? this.valueOffset + valueLength : this.valueOffset;
    // Written so that a NaN, out of bytes beyond the array, fails too.
    const fits = this.at <= this.entriesEnd && shared + rest <= COLLECTION_BYTES + TABLE_KEY_BYTES_MAX;
    if (!fits || (tag & ~TAG_KNOWN_BITS) !== 0 || !isEntryKind(this.kind)) this.malformed('entry', tag);
  }

  private varint(): number {
    const first = this.bytes[this.at++];
    return first < 128 ? first : this.longVarint(first);
  }

  private longVarint(first: number): number {
    let value = first & 127;
    for (let scale = 128; scale < VARINT_LIMIT; scale *= 128) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return this.malformed('varint', this.at);
  }

  /** Completes the entry whose header was parsed: its shared bytes are the first ones of `source`. */
  private takeKey(source: Uint8Array): void {
    const { shared, rest } = this;
    const length = shared + rest;
    if (shared > this.keyLength + COLLECTION_BYTES || length < COLLECTION_BYTES) {
      this.malformed('shared bytes of a key', shared);
    }
    if (length > this.key.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(source.subarray(0, shared));
      this.key = larger;
    }
    copyBytes(this.bytes, this.restAt, this.key, shared, rest);
    if (shared < COLLECTION_BYTES) this.collection = readU32BigEndian(this.key, 0);
    this.keyLength = length - COLLECTION_BYTES;
  }

  /** Stands on the parsed entry, whose shared bytes equal those of the target. */
  private landBehind(collection: number, key: Uint8Array, keyOffset: number, result: number): number {
    const sharedKey = this.shared - COLLECTION_BYTES;
    if (this.shared > 0) {
      if (this.shared > this.key.length) this.key = new Uint8Array(2 * this.shared);
      writeU32BigEndian(this.key, 0, collection);
      if (sharedKey > 0) copyBytes(key, keyOffset, this.key, COLLECTION_BYTES, sharedKey);
      this.collection = collection;
    }
    this.keyLength = sharedKey;
    this.takeKey(this.key);
    this.isValid = true;
    return result;
  }

  /** Bytes that the parsed entry's internal key has in common with the target's; the shared ones are. */
  private matchRest(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    const { bytes, shared } = this;
    const restAt = this.restAt - shared;
    const limit = Math.min(shared + this.rest, COLLECTION_BYTES + keyLength);
    let i = shared;
    for (; i < COLLECTION_BYTES; i++) {
      if (bytes[restAt + i] !== collectionByte(collection, i)) return i;
    }
    const targetAt = keyOffset - COLLECTION_BYTES;
    while (i < limit && bytes[restAt + i] === key[targetAt + i]) i++;
    return i;
  }

  /** Order of the parsed entry's key and the target, which have `common` bytes in common. */
  private orderAt(
    common: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): number {
    const length = this.shared + this.rest;
    const targetLength = COLLECTION_BYTES + keyLength;
    if (common === length || common === targetLength) return length - targetLength;
    const target =
      common < COLLECTION_BYTES
        ? collectionByte(collection, common)
        : key[keyOffset - COLLECTION_BYTES + common];
    return this.bytes[this.restAt - this.shared + common] - target;
  }

  private malformed(what: string, got: number): never {
    this.isValid = false;
    throw corruptTable({
      file: this.file,
      offset: this.blockOffset,
      reason: `${what}, at byte ${this.entryAt} of the decompressed block`,
      expected: 'as in data-block-format.ts',
      got,
    });
  }
}

function collectionByte(collection: number, index: number): number {
  return (collection >>> (24 - 8 * index)) & 255;
}
