/**
 * A streamed result over HTTP: chunks go out as the client takes them, and the next is asked for only when the socket has room
 * again. An error after the first chunk cannot have a status any more: it is the last line of the stream. Front thread only.
 */
import type { HttpResponse } from 'uWebSockets.js';
import type { WireError } from '../../base/errors.js';
import { errorBody } from '../respond.js';
import type { QuerySink } from './runner.js';

export class StreamedAnswer implements QuerySink {
  private hasBegun = false;
  private isGone = false;
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
    });
  }

  failed(error: WireError): void {
    if (!this.hasBegun) {
      this.finish(error);
      return;
    }
    this.finish(undefined);
    if (!this.isGone) this.res.cork(() => this.res.end(`${errorBody(error, this.requestId)}\n`));
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
