/** Builds WriteBatches (schemas/batch.fbs). One per (front, shard), reused: no allocation per operation. */
import { Builder } from 'flatbuffers';
import { EXPIRES_UNSET } from '../base/expiry.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import type { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { WriteBatch } from '../generated/lumadb/schema/write-batch.js';
import { ByteColumn, WordColumn } from './columns.js';

const INITIAL_OPERATIONS = 256;
const INITIAL_BYTES = 64 * 1024;
/** A builder that grew beyond this for one huge batch is replaced afterwards. */
const BUILDER_BYTES_KEPT = 8 * 1024 * 1024;

/** Identity and fingerprint of a request that may be retried: two 64-bit values as four words, low first. */
export type OperationId = Uint32Array;

export class WriteBatchEncoder {
  private builder = new Builder(INITIAL_BYTES);
  private readonly kinds = new ByteColumn(INITIAL_OPERATIONS);
  private readonly collections = new WordColumn(INITIAL_OPERATIONS);
  private readonly keyHashes = new WordColumn(INITIAL_OPERATIONS);
  private readonly keyEnds = new WordColumn(INITIAL_OPERATIONS);
  private readonly keys = new ByteColumn(INITIAL_BYTES);
  private readonly valueEnds = new WordColumn(INITIAL_OPERATIONS);
  private readonly values = new ByteColumn(INITIAL_BYTES);
  private readonly conditions = new ByteColumn(INITIAL_OPERATIONS);
  private readonly expectedSeqs = new WordColumn(INITIAL_OPERATIONS * 2);
  private readonly operationIds = new WordColumn(INITIAL_OPERATIONS * 4);
  private readonly expires = new WordColumn(INITIAL_OPERATIONS);
  private hasConditions = false;
  private hasOperationIds = false;
  private hasExpiries = false;

  /** Operations added since the last reset. */
  get count(): number {
    return this.kinds.length;
  }

  /** Bytes of keys and values added since the last reset. */
  get byteSize(): number {
    return this.keys.length + this.values.length;
  }

  /**
   * Adds one operation. `value` is JSON text in [valueStart, valueEnd) and empty for a delete; `expectedSeqno`
   * matters only with ConditionKind.IfMatchSeqno; `expiresAt` is database time in seconds or one of EXPIRES_*.
   */
  add(
    kind: OperationKind,
    collection: number,
    keyHash: number,
    key: Uint8Array,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    condition: ConditionKind,
    expectedSeqno: number,
    operationId: OperationId | undefined,
    expiresAt: number,
  ): void {
    this.kinds.reserve(1);
    this.kinds.bytes[this.kinds.length++] = kind;
    this.collections.push(collection);
    this.keyHashes.push(keyHash);
    this.keys.append(key, 0, keyLength);
    this.keyEnds.push(this.keys.length);
    this.values.append(value, valueStart, valueEnd);
    this.valueEnds.push(this.values.length);
    if (condition !== ConditionKind.None || this.hasConditions) this.addCondition(condition, expectedSeqno);
    if (operationId !== undefined || this.hasOperationIds) this.addOperationId(operationId);
    if (expiresAt !== EXPIRES_UNSET || this.hasExpiries) this.addExpiry(expiresAt);
  }

  /**
   * Finishes the batch. The result is a view that stays valid until the next call of finish() or reset().
   * `writtenAt`: database time now, in seconds.
   */
  finish(batchId: number, durability: Durability, allOrNothing: boolean, writtenAt: number): Uint8Array {
    const builder = this.builder;
    builder.clear();
    const kinds = this.kinds.create(builder);
    const collections = this.collections.create(builder, 4);
    const keyHashes = this.keyHashes.create(builder, 4);
    const keyEnds = this.keyEnds.create(builder, 4);
    const keys = this.keys.create(builder);
    const valueEnds = this.valueEnds.create(builder, 4);
    const values = this.values.create(builder);
    const conditions = this.hasConditions ? this.conditions.create(builder) : 0;
    const expectedSeqs = this.hasConditions ? this.expectedSeqs.create(builder, 8) : 0;
    const operationIds = this.hasOperationIds ? this.operationIds.create(builder, 8) : 0;
    const expires = this.hasExpiries ? this.expires.create(builder, 4) : 0;
    WriteBatch.startWriteBatch(builder);
    WriteBatch.addBatchId(builder, batchId);
    WriteBatch.addDurability(builder, durability);
    WriteBatch.addKinds(builder, kinds);
    WriteBatch.addCollections(builder, collections);
    WriteBatch.addKeyHashes(builder, keyHashes);
    WriteBatch.addKeyEnds(builder, keyEnds);
    WriteBatch.addKeys(builder, keys);
    WriteBatch.addValueEnds(builder, valueEnds);
    WriteBatch.addValues(builder, values);
    if (this.hasConditions) {
      WriteBatch.addConditions(builder, conditions);
      WriteBatch.addExpectedSeqs(builder, expectedSeqs);
    }
    if (this.hasOperationIds) WriteBatch.addOperationIds(builder, operationIds);
    if (allOrNothing) WriteBatch.addAllOrNothing(builder, true);
    WriteBatch.addWrittenAt(builder, writtenAt);
    if (this.hasExpiries) WriteBatch.addExpires(builder, expires);
    builder.finish(WriteBatch.endWriteBatch(builder));
    return builder.asUint8Array();
  }

  /** Forgets all operations. */
  reset(): void {
    this.kinds.reset();
    this.collections.reset();
    this.keyHashes.reset();
    this.keyEnds.reset();
    this.keys.reset();
    this.valueEnds.reset();
    this.values.reset();
    this.conditions.reset();
    this.expectedSeqs.reset();
    this.operationIds.reset();
    this.expires.reset();
    this.hasConditions = false;
    this.hasOperationIds = false;
    this.hasExpiries = false;
    if (this.builder.dataBuffer().capacity() > BUILDER_BYTES_KEPT) this.builder = new Builder(INITIAL_BYTES);
  }

  /** The optional columns start empty; the first operation that needs one fills in "none" for those before it. */
  private addCondition(condition: ConditionKind, expectedSeqno: number): void {
    this.hasConditions = true;
    this.conditions.reserve(this.count - this.conditions.length);
    while (this.conditions.length < this.count - 1) {
      this.conditions.bytes[this.conditions.length++] = ConditionKind.None;
      this.expectedSeqs.pushUint64(0);
    }
    this.conditions.bytes[this.conditions.length++] = condition;
    this.expectedSeqs.pushUint64(expectedSeqno);
  }

  private addOperationId(operationId: OperationId | undefined): void {
    this.hasOperationIds = true;
    while (this.operationIds.length < (this.count - 1) * 4) this.operationIds.push(0);
    for (let word = 0; word < 4; word++)
      this.operationIds.push(operationId === undefined ? 0 : operationId[word]);
  }

  private addExpiry(expiresAt: number): void {
    this.hasExpiries = true;
    while (this.expires.length < this.count - 1) this.expires.push(EXPIRES_UNSET);
    this.expires.push(expiresAt);
  }
}
