/** Reads a whole request body. For requests off the hot path: it makes closures. */
import type { HttpResponse } from 'uWebSockets.js';
import type { WireError } from '../base/errors.js';
import { type BodyBudget, BodyBuffer } from './body-budget.js';

export interface BodyHandlers {
  /** The body is complete, and valid until the call returns unless `keepsBody`. Runs corked. */
  onBody(body: Uint8Array): void;
  /** The body is a copy that stays valid. uWS takes its own memory back after each piece. */
  readonly keepsBody?: true;
  /** Too large, or the server holds too many bodies. Runs corked; the connection should be closed. */
  onRefused(error: WireError): void;
  /** The client is gone: `res` must not be used any more. Also called after onBody, as long as no answer was sent. */
  onAborted(): void;
}

export function readBody(
  res: HttpResponse,
  budget: BodyBudget,
  bytesMax: number,
  handlers: BodyHandlers,
): void {
  const buffer = new BodyBuffer(budget, bytesMax);
  let finished = false;
  res.onAborted(() => {
    finished = true;
    buffer.reset(bytesMax);
    handlers.onAborted();
  });
  res.onData((chunk, isLast) => {
    if (finished) return;
    // Most bodies come in one piece, which is used where it is.
    const isWhole =
      isLast && buffer.length === 0 && chunk.byteLength <= bytesMax && handlers.keepsBody !== true;
    const fault = isWhole ? undefined : buffer.append(chunk);
    if (fault === undefined && !isLast) return;
    finished = true;
    const body = isWhole ? new Uint8Array(chunk) : buffer.join();
    res.cork(() => {
      if (fault === undefined) handlers.onBody(body);
      else handlers.onRefused(fault);
    });
    buffer.reset(bytesMax);
  });
}
