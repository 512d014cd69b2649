/**
 * Ordered walk over one table. Owns its block buffers, so its views stay valid while lookups go on in the same thread.
 * Allocates nothing per entry, and per block only what decompression needs.
 */
import { copyBytes } from '../base/bytes.js';
import type { EntryCursor } from '../iter/entry-cursor.js';
import type { BlockCursor } from './block-cursor.js';
import { type BlockSource, SequentialLoader } from './block-loader.js';
import { BlockScratch } from './block-scratch.js';
import { COLLECTION_BYTES } from './coding.js';

const NONE = -1;

export class TableCursor implements EntryCursor {
  private readonly block: BlockCursor;
  private readonly loader: SequentialLoader;
  /** The block that `block` stands in. */
  private blockIndex = NONE;
  /** Copy of a target that may be a view of this cursor's own key. */
  private target: Uint8Array = new Uint8Array(0);

  constructor(
    private readonly source: BlockSource,
    fillCache: boolean,
  ) {
    const scratch = new BlockScratch();
    this.block = scratch.cursor;
    this.loader = new SequentialLoader(source, scratch, fillCache);
  }

  get isValid(): boolean {
    return this.block.isValid;
  }
  get collection(): number {
    return this.block.collection;
  }
  get key(): Uint8Array {
    return this.block.key;
  }
  get keyOffset(): number {
    return COLLECTION_BYTES;
  }
  get keyLength(): number {
    return this.block.keyLength;
  }
  get seqno(): number {
    return this.block.seqno;
  }
  get kind(): number {
    return this.block.kind;
  }
  get expiresAt(): number {
    return this.block.expiresAt;
  }
  get value(): Uint8Array {
    return this.block.value;
  }
  get valueOffset(): number {
    return this.block.valueOffset;
  }
  get valueLength(): number {
    return this.block.valueLength;
  }
  get originalLength(): number {
    return this.block.originalLength;
  }

  seekToFirst(): void {
    this.enter(0);
    this.block.seekToFirst();
  }

  seek(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    const found = this.source.index.find(collection, key, keyOffset, keyLength);
    // Before the table: all its keys are behind the target.
    if (found < 0) {
      this.seekToFirst();
      return;
    }
    this.enter(found);
    if (this.block.seek(collection, key, keyOffset, keyLength) < 0) this.toNextBlock();
  }

  seekBefore(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    // Going back by seekBefore of the current key is the rule, and the way there overwrites the current key.
    if (this.target.length < keyLength) this.target = new Uint8Array(keyLength + 64);
    copyBytes(key, keyOffset, this.target, 0, keyLength);
    const { block, target } = this;
    let index = this.source.index.find(collection, target, 0, keyLength);
    for (; index >= 0; index--) {
      this.enter(index);
      if (block.seekBefore(collection, target, 0, keyLength)) break;
    }
    block.isValid = index >= 0;
    if (index < 0) return;
    // That is the key's oldest version here; the newest may be further in front, even in an earlier block.
    this.seek(block.collection, block.key, COLLECTION_BYTES, block.keyLength);
  }

  next(): void {
    this.block.next();
    if (!this.block.isValid) this.toNextBlock();
  }

  close(): void {
    this.block.isValid = false;
    this.blockIndex = NONE;
  }

  private enter(index: number): void {
    if (index === this.blockIndex) return;
    this.block.isValid = false;
    this.blockIndex = NONE;
    this.loader.load(index);
    this.blockIndex = index;
  }

  private toNextBlock(): void {
    if (this.blockIndex + 1 >= this.source.index.blockCount) return;
    this.enter(this.blockIndex + 1);
    this.block.seekToFirst();
  }
}
