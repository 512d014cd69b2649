/**
 * One WebSocket: where the results of its writes are collected until the end of the event-loop turn, and how its
 * answers are sent. Ten thousand of these may idle, so an idle one owns next to nothing.
 */
import type { WebSocket } from 'uWebSockets.js';
import { classify, type WireError } from '../base/errors.js';
import type { ResponseFrameEncoder } from '../batch/response-frame-encoder.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { WriteStatus } from '../generated/lumadb/schema/write-status.js';
import type { WriteCompletion } from '../ipc/shard-client.js';
import { METHOD_PUT } from '../shm/stats-format.js';
import type { RequestMeter } from './request-meter.js';
import { errorBody } from './respond.js';
import { writeStatusError } from './write-answer.js';

/** Bytes of values in one response frame; more go into further frames. */
export const RESPONSE_FRAME_BYTES_MAX = 1024 * 1024;

/** What send() returns when it had to queue something, and what when it lost it instead:
 * What send() returns when the reader is too far behind. uWS closes the socket then, but only after the event-loop
 * turn: until somebody closes it, a frame with many reads would go on producing answers for nobody.
 */
const SEND_DROPPED = 2;

const errorEncoder = new TextEncoder();

/** uWS keeps one of these per socket and hands it back in every callback. */
export interface SocketData {
  connection: WebSocketConnection | undefined;
}

export interface ConnectionShared {
  readonly encoder: ResponseFrameEncoder;
  readonly meter: RequestMeter;
  requestId(): string;
  /** The connection has answers: call sendAnswers() at the end of the turn. */
  onAnswersReady(connection: WebSocketConnection): void;
}

/** Completes writes of binary frames: the token is the request's id. */
export class WebSocketConnection implements WriteCompletion {
  private isOpen = true;
  private isQueued = false;
  private ids: number[] = [];
  private statuses: number[] = [];
  private seqnos: number[] = [];
  private errors: Array<WireError | undefined> = [];

  constructor(
    private readonly ws: WebSocket<SocketData>,
    private readonly shared: ConnectionShared,
  ) {}

  onWritten(id: number, status: WriteStatus, seqno: number, _durability: Durability): void {
    const error = writeStatusError(status, false);
    if (error !== undefined) this.answerError(id, error);
    else this.answer(id, status === WriteStatus.Created ? 201 : 200, seqno, undefined);
  }

  onWriteFailed(id: number, error: WireError): void {
    this.answerError(id, error);
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
    const { encoder, meter } = this.shared;
    const startMs = meter.now();
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
    meter.doneMany(METHOD_PUT, ids.length, errorCount, startMs);
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
    if (encoder.count > 0 && this.isOpen && this.ws.send(encoder.finish(), true, false) === SEND_DROPPED)
      this.ws.close();
    encoder.reset();
  }

  sendText(text: string | Uint8Array): void {
    if (this.isOpen && this.ws.send(text, false, false) === SEND_DROPPED) this.ws.close();
  }

  /** True once the socket is gone: there is nobody to answer. */
  get isClosed(): boolean {
    return !this.isOpen;
  }

  /** The socket is gone: writes under way finish unheard. */
  close(): void {
    this.isOpen = false;
    this.ids = [];
    this.statuses = [];
    this.seqnos = [];
    this.errors = [];
  }
}
