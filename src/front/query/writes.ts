/**
 * Writes documents for a statement that runs on a query thread: that thread says which and under what conditions, the front has
 * the links to the shards. What a shard refuses for the moment is tried again for a while. Front thread only.
 */
import { classify, DbError, type WireError } from '../../base/errors.js';
import { EXPIRES_KEPT, TTL_UNSET } from '../../base/expiry.js';
import { hashKey } from '../../base/hash.js';
import { ConditionKind } from '../../generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../generated/lumadb/schema/durability.js';
import { OperationKind } from '../../generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../../generated/lumadb/schema/write-status.js';
import type { WriteCompletion } from '../../ipc/shard-client.js';
import type { DocumentWrite, WriteResult } from '../../sql/execute/source.js';
import type { DocumentBody } from '../document-body.js';
import type { FrontContext } from '../front-context.js';
import { keyLengthFault } from '../path.js';
import { expiryFor } from '../ttl.js';
import { writeStatusError } from '../write-answer.js';
import type { QueryReply } from './messages.js';

const RETRY_DELAY_MS = 20;
/** A shard that has been refusing for so long is not going to take it. */
const RETRY_MS_MAX = 10_000;

const utf8 = new TextEncoder();
const NO_BYTES = new Uint8Array(0);

interface ReadyWrite {
  readonly index: number;
  readonly kind: OperationKind;
  readonly key: Uint8Array;
  readonly hash: number;
  readonly value: Uint8Array;
  readonly condition: ConditionKind;
  readonly expectedSeqno: number;
}

/** One message's worth of writes. */
export class QueryWrites implements WriteCompletion {
  private readonly results: (WriteResult | undefined)[];
  private error: WireError | undefined;
  /** True when `error` is one that trying again does not mend. */
  private isFatal = false;
  private pending = 0;
  private onDone: () => void = () => {};
  private refused: ReadyWrite[] = [];

  constructor(
    private readonly context: FrontContext,
    private readonly documentBody: DocumentBody,
    private readonly collectionName: string,
    private readonly writes: readonly DocumentWrite[],
  ) {
    this.results = new Array(writes.length).fill(undefined);
  }

  /** Resolves when every write has its result; never rejects. Other writes of a batch that fails may have been done. */
  async run(): Promise<QueryReply> {
    try {
      const collection = await this.collection();
      let left = this.writes.map((write, index) => this.prepare(collection, write, index));
      const deadlineMs = this.context.meter.now() + RETRY_MS_MAX;
      while (left.length > 0) {
        await this.send(collection, left);
        left = this.refused;
        this.refused = [];
        if (left.length > 0 && this.context.meter.now() > deadlineMs) break;
        if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
        else if (!this.isFatal) this.error = undefined;
      }
      if (this.error !== undefined) return { kind: 'refused', error: this.error };
      return { kind: 'written', results: this.results as WriteResult[] }; // each has one: none is left
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      const { code, message, details } = error;
      return { kind: 'refused', error: { code, message, ...(details && { details }) } };
    }
  }

  onWritten(index: number, status: WriteStatus, seqno: number): void {
    const isConflict = status === WriteStatus.PreconditionFailed || status === WriteStatus.NotFound;
    if (isConflict) this.results[index] = { status: 'conflict', seqno };
    else {
      const error = writeStatusError(status, false);
      if (error === undefined) this.results[index] = { status: 'written', seqno };
      else this.fail(error);
    }
    this.completeOne();
  }

  onWriteFailed(_index: number, error: WireError): void {
    this.fail(error);
    this.completeOne();
  }

  private fail(error: WireError): void {
    // What the schema does not allow has its SQLSTATE: here it is an error of the statement.
    const isOfSchema = error.code === 'VALIDATION' && error.details?.['sqlstate'] !== undefined;
    this.error = isOfSchema ? { ...error, code: 'QUERY' } : error;
    this.isFatal = true;
  }

  private async collection(): Promise<number> {
    const { collections } = this.context;
    const known = collections.find(this.collectionName) ?? (await collections.ensure(this.collectionName));
    if (typeof known === 'number') return known;
    throw new DbError(known.code, known.message, known.details);
  }

  private prepare(collection: number, write: DocumentWrite, index: number): ReadyWrite {
    const key = utf8.encode(write.id);
    const fault = keyLengthFault(key.length);
    if (fault !== undefined) throw new DbError(fault.code, fault.message, fault.details);
    const isDelete = write.text === undefined;
    return {
      index,
      kind: isDelete ? OperationKind.Delete : OperationKind.Put,
      key,
      hash: hashKey(collection, key, 0, key.length),
      value: write.text === undefined ? NO_BYTES : this.checked(utf8.encode(write.text), key),
      condition: conditionOf(write),
      expectedSeqno: typeof write.expects === 'number' ? write.expects : 0,
    };
  }

  /** The same checks as for any document, whoever wrote its text. */
  private checked(text: Uint8Array, key: Uint8Array): Uint8Array {
    const { documentBody } = this;
    if (documentBody.read(text, 0, text.length) && documentBody.settleId(key, key.length))
      return documentBody.bytes.slice(documentBody.start, documentBody.end);
    const { code, message, details } = documentBody.error as WireError; // set by both when they return false
    throw new DbError(code, message, details);
  }

  private send(collection: number, writes: readonly ReadyWrite[]): Promise<void> {
    return new Promise((resolve) => {
      this.onDone = resolve;
      this.pending = 1; // so that answers that come while we send do not finish it early
      for (const write of writes) {
        const refused = this.sendOne(collection, write);
        if (refused === undefined) this.pending++;
        else if (classify(refused.code).retryable && !this.isFatal) {
          this.error = refused;
          this.refused.push(write);
        } else this.fail(refused);
        if (this.isFatal) break;
      }
      this.context.scheduleFlush();
      this.completeOne();
    });
  }

  private sendOne(collection: number, write: ReadyWrite): WireError | undefined {
    return this.context.router
      .client(write.hash)
      .write(
        write.kind,
        collection,
        write.hash,
        write.key,
        write.key.length,
        write.value,
        0,
        write.value.length,
        write.condition,
        write.expectedSeqno,
        undefined,
        this.expiryOf(collection, write),
        Durability.Unspecified,
        this,
        write.index,
      );
  }

  /** A new document gets its collection's time to live, one that is changed keeps what it has, as with PATCH. */
  private expiryOf(collection: number, { kind, condition }: ReadyWrite): number {
    const isChange = kind === OperationKind.Put && condition === ConditionKind.IfMatchSeqno;
    return isChange ? EXPIRES_KEPT : expiryFor(this.context, kind, collection, TTL_UNSET);
  }

  private completeOne(): void {
    this.pending--;
    if (this.pending > 0) return;
    if (this.isFatal) this.refused = [];
    this.onDone();
  }
}

function conditionOf({ expects, text }: DocumentWrite): ConditionKind {
  if (expects === 'absent') return ConditionKind.IfAbsent;
  if (expects === 'any') return text === undefined ? ConditionKind.IfPresent : ConditionKind.None;
  return ConditionKind.IfMatchSeqno;
}
