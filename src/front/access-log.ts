/**
 * access.log: a line for each HTTP request, made by the front that answers it and handed to the main thread in one message for
 * many. Client's address first, then who, when, what, and the outcome: status, bytes of the body, microseconds, request id, and
 * of an error its message.
 *
 *   192.0.2.7 - alice [2026-11-25T20:46:50.382Z] "GET /api/v1/orders/1" 200 123 41 ILl5jhmpTVWydV4v6aM4eA-8
 *   192.0.2.7 - - [2026-11-25T20:46:51.437Z] "POST /auth/login" 401 166 20310 ILl5…-13 "authentication failed: …"
 *
 * Front thread only.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { AccessLine, type AccessRequest, LINE_BYTES_MAX } from './access-line.js';

export type AccessLogLevel = 'all' | 'errors' | 'off';

export interface AccessLogOptions {
  level(): AccessLogLevel;
  wallMs(): number;
  monotonicMs(): number;
  /** Takes lines, whose bytes are transferred; resolves when they are written. */
  send(lines: Uint8Array): Promise<void>;
}

/** Lines are sent when so much has come together, or after some time. */
const CHUNK_BYTES = 128 * 1024;
const SEND_INTERVAL_MS = 200;
/** Messages on their way; when the main thread does not keep up, lines are dropped and counted. */
const SENDING_MAX = 16;
const ERROR_STATUS_MIN = 400;

/** Kept on the response: whoever answers has that. */
interface Logged extends AccessRequest {
  readonly log: AccessLog;
  readonly startMs: number;
}

type LoggedResponse = HttpResponse & { logged?: Logged };

export class AccessLog {
  private readonly line = new AccessLine();
  private readonly chunk = Buffer.alloc(CHUNK_BYTES);
  private length = 0;
  private lines = 0;
  private sending = 0;
  private dropped = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: AccessLogOptions) {
    this.timer = setInterval(() => this.flush(), SEND_INTERVAL_MS);
  }

  get isOn(): boolean {
    return this.options.level() !== 'off';
  }

  /** In the handler of a route, before the request is gone. `name`: of the caller; '' when unknown. */
  begin(res: HttpResponse, req: HttpRequest, address: string, name: string): void {
    (res as LoggedResponse).logged = {
      log: this,
      address,
      name,
      method: req.getMethod(),
      url: req.getUrl(),
      query: req.getQuery() ?? '',
      startMs: this.options.monotonicMs(),
    };
  }

  end(request: Logged, status: number, bodyBytes: number, requestId: string, message: string): void {
    const { options } = this;
    if (status < ERROR_STATUS_MIN && options.level() !== 'all') return;
    const durationUs = Math.round((options.monotonicMs() - request.startMs) * 1000);
    const timeMs = options.wallMs();
    if (this.length + LINE_BYTES_MAX > CHUNK_BYTES) this.flush();
    this.lines++;
    this.length = this.line.write(
      this.chunk,
      this.length,
      request,
      timeMs,
      status,
      bodyBytes,
      durationUs,
      requestId,
      message,
    );
  }

  flush(): void {
    if (this.length === 0) return;
    const { chunk, length, lines } = this;
    this.length = 0;
    this.lines = 0;
    if (this.sending >= SENDING_MAX) {
      this.dropped += lines;
      return;
    }
    this.sending++;
    const sent = (): void => {
      this.sending--;
    };
    this.options.send(new Uint8Array(chunk.subarray(0, length))).then(sent, sent);
    if (this.dropped === 0) return;
    const time = new Date(this.options.wallMs()).toISOString();
    this.length = chunk.write(`- - - [${time}] "${this.dropped} lines were dropped"\n`, 0, 'latin1');
    this.dropped = 0;
  }

  close(): void {
    clearInterval(this.timer);
    this.flush();
  }
}

/** Of every answer, by whoever sends it. `message`: of an error. */
export function logAnswer(
  res: HttpResponse,
  status: number,
  bodyBytes: number,
  requestId: string,
  message = '',
): void {
  const { logged } = res as LoggedResponse;
  if (logged !== undefined) logged.log.end(logged, status, bodyBytes, requestId, message);
}
