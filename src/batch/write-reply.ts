/** Encodes and reads WriteReply (schemas/batch.fbs): the shard's one answer to one WriteBatch. */
import { Builder, ByteBuffer } from 'flatbuffers';
import type { DbErrorCode, WireError } from '../base/errors.js';
import { Durability } from '../generated/lumadb/schema/durability.js';
import { WriteReply } from '../generated/lumadb/schema/write-reply.js';
import type { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import { createColumn, readUint64, uint64Column, WordColumn } from './columns.js';

const NO_BYTES = new Uint8Array(0);
const SEQS_FIELD = 4;
const NO_WORDS = new Uint32Array(0);

/** What is wrong with documents, by the places of their operations in the batch. */
export type OperationFaults = ReadonlyMap<number, WireError>;

const NO_FAULTS: OperationFaults = new Map();

/** What applying a batch produced: a status per operation, and where a seqno differs from first + index. */
export class WriteOutcome {
  statuses = new Uint8Array(256);
  count = 0;
  /** True when `seqs` is filled: some operation was answered from the operation-id table. */
  hasSeqs = false;
  readonly seqs = new WordColumn(512);
  /** Why operations have the status SchemaViolation, by their place; undefined when none has. */
  faults: OperationFaults | undefined;

  begin(count: number): void {
    if (this.statuses.length < count) this.statuses = new Uint8Array(count * 2);
    this.count = count;
    this.hasSeqs = false;
    this.faults = undefined;
    this.seqs.reset();
  }
}

export class WriteReplyEncoder {
  private readonly builder = new Builder(4096);

  /** The result is a view that stays valid until the next call. */
  encode(batchId: number, firstSeqno: number, durability: Durability, outcome: WriteOutcome): Uint8Array {
    const builder = this.builder;
    builder.clear();
    const statuses = createColumn(builder, outcome.statuses, outcome.count, 1);
    const { faults } = outcome;
    const faultsText = faults === undefined ? 0 : builder.createString(JSON.stringify([...faults]));
    const seqs = outcome.hasSeqs ? outcome.seqs.create(builder, 8) : 0;
    WriteReply.startWriteReply(builder);
    WriteReply.addBatchId(builder, batchId);
    WriteReply.addFirstSeqno(builder, BigInt(firstSeqno));
    WriteReply.addDurability(builder, durability);
    WriteReply.addStatuses(builder, statuses);
    if (outcome.hasSeqs) WriteReply.addSeqs(builder, seqs);
    if (faults !== undefined) WriteReply.addErrorMessage(builder, faultsText);
    builder.finish(WriteReply.endWriteReply(builder));
    return builder.asUint8Array();
  }

  encodeError(batchId: number, error: WireError): Uint8Array {
    const builder = this.builder;
    builder.clear();
    const code = builder.createString(error.code);
    const message = builder.createString(error.message);
    WriteReply.startWriteReply(builder);
    WriteReply.addBatchId(builder, batchId);
    WriteReply.addErrorCode(builder, code);
    WriteReply.addErrorMessage(builder, message);
    builder.finish(WriteReply.endWriteReply(builder));
    return builder.asUint8Array();
  }
}

export class WriteReplyView {
  private readonly table = new WriteReply();
  batchId = 0;
  firstSeqno = 0;
  durability: Durability = Durability.Unspecified;
  /** Set when the whole batch failed; the other fields are then empty. */
  error: WireError | undefined;
  private statuses: Uint8Array = NO_BYTES;
  private seqs: Uint32Array = NO_WORDS;
  private faults: OperationFaults = NO_FAULTS;

  open(bytes: Uint8Array): this {
    const buffer = new ByteBuffer(bytes);
    const table = WriteReply.getRootAsWriteReply(buffer, this.table);
    this.batchId = table.batchId();
    this.firstSeqno = Number(table.firstSeqno());
    this.durability = table.durability();
    this.statuses = table.statusesArray() ?? NO_BYTES;
    this.seqs = uint64Column(buffer, table.bb_pos, SEQS_FIELD);
    const code = table.errorCode();
    const message = table.errorMessage() ?? '';
    // Both were written on the other side: the code by encodeError, from a WireError, the faults by encode.
    this.error = code === null ? undefined : { code: code as DbErrorCode, message };
    this.faults = code === null && message !== '' ? new Map(JSON.parse(message)) : NO_FAULTS;
    return this;
  }

  status(index: number): WriteStatus {
    return this.statuses[index];
  }

  /** Of an operation with the status SchemaViolation. */
  fault(index: number): WireError {
    const message = 'the document does not meet the schema of its collection';
    return this.faults.get(index) ?? { code: 'VALIDATION', message };
  }

  seqno(index: number): number {
    return this.seqs.length === 0 ? this.firstSeqno + index : readUint64(this.seqs, index);
  }
}
