/** How long to wait before the next attempt. Pure functions and one abortable sleep. */
import type { Prng } from '../base/prng.js';

const BASE_MS = 50;
const CAP_MS = 5_000;
const EXPONENT_MAX = 10;

/**
 * Exponential backoff with jitter over its upper half ("equal jitter", AWS architecture blog): clients that failed
 * together come back apart, and none comes back at once. `attempt` is 0 before the first retry.
 */
export function backoffMs(attempt: number, prng: Prng): number {
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, EXPONENT_MAX));
  return ceiling / 2 + prng.nextFloat() * (ceiling / 2);
}

/** Retry-After in milliseconds: seconds or an HTTP date; undefined when absent or unreadable. */
export function parseRetryAfter(value: string | undefined, wallMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallMs);
}

/** Resolves after `ms`; rejects with the signal's reason when that comes first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
