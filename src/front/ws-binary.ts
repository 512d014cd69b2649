/**
 * Binary WebSocket frames (schemas/frame.fbs): reads are answered at once in one frame, writes go to their shards and
 * are answered when they are durable. No allocation per operation. Front thread only.
 */
import type { Session } from '../auth/session.js';
import { classify, DbError, toWireError, type WireError } from '../base/errors.js';
import { isTtl } from '../base/expiry.js';
import { hashKey } from '../base/hash.js';
import { KEY_BYTES_MAX } from '../base/limits.js';
import { RequestFrameView } from '../batch/request-frame-view.js';
import type { OperationId } from '../batch/write-batch-encoder.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import { RequestOp } from '../generated/lumadb/schema/request-op.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import { LOOKUP_ABSENT, LOOKUP_FAILED, LOOKUP_FOUND } from '../router/document-reader.js';
import {
  FRONT_CACHE_HITS,
  FRONT_CACHE_REQUESTS,
  FRONT_WEBSOCKET_FRAMES,
  METHOD_GET,
} from '../shm/stats-format.js';
import { refusal } from './access.js';
import type { DocumentBody } from './document-body.js';
import type { FrontContext } from './front-context.js';
import { collectionNameFault, keyLengthFault } from './path.js';
import { expiryFor, ttlFault } from './ttl.js';
import { writeStatusError } from './write-answer.js';
import {
  type ConnectionShared,
  RESPONSE_FRAME_BYTES_MAX,
  type WebSocketConnection,
} from './ws-connection.js';

const NOT_FOUND: WireError = { code: 'NOT_FOUND', message: 'the document does not exist' };
const MALFORMED_KEY: WireError = {
  code: 'VALIDATION',
  message: 'the _id is not valid UTF-8',
  details: { field: '_id' },
};
const NO_COLLECTION = 0;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

export class BinaryFrames {
  private readonly view = new RequestFrameView();
  private readonly key = new Uint8Array(KEY_BYTES_MAX);
  private keyLength = 0;
  /** Collection numbers of the frame's names; 0 = does not exist. */
  private readonly collections: number[] = [];
  /** By the same index: what the socket's user may do with each. */
  private readonly mayRead: boolean[] = [];
  private readonly mayWrite: boolean[] = [];

  constructor(
    private readonly context: FrontContext,
    private readonly shared: ConnectionShared,
    private readonly documentBody: DocumentBody,
  ) {}

  /** Serves one frame. The error, if any, means that nothing in it could be served and the socket should be closed. */
  handle(connection: WebSocketConnection, bytes: Uint8Array): DbError | undefined {
    this.context.meter.cells[FRONT_WEBSOCKET_FRAMES]++;
    const malformed = this.view.open(bytes);
    if (malformed !== undefined) return malformed;
    const unknown = this.resolveCollections(connection.session);
    if (unknown.length === 0) this.serve(connection);
    else this.createFirst(connection, bytes.slice(), unknown);
    return undefined;
  }

  /** Names of collections that writes of this frame need, that do not exist yet, and that the session may write. */
  private resolveCollections(session: Session): string[] {
    const { view, collections } = this;
    const unknown: string[] = [];
    const isWritten = this.writtenCollections();
    collections.length = 0;
    this.mayRead.length = 0;
    this.mayWrite.length = 0;
    for (let i = 0; i < view.collectionCount; i++) {
      const name = view.collectionName(i);
      const id = this.context.collections.find(name);
      collections.push(id ?? NO_COLLECTION);
      this.mayRead.push(session.allows('read', name));
      this.mayWrite.push(session.allows('write', name));
      if (id === undefined && isWritten[i] === 1 && this.mayWrite[i]) unknown.push(name);
    }
    return unknown;
  }

  /** By collection index: 1 when a request of the frame puts a document there. */
  private writtenCollections(): Uint8Array {
    const { view } = this;
    const isWritten = new Uint8Array(view.collectionCount);
    for (let i = 0; i < view.count; i++)
      if (view.op(i) === RequestOp.Put) isWritten[view.collectionIndex(i)] = 1;
    return isWritten;
  }

  private createFirst(connection: WebSocketConnection, bytes: Uint8Array, names: readonly string[]): void {
    Promise.all(names.map((name) => this.context.collections.ensure(name))).then(() => {
      // Open again: other frames have used the view meanwhile. Verified before, so it cannot fail now. A collection
      // that could not be created stays unknown, and its writes are answered with the reason.
      this.view.open(bytes);
      this.resolveCollections(connection.session);
      this.serve(connection);
    });
  }

  private serve(connection: WebSocketConnection): void {
    const { view } = this;
    const { meter } = this.context;
    const startMs = meter.now();
    const { encoder } = this.shared;
    encoder.reset();
    const { session } = connection;
    const limited = this.context.access.exceedsRate(session, view.count);
    let reads = 0;
    let failed = 0;
    let writes = 0;
    for (let i = 0; i < view.count && !connection.isClosed; i++) {
      const op = view.op(i);
      const refused = limited ?? this.refusalOf(session, i, op);
      if (refused !== undefined) this.refuseNow(connection, view.id(i), refused);
      else if (op === RequestOp.Get) {
        reads++;
        if (!this.get(connection, i)) failed++;
      } else if (op === RequestOp.Ping) encoder.add(view.id(i), 200, 0);
      else {
        writes++;
        this.write(connection, i, op);
      }
      if (encoder.byteSize > RESPONSE_FRAME_BYTES_MAX) connection.sendFrame();
    }
    connection.sendFrame();
    if (reads > 0) meter.doneMany(METHOD_GET, reads, failed, startMs);
    if (writes > 0) connection.noteWrites(writes, startMs);
    if (writes > 0) this.context.scheduleFlush();
  }

  private refusalOf(session: Session, index: number, op: RequestOp): WireError | undefined {
    if (op === RequestOp.Ping) return undefined;
    const collection = this.view.collectionIndex(index);
    if (op === RequestOp.Get ? this.mayRead[collection] : this.mayWrite[collection]) return undefined;
    return refusal(session, op === RequestOp.Get ? 'read' : 'write', this.view.collectionName(collection));
  }

  private get(connection: WebSocketConnection, index: number): boolean {
    const { view, context } = this;
    const { router, meter } = context;
    const id = view.id(index);
    const collection = this.collections[view.collectionIndex(index)];
    const keyStart = view.keyStart(index);
    const keyLength = view.keyEnd(index) - keyStart;
    const hash = hashKey(collection, view.bytes, keyStart, keyLength);
    const reader = router.reader(hash);
    if (reader === undefined) return this.refuseNow(connection, id, router.unavailableCause(hash));
    if (context.draining !== undefined) return this.refuseNow(connection, id, context.draining);
    meter.cells[FRONT_CACHE_REQUESTS]++;
    let lookup: number = LOOKUP_ABSENT;
    reader.enter();
    try {
      if (collection !== NO_COLLECTION)
        lookup = reader.get(hash, collection, view.bytes, keyStart, keyLength);
      if (reader.isFromMemory) meter.cells[FRONT_CACHE_HITS]++;
      if (lookup === LOOKUP_FOUND) {
        const { bytes, valueOffset, valueLength, seqno } = reader;
        this.shared.encoder.add(id, 200, seqno, bytes, valueOffset, valueOffset + valueLength);
      }
    } finally {
      reader.leave();
    }
    if (lookup === LOOKUP_FOUND) return true;
    return this.refuseNow(connection, id, (lookup === LOOKUP_FAILED && reader.error) || NOT_FOUND);
  }

  private refuseNow(connection: WebSocketConnection, id: number, error: WireError): false {
    connection.addError(id, classify(error.code).httpStatus, error);
    return false;
  }

  private write(connection: WebSocketConnection, index: number, op: RequestOp): void {
    const fault = this.tryWrite(connection, index, op);
    if (fault !== undefined) connection.answerError(this.view.id(index), fault);
  }

  /** Undefined when the write is on its way. */
  private tryWrite(connection: WebSocketConnection, index: number, op: RequestOp): WireError | undefined {
    const { view, documentBody, context } = this;
    if (context.draining !== undefined) return context.draining;
    const collectionIndex = view.collectionIndex(index);
    const collection = this.collections[collectionIndex];
    if (collection === NO_COLLECTION) return this.missingCollection(view.collectionName(collectionIndex), op);
    const ttlSeconds = view.ttlSeconds(index);
    if (!isTtl(ttlSeconds)) return ttlFault('ttls', ttlSeconds);
    const keyFault = this.readKey(index);
    if (keyFault !== undefined) return keyFault;
    let value = view.bytes;
    let start = 0;
    let end = 0;
    if (op !== RequestOp.Delete) {
      if (!this.readDocument(index, op)) return documentBody.error;
      value = documentBody.bytes;
      start = documentBody.start;
      end = documentBody.end;
    }
    const kind = kindOf(op);
    const hash = hashKey(collection, this.key, 0, this.keyLength);
    return context.router
      .client(hash)
      .write(
        kind,
        collection,
        hash,
        this.key,
        this.keyLength,
        value,
        start,
        end,
        view.condition(index),
        view.expectedSeqno(index),
        this.operationId(index),
        expiryFor(context, kind, collection, ttlSeconds),
        view.durability,
        connection,
        view.id(index),
      );
  }

  private readDocument(index: number, op: RequestOp): boolean {
    const { view, documentBody } = this;
    if (!documentBody.read(view.bytes, view.valueStart(index), view.valueEnd(index))) return false;
    return op === RequestOp.Patch
      ? documentBody.checkId(this.key, this.keyLength)
      : documentBody.settleId(this.key, this.keyLength);
  }

  /** Copies the key out of the frame, checking that it is UTF-8 of an allowed length. */
  private readKey(index: number): WireError | undefined {
    const { view, key } = this;
    const start = view.keyStart(index);
    const length = view.keyEnd(index) - start;
    const fault = keyLengthFault(length);
    if (fault !== undefined) return fault;
    let isAscii = true;
    for (let i = 0; i < length; i++) {
      const byte = view.bytes[start + i];
      key[i] = byte;
      if (byte > 0x7f) isAscii = false;
    }
    this.keyLength = length;
    return isAscii || isUtf8(key.subarray(0, length)) ? undefined : MALFORMED_KEY;
  }

  private operationId(index: number): OperationId | undefined {
    const { view } = this;
    if (!view.hasOperationIds) return undefined;
    const words = Uint32Array.from([0, 1, 2, 3], (word) => view.operationIdWord(index, word));
    return words[0] === 0 && words[1] === 0 ? undefined : words;
  }

  private missingCollection(name: string, op: RequestOp): WireError | undefined {
    if (op !== RequestOp.Put) return writeStatusError(WriteStatus.NotFound, false);
    const message = `collection ${JSON.stringify(name)} does not exist and could not be created`;
    return collectionNameFault(name) ?? toWireError(new DbError('NOT_FOUND', message));
  }
}

function kindOf(op: RequestOp): OperationKind {
  if (op === RequestOp.Put) return OperationKind.Put;
  return op === RequestOp.Patch ? OperationKind.Patch : OperationKind.Delete;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
