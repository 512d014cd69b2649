/**
 * Builds RequestFrames (schemas/frame.fbs) on the client's side. Reusable: nothing is allocated per operation. Not
 * needed by the server. The caller keeps to BULK_OPERATIONS_MAX and BULK_BYTES_MAX by watching `count` and `byteSize`.
 */
import { Builder } from 'flatbuffers';
import { copyBytes } from '../base/bytes.js';
import { DbError } from '../base/errors.js';
import { TTL_UNSET } from '../base/expiry.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { RequestFrame } from '../generated/lumadb/schema/request-frame.js';
import type { RequestOp } from '../generated/lumadb/schema/request-op.js';
import { ByteColumn, createColumn, WordColumn } from './columns.js';
import type { OperationId } from './write-batch-encoder.js';

const INITIAL_OPERATIONS = 256;
const INITIAL_BYTES = 64 * 1024;
/** A builder that grew beyond this for one huge frame is replaced afterwards. */
const BUILDER_BYTES_KEPT = 8 * 1024 * 1024;
/** Up to this length a loop over char codes beats the native encoder. */
const ASCII_LOOP_MAX = 48;
const NO_BUFFER = Buffer.alloc(0);
const BYTE_LOOP_MAX = 32;
/** `collection_of` is a [ushort]. */
const COLLECTIONS_PER_FRAME_MAX = 65_536;

/** A column of UTF-8 that takes strings; `Buffer.write` needs no view per call, as encodeInto does. */
class TextColumn extends ByteColumn {
  /** The same memory as `buffered`, which is `bytes` unless that has grown since. */
  private buffer: Buffer = NO_BUFFER;
  private buffered: Uint8Array = NO_BUFFER;

  appendText(text: string): void {
    const length = text.length;
    if (length <= ASCII_LOOP_MAX) {
      this.reserve(length);
      const bytes = this.bytes;
      const at = this.length;
      let seen = 0;
      for (let i = 0; i < length; i++) {
        const unit = text.charCodeAt(i);
        bytes[at + i] = unit;
        seen |= unit;
      }
      if (seen <= 0x7f) {
        this.length = at + length;
        return;
      }
    }
    this.appendUtf8(text);
  }

  /** Copies a whole array: without a view in between, set() takes half the time. */
  appendBytes(source: Uint8Array): void {
    this.reserve(source.length);
    if (source.length <= BYTE_LOOP_MAX) copyBytes(source, 0, this.bytes, this.length, source.length);
    else this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** A string with a lone surrogate has no UTF-8: writing U+FFFD instead would store another text. */
  private appendUtf8(text: string): void {
    if (!text.isWellFormed()) throw new DbError('VALIDATION', 'text holds half of a surrogate pair');
    this.reserve(text.length * 3);
    if (this.buffered !== this.bytes) {
      this.buffered = this.bytes;
      this.buffer = Buffer.from(this.bytes.buffer);
    }
    this.length += this.buffer.write(text, this.length, 'utf8');
  }

  override reset(): void {
    super.reset();
    if (this.buffered !== this.bytes) {
      this.buffered = NO_BUFFER;
      this.buffer = NO_BUFFER;
    }
  }
}

export class RequestFrameEncoder {
  private builder = new Builder(INITIAL_BYTES);
  private readonly names: string[] = [];
  private readonly ids = new WordColumn(INITIAL_OPERATIONS);
  private readonly ops = new ByteColumn(INITIAL_OPERATIONS);
  /** Two bytes an element. */
  private readonly collectionOf = new ByteColumn(INITIAL_OPERATIONS * 2);
  private readonly keyEnds = new WordColumn(INITIAL_OPERATIONS);
  private readonly keys = new TextColumn(INITIAL_BYTES);
  private readonly valueEnds = new WordColumn(INITIAL_OPERATIONS);
  private readonly values = new TextColumn(INITIAL_BYTES);
  private readonly conditions = new ByteColumn(INITIAL_OPERATIONS);
  private readonly expectedSeqs = new WordColumn(INITIAL_OPERATIONS * 2);
  private readonly operationIds = new WordColumn(INITIAL_OPERATIONS * 4);
  private readonly ttls = new WordColumn(INITIAL_OPERATIONS);
  private hasConditions = false;
  private hasOperationIds = false;
  private hasTtls = false;

  /** Operations added since the last reset. */
  get count(): number {
    return this.ops.length;
  }

  /** Bytes of keys and values added since the last reset. */
  get byteSize(): number {
    return this.keys.length + this.values.length;
  }

  /** The index of a collection in this frame; its name is added when it is new. */
  collectionIndex(name: string): number {
    const names = this.names;
    for (let i = names.length - 1; i >= 0; i--) if (names[i] === name) return i;
    if (names.length === COLLECTIONS_PER_FRAME_MAX) {
      throw new DbError('VALIDATION', `a frame names at most ${COLLECTIONS_PER_FRAME_MAX} collections`);
    }
    return names.push(name) - 1;
  }

  /**
   * Adds one operation. `value` is JSON text (Put, Patch); `expectedSeqno` matters with ConditionKind.IfMatchSeqno
   * only; `ttlSeconds` may be one of TTL_* (base/expiry.ts). Throws DbError VALIDATION, and adds nothing, when a string has no UTF-8 form.
   */
  add(
    op: RequestOp,
    collectionIndex: number,
    id: number,
    key: string | Uint8Array,
    value?: string | Uint8Array,
    condition: ConditionKind = ConditionKind.None,
    expectedSeqno = 0,
    operationId?: OperationId,
    ttlSeconds = TTL_UNSET,
  ): void {
    this.appendTexts(key, value);
    this.ops.reserve(1);
    this.ops.bytes[this.ops.length++] = op;
    this.ids.push(id);
    this.keyEnds.push(this.keys.length);
    if (value !== undefined || this.valueEnds.length > 0) this.addValueEnd();
    if (collectionIndex !== 0 || this.collectionOf.length > 0) this.addCollectionOf(collectionIndex);
    if (condition !== ConditionKind.None || this.hasConditions) this.addCondition(condition, expectedSeqno);
    if (operationId !== undefined || this.hasOperationIds) this.addOperationId(operationId);
    if (ttlSeconds !== TTL_UNSET || this.hasTtls) this.addTtl(ttlSeconds);
  }

  /** Finishes the frame. The result is a view that stays valid until the next call of finish() or reset(). */
  finish(durability: Durability): Uint8Array {
    const builder = this.builder;
    builder.clear();
    const collections = this.createNames(builder);
    const ids = this.ids.create(builder, 4);
    const ops = this.ops.create(builder);
    const collectionOf =
      this.collectionOf.length === 0
        ? 0
        : createColumn(builder, this.collectionOf.bytes, this.collectionOf.length, 2);
    const keyEnds = this.keyEnds.create(builder, 4);
    const keys = this.keys.create(builder);
    const valueEnds = this.valueEnds.length === 0 ? 0 : this.valueEnds.create(builder, 4);
    const values = this.valueEnds.length === 0 ? 0 : this.values.create(builder);
    const conditions = this.hasConditions ? this.conditions.create(builder) : 0;
    const expectedSeqs = this.hasConditions ? this.expectedSeqs.create(builder, 8) : 0;
    const operationIds = this.hasOperationIds ? this.operationIds.create(builder, 8) : 0;
    const ttls = this.hasTtls ? this.ttls.create(builder, 4) : 0;
    RequestFrame.startRequestFrame(builder);
    // The builder leaves out fields whose offset is 0.
    RequestFrame.addCollections(builder, collections);
    RequestFrame.addIds(builder, ids);
    RequestFrame.addOps(builder, ops);
    RequestFrame.addCollectionOf(builder, collectionOf);
    RequestFrame.addKeyEnds(builder, keyEnds);
    RequestFrame.addKeys(builder, keys);
    RequestFrame.addValueEnds(builder, valueEnds);
    RequestFrame.addValues(builder, values);
    RequestFrame.addDurability(builder, durability);
    RequestFrame.addConditions(builder, conditions);
    RequestFrame.addExpectedSeqs(builder, expectedSeqs);
    RequestFrame.addOperationIds(builder, operationIds);
    RequestFrame.addTtls(builder, ttls);
    builder.finish(RequestFrame.endRequestFrame(builder));
    return builder.asUint8Array();
  }

  /** Forgets all operations and collections. */
  reset(): void {
    this.names.length = 0;
    this.ids.reset();
    this.ops.reset();
    this.collectionOf.reset();
    this.keyEnds.reset();
    this.keys.reset();
    this.valueEnds.reset();
    this.values.reset();
    this.conditions.reset();
    this.expectedSeqs.reset();
    this.operationIds.reset();
    this.ttls.reset();
    this.hasConditions = false;
    this.hasOperationIds = false;
    this.hasTtls = false;
    if (this.builder.dataBuffer().capacity() > BUILDER_BYTES_KEPT) this.builder = new Builder(INITIAL_BYTES);
  }

  private appendTexts(key: string | Uint8Array, value: string | Uint8Array | undefined): void {
    const keysBefore = this.keys.length;
    if (typeof key === 'string') this.keys.appendText(key);
    else this.keys.appendBytes(key);
    if (value === undefined) return;
    if (typeof value !== 'string') {
      this.values.appendBytes(value);
      return;
    }
    try {
      this.values.appendText(value);
    } catch (error) {
      this.keys.length = keysBefore;
      throw error;
    }
  }

  private createNames(builder: Builder): number {
    if (this.names.length === 0) return 0;
    if (this.names.length === 1) {
      const name = builder.createString(this.names[0]);
      builder.startVector(4, 1, 4);
      builder.addOffset(name);
      return builder.endVector();
    }
    return RequestFrame.createCollectionsVector(
      builder,
      this.names.map((name) => builder.createString(name)),
    );
  }

  /** The optional columns start empty; the first operation that needs one fills in "none" for those before it. */
  private addValueEnd(): void {
    while (this.valueEnds.length < this.count - 1) this.valueEnds.push(0);
    this.valueEnds.push(this.values.length);
  }

  private addCollectionOf(collectionIndex: number): void {
    const column = this.collectionOf;
    const end = this.count * 2;
    column.reserve(end - column.length);
    column.bytes.fill(0, column.length, end - 2);
    column.bytes[end - 2] = collectionIndex & 0xff;
    column.bytes[end - 1] = collectionIndex >>> 8;
    column.length = end;
  }

  private addCondition(condition: ConditionKind, expectedSeqno: number): void {
    this.hasConditions = true;
    const column = this.conditions;
    column.reserve(this.count - column.length);
    while (column.length < this.count - 1) {
      column.bytes[column.length++] = ConditionKind.None;
      this.expectedSeqs.pushUint64(0);
    }
    column.bytes[column.length++] = condition;
    this.expectedSeqs.pushUint64(expectedSeqno);
  }

  private addOperationId(operationId: OperationId | undefined): void {
    this.hasOperationIds = true;
    while (this.operationIds.length < (this.count - 1) * 4) this.operationIds.push(0);
    for (let word = 0; word < 4; word++)
      this.operationIds.push(operationId === undefined ? 0 : operationId[word]);
  }

  private addTtl(ttlSeconds: number): void {
    this.hasTtls = true;
    while (this.ttls.length < this.count - 1) this.ttls.push(TTL_UNSET);
    this.ttls.push(ttlSeconds);
  }
}
