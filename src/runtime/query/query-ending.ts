/** Whether a statement has to end: asked by every thread that runs a part of it. */
import type { Clock } from '../../base/clock.js';
import { CANCEL_NONE, CANCEL_REASON, CANCEL_TIMEOUT, type PoolQuery } from '../../front/query/messages.js';
import type { CancelReason, CancelView } from '../../sql/execute/environment.js';

type EndingQuery = Pick<PoolQuery, 'cancel' | 'startedAtMs' | 'timeoutMs'>;

export class QueryEnding implements CancelView {
  private readonly cancel: Int32Array;
  private readonly deadlineMs: number;

  constructor(
    { cancel, startedAtMs, timeoutMs }: EndingQuery,
    private readonly clock: Pick<Clock, 'wallMs'>,
  ) {
    this.cancel = new Int32Array(cancel);
    this.deadlineMs = startedAtMs + timeoutMs;
  }

  isCancelled(): CancelReason {
    const reason = Atomics.load(this.cancel, CANCEL_REASON);
    if (reason === CANCEL_TIMEOUT) return 'timeout';
    if (reason !== CANCEL_NONE) return 'cancelled';
    return this.clock.wallMs() > this.deadlineMs ? 'timeout' : 'no';
  }
}
