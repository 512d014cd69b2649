/**
 * Gives an index under construction the entries of the documents that were there before it: walks the collection in the
 * order of keys and writes a Reindex operation for each document through the normal write path. Shard thread only, in
 * slices: between two of them writes go on, and what they change has its entries by itself. So each slice reads what is
 * there now, and no snapshot has to be kept for as long as the build takes.
 */
import { DbError } from '../base/errors.js';
import { EXPIRES_UNSET } from '../base/expiry.js';
import { hashKey } from '../base/hash.js';
import { WriteBatchEncoder } from '../batch/write-batch-encoder.js';
import { WriteBatchView } from '../batch/write-batch-view.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import { Durability } from '../generated/lumadb/schema/durability.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import type { IndexDefinition } from '../indexes/definition.js';
import type { VisibleCursor } from '../iter/visible-cursor.js';
import { type CollectionWalkOptions, type WalkedPart, walkPart } from './collection-walk.js';

const NO_BYTES = new Uint8Array(0);
/** A slice ends with this many documents or bytes, if not by its time; writing their entries takes as long again. */
const SLICE_DOCUMENTS = 256;
const SLICE_BYTES = 1024 * 1024;

export interface IndexBuildOptions extends CollectionWalkOptions {
  /** Writes a batch now. Throws DbError when writes are refused: the slice can be tried again. */
  readonly write: (batch: WriteBatchView) => void;
}

export class IndexBuild {
  private readonly encoder = new WriteBatchEncoder();
  private readonly view = new WriteBatchView();
  /** All keys up to this one are dealt with. */
  private done: Uint8Array | undefined;
  /** Fewer once a slice had more entries than a memtable takes at a time. */
  private sliceDocuments = SLICE_DOCUMENTS;
  /** Documents that have been given their entries. */
  documents = 0;

  constructor(
    private readonly options: IndexBuildOptions,
    private readonly index: Pick<IndexDefinition, 'id' | 'collectionId'>,
  ) {}

  /** Does a part. True when all documents have their entries. Between groups only. */
  slice(): boolean {
    const { options } = this;
    const nowSeconds = options.clock.nowSeconds();
    this.encoder.reset();
    const { isEnd, key } = this.walk(nowSeconds);
    if (this.encoder.count > 0) {
      const { count } = this.encoder;
      const bytes = this.encoder.finish(1, Durability.Os, false, nowSeconds);
      try {
        options.write(this.view.open(bytes));
      } catch (error) {
        if (!isTooLarge(error) || count === 1) throw error;
        this.sliceDocuments = Math.floor(count / 2);
        return false;
      }
      this.documents += count;
    }
    // Not before they are written.
    this.done = key;
    return isEnd;
  }

  /** Collects documents behind `done`. */
  private walk(nowSeconds: number): WalkedPart {
    const from = { collection: this.index.collectionId, after: this.done, nowSeconds };
    let bytes = 0;
    return walkPart(this.options, from, (cursor) => {
      this.add(cursor);
      bytes += cursor.entry.valueLength;
      return this.encoder.count < this.sliceDocuments && bytes < SLICE_BYTES;
    });
  }

  private add({ entry }: VisibleCursor): void {
    const { collection, keyOffset, keyLength } = entry;
    const key = entry.key.subarray(keyOffset, keyOffset + keyLength);
    this.encoder.add(
      OperationKind.Reindex,
      collection,
      hashKey(collection, key, 0, keyLength),
      key,
      keyLength,
      NO_BYTES,
      0,
      0,
      // Not a condition: the number of the index.
      ConditionKind.IfMatchSeqno,
      this.index.id,
      undefined,
      EXPIRES_UNSET,
    );
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof DbError && error.code === 'PAYLOAD_TOO_LARGE';
}
