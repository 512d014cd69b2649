/**
 * The index of a table: where its data blocks are and from which key on each one holds. This file is the specification
 * of the index block's payload, and has both its writer (IndexBuilder) and its reader (TableIndex).
 *
 *   payload := block-count:u32 entry{block-count}
 *   entry   := shared:varint rest:varint span-and-flag:varint bound[shared ..]
 *
 *   bound  an internal key (data-block-format.ts) without the first `shared` bytes, which are those of the bound before
 *   span-and-flag  bytes of the data block in the file, header included, times 2, plus 1 when the block continues
 *
 * Blocks follow each other without gaps from offset 0, so their spans give their offsets. The bound of a block is at
 * most its first key and above the last key of the block before, and no longer than that needs: one byte more than the
 * two have in common, but the collection at least. The first block's bound is its first key. A block *continues* when
 * its first entry is another version of the last key of the block before; its bound is then that key, whole.
 */
import { copyBytes } from '../base/bytes.js';
import { compareBytes } from '../iter/entry-cursor.js';
import {
  COLLECTION_BYTES,
  commonLength,
  FieldReader,
  FieldWriter,
  readU32BigEndian,
  writeU32BigEndian,
} from './coding.js';

export class IndexBuilder {
  private readonly fields = new FieldWriter();
  private bound = new Uint8Array(0);
  private count = 0;

  constructor() {
    this.fields.u32(0);
  }

  get blockCount(): number {
    return this.count;
  }

  /** `bound` is the first `length` bytes of an internal key, `span` what the block takes in the file. */
  add(bound: Uint8Array, length: number, span: number, continues: boolean): void {
    const shared = commonLength(this.bound, 0, this.bound.length, bound, 0, length);
    this.fields.varint(shared);
    this.fields.varint(length - shared);
    this.fields.varint(span * 2 + (continues ? 1 : 0));
    this.fields.raw(bound, shared, length - shared);
    this.bound = bound.slice(0, length);
    this.count++;
  }

  finish(): Uint8Array {
    const payload = this.fields.written().slice();
    new DataView(payload.buffer).setUint32(0, this.count, true);
    return payload;
  }
}

export class TableIndex {
  private constructor(
    readonly blockCount: number,
    /** Offset of each block; one more for the end of the last. */
    private readonly offsets: Float64Array,
    private readonly continued: Uint8Array,
    private readonly collections: Uint32Array,
    /** The four bytes behind the start that all bounds share, big-endian, zero-padded: decides most comparisons. */
    private readonly heads: Uint32Array,
    /** The bounds' keys without collection, one after the other. */
    private readonly keys: Uint8Array,
    private readonly keyOffsets: Uint32Array,
    /** Bytes that the keys of all bounds begin with; 0 when they are of several collections. */
    private readonly sharedStart: number,
  ) {}

  /** Throws a RangeError when the payload is not an index. */
  static decode(payload: Uint8Array): TableIndex {
    const fields = new FieldReader(payload);
    const count = fields.u32();
    // An entry takes at least three bytes: no allocation from a number that cannot be true.
    if (count === 0 || count * 3 > fields.remaining) throw new RangeError(`${count} blocks in the index`);
    const offsets = new Float64Array(count + 1);
    const continued = new Uint8Array(count);
    const collections = new Uint32Array(count);
    const keyOffsets = new Uint32Array(count + 1);
    let keys: Uint8Array = new Uint8Array(2 * payload.length);
    let bound: Uint8Array = new Uint8Array(1024);
    let boundLength = 0;
    for (let i = 0; i < count; i++) {
      const shared = fields.varint();
      const rest = fields.varint();
      const spanAndFlag = fields.varint();
      if (shared > boundLength || shared + rest < COLLECTION_BYTES) throw new RangeError('bound of a block');
      boundLength = shared + rest;
      bound = withRoom(bound, shared, boundLength);
      copyBytes(payload, fields.skip(rest), bound, shared, rest);
      offsets[i + 1] = offsets[i] + Math.floor(spanAndFlag / 2);
      continued[i] = spanAndFlag % 2;
      collections[i] = readU32BigEndian(bound, 0);
      const keyLength = boundLength - COLLECTION_BYTES;
      keyOffsets[i + 1] = keyOffsets[i] + keyLength;
      keys = withRoom(keys, keyOffsets[i], keyOffsets[i + 1]);
      copyBytes(bound, COLLECTION_BYTES, keys, keyOffsets[i], keyLength);
    }
    if (fields.remaining !== 0) throw new RangeError(`${fields.remaining} bytes behind the index`);
    const keyBytes = keys.slice(0, keyOffsets[count]);
    const sharedStart = startOfAll(collections, keyBytes, keyOffsets);
    const heads = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      heads[i] = headOf(keyBytes, keyOffsets[i], keyOffsets[i + 1] - keyOffsets[i], sharedStart);
    }
    return new TableIndex(count, offsets, continued, collections, heads, keyBytes, keyOffsets, sharedStart);
  }

  get memoryBytes(): number {
    const { offsets, continued, collections, heads, keys, keyOffsets } = this;
    return [offsets, continued, collections, heads, keys, keyOffsets].reduce(
      (sum, array) => sum + array.byteLength,
      0,
    );
  }

  /** Where the last block ends. */
  get dataEnd(): number {
    return this.offsets[this.blockCount];
  }

  offsetOf(block: number): number {
    return this.offsets[block];
  }

  /** Bytes of the block in the file, header included. */
  spanOf(block: number): number {
    return this.offsets[block + 1] - this.offsets[block];
  }

  /** True when the block begins with another version of the last key of the block before. */
  continues(block: number): boolean {
    return block < this.blockCount && this.continued[block] === 1;
  }

  /** The bound as an internal key, for verification. */
  boundOf(block: number): Uint8Array {
    const key = this.keys.subarray(this.keyOffsets[block], this.keyOffsets[block + 1]);
    const bound = new Uint8Array(COLLECTION_BYTES + key.length);
    writeU32BigEndian(bound, 0, this.collections[block]);
    bound.set(key, COLLECTION_BYTES);
    return bound;
  }

  collectionOf(block: number): number {
    return this.collections[block];
  }

  /** A copy of the bound's key, without the collection. */
  keyOf(block: number): Uint8Array {
    return this.keys.slice(this.keyOffsets[block], this.keyOffsets[block + 1]);
  }

  /**
   * The first block that may hold (collection, key), -1 when the key is before the table. If the key is in the table,
   * its newest version is in this block.
   */
  find(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    let block = this.lastAtOrBelow(collection, key, keyOffset, keyLength);
    // The bound of a block that continues is the key itself: versions of it are in the block before as well.
    while (block > 0 && this.continued[block] === 1) {
      if (this.compareBound(block, collection, key, keyOffset, keyLength) !== 0) break;
      block--;
    }
    return block;
  }

  /** Index of the last bound that is not above the target, or -1. */
  private lastAtOrBelow(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): number {
    const { collections, heads, sharedStart } = this;
    if (sharedStart > 0 && collection === collections[0]) {
      // Against the start that all bounds have in common, the key is before all, behind all, or begins with it too.
      const length = keyLength < sharedStart ? keyLength : sharedStart;
      const order = compareBytes(key, keyOffset, length, this.keys, 0, sharedStart);
      if (order !== 0) return order < 0 ? -1 : this.blockCount - 1;
    }
    const head = headOf(key, keyOffset, keyLength, sharedStart);
    let low = -1;
    let high = this.blockCount - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const isAbove =
        collections[middle] !== collection
          ? collections[middle] > collection
          : heads[middle] !== head
            ? heads[middle] > head
            : this.compareBound(middle, collection, key, keyOffset, keyLength) > 0;
      if (isAbove) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  private compareBound(
    block: number,
    collection: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): number {
    if (this.collections[block] !== collection) return this.collections[block] - collection;
    const boundAt = this.keyOffsets[block];
    const boundLength = this.keyOffsets[block + 1] - boundAt;
    return compareBytes(this.keys, boundAt, boundLength, key, keyOffset, keyLength);
  }
}

/** `bytes`, or a larger copy of the first `used` of them when there is no room for `needed`. */
function withRoom(bytes: Uint8Array, used: number, needed: number): Uint8Array {
  if (needed <= bytes.length) return bytes;
  const larger = new Uint8Array(2 * needed);
  larger.set(bytes.subarray(0, used));
  return larger;
}

/** Length of what all bounds' keys begin with; they are sorted, so the first and the last decide. */
function startOfAll(collections: Uint32Array, keys: Uint8Array, keyOffsets: Uint32Array): number {
  const last = collections.length - 1;
  if (collections[0] !== collections[last]) return 0;
  const lastLength = keyOffsets[last + 1] - keyOffsets[last];
  return commonLength(keys, keyOffsets[0], keyOffsets[1], keys, keyOffsets[last], lastLength);
}

function headOf(key: Uint8Array, keyOffset: number, keyLength: number, skip: number): number {
  let head = 0;
  for (let i = skip; i < skip + 4; i++) head = (head << 8) | (i < keyLength ? key[keyOffset + i] : 0);
  return head >>> 0;
}
