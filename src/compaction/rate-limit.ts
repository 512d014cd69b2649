/** A limit on background writes. Tells how long to wait so that bytes stay within a rate; waiting is the caller's. */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';

/** Idle time that may be made up for afterwards: a longer pause does not allow a longer burst. */
const BURST_MS_MAX = 250;

export class RateLimit {
  /** When the bytes so far would have been written at exactly the limit, in monotonic milliseconds. */
  private paidUntilMs: number;

  /** `bytesPerSecond` may be Infinity: no limit. */
  constructor(
    private bytesPerSecond: number,
    private readonly clock: Clock,
  ) {
    assert(bytesPerSecond > 0, 'a rate is positive');
    this.paidUntilMs = clock.monotonicMs();
  }

  /** Takes effect for bytes that are charged from now on; what is owed under the old rate is forgiven. */
  setRate(bytesPerSecond: number): void {
    assert(bytesPerSecond > 0, 'a rate is positive');
    this.paidUntilMs = Math.min(this.paidUntilMs, this.clock.monotonicMs());
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Charges bytes that were written and returns the milliseconds to wait before the next ones; 0 = none. */
  charge(bytes: number): number {
    const nowMs = this.clock.monotonicMs();
    const fromMs = Math.max(this.paidUntilMs, nowMs - BURST_MS_MAX);
    this.paidUntilMs = fromMs + (bytes / this.bytesPerSecond) * 1000;
    return Math.max(0, this.paidUntilMs - nowMs);
  }
}
