/**
 * One write over HTTP from the route to the answer: PUT, PATCH, DELETE of a document and POST to a collection.
 *
 * Contexts are pooled, and the functions that uWebSockets.js is given are made once per context: a request allocates
 * no closures. The life of a context: begin() → body arrives → submit() → the shard's answer → respond() → pool. A
 * client may go away at any point; the context then finishes silently when nothing refers to it any more.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import type { WireError } from '../base/errors.js';
import { TTL_UNSET } from '../base/expiry.js';
import { hashKey } from '../base/hash.js';
import { DOCUMENT_BYTES_MAX } from '../base/limits.js';
import { deriveOperationId } from '../batch/operation-id.js';
import type { OperationId } from '../batch/write-batch-encoder.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import type { WriteCompletion } from '../ipc/shard-client.js';
import { METHOD_DELETE, METHOD_PATCH, METHOD_POST, METHOD_PUT } from '../shm/stats-format.js';
import { isRefused } from './access.js';
import { type BodyBuffer, bodyTooLarge } from './body-budget.js';
import type { DocumentBody } from './document-body.js';
import { durabilityName, parseDurability } from './durability.js';
import { parseCondition, UNCONDITIONAL, type WriteCondition } from './etag.js';
import type { FrontContext } from './front-context.js';
import { generatedId } from './generated-id.js';
import { IDEMPOTENCY_KEY_LENGTH_MAX } from './limits.js';
import { DocumentPath } from './path.js';
import { closeQuietly, sendError, sendJson } from './respond.js';
import { expiryFor, parseTtl, TTL_HEADER, ttlFault } from './ttl.js';
import { writeStatusError } from './write-answer.js';

/** Room for whitespace around a document of the largest size. */
export const WRITE_BODY_BYTES_MAX = DOCUMENT_BYTES_MAX + 64 * 1024;
const NO_BYTES = new Uint8Array(0);

export type WriteMethod = typeof METHOD_PUT | typeof METHOD_PATCH | typeof METHOD_DELETE | typeof METHOD_POST;

/** What contexts of one front share. */
export interface WriteRequestShared {
  readonly context: FrontContext;
  readonly documentBody: DocumentBody;
  newBodyBuffer(): BodyBuffer;
  release(request: WriteRequest): void;
  /** Told about exceptions: out of a callback of uWS they would end the process. */
  onUnexpected(error: unknown): void;
}

export class WriteRequest implements WriteCompletion {
  readonly path = new DocumentPath();
  private readonly body: BodyBuffer;
  private res: HttpResponse | undefined;
  private session: Session | undefined;
  /** Of users, keys and roles, by which it was let in. */
  private accessVersion = 0;
  private method: WriteMethod = METHOD_PUT;
  private startMs = 0;
  private condition: WriteCondition = UNCONDITIONAL;
  private durability: Durability = 0;
  private ttlSeconds = TTL_UNSET;
  private idempotencyKey = '';
  /** True while the shard or the control plane holds this context: it must not go back to the pool. */
  private isAwaited = false;
  private status: WriteStatus = WriteStatus.None;
  private seqno = 0;
  private error: WireError | undefined;
  private closeAfter = false;

  constructor(private readonly shared: WriteRequestShared) {
    this.body = shared.newBodyBuffer();
  }

  /** Starts serving a request whose path has been parsed into `this.path`. Called in the route handler. `session`: may do it. */
  begin(res: HttpResponse, req: HttpRequest, method: WriteMethod, session: Session): void {
    this.res = res;
    this.session = session;
    this.accessVersion = this.shared.context.access.version;
    this.method = method;
    this.startMs = this.shared.context.meter.now();
    this.error = undefined;
    res.onAborted(this.onAborted);
    const fault = this.readHeaders(req);
    if (fault !== undefined) {
      this.refuse(fault, true);
      return;
    }
    if (method === METHOD_DELETE) this.submitDelete();
    else res.onData(this.onData);
  }

  onWritten(_token: number, status: WriteStatus, seqno: number, durability: Durability): void {
    this.isAwaited = false;
    this.status = status;
    this.seqno = seqno;
    this.durability = durability;
    this.error = writeStatusError(status, this.method === METHOD_POST && this.condition === UNCONDITIONAL);
    this.finish();
  }

  onWriteFailed(_token: number, error: WireError): void {
    this.isAwaited = false;
    this.error = error;
    this.finish();
  }

  private readHeaders(req: HttpRequest): WireError | undefined {
    const condition = parseCondition(req.getHeader('if-match'), req.getHeader('if-none-match'));
    if ('code' in condition) return condition;
    this.condition = condition;
    const durabilityText = req.getHeader('x-lumadb-durability');
    const durability = parseDurability(durabilityText);
    if (durability === undefined) {
      const message = `X-LumaDB-Durability is ${JSON.stringify(durabilityText)}; it can be always, group or os`;
      return { code: 'VALIDATION', message, details: { field: 'X-LumaDB-Durability' } };
    }
    this.durability = durability;
    const ttlText = req.getHeader('x-lumadb-ttl');
    const ttlSeconds = parseTtl(ttlText);
    if (ttlSeconds === undefined) return ttlFault(TTL_HEADER, ttlText);
    this.ttlSeconds = ttlSeconds;
    this.idempotencyKey = req.getHeader('idempotency-key');
    if (this.idempotencyKey.length > IDEMPOTENCY_KEY_LENGTH_MAX) {
      const message = `Idempotency-Key has ${this.idempotencyKey.length} characters, at most ${IDEMPOTENCY_KEY_LENGTH_MAX} are allowed`;
      return { code: 'VALIDATION', message, details: { field: 'Idempotency-Key' } };
    }
    return undefined;
  }

  private readonly onAborted = (): void => {
    if (this.res === undefined) return;
    this.res = undefined;
    if (!this.isAwaited) this.release();
  };

  private readonly onData = (chunk: ArrayBuffer, isLast: boolean): void => {
    if (this.res === undefined) return;
    try {
      this.receive(chunk, isLast);
    } catch (error) {
      this.shared.onUnexpected(error);
      if (this.res !== undefined) closeQuietly(this.res);
    }
  };

  private receive(chunk: ArrayBuffer, isLast: boolean): void {
    if (isLast && this.body.length === 0) {
      if (chunk.byteLength > WRITE_BODY_BYTES_MAX) this.refuse(bodyTooLarge(WRITE_BODY_BYTES_MAX), true);
      else this.submitDocument(new Uint8Array(chunk));
      return;
    }
    const fault = this.body.append(chunk);
    if (fault !== undefined) this.refuse(fault, true);
    else if (isLast) this.submitDocument(this.body.join());
  }

  /** `body` is only valid during this call. */
  private submitDocument(body: Uint8Array): void {
    const shutOut = this.accessFault();
    if (shutOut !== undefined) {
      this.refuse(shutOut, false);
      return;
    }
    const collection = this.shared.context.collections.find(this.path.collection);
    if (collection !== undefined) this.submit(collection, body);
    else this.createCollectionFirst(body.slice());
  }

  /** Why the sender may not do it any more, should users, keys or roles have changed while the body came. */
  private accessFault(): WireError | undefined {
    const { access } = this.shared.context;
    if (this.session === undefined || access.version === this.accessVersion) return undefined;
    const found = access.stillAdmits(this.session, ['write', this.path.collection]);
    return isRefused(found) ? found : undefined;
  }

  private createCollectionFirst(body: Uint8Array): void {
    if (this.method === METHOD_PATCH) {
      this.refuse(writeStatusError(WriteStatus.NotFound, false) as WireError, false);
      return;
    }
    // What can be refused is, before a collection comes into being for it; submit() does the first two again.
    const document = this.shared.documentBody;
    if (!document.read(body, 0, body.length) || !this.settleKey(document)) {
      this.refuse(document.error as WireError, false);
      return;
    }
    const { kind } = this.condition;
    if (kind === ConditionKind.IfPresent || kind === ConditionKind.IfMatchSeqno) {
      this.refuse(writeStatusError(WriteStatus.PreconditionFailed, false) as WireError, false);
      return;
    }
    this.isAwaited = true;
    this.shared.context.collections.ensure(this.path.collection).then((result) => {
      this.isAwaited = false;
      if (this.res === undefined) this.release();
      else if (typeof result === 'number') this.submit(result, body);
      else this.refuse(result, false);
    });
  }

  private submit(collection: number, body: Uint8Array): void {
    const document = this.shared.documentBody;
    if (!document.read(body, 0, body.length) || !this.settleKey(document)) {
      this.refuse(document.error as WireError, false);
      return;
    }
    const kind = this.method === METHOD_PATCH ? OperationKind.Patch : OperationKind.Put;
    this.send(kind, collection, document.bytes, document.start, document.end);
  }

  /** Brings the `_id` in path and document together. False: see document.error. */
  private settleKey(document: DocumentBody): boolean {
    const { path } = this;
    if (this.method === METHOD_PATCH) return document.checkId(path.key, path.keyLength);
    if (this.method === METHOD_POST) {
      if (document.hasId) {
        const length = document.takeId(path.key);
        if (length < 0) return false;
        path.keyLength = length;
        return true;
      }
      path.keyLength = generatedId(this.shared.context, path.collection, this.idempotencyKey, path.key);
    }
    return document.settleId(path.key, path.keyLength);
  }

  private submitDelete(): void {
    const collection = this.shared.context.collections.find(this.path.collection);
    if (collection === undefined)
      this.refuse(writeStatusError(WriteStatus.NotFound, false) as WireError, false);
    else this.send(OperationKind.Delete, collection, NO_BYTES, 0, 0);
  }

  private send(kind: OperationKind, collection: number, value: Uint8Array, start: number, end: number): void {
    const { context } = this.shared;
    const { key, keyLength } = this.path;
    const hash = hashKey(collection, key, 0, keyLength);
    const createOnly = this.method === METHOD_POST && this.condition === UNCONDITIONAL;
    const refused = context.router
      .client(hash)
      .write(
        kind,
        collection,
        hash,
        key,
        keyLength,
        value,
        start,
        end,
        createOnly ? ConditionKind.IfAbsent : this.condition.kind,
        this.condition.expectedSeqno,
        this.operationId(kind, value, start, end),
        expiryFor(context, kind, collection, this.ttlSeconds),
        this.durability,
        this,
        0,
      );
    if (refused !== undefined) {
      this.refuse(refused, false);
      return;
    }
    this.isAwaited = true;
    context.scheduleFlush();
  }

  private operationId(
    kind: OperationKind,
    value: Uint8Array,
    start: number,
    end: number,
  ): OperationId | undefined {
    if (this.idempotencyKey === '') return undefined;
    const { collection, key, keyLength } = this.path;
    const keyBytes = key.subarray(0, keyLength);
    return deriveOperationId(
      this.idempotencyKey,
      collection,
      kind,
      collection,
      keyBytes,
      value.subarray(start, end),
    );
  }

  /** Answers with an error before the shard was involved. `close`: the rest of the body is not going to be read. */
  private refuse(error: WireError, close: boolean): void {
    this.error = error;
    this.closeAfter = close;
    this.finish();
  }

  private finish(): void {
    this.shared.context.meter.done(this.method, this.error !== undefined, this.startMs);
    if (this.res !== undefined) this.res.cork(this.respond);
    this.release();
  }

  private readonly respond = (): void => {
    const res = this.res as HttpResponse; // finish() checked
    const requestId = this.shared.context.requestId();
    if (this.error !== undefined) {
      sendError(res, this.error, requestId, this.closeAfter);
      return;
    }
    const headers = `\r\nETag: "${this.seqno}"\r\nX-LumaDB-Durability: ${durabilityName(this.durability)}`;
    const body = `{"_id":${this.path.idJson()},"_seq":${this.seqno}}`;
    sendJson(res, this.status === WriteStatus.Created ? 201 : 200, requestId, body, headers);
  };

  private release(): void {
    this.res = undefined;
    this.session = undefined;
    this.idempotencyKey = '';
    this.body.reset(WRITE_BODY_BYTES_MAX);
    // Refused in the middle of its body: uWS may still call onData for what has arrived, so it is not reused.
    if (!this.closeAfter) this.shared.release(this);
  }
}
