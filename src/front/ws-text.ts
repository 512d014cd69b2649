/**
 * Text WebSocket frames: one JSON request a frame, or many as {"op":"batch","requests":[...]}. Documents pass through as
 * the text they are: the frame is scanned, not parsed and written again, so numbers keep every digit.
 *
 *   {"id":1,"op":"get","collection":"c","_id":"k"}                → {"id":1,"ok":true,"_seq":7,"document":{...}}
 *   {"id":2,"op":"put","collection":"c","_id":"k","document":{}}  → {"id":2,"ok":true,"_id":"k","_seq":8,"created":false}
 *   {"id":3,"op":"patch",...,"document":{merge patch}}, {"id":4,"op":"delete",...}, {"id":5,"op":"ping"}
 *   {"id":6,"op":"bulk","collection":"c","documents":[...]}       → the body of the HTTP bulk answer, with id and ok
 *   {"id":8,"op":"query","query":"SELECT ...","params":[]}       → the body of the HTTP query answer, with id and ok
 *   anything that fails                                           → {"id":7,"error":{"code":...,"message":...}}
 *
 * A query has a request id, which its answer, query.log and audit.log have.
 *
 * Writes take "if_match":"<seqno>", "if_none_match":"*", "durability", "ttl":<seconds> and "idempotency_key" as
 * HTTP takes the headers.
 */
import type { Action } from '../auth/permission.js';
import { DbError, fromWireError, toWireError, type WireError } from '../base/errors.js';
import { hashKey } from '../base/hash.js';
import { BULK_OPERATIONS_MAX } from '../base/limits.js';
import { deriveOperationId } from '../batch/operation-id.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import type { WriteCompletion } from '../ipc/shard-client.js';
import { describeFault } from '../json/fault.js';
import { ElementCursor, findMember, Span } from '../json/members.js';
import { parseExact } from '../json/parse-exact.js';
import { DocumentScan, scanDocument } from '../json/scan.js';
import { decodeText, parseValue } from '../json/text.js';
import { LOOKUP_FAILED, LOOKUP_FOUND } from '../router/document-reader.js';
import { METHOD_BULK, METHOD_GET, METHOD_OTHER, METHOD_PUT, METHOD_QUERY } from '../shm/stats-format.js';
import { requirePermission } from './access.js';
import { BulkWrite } from './bulk-write.js';
import type { DocumentBody } from './document-body.js';
import { durabilityName, parseDurability } from './durability.js';
import { parseCondition } from './etag.js';
import type { FrontContext } from './front-context.js';
import { IDEMPOTENCY_KEY_LENGTH_MAX } from './limits.js';
import { keyLengthFault } from './path.js';
import { queryRequestOf } from './query/request.js';
import type { QueryRun, QueryRunner } from './query/runner.js';
import { errorBody } from './respond.js';
import { expiryFor, ttlFault, ttlOfJson } from './ttl.js';
import { writeStatusError } from './write-answer.js';
import type { WebSocketConnection } from './ws-connection.js';

const utf8 = new TextEncoder();
const OPERATIONS = ['get', 'put', 'patch', 'delete', 'bulk', 'batch', 'query', 'ping'];
const LATER_OPERATIONS = new Set(['subscribe', 'unsubscribe']);

/** What requests are counted as; writes alike. */
const METHOD_OF_OPERATION: ReadonlyMap<unknown, number> = new Map([
  ['get', METHOD_GET],
  ['bulk', METHOD_BULK],
  ['ping', METHOD_OTHER],
  ['query', METHOD_QUERY],
]);

const PERMISSION_OF_OPERATION: ReadonlyMap<unknown, Action> = new Map([
  ['get', 'read'],
  ['put', 'write'],
  ['patch', 'write'],
  ['delete', 'write'],
  ['bulk', 'write'],
  ['query', 'execute'],
]);

/** Reads members of one request. Spans are offsets in `bytes`. */
class TextRequest {
  private readonly span = new Span();

  constructor(
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly end: number,
  ) {}

  /** The JSON text of `id`, to be echoed as it came; null without one. */
  get id(): string {
    const value = this.value('id');
    return typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : 'null';
  }

  value(name: string): unknown {
    const { bytes, span } = this;
    return findMember(bytes, this.start, this.end, utf8.encode(name), span)
      ? parseValue(bytes, span.start, span.end)
      : undefined;
  }

  /** A string member; '' when it is absent and not required. */
  text(name: string, required: boolean): string {
    const value = this.value(name);
    if (typeof value === 'string') return value;
    if (value === undefined && !required) return '';
    throw new DbError('VALIDATION', `${name} must be a string`, { field: name });
  }

  /** Where a member's value is in `bytes`. */
  spanOf(name: string): { start: number; end: number } {
    if (!findMember(this.bytes, this.start, this.end, utf8.encode(name), this.span)) {
      throw new DbError('VALIDATION', `${name} is missing`, { field: name });
    }
    return { start: this.span.start, end: this.span.end };
  }
}

export class TextFrames {
  private readonly scan = new DocumentScan(false);

  constructor(
    private readonly context: FrontContext,
    private readonly documentBody: DocumentBody,
    private readonly queries: QueryRunner,
  ) {}

  /** `bytes`: the frame; kept by requests that wait for something, so it must be a copy of uWS's memory. */
  handle(connection: WebSocketConnection, bytes: Uint8Array): void {
    const fault = scanDocument(bytes, 0, bytes.length, this.scan);
    if (fault !== 0) {
      const offset = this.scan.faultOffset;
      const message = `${describeFault(fault)} at byte ${offset} of the frame`;
      this.fail(connection, 'null', { code: 'MALFORMED_JSON', message, details: { offset } });
      return;
    }
    const request = new TextRequest(bytes, this.scan.objectStart, this.scan.objectEnd);
    if (request.value('op') === 'batch') this.serveBatch(connection, request);
    else this.serve(connection, request);
  }

  private serveBatch(connection: WebSocketConnection, request: TextRequest): void {
    try {
      const span = request.spanOf('requests');
      if (request.bytes[span.start] !== 0x5b)
        throw new DbError('VALIDATION', 'requests must be an array', { field: 'requests' });
      checkRequestCount(request.bytes, span.start);
      const cursor = new ElementCursor();
      cursor.reset(request.bytes, span.start);
      while (cursor.next() && !connection.isClosed)
        this.serve(connection, new TextRequest(request.bytes, cursor.valueStart, cursor.valueEnd));
    } catch (error) {
      this.fail(connection, request.id, toWireError(error));
    }
  }

  private serve(connection: WebSocketConnection, request: TextRequest): void {
    const startMs = this.context.meter.now();
    const { id } = request;
    const op = request.value('op');
    const method = METHOD_OF_OPERATION.get(op) ?? METHOD_PUT;
    // Nothing writes down what other operations did, so those need none unless they fail.
    const requestId = op === 'query' ? this.context.requestId() : '';
    const done = (error: WireError | undefined, answer = ''): void => {
      this.context.meter.done(method, error !== undefined, startMs);
      if (error !== undefined) this.fail(connection, id, error, requestId);
      else connection.sendText(`{"id":${id},"ok":true${answer}}`);
    };
    this.dispatch(connection, op, request, requestId, done).catch((error: unknown) =>
      done(toWireError(error)),
    );
  }

  private async dispatch(
    connection: WebSocketConnection,
    op: unknown,
    request: TextRequest,
    requestId: string,
    done: (error: WireError | undefined, answer?: string) => void,
  ): Promise<void> {
    if (op === 'ping') {
      done(undefined);
      return;
    }
    if (this.context.draining !== undefined) {
      done(this.context.draining);
      return;
    }
    const limited = this.context.access.exceedsRate(connection.session);
    if (limited !== undefined) {
      done(limited);
      return;
    }
    this.require(connection, op, request);
    switch (op) {
      case 'get':
        done(undefined, this.get(request));
        return;
      case 'put':
        return this.write(OperationKind.Put, request, done);
      case 'patch':
        return this.write(OperationKind.Patch, request, done);
      case 'delete':
        return this.write(OperationKind.Delete, request, done);
      case 'bulk':
        return this.bulk(request, done);
      case 'query':
        return this.query(connection, request, requestId, done);
      default:
        throw unknownOperation(op);
    }
  }

  /** Throws DbError FORBIDDEN when the socket's user may not do it. What a statement does is asked once it is bound. */
  private require({ session }: WebSocketConnection, op: unknown, request: TextRequest): void {
    const needed = PERMISSION_OF_OPERATION.get(op);
    if (needed === undefined) return;
    const resource = needed === 'execute' ? 'queries' : request.text('collection', true);
    requirePermission(session, needed, resource);
  }

  private get(request: TextRequest): string {
    const { router, collections } = this.context;
    const name = request.text('collection', true);
    const key = readKey(request);
    const collection = collections.find(name);
    if (collection === undefined) {
      throw new DbError('NOT_FOUND', `collection ${JSON.stringify(name)} does not exist`);
    }
    const hash = hashKey(collection, key, 0, key.length);
    const reader = router.reader(hash);
    if (reader === undefined) {
      const cause = router.unavailableCause(hash);
      throw new DbError(cause.code, cause.message, cause.details);
    }
    reader.enter();
    try {
      const lookup = reader.get(hash, collection, key, 0, key.length);
      if (lookup === LOOKUP_FAILED && reader.error !== undefined) throw fromWireError(reader.error);
      if (lookup !== LOOKUP_FOUND) {
        throw new DbError('NOT_FOUND', 'the document does not exist');
      }
      const { bytes, valueOffset, valueLength, seqno } = reader;
      return `,"_seq":${seqno},"document":${decodeText(bytes, valueOffset, valueOffset + valueLength)}`;
    } finally {
      reader.leave();
    }
  }

  private async write(
    kind: OperationKind,
    request: TextRequest,
    done: (error: WireError | undefined, answer?: string) => void,
  ): Promise<void> {
    const name = request.text('collection', true);
    const key = readKey(request);
    const condition = parseCondition(quoted(request, 'if_match'), request.text('if_none_match', false));
    if ('code' in condition) throw new DbError(condition.code, condition.message, condition.details);
    const durability = readDurability(request);
    const ttlSeconds = readTtl(request);
    const idempotencyKey = readIdempotencyKey(request);
    const collection = await this.collectionForWrite(kind, name);
    const value = this.readDocument(kind, request, key);
    const hash = hashKey(collection, key, 0, key.length);
    const operationId =
      idempotencyKey === '' ? undefined : deriveOperationId(idempotencyKey, name, kind, name, key, value);
    const completion: WriteCompletion = {
      onWriteFailed: (_token, error) => done(error),
      onWritten: (_token, status, seqno, level) => {
        const error = writeStatusError(status, false);
        const created = status === WriteStatus.Created;
        const id = JSON.stringify(decodeText(key, 0, key.length));
        done(
          error,
          `,"_id":${id},"_seq":${seqno},"created":${created},"durability":"${durabilityName(level)}"`,
        );
      },
    };
    const refused = this.context.router
      .client(hash)
      .write(
        kind,
        collection,
        hash,
        key,
        key.length,
        value,
        0,
        value.length,
        condition.kind,
        condition.expectedSeqno,
        operationId,
        expiryFor(this.context, kind, collection, ttlSeconds),
        durability,
        completion,
        0,
      );
    if (refused !== undefined) throw new DbError(refused.code, refused.message, refused.details);
    this.context.scheduleFlush();
  }

  private async collectionForWrite(kind: OperationKind, name: string): Promise<number> {
    const known = this.context.collections.find(name);
    if (known !== undefined) return known;
    if (kind !== OperationKind.Put) throw new DbError('NOT_FOUND', 'the document does not exist');
    const created = await this.context.collections.ensure(name);
    if (typeof created === 'number') return created;
    throw new DbError(created.code, created.message, created.details);
  }

  /** The text to store, or the merge patch, as a copy of its own. */
  private readDocument(kind: OperationKind, request: TextRequest, key: Uint8Array): Uint8Array {
    if (kind === OperationKind.Delete) return new Uint8Array(0);
    const { documentBody } = this;
    const span = request.spanOf('document');
    const isRead =
      documentBody.read(request.bytes, span.start, span.end) &&
      (kind === OperationKind.Patch
        ? documentBody.checkId(key, key.length)
        : documentBody.settleId(key, key.length));
    if (!isRead) {
      const fault = documentBody.error as WireError; // read and settleId set it when they return false
      throw new DbError(fault.code, `document: ${fault.message}`, fault.details);
    }
    return documentBody.bytes.slice(documentBody.start, documentBody.end);
  }

  private async bulk(
    request: TextRequest,
    done: (error: WireError | undefined, answer?: string) => void,
  ): Promise<void> {
    const name = request.text('collection', true);
    const bulk = new BulkWrite(
      this.context,
      this.documentBody,
      request.bytes.slice(request.start, request.end),
      {
        isNdjson: false,
        isAtomic: request.value('atomic') === true,
        createOnly: request.value('create') === true,
        durability: readDurability(request),
        ttlSeconds: readTtl(request),
        idempotencyKey: readIdempotencyKey(request),
      },
    );
    const collection = await this.collectionForWrite(OperationKind.Put, name);
    const { body } = await bulk.run(name, collection);
    done(undefined, `,${body.slice(1, -1)}`);
  }

  private async query(
    connection: WebSocketConnection,
    request: TextRequest,
    requestId: string,
    done: (error: WireError | undefined, answer?: string) => void,
  ): Promise<void> {
    const message = parseExact(request.bytes, request.start, request.end);
    // One that is wrong is answered before run() returns.
    let run: QueryRun | undefined;
    let isOver = false;
    const over = (): void => {
      isOver = true;
      if (run !== undefined) connection.forget(run);
    };
    const { session, address } = connection;
    const asked = queryRequestOf(message, 'json', requestId, { session, address }, ['id', 'op']);
    run = this.queries.run(asked, {
      chunk: (_bytes, taken) => taken(),
      done: (bytes) => {
        over();
        done(undefined, `,"request_id":"${requestId}",${decodeText(bytes, 1, bytes.length - 1)}`);
      },
      failed: (error) => {
        over();
        done(error);
      },
    });
    if (!isOver) connection.remember(run);
  }

  private fail(connection: WebSocketConnection, id: string, error: WireError, requestId = ''): void {
    const body = errorBody(error, requestId === '' ? this.context.requestId() : requestId);
    connection.sendText(`{"id":${id},${body.slice(1)}`);
  }
}

/** Before any of them is served: a batch that is too long does nothing. `start`: of the array. */
function checkRequestCount(bytes: Uint8Array, start: number): void {
  const cursor = new ElementCursor();
  cursor.reset(bytes, start);
  for (let count = 0; cursor.next(); count++) {
    if (count < BULK_OPERATIONS_MAX) continue;
    const message = `a batch has at most ${BULK_OPERATIONS_MAX} requests`;
    throw new DbError('PAYLOAD_TOO_LARGE', message, { limit: BULK_OPERATIONS_MAX });
  }
}

function unknownOperation(op: unknown): DbError {
  const text = JSON.stringify(op) ?? 'nothing';
  const message =
    typeof op === 'string' && LATER_OPERATIONS.has(op)
      ? `op ${text} is not supported yet`
      : `op is ${text}; it can be ${OPERATIONS.join(', ')}`;
  return new DbError('VALIDATION', message, { field: 'op' });
}

function readKey(request: TextRequest): Uint8Array {
  const key = utf8.encode(request.text('_id', true));
  const fault = keyLengthFault(key.length);
  if (fault !== undefined) throw new DbError(fault.code, fault.message, fault.details);
  return key;
}

/** ETags have quotes in HTTP; here the bare seqno will do, as text or as a number. */
function quoted(request: TextRequest, name: string): string {
  const value = request.value(name);
  if (value === undefined) return '';
  const text = String(value);
  return /^[0-9]+$/.test(text) ? `"${text}"` : text;
}

function readDurability(request: TextRequest): Durability {
  const text = request.text('durability', false);
  const durability = parseDurability(text);
  if (durability === undefined) {
    const message = `durability is ${JSON.stringify(text)}; it can be always, group or os`;
    throw new DbError('VALIDATION', message, { field: 'durability' });
  }
  return durability;
}

function readTtl(request: TextRequest): number {
  const value = request.value('ttl');
  const ttlSeconds = ttlOfJson(value);
  if (ttlSeconds !== undefined) return ttlSeconds;
  const fault = ttlFault('ttl', value);
  throw new DbError(fault.code, fault.message, fault.details);
}

function readIdempotencyKey(request: TextRequest): string {
  const key = request.text('idempotency_key', false);
  if (key.length > IDEMPOTENCY_KEY_LENGTH_MAX) {
    const message = `idempotency_key has more than ${IDEMPOTENCY_KEY_LENGTH_MAX} characters`;
    throw new DbError('VALIDATION', message, { field: 'idempotency_key' });
  }
  return key;
}
