/**
 * Requests a second of one caller: a token bucket each (a burst of one second's worth), on one front. Callers are forgotten all at
 * once when they are too many, which favours them for a second. Front thread only.
 */
import type { WireError } from '../base/errors.js';

interface Bucket {
  tokens: number;
  filledMs: number;
}

const CALLERS_MAX = 100_000;

export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    /** Per second; 0 = no limit. */
    private readonly rate: () => number,
    private readonly nowMs: () => number,
  ) {}

  get isOn(): boolean {
    return this.rate() > 0;
  }

  /**
   * False when the caller has used up its requests. Of many that come at once all are let in or none; those beyond the rate are owed,
   * and so are kept away from the seconds that follow.
   */
  takes(caller: string, requests = 1): boolean {
    const rate = this.rate();
    const nowMs = this.nowMs();
    let bucket = this.buckets.get(caller);
    if (bucket === undefined) {
      if (this.buckets.size >= CALLERS_MAX) this.buckets.clear();
      bucket = { tokens: rate, filledMs: nowMs };
      this.buckets.set(caller, bucket);
    }
    bucket.tokens = Math.min(rate, bucket.tokens + ((nowMs - bucket.filledMs) * rate) / 1000);
    bucket.filledMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= requests;
    return true;
  }

  refusal(): WireError {
    const limit = this.rate();
    return {
      code: 'RATE_LIMITED',
      message: `more than ${limit} requests a second (security.rate_limit): slow down`,
      details: { limit },
    };
  }
}
