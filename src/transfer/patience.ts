/** How long a transfer goes on trying while the server cannot take it: until nothing has succeeded for a while. */
import type { Clock } from '../base/clock.js';
import { createPrng, freshSeed } from '../base/prng.js';
import { backoffMs, sleep } from '../client/backoff.js';
import { LumaDbError } from '../client/error.js';

export class Patience {
  private readonly prng = createPrng(freshSeed());
  private lastSuccessMs: number;

  constructor(
    private readonly retryForMs: number,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
    /** Told before each wait. */
    private readonly onRetry: (error: LumaDbError) => void = () => {},
  ) {
    this.lastSuccessMs = clock.monotonicMs();
  }

  succeeded(): void {
    this.lastSuccessMs = this.clock.monotonicMs();
  }

  /** Waits before attempt `attempt` + 1 (from 0); throws `error` when waiting does not help or has taken too long. */
  async wait(error: unknown, attempt: number): Promise<void> {
    if (!(error instanceof LumaDbError) || !error.retryable) throw error;
    const waitMs = Math.max(backoffMs(attempt, this.prng), error.retryAfterMs ?? 0);
    if (this.clock.monotonicMs() + waitMs - this.lastSuccessMs > this.retryForMs) throw error;
    this.onRetry(error);
    await sleep(waitMs, this.signal);
  }
}
