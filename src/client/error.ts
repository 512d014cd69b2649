/** The one error class of the client, and how answers and broken connections become one. */
import type { ApiErrorCode } from '../base/errors.js';

/** One entry per code, so that the compiler complains when the contract gains one. */
const RETRYABLE: Readonly<Record<ApiErrorCode, boolean>> = {
  VALIDATION_ERROR: false,
  QUERY_ERROR: false,
  UNAUTHORIZED: false,
  FORBIDDEN: false,
  NOT_FOUND: false,
  TIMEOUT: true,
  CONFLICT: false,
  PRECONDITION_FAILED: false,
  PAYLOAD_TOO_LARGE: false,
  RATE_LIMITED: true,
  INTERNAL_ERROR: false,
  UNAVAILABLE: true,
};

const MESSAGE_LENGTH_MAX = 500;

export interface LumaDbErrorOptions {
  /** HTTP status of the answer; 0 when there was none (no connection, time over, refused by the client itself). */
  readonly status?: number;
  readonly requestId?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** The server's wish, from Retry-After. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

export class LumaDbError extends Error {
  override readonly name = 'LumaDbError';
  readonly status: number;
  readonly requestId: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterMs: number | undefined;
  /**
   * True when the same request may succeed later without being changed. Whether repeating it is also safe is another
   * question: a write without an idempotency key may have happened already.
   */
  readonly retryable: boolean;

  constructor(
    readonly code: ApiErrorCode,
    message: string,
    options: LumaDbErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status ?? 0;
    this.requestId = options.requestId;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
    this.retryable = RETRYABLE[code] && options.details?.['retryable'] !== false;
  }
}

function codeOfStatus(status: number): ApiErrorCode {
  switch (status) {
    case 401:
      return 'UNAUTHORIZED';
    case 403:
      return 'FORBIDDEN';
    case 404:
      return 'NOT_FOUND';
    case 408:
      return 'TIMEOUT';
    case 409:
      return 'CONFLICT';
    case 412:
      return 'PRECONDITION_FAILED';
    case 413:
      return 'PAYLOAD_TOO_LARGE';
    case 429:
      return 'RATE_LIMITED';
    case 502:
    case 503:
    case 504:
      return 'UNAVAILABLE';
    default:
      return status >= 400 && status < 500 ? 'VALIDATION_ERROR' : 'INTERNAL_ERROR';
  }
}

function parseErrorBody(text: string): Record<string, unknown> {
  try {
    const body = JSON.parse(text) as { error?: unknown } | null;
    // HTTP wraps the error in `error`; a binary frame may carry either form.
    const inner = body?.error ?? body;
    return typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The error of an answer with a status of 400 and above (or one that makes no sense). */
export function errorFromAnswer(
  status: number,
  bodyText: string,
  more: Pick<LumaDbErrorOptions, 'requestId' | 'retryAfterMs'> = {},
): LumaDbError {
  const body = parseErrorBody(bodyText);
  const code = body['code'];
  const message = body['message'];
  const details = body['details'];
  const requestId = body['request_id'];
  const isKnown = typeof code === 'string' && Object.hasOwn(RETRYABLE, code);
  const text =
    typeof message === 'string'
      ? message
      : `the server answered ${status} ${bodyText.slice(0, MESSAGE_LENGTH_MAX)}`.trim();
  return new LumaDbError(isKnown ? (code as ApiErrorCode) : codeOfStatus(status), text, {
    status,
    requestId: typeof requestId === 'string' ? requestId : more.requestId,
    retryAfterMs: more.retryAfterMs,
    details:
      typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : undefined,
  });
}

export function connectionError(message: string, cause?: unknown): LumaDbError {
  return new LumaDbError('UNAVAILABLE', message, { cause });
}

export function timeoutError(what: string, timeoutMs: number): LumaDbError {
  return new LumaDbError('TIMEOUT', `${what} took longer than ${timeoutMs} ms`);
}

/** A request that the client refuses to send. */
export function invalidRequest(message: string): LumaDbError {
  return new LumaDbError('VALIDATION_ERROR', message);
}
