/**
 * The front's end of a link. Collects the writes of one event-loop turn, sends them as one WriteBatch, and hands each
 * operation's result to its completion. Front thread only; never blocks.
 */
import { assert } from '../base/assert.js';
import type { DatabaseClock } from '../base/database-clock.js';
import { DbError, toWireError, type WireError } from '../base/errors.js';
import { DOCUMENT_BYTES_MAX } from '../base/limits.js';
import { type OperationId, WriteBatchEncoder } from '../batch/write-batch-encoder.js';
import { WriteReplyView } from '../batch/write-reply.js';
import type { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import { DoorbellRinger } from '../shm/doorbell.js';
import type { ReadOnlyReader } from '../shm/read-only-reader.js';
import { RingReader } from '../shm/ring-reader.js';
import { RingWriter } from '../shm/ring-writer.js';
import { BATCH_OPERATIONS_MAX, type LinkBuffers } from './link.js';

/** Gets the result of one write. Implemented by long-lived, pooled objects: `token` tells their operations apart. */
export interface WriteCompletion {
  onWritten(token: number, status: WriteStatus, seqno: number, durability: Durability): void;
  onWriteFailed(token: number, error: WireError): void;
}

/** Bytes of a document as it is now, 0 when there is none. May be a little out of date. */
export type DocumentSize = (hash: number, collection: number, key: Uint8Array, keyLength: number) => number;

/** The operations of one batch, in order. */
class InFlightBatch {
  batchId = 0;
  count = 0;
  readonly completions: WriteCompletion[] = [];
  readonly tokens: number[] = [];

  push(completion: WriteCompletion, token: number): void {
    this.completions[this.count] = completion;
    this.tokens[this.count] = token;
    this.count++;
  }

  /** For reuse. A pooled batch must not keep the completions alive, and with them whole requests. */
  clear(): void {
    this.count = 0;
    this.completions.length = 0;
    this.tokens.length = 0;
  }
}

/** Rough size of an operation's entries in the fixed-width columns, in bytes. */
const OPERATION_OVERHEAD_BYTES = 64;
const NOTHING_CHECKED: ReadonlySet<number> = new Set();
const POOLED_BATCHES_MAX = 64;
/**
 * A batch of this many operations is sent in the middle of an event-loop turn if the shard sleeps: it can write and sync
 * them while the front parses the rest. When the shard is busy the batch keeps growing instead.
 */
const EAGER_FLUSH_OPERATIONS = 16;

export class ShardClient {
  private readonly encoder = new WriteBatchEncoder();
  private readonly replyView = new WriteReplyView();
  private requests: RingWriter | undefined;
  private replies: RingReader | undefined;
  private ringer: DoorbellRinger | undefined;
  private unavailable: WireError;
  private open = new InFlightBatch();
  private openDurability: Durability = 0;
  private openAllOrNothing = false;
  /** Sum of the open batch's weights; see weightOf(). */
  private openWeight = 0;
  /** Hashes of the keys of checked collections in the open batch. */
  private readonly openChecked = new Set<number>();
  /** The open batch is complete and only waits for room in the ring. */
  private isSealed = false;
  /** Bytes in use in the request ring when it had no room for the open batch; -1 when it had. */
  private usedBytesWhenFull = -1;
  private readonly inFlight = new Map<number, InFlightBatch>();
  private readonly pool: InFlightBatch[] = [];
  private nextBatchId = 1;
  /** Operations handed to this client and not yet completed. */
  pendingCount = 0;

  constructor(
    private readonly shard: number,
    /** Operations that may wait for this shard. */
    private readonly pendingMax: number,
    /** Bytes one batch may have, or make the shard write; a single larger operation travels alone. */
    private readonly batchBytesMax: number,
    private readonly documentSize: DocumentSize,
    private readonly clock: DatabaseClock,
    /** What is not taken now is refused here already, so that deletes never share a batch with it. */
    private readonly readOnly?: ReadOnlyReader,
    /** Collections whose documents the shard checks: it must know what a patch meets, so a key occurs once in a batch. */
    private readonly checked: ReadonlySet<number> = NOTHING_CHECKED,
  ) {
    this.unavailable = { code: 'SHARD_UNAVAILABLE', message: `shard ${shard} is starting` };
  }

  /** Connects to a shard's new incarnation. */
  attach(link: LinkBuffers): void {
    this.requests = new RingWriter(link.requests);
    this.replies = new RingReader(link.replies);
    this.ringer = new DoorbellRinger(link.shardDoorbell);
  }

  /** The shard is gone: whatever was sent has an unknown outcome, whatever comes now is refused with the cause. */
  detach(cause: WireError): void {
    this.unavailable = cause;
    this.requests = undefined;
    this.replies = undefined;
    this.ringer = undefined;
    const lost = [...this.inFlight.values(), this.open];
    this.inFlight.clear();
    this.open = new InFlightBatch();
    this.openWeight = 0;
    this.openAllOrNothing = false;
    this.isSealed = false;
    this.usedBytesWhenFull = -1;
    this.encoder.reset();
    this.openChecked.clear();
    for (const batch of lost) this.fail(batch, cause);
  }

  get isAttached(): boolean {
    return this.requests !== undefined;
  }

  /** Why writes are refused while not attached. */
  get unavailableCause(): WireError {
    return this.unavailable;
  }

  /**
   * Adds one write to the open batch. `expiresAt`: database time in seconds, or one of EXPIRES_*. Undefined when it was taken, and its completion will be called exactly once;
   * otherwise the error, and the completion will not be called.
   */
  write(
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
    durability: Durability,
    completion: WriteCompletion,
    token: number,
  ): WireError | undefined {
    if (this.requests === undefined) return this.unavailable;
    // Of an atomic batch all or nothing is taken: beginAtomic() has asked.
    const refusal = this.openAllOrNothing ? undefined : this.readOnly?.refusalOf(kind);
    if (refusal !== undefined) return toWireError(refusal);
    if (this.checked.size > 0 && !this.separate(collection, keyHash)) return this.overloaded();
    const bytes = keyLength + valueEnd - valueStart + OPERATION_OVERHEAD_BYTES;
    const documentBytes =
      kind === OperationKind.Patch ? this.documentSize(keyHash, collection, key, keyLength) : 0;
    if (!this.makeRoom(this.weightOf(kind, bytes, documentBytes), durability)) return this.overloaded();
    if (this.checked.size > 0 && this.checked.has(collection)) this.openChecked.add(keyHash);
    this.openWeight += this.weightOf(kind, bytes, documentBytes); // again: the batch may be another one now
    this.openDurability = durability;
    this.encoder.add(
      kind,
      collection,
      keyHash,
      key,
      keyLength,
      value,
      valueStart,
      valueEnd,
      condition,
      expectedSeqno,
      operationId,
      expiresAt,
    );
    this.open.push(completion, token);
    this.pendingCount++;
    if (this.open.count >= EAGER_FLUSH_OPERATIONS && !this.openAllOrNothing && this.ringer?.isAsleep())
      this.flush();
    return undefined;
  }

  /**
   * Starts a batch of `operations` writes that succeed or fail as a whole; the write() calls up to endAtomic() go into
   * it. An error when there is no room now, or when the database takes no puts.
   */
  beginAtomic(operations: number): WireError | undefined {
    if (this.requests === undefined) return this.unavailable;
    const refusal = this.readOnly?.refusalOf(OperationKind.Put);
    if (refusal !== undefined) return toWireError(refusal);
    if (this.pendingCount + operations > this.pendingMax || !this.flush()) return this.overloaded();
    this.openAllOrNothing = true;
    return undefined;
  }

  /** Ends the atomic batch: nothing else is added to it, even if the ring has no room for it yet. */
  endAtomic(): void {
    this.isSealed = !this.flush();
    if (this.open.count === 0) this.openAllOrNothing = false; // nothing was written to it
  }

  /** Whether that many operations with `bytes` of keys and values fit into one batch at all. */
  fitsAtomic(operations: number, bytes: number): boolean {
    return (
      operations <= BATCH_OPERATIONS_MAX &&
      bytes + operations * OPERATION_OVERHEAD_BYTES <= this.batchBytesMax
    );
  }

  /** Sends the open batch. Call once at the end of every event-loop turn. False when the ring is full: call again later. */
  flush(): boolean {
    if (this.open.count === 0) return true;
    if (this.requests === undefined || this.ringer === undefined) return false;
    const batchId = this.nextBatchId;
    const bytes = this.encoder.finish(
      batchId,
      this.openDurability,
      this.openAllOrNothing,
      this.clock.nowSeconds(),
    );
    const usedBytes = this.requests.usedBytes();
    if (!this.requests.push(bytes, bytes.length)) {
      this.usedBytesWhenFull = usedBytes;
      return false;
    }
    this.usedBytesWhenFull = -1;
    this.ringer.ring();
    this.nextBatchId = (batchId % 0xffffffff) + 1;
    this.open.batchId = batchId;
    this.inFlight.set(batchId, this.open);
    this.open = this.pool.pop() ?? new InFlightBatch();
    this.openWeight = 0;
    this.openAllOrNothing = false;
    this.isSealed = false;
    this.encoder.reset();
    if (this.openChecked.size > 0) this.openChecked.clear();
    return true;
  }

  /**
   * True when drainReplies() has something to do. That is also so when a batch was held back and the ring has room
   * since: the shard releases requests after it has replied, so the room may come after the last reply.
   */
  hasReplies(): boolean {
    return (this.replies?.hasNext() ?? false) || this.mayFitNow();
  }

  /** Completes the operations of all replies that have arrived, and sends a batch that was held back. */
  drainReplies(): void {
    const replies = this.replies;
    if (replies === undefined) return;
    while (this.replies === replies && replies.next()) {
      this.complete(
        this.replyView.open(new Uint8Array(replies.buffer, replies.payloadOffset, replies.payloadLength)),
      );
    }
    replies.release();
    this.flush();
  }

  private mayFitNow(): boolean {
    return this.requests !== undefined && this.requests.usedBytes() < this.usedBytesWhenFull;
  }

  /**
   * What an operation takes of batchBytesMax. A patch writes a whole document, which the shard must have room for: as
   * large as it is now, and grown by whatever is in the batch. The shard knows the size when it counts again.
   */
  private weightOf(kind: OperationKind, bytes: number, documentBytes: number): number {
    if (kind !== OperationKind.Patch) return bytes;
    return bytes + Math.min(DOCUMENT_BYTES_MAX, documentBytes + this.encoder.byteSize);
  }

  /** Sends the open batch if it has an operation on the same key. False when it must be sent and cannot be. */
  private separate(collection: number, keyHash: number): boolean {
    if (this.openAllOrNothing || !this.checked.has(collection)) return true;
    return !this.openChecked.has(keyHash) || this.flush();
  }

  private makeRoom(weight: number, durability: Durability): boolean {
    if (this.pendingCount >= this.pendingMax) return false;
    if (this.open.count === 0) return true;
    if (this.isSealed) return this.flush();
    const fits = this.open.count < BATCH_OPERATIONS_MAX && this.openWeight + weight <= this.batchBytesMax;
    if (fits && durability === this.openDurability) return true;
    assert(
      !this.openAllOrNothing,
      'an atomic batch would be split: fitsAtomic() was not asked, or durability varies',
    );
    return this.flush();
  }

  private complete(reply: WriteReplyView): void {
    const batch = this.inFlight.get(reply.batchId);
    if (batch === undefined) {
      throw new DbError('INTERNAL', `shard ${this.shard} answered unknown batch ${reply.batchId}`);
    }
    this.inFlight.delete(reply.batchId);
    if (reply.error !== undefined) {
      this.fail(batch, reply.error);
      return;
    }
    this.pendingCount -= batch.count;
    for (let i = 0; i < batch.count; i++) {
      const status = reply.status(i);
      const token = batch.tokens[i];
      if (status === WriteStatus.SchemaViolation) batch.completions[i].onWriteFailed(token, reply.fault(i));
      else batch.completions[i].onWritten(token, status, reply.seqno(i), reply.durability);
    }
    this.recycle(batch);
  }

  private fail(batch: InFlightBatch, error: WireError): void {
    this.pendingCount -= batch.count;
    for (let i = 0; i < batch.count; i++) batch.completions[i].onWriteFailed(batch.tokens[i], error);
    this.recycle(batch);
  }

  private recycle(batch: InFlightBatch): void {
    batch.clear();
    if (this.pool.length < POOLED_BATCHES_MAX) this.pool.push(batch);
  }

  private overloaded(): WireError {
    const what =
      this.pendingCount >= this.pendingMax
        ? `${this.pendingCount} writes are waiting (server.max_pending_writes)`
        : 'its request ring is full (memory.ring_bytes)';
    return { code: 'OVERLOADED', message: `shard ${this.shard} is overloaded: ${what}` };
  }
}
