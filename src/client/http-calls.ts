/** Sends API calls over a transport: headers, deadline, errors, and retries where they are safe. */
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../base/clock.js';
import { createPrng, freshSeed, type Prng } from '../base/prng.js';
import { backoffMs, parseRetryAfter, sleep } from './backoff.js';
import { errorFromAnswer, LumaDbError, timeoutError } from './error.js';
import type { HttpAnswer, HttpTransport } from './http-transport.js';

export interface HttpCallsOptions {
  /** Limit of one call with all its attempts and waits. */
  readonly timeoutMs: number;
  /** Further attempts after the first. */
  readonly retries: number;
  readonly token?: string;
  readonly clock?: Clock;
}

export interface HttpCall {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a document write: makes the call safe to repeat. Chosen here when the caller gave none and retries are on. */
  readonly idempotencyKey?: string;
  /** True for calls whose repetition the server recognises by the Idempotency-Key. */
  readonly isDocumentWrite?: boolean;
  readonly signal?: AbortSignal;
  /** Statuses of 400 and above that are results to this caller. */
  readonly accepts?: readonly number[];
}

export class HttpCalls {
  private readonly clock: Clock;
  private readonly prng: Prng = createPrng(freshSeed());

  constructor(
    private readonly transport: HttpTransport,
    private readonly options: HttpCallsOptions,
  ) {
    this.clock = options.clock ?? systemClock;
  }

  async send(call: HttpCall): Promise<HttpAnswer> {
    const { timeoutMs, retries } = this.options;
    const isRead = call.method === 'GET' || call.method === 'HEAD';
    const idempotencyKey =
      call.idempotencyKey ?? (call.isDocumentWrite === true && retries > 0 ? randomUUID() : undefined);
    const headers = this.headers(call, idempotencyKey);
    const deadlineMs = this.clock.monotonicMs() + timeoutMs;
    for (let attempt = 0; ; attempt++) {
      const error = await this.attempt(call, headers, deadlineMs);
      if (!(error instanceof LumaDbError)) return error;
      const isSafe = isRead ? error.retryable : isSafeToRepeat(error, idempotencyKey);
      const waitMs = Math.max(backoffMs(attempt, this.prng), error.retryAfterMs ?? 0);
      const isInTime = this.clock.monotonicMs() + waitMs < deadlineMs;
      if (attempt >= retries || !isSafe || !isInTime) throw error;
      await sleep(waitMs, call.signal);
    }
  }

  private headers(call: HttpCall, idempotencyKey: string | undefined): Record<string, string> {
    const headers: Record<string, string> = { accept: 'application/json', ...call.headers };
    if (call.body !== undefined) headers['content-type'] ??= 'application/json';
    if (this.options.token !== undefined) headers['authorization'] = `Bearer ${this.options.token}`;
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
    return headers;
  }

  /** The answer, or the LumaDbError to judge. An abort is thrown: it is never retried. */
  private async attempt(
    call: HttpCall,
    headers: Record<string, string>,
    deadlineMs: number,
  ): Promise<HttpAnswer | LumaDbError> {
    const remainingMs = Math.ceil(deadlineMs - this.clock.monotonicMs());
    if (remainingMs <= 0) return timeoutError(`${call.method} ${call.path}`, this.options.timeoutMs);
    try {
      const { method, path, body, signal } = call;
      const answer = await this.transport.send({
        method,
        path,
        headers,
        body,
        signal,
        timeoutMs: remainingMs,
      });
      if (answer.status < 400 || call.accepts?.includes(answer.status)) return answer;
      return this.answerError(answer);
    } catch (error) {
      if (error instanceof LumaDbError) return error;
      throw error;
    }
  }

  private answerError(answer: HttpAnswer): LumaDbError {
    const requestId = answer.headers['x-request-id'];
    return errorFromAnswer(answer.status, answer.body.toString('utf8'), {
      requestId: typeof requestId === 'string' ? requestId : undefined,
      retryAfterMs: parseRetryAfter(answer.headers['retry-after'], this.clock.wallMs()),
    });
  }
}

/** A write may be repeated only when the server will recognise it, and only if it did not answer or said "later". */
function isSafeToRepeat(error: LumaDbError, idempotencyKey: string | undefined): boolean {
  if (idempotencyKey === undefined || !error.retryable) return false;
  return error.status === 0 || error.status === 503;
}

/** The JSON body of an answer. */
export function parseBody<T>(answer: HttpAnswer): T {
  try {
    return JSON.parse(answer.body.toString('utf8')) as T;
  } catch (cause) {
    const requestId = answer.headers['x-request-id'];
    throw new LumaDbError('INTERNAL_ERROR', 'the answer of the server is not JSON', {
      status: answer.status,
      requestId: typeof requestId === 'string' ? requestId : undefined,
      cause,
    });
  }
}
