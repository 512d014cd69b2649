/** When a kind of background job that failed may be tried again: pauses double from failure to failure. Any one thread. */
import type { Clock } from '../base/clock.js';
import type { DbError } from '../base/errors.js';

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;

export class RetryPause {
  private failures = 0;
  private notBeforeMs = 0;
  /** Of the last job, if it failed. */
  error: DbError | undefined;

  constructor(private readonly clock: Clock) {}

  get isOver(): boolean {
    return this.clock.monotonicMs() >= this.notBeforeMs;
  }

  /** Returns how long the pause is, in milliseconds. */
  onFailure(error: DbError): number {
    this.error = error;
    const pauseMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.failures++);
    this.notBeforeMs = this.clock.monotonicMs() + pauseMs;
    return pauseMs;
  }

  onSuccess(): void {
    this.failures = 0;
    this.notBeforeMs = 0;
    this.error = undefined;
  }
}
