/**
 * A streamed result over HTTP: chunks go out as the client takes them, and the next is asked for only when the socket has room
 * again. An error after the first chunk cannot have a status any more: it is the last line of the stream. Front thread only.
 */
import type { HttpResponse } from 'uWebSockets.js';
import type { WireError } from '../../base/errors.js';
import { logAnswer } from '../access-log.js';
import { errorBody } from '../respond.js';
import type { QuerySink } from './runner.js';

export class StreamedAnswer implements QuerySink {
  private hasBegun = false;
  private isGone = false;
  private sentBytes = 0;
  /** For each chunk that is still in the socket's buffer: the client has room again. */
  private waiting: (() => void)[] = [];

  constructor(
    private readonly res: HttpResponse,
    private readonly requestId: string,
    private readonly finish: (error: WireError | undefined) => void,
  ) {
    res.onWritable(() => {
      this.release();
      return true;
    });
  }

  chunk(bytes: Uint8Array, taken: () => void): void {
    this.write(bytes, taken);
  }

  done(bytes: Uint8Array): void {
    this.finish(undefined);
    if (this.isGone) return;
    this.res.cork(() => {
      this.begin();
      this.res.end(bytes);
      this.log(bytes.length, '');
    });
  }

  failed(error: WireError): void {
    if (!this.hasBegun) {
      this.finish(error);
      return;
    }
    this.finish(undefined);
    if (this.isGone) return;
    const line = `${errorBody(error, this.requestId)}\n`;
    this.res.cork(() => this.res.end(line));
    this.log(line.length, error.message);
  }

  /** The status was sent with the first chunk: an error after it is told by its message only. */
  private log(bytes: number, message: string): void {
    logAnswer(this.res, 200, this.sentBytes + bytes, this.requestId, message);
  }

  gone(): void {
    this.isGone = true;
    this.release();
  }

  private release(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const taken of waiting) taken();
  }

  private write(bytes: Uint8Array, taken: () => void): void {
    if (this.isGone) {
      taken();
      return;
    }
    this.res.cork(() => {
      this.begin();
      this.sentBytes += bytes.length;
      if (this.res.write(bytes)) taken();
      else this.waiting.push(taken);
    });
  }

  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.res.writeHeader('Content-Type', `application/x-ndjson\r\nX-Request-Id: ${this.requestId}`);
  }
}
