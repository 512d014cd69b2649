/**
 * Writing HTTP answers. uWebSockets.js charges ~150 ns for every call into it, so an answer's whole header block goes
 * out as the value of one writeHeader call: "application/json\r\nETag: ...\r\nX-Request-Id: ...". Only values made
 * here get in; nothing a client sent is ever part of a header.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { classify, type WireError } from '../base/errors.js';
import { logAnswer } from './access-log.js';
import { RETRY_AFTER_SECONDS } from './limits.js';

const STATUS_LINES: Readonly<Record<number, string>> = {
  200: '200 OK',
  201: '201 Created',
  202: '202 Accepted',
  204: '204 No Content',
  207: '207 Multi-Status',
  304: '304 Not Modified',
  400: '400 Bad Request',
  401: '401 Unauthorized',
  403: '403 Forbidden',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  408: '408 Request Timeout',
  409: '409 Conflict',
  412: '412 Precondition Failed',
  413: '413 Payload Too Large',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
};

export function statusLine(httpStatus: number): string {
  return STATUS_LINES[httpStatus] ?? `${httpStatus} Unknown`;
}

/** Must run corked: inside a uWS handler or in res.cork(). `headers`: further header lines, each "\r\nName: value". */
export function sendJson(
  res: HttpResponse,
  httpStatus: number,
  requestId: string,
  body: string | Uint8Array,
  headers = '',
): void {
  if (httpStatus !== 200) res.writeStatus(statusLine(httpStatus));
  res.writeHeader('Content-Type', `application/json\r\nX-Request-Id: ${requestId}${headers}`);
  res.end(body);
  logAnswer(res, httpStatus, body.length, requestId);
}

/** The contract's error body. */
export function errorBody(error: WireError, requestId: string): string {
  const { apiCode } = classify(error.code);
  return JSON.stringify({
    error: {
      code: apiCode,
      message: error.message,
      ...(error.details === undefined ? {} : { details: error.details }),
      request_id: requestId,
    },
  });
}

/** Must run corked. `close` ends the connection after the answer: for requests whose body is not going to be read. */
export function sendError(res: HttpResponse, error: WireError, requestId: string, close = false): void {
  const { httpStatus } = classify(error.code);
  const more = furtherHeaders(httpStatus, error);
  res.writeStatus(statusLine(httpStatus));
  res.writeHeader('Content-Type', `application/json\r\nX-Request-Id: ${requestId}${more}`);
  const body = errorBody(error, requestId);
  res.end(body, close);
  logAnswer(res, httpStatus, body.length, requestId, error.message);
}

function furtherHeaders(httpStatus: number, { details }: WireError): string {
  if (httpStatus === 401) return '\r\nWWW-Authenticate: Bearer';
  if (httpStatus !== 503 && httpStatus !== 429) return '';
  return `\r\nRetry-After: ${Number(details?.['retry_after_seconds'] ?? RETRY_AFTER_SECONDS)}`;
}

/** What was answered already is unknown when a handler fails, and uWS throws for a response that is over. */
export function closeQuietly(res: HttpResponse): void {
  try {
    res.close();
  } catch {
    // It was answered in full: there is nothing to close.
  }
}
