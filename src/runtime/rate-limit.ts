/** How long to wait so that a job stays below a rate. Averages over the job; changes of the rate count from then on. */
import type { Clock } from '../base/clock.js';

/** Longest single wait, so that a change of the rate or a shutdown is noticed. */
const WAIT_MS_MAX = 500;

export class RateLimit {
  private startedMs: number | undefined;
  private chargedBytes = 0;

  /** `bytesPerSecond`: 0 = no limit. */
  constructor(
    private readonly clock: Clock,
    private limit: number,
  ) {}

  set bytesPerSecond(limit: number) {
    this.limit = limit;
    this.finish();
  }

  /** `bytes`: of the job so far. Returns milliseconds to wait now. */
  charge(bytes: number): number {
    if (this.limit === 0) return 0;
    const now = this.clock.monotonicMs();
    if (this.startedMs === undefined) {
      this.startedMs = now;
      this.chargedBytes = bytes;
      return 0;
    }
    const dueMs = this.startedMs + ((bytes - this.chargedBytes) / this.limit) * 1000;
    return Math.max(0, Math.min(WAIT_MS_MAX, dueMs - now));
  }

  /** The job is over; the next one starts without debt. */
  finish(): void {
    this.startedMs = undefined;
  }
}
