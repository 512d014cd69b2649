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
  /** Takes lines in shared memory. Resolves when nobody reads that any more with true, and with false if somebody may. */
  send(lines: Uint8Array): Promise<boolean>;
}

/** Lines are sent when so much has come together, or after some time. */
const CHUNK_BYTES = 256 * 1024;
const SEND_INTERVAL_MS = 200;
/** Chunks in all, most of them on their way; when the main thread does not keep up, lines are dropped and counted. */
const CHUNKS_MAX = 8;
/** Records kept for reuse. */
const RECORDS_MAX = 1024;
const ERROR_STATUS_MIN = 400;

/** Kept on the response, since whoever answers has that, until the answer; used again for another request then. */
class Logged implements AccessRequest {
  address = '';
  name = '';
  method = '';
  url = '';
  query = '';
  startMs = 0;

  constructor(readonly log: AccessLog) {}
}

type LoggedResponse = HttpResponse & { logged?: Logged | undefined };

export class AccessLog {
  private readonly line = new AccessLine();
  /** Shared memory, so that the main thread writes it to the file as it is: copies of this size cost page faults. */
  private chunk = newChunk();
  private readonly freeChunks: Buffer[] = [];
  private chunks = 1;
  private length = 0;
  private lines = 0;
  private dropped = 0;
  private readonly freeRecords: Logged[] = [];
  /** From monotonic to wall time; looked at with each tick of the timer, so that a line asks one clock once. */
  private wallOffsetMs: number;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: AccessLogOptions) {
    this.wallOffsetMs = options.wallMs() - options.monotonicMs();
    this.timer = setInterval(() => {
      this.wallOffsetMs = options.wallMs() - options.monotonicMs();
      this.flush();
    }, SEND_INTERVAL_MS);
  }

  get isOn(): boolean {
    return this.options.level() !== 'off';
  }

  /**
   * In the handler of a route, before the request is gone. `name`: of the caller; '' when unknown. `method`: in lower case; ''
   * asks the request, as each question to uWS costs some 150 ns.
   */
  begin(res: HttpResponse, req: HttpRequest, address: string, name: string, method: string): void {
    const logged = this.freeRecords.pop() ?? new Logged(this);
    logged.address = address;
    logged.name = name;
    logged.method = method === '' ? req.getMethod() : method;
    logged.url = req.getUrl();
    logged.query = req.getQuery() ?? '';
    logged.startMs = this.options.monotonicMs();
    (res as LoggedResponse).logged = logged;
  }

  end(request: Logged, status: number, bodyBytes: number, requestId: string, message: string): void {
    if (status >= ERROR_STATUS_MIN || this.options.level() === 'all')
      this.write(request, status, bodyBytes, requestId, message);
    if (this.freeRecords.length < RECORDS_MAX) this.freeRecords.push(request);
  }

  private write(
    request: Logged,
    status: number,
    bodyBytes: number,
    requestId: string,
    message: string,
  ): void {
    const nowMs = this.options.monotonicMs();
    const durationUs = Math.round((nowMs - request.startMs) * 1000);
    const timeMs = Math.floor(nowMs + this.wallOffsetMs);
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
    const next = this.nextChunk();
    if (next === undefined) {
      this.dropped += lines;
      return;
    }
    this.chunk = next;
    const sent = (isFree: boolean): void => {
      this.freeChunks.push(isFree ? chunk : newChunk());
    };
    this.options.send(new Uint8Array(chunk.buffer, 0, length)).then(sent, () => sent(false));
    if (this.dropped === 0) return;
    const time = new Date(this.options.wallMs()).toISOString();
    this.length = next.write(`- - - [${time}] "${this.dropped} lines were dropped"\n`, 0, 'latin1');
    this.dropped = 0;
  }

  private nextChunk(): Buffer | undefined {
    if (this.freeChunks.length > 0 || this.chunks === CHUNKS_MAX) return this.freeChunks.pop();
    this.chunks++;
    return newChunk();
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
  if (logged === undefined) return;
  (res as LoggedResponse).logged = undefined;
  logged.log.end(logged, status, bodyBytes, requestId, message);
}

/** Of a request that is not answered yet; asks uWS only if the log has not. */
export function urlOf(res: HttpResponse, req: HttpRequest): string {
  return (res as LoggedResponse).logged?.url ?? req.getUrl();
}

function newChunk(): Buffer {
  return Buffer.from(new SharedArrayBuffer(CHUNK_BYTES));
}
