/**
 * One WebSocket: where the results of its writes are collected until the end of the event-loop turn, and how its
 * answers are sent. Ten thousand of these may idle, so an idle one owns next to nothing.
 */
import type { WebSocket } from 'uWebSockets.js';
import type { Credentials, Session } from '../auth/session.js';
import { classify, type WireError } from '../base/errors.js';
import type { ResponseFrameEncoder } from '../batch/response-frame-encoder.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import type { WriteCompletion } from '../ipc/shard-client.js';
import { METHOD_PUT } from '../shm/stats-format.js';
import { askedAddress } from './peer-addresses.js';
import type { QueryRun } from './query/runner.js';
import type { RequestMeter } from './request-meter.js';
import { errorBody } from './respond.js';
import { writeStatusError } from './write-answer.js';

/** Bytes of values in one response frame; more go into further frames. */
export const RESPONSE_FRAME_BYTES_MAX = 1024 * 1024;

/** What send() returns when the reader is behind and bytes are queued for it. */
const SEND_QUEUED = 0;
/**
 * What send() returns when the reader is too far behind. uWS closes the socket then, but only after the event-loop
 * turn: until somebody closes it, a frame with many reads would go on producing answers for nobody.
 */
const SEND_DROPPED = 2;

const errorEncoder = new TextEncoder();

/** uWS keeps one of these per socket and hands it back in every callback. */
export interface SocketData {
  connection: WebSocketConnection | undefined;
  /** What was found when the socket was opened. */
  readonly session: Session;
  /** Of its client, where that may be behind a proxy; undefined: it is at the other end. */
  readonly client: string | undefined;
  /** What its client has shown: looked at again when users, keys or roles change. */
  readonly credentials: Credentials;
}

/** Bytes that the sockets of one front have queued towards readers that are behind. */
export class SendBacklog {
  private bytes = 0;

  constructor(private readonly bytesMax: number) {}

  /** False when that is more than allowed. */
  change(bytes: number): boolean {
    this.bytes += bytes;
    return this.bytes <= this.bytesMax;
  }
}

export interface ConnectionShared {
  readonly encoder: ResponseFrameEncoder;
  readonly meter: RequestMeter;
  readonly backlog: SendBacklog;
  requestId(): string;
  /** The connection has answers: call sendAnswers() at the end of the turn. */
  onAnswersReady(connection: WebSocketConnection): void;
}

/** Completes writes of binary frames: the token is the request's id. */
export class WebSocketConnection implements WriteCompletion {
  private isOpen = true;
  private isQueued = false;
  /** Made by the first statement. */
  private queries: Set<QueryRun> | undefined;
  private ids: number[] = [];
  private statuses: number[] = [];
  private seqnos: number[] = [];
  private errors: Array<WireError | undefined> = [];
  /** Frames with writes that wait for their answers, oldest first. */
  private frames: Array<{ writes: number; readonly startMs: number }> = [];
  /** This socket's part of shared.backlog. */
  private queuedBytes = 0;

  constructor(
    private readonly ws: WebSocket<SocketData>,
    private readonly shared: ConnectionShared,
    /** Who has opened it, as of the last change of users, keys and roles. */
    public session: Session,
  ) {}

  onWritten(id: number, status: WriteStatus, seqno: number, _durability: Durability): void {
    const error = writeStatusError(status, false);
    if (error !== undefined) this.answerError(id, error);
    else this.answer(id, status === WriteStatus.Created ? 201 : 200, seqno, undefined);
  }

  onWriteFailed(id: number, error: WireError): void {
    this.answerError(id, error);
  }

  /** A frame that came at `startMs` had that many writes. Each of them is answered with answer(). */
  noteWrites(writes: number, startMs: number): void {
    if (this.isOpen) this.frames.push({ writes, startMs });
  }

  /** Queues an answer without a value. */
  answer(id: number, httpStatus: number, seqno: number, error: WireError | undefined): void {
    if (!this.isOpen) return;
    this.ids.push(id);
    this.statuses.push(httpStatus);
    this.seqnos.push(seqno);
    this.errors.push(error);
    if (this.isQueued) return;
    this.isQueued = true;
    this.shared.onAnswersReady(this);
  }

  answerError(id: number, error: WireError): void {
    this.answer(id, classify(error.code).httpStatus, 0, error);
  }

  /** Sends all queued answers as one frame. */
  sendAnswers(): void {
    this.isQueued = false;
    const { ids, statuses, seqnos, errors } = this;
    if (!this.isOpen || ids.length === 0) return;
    const { encoder } = this.shared;
    let errorCount = 0;
    encoder.reset();
    for (let i = 0; i < ids.length; i++) {
      const error = errors[i];
      if (error === undefined) encoder.add(ids[i], statuses[i], seqnos[i]);
      else {
        errorCount++;
        this.addError(ids[i], statuses[i], error);
      }
    }
    this.meterAnswers(ids.length, errorCount);
    // Truncated, not replaced: a busy connection keeps its arrays.
    ids.length = 0;
    statuses.length = 0;
    seqnos.length = 0;
    errors.length = 0;
    this.sendFrame();
  }

  /** Adds an error answer to the shared frame being built. */
  addError(id: number, httpStatus: number, error: WireError): void {
    this.shared.encoder.add(
      id,
      httpStatus,
      0,
      errorEncoder.encode(errorBody(error, this.shared.requestId())),
    );
  }

  /** Sends the shared frame being built, if it has answers, and starts the next. */
  sendFrame(): void {
    const { encoder } = this.shared;
    if (encoder.count > 0) this.send(encoder.finish(), true);
    encoder.reset();
  }

  sendText(text: string | Uint8Array): void {
    this.send(text, false);
  }

  /** The reader has taken some of what was queued. */
  onDrain(): void {
    this.noteQueued(this.ws.getBufferedAmount());
  }

  /** True once the socket is gone: there is nobody to answer. */
  get isClosed(): boolean {
    return !this.isOpen;
  }

  /** Of its client. */
  get address(): string {
    return this.ws.getUserData().client ?? askedAddress(this.ws);
  }

  /** A statement under way: it ends with the socket. */
  remember(run: QueryRun): void {
    this.queries ??= new Set();
    this.queries.add(run);
  }

  forget(run: QueryRun): void {
    this.queries?.delete(run);
  }

  /** The socket is gone: writes under way finish unheard, queries are cancelled. */
  close(): void {
    this.isOpen = false;
    for (const run of this.queries ?? []) run.clientGone();
    this.queries = undefined;
    this.noteQueued(0);
    this.frames = [];
    this.ids = [];
    this.statuses = [];
    this.seqnos = [];
    this.errors = [];
  }

  private send(message: string | Uint8Array, isBinary: boolean): void {
    if (!this.isOpen) return;
    const result = this.ws.send(message, isBinary, false);
    // Closed the hard way: a close frame would wait behind all that this reader does not read.
    if (result === SEND_DROPPED) this.ws.close();
    else if (result === SEND_QUEUED && !this.noteQueued(this.ws.getBufferedAmount())) this.ws.close();
  }

  /** False when the sockets of this front have more queued than they may. */
  private noteQueued(bytes: number): boolean {
    const change = bytes - this.queuedBytes;
    this.queuedBytes = bytes;
    return this.shared.backlog.change(change);
  }

  /** Shards answer in order, so answers are taken to be for the oldest frames. */
  private meterAnswers(count: number, errorCount: number): void {
    let left = count;
    let errors = errorCount;
    while (left > 0 && this.frames.length > 0) {
      const frame = this.frames[0];
      const part = Math.min(left, frame.writes);
      const failed = Math.min(errors, part);
      this.shared.meter.doneMany(METHOD_PUT, part, failed, frame.startMs);
      left -= part;
      errors -= failed;
      frame.writes -= part;
      if (frame.writes === 0) this.frames.shift();
    }
  }
}
