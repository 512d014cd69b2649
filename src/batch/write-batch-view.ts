/**
 * Reads a WriteBatch in place. Reusable: open() points it at other bytes. The bytes must be 8-byte aligned in their
 * buffer (ring payloads and WAL payloads are) and must have come from WriteBatchEncoder: this is inside the process,
 * client frames are verified in frame-view.ts first.
 */
import { ByteBuffer } from 'flatbuffers';
import { assert } from '../base/assert.js';
import { EXPIRES_UNSET } from '../base/expiry.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import { Durability } from '../generated/lumadb/schema/durability.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { WriteBatch } from '../generated/lumadb/schema/write-batch.js';
import { readUint64, uint64Column } from './columns.js';

const NO_BYTES = new Uint8Array(0);
const EXPECTED_SEQS_FIELD = 10;
const OPERATION_IDS_FIELD = 11;
const NO_WORDS = new Uint32Array(0);

/** A batch of a log, which may begin anywhere: as it is, or a copy of it. Columns of words begin at multiples of 8 bytes. */
export function alignedBatch(payload: Uint8Array): Uint8Array {
  return payload.byteOffset % 8 === 0 ? payload : payload.slice();
}

export class WriteBatchView {
  private readonly table = new WriteBatch();
  /** The whole batch as it came. */
  bytes: Uint8Array = NO_BYTES;
  batchId = 0;
  durability: Durability = Durability.Unspecified;
  allOrNothing = false;
  /** Database time in seconds at which the front encoded the batch; 0 in records of old logs: nothing has expired then. */
  writtenAt = 0;
  count = 0;
  keys: Uint8Array = NO_BYTES;
  values: Uint8Array = NO_BYTES;
  private kinds: Uint8Array = NO_BYTES;
  private collections: Uint32Array = NO_WORDS;
  private keyHashes: Uint32Array = NO_WORDS;
  private keyEnds: Uint32Array = NO_WORDS;
  private valueEnds: Uint32Array = NO_WORDS;
  private conditions: Uint8Array = NO_BYTES;
  private expectedSeqs: Uint32Array = NO_WORDS;
  private operationIds: Uint32Array = NO_WORDS;
  private expires: Uint32Array = NO_WORDS;

  open(bytes: Uint8Array): this {
    const buffer = new ByteBuffer(bytes);
    const table = WriteBatch.getRootAsWriteBatch(buffer, this.table);
    this.bytes = bytes;
    this.batchId = table.batchId();
    this.durability = table.durability();
    this.allOrNothing = table.allOrNothing();
    this.writtenAt = table.writtenAt();
    this.kinds = table.kindsArray() ?? NO_BYTES;
    this.collections = table.collectionsArray() ?? NO_WORDS;
    this.keyHashes = table.keyHashesArray() ?? NO_WORDS;
    this.keyEnds = table.keyEndsArray() ?? NO_WORDS;
    this.keys = table.keysArray() ?? NO_BYTES;
    this.valueEnds = table.valueEndsArray() ?? NO_WORDS;
    this.values = table.valuesArray() ?? NO_BYTES;
    this.conditions = table.conditionsArray() ?? NO_BYTES;
    this.expectedSeqs = uint64Column(buffer, table.bb_pos, EXPECTED_SEQS_FIELD);
    this.operationIds = uint64Column(buffer, table.bb_pos, OPERATION_IDS_FIELD);
    this.expires = table.expiresArray() ?? NO_WORDS;
    this.count = this.kinds.length;
    assert(
      this.collections.length === this.count &&
        this.keyHashes.length === this.count &&
        this.keyEnds.length === this.count &&
        this.valueEnds.length === this.count &&
        (this.expires.length === 0 || this.expires.length === this.count),
      'a write batch has columns of different lengths',
    );
    return this;
  }

  kind(index: number): OperationKind {
    return this.kinds[index];
  }
  /** The bytes of the batch change: the log keeps the decision. */
  refuse(index: number): void {
    this.kinds[index] = OperationKind.Refused;
  }
  collection(index: number): number {
    return this.collections[index];
  }
  /** As an int32, the way hashKey returns it. */
  keyHash(index: number): number {
    return this.keyHashes[index] | 0;
  }
  keyStart(index: number): number {
    return index === 0 ? 0 : this.keyEnds[index - 1];
  }
  keyEnd(index: number): number {
    return this.keyEnds[index];
  }
  valueStart(index: number): number {
    return index === 0 ? 0 : this.valueEnds[index - 1];
  }
  valueEnd(index: number): number {
    return this.valueEnds[index];
  }
  get hasConditions(): boolean {
    return this.conditions.length > 0;
  }
  condition(index: number): ConditionKind {
    return this.conditions.length === 0 ? ConditionKind.None : this.conditions[index];
  }
  expectedSeqno(index: number): number {
    return readUint64(this.expectedSeqs, index);
  }
  /** Database time in seconds, or one of EXPIRES_* (base/expiry.ts). */
  expiresAt(index: number): number {
    return this.expires.length === 0 ? EXPIRES_UNSET : this.expires[index];
  }
  get hasOperationIds(): boolean {
    return this.operationIds.length > 0;
  }
  /** The four words of the operation's id, as offsets into operationIdWords; all zero means it has none. */
  operationIdWord(index: number, word: number): number {
    return this.operationIds[index * 4 + word];
  }
}
