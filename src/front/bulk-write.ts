/**
 * POST /api/v1/{collection}/bulk: many documents in one request, each put under its `_id`. Every document gets its own
 * result, in the order of the request. With ?atomic=true the documents of each shard succeed or fail together.
 */
import { classify, type ErrorDetails, type WireError } from '../base/errors.js';
import { hashKey, shardOfHash } from '../base/hash.js';
import { KEY_BYTES_MAX } from '../base/limits.js';
import { deriveOperationId } from '../batch/operation-id.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import type { WriteCompletion } from '../ipc/shard-client.js';
import { type DocumentSpans, splitBulkBody } from './bulk-documents.js';
import type { DocumentBody } from './document-body.js';
import type { FrontContext } from './front-context.js';
import { generatedId } from './generated-id.js';
import { expiryFor } from './ttl.js';
import { writeStatusError } from './write-answer.js';

export interface BulkOptions {
  readonly isNdjson: boolean;
  readonly isAtomic: boolean;
  /** Existing documents are conflicts instead of being replaced. */
  readonly createOnly: boolean;
  readonly durability: Durability;
  /** Of all documents; one of TTL_* or seconds. */
  readonly ttlSeconds: number;
  readonly idempotencyKey: string;
}

export interface BulkResult {
  readonly httpStatus: number;
  readonly body: string;
}

interface Prepared {
  readonly index: number;
  readonly key: Uint8Array;
  readonly hash: number;
  readonly value: Uint8Array;
}

type ItemResult = {
  _id?: string;
  _seq?: number;
  status: number;
  error?: { code: string; message: string; details?: ErrorDetails };
};

const NO_BYTES = new Uint8Array(0);

export class BulkWrite implements WriteCompletion {
  private readonly results: ItemResult[];
  private spans: DocumentSpans;
  private readonly ids: string[] = [];
  private pending = 0;
  private created = 0;
  private replaced = 0;
  private resolve: ((result: BulkResult) => void) | undefined;

  /** Throws DbError when the body cannot be split into documents. */
  constructor(
    private readonly context: FrontContext,
    private readonly documentBody: DocumentBody,
    private body: Uint8Array,
    private readonly options: BulkOptions,
  ) {
    this.spans = splitBulkBody(body, options.isNdjson);
    this.results = new Array(this.spans.length / 2);
  }

  /** Resolves when every document has its result. */
  run(collectionName: string, collection: number): Promise<BulkResult> {
    let byShard = this.prepare(collectionName, collection);
    // What is written has been copied; the rest is not kept while the shards are busy.
    this.body = NO_BYTES;
    this.spans = [];
    if (this.options.isAtomic && byShard.flat().length < this.results.length) {
      this.failAll(byShard.flat(), writeStatusError(WriteStatus.Aborted, false) as WireError);
      byShard = [];
    }
    return new Promise((resolve) => {
      this.resolve = resolve;
      this.pending++; // so that answers arriving while we send do not finish it early
      for (const items of byShard) if (items.length > 0) this.sendShard(collectionName, collection, items);
      this.context.scheduleFlush();
      this.completeOne();
    });
  }

  onWritten(index: number, status: WriteStatus, seqno: number): void {
    const error = writeStatusError(status, this.options.createOnly);
    if (error !== undefined) this.setError(index, error);
    else {
      const isNew = status === WriteStatus.Created;
      if (isNew) this.created++;
      else this.replaced++;
      this.results[index] = { _id: this.ids[index], _seq: seqno, status: isNew ? 201 : 200 };
    }
    this.completeOne();
  }

  onWriteFailed(index: number, error: WireError): void {
    this.setError(index, error);
    this.completeOne();
  }

  /** Validates every document, settles ids, and groups what is valid by shard. */
  private prepare(collectionName: string, collection: number): Prepared[][] {
    const { shards } = this.context.router;
    const byShard: Prepared[][] = Array.from({ length: shards }, () => []);
    const key = new Uint8Array(KEY_BYTES_MAX);
    for (let index = 0; index < this.results.length; index++) {
      const keyLength = this.readDocument(index, collectionName, key);
      if (keyLength < 0) {
        this.setError(index, this.documentBody.error as WireError);
        continue;
      }
      const { bytes, start, end } = this.documentBody;
      const hash = hashKey(collection, key, 0, keyLength);
      const ownKey = key.slice(0, keyLength);
      this.ids[index] = new TextDecoder().decode(ownKey);
      byShard[shardOfHash(hash, shards)].push({ index, key: ownKey, hash, value: bytes.slice(start, end) });
    }
    return byShard;
  }

  /** Length of the document's key, or -1: see documentBody.error. */
  private readDocument(index: number, collectionName: string, key: Uint8Array): number {
    const document = this.documentBody;
    if (!document.read(this.body, this.spans[index * 2], this.spans[index * 2 + 1])) return -1;
    if (document.hasId) return document.takeId(key);
    const { idempotencyKey } = this.options;
    const itemKey = idempotencyKey === '' ? '' : `${idempotencyKey}/${index}`;
    const keyLength = generatedId(this.context, collectionName, itemKey, key);
    return document.settleId(key, keyLength) ? keyLength : -1;
  }

  private sendShard(collectionName: string, collection: number, items: readonly Prepared[]): void {
    const client = this.context.router.client(items[0].hash);
    const { isAtomic } = this.options;
    if (isAtomic) {
      const bytes = items.reduce((sum, item) => sum + item.key.length + item.value.length, 0);
      if (!client.fitsAtomic(items.length, bytes)) {
        const message = 'the documents for one shard are too many or too large for one atomic batch';
        this.failAll(items, { code: 'PAYLOAD_TOO_LARGE', message });
        return;
      }
      const refused = client.beginAtomic(items.length);
      if (refused !== undefined) {
        this.failAll(items, refused);
        return;
      }
    }
    for (const item of items) this.sendItem(collectionName, collection, item);
    if (isAtomic) client.endAtomic();
  }

  private sendItem(collectionName: string, collection: number, item: Prepared): void {
    const { createOnly, durability, ttlSeconds, idempotencyKey } = this.options;
    const operationId =
      idempotencyKey === ''
        ? undefined
        : deriveOperationId(
            `${idempotencyKey}/${item.index}`,
            collectionName,
            OperationKind.Put,
            collectionName,
            item.key,
            item.value,
          );
    const refused = this.context.router
      .client(item.hash)
      .write(
        OperationKind.Put,
        collection,
        item.hash,
        item.key,
        item.key.length,
        item.value,
        0,
        item.value.length,
        createOnly ? ConditionKind.IfAbsent : ConditionKind.None,
        0,
        operationId,
        expiryFor(this.context, OperationKind.Put, collection, ttlSeconds),
        durability,
        this,
        item.index,
      );
    if (refused !== undefined) this.setError(item.index, refused);
    else this.pending++;
  }

  private failAll(items: readonly Prepared[], error: WireError): void {
    for (const item of items) this.setError(item.index, error);
  }

  private setError(index: number, error: WireError): void {
    const { httpStatus, apiCode } = classify(error.code);
    this.results[index] = {
      _id: this.ids[index],
      status: httpStatus,
      error: { code: apiCode, message: error.message, ...(error.details && { details: error.details }) },
    };
  }

  private completeOne(): void {
    this.pending--;
    if (this.pending > 0 || this.resolve === undefined) return;
    const failed = this.results.length - this.created - this.replaced;
    const summary = { created: this.created, replaced: this.replaced, failed, results: this.results };
    this.resolve({ httpStatus: failed === 0 ? 200 : 207, body: JSON.stringify(summary) });
    this.resolve = undefined;
  }
}
