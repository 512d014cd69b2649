/**
 * Ends threads whose statement does not stop by itself. Statements look every few milliseconds whether they have to; what cannot
 * look (a regular expression that V8 matches for hours) holds its thread until somebody ends that. Main thread only.
 */
import type { Clock } from '../../base/clock.js';
import type { DbError } from '../../base/errors.js';
import { type PoolQuery, SIGNAL_STATE, SIGNAL_THREAD, STATE_STARTED } from '../../front/query/messages.js';
import { canceledError } from '../../sql/errors.js';
import type { CancelReason } from '../../sql/execute/environment.js';
import type { RepeatingTimer } from '../repeating-timer.js';
import { QueryEnding } from './query-ending.js';

const LOOK_INTERVAL_MS = 1000;
/** Longer than writes of a statement are tried again (front/query/writes.ts): their outcome is waited for also after the end. */
const STUCK_AFTER_MS = 15_000;

export interface StuckStatementsOptions {
  /** Those that run or wait. */
  readonly statements: () => Iterable<PoolQuery>;
  /** Ends the thread that runs the statement, at once. */
  readonly endThread: (threadId: number, query: PoolQuery) => void;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly timer: RepeatingTimer;
}

export class StuckStatements {
  /** By statement: when it was first seen running although it should have ended. */
  private readonly overdue = new Map<string, number>();
  private readonly ended = new Set<string>();
  private stopTimer: (() => void) | undefined;

  constructor(private readonly options: StuckStatementsOptions) {}

  /** Once there are statements. */
  start(): void {
    this.stopTimer ??= this.options.timer(LOOK_INTERVAL_MS, () => this.look());
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  /** The answer, if the thread was ended because of the statement; asked once. */
  wasEnded(query: PoolQuery): DbError | undefined {
    if (!this.ended.delete(query.id)) return undefined;
    // Only what had to end was ended.
    const reason = this.endOf(query) === 'cancelled' ? 'cancelled' : 'timeout';
    return canceledError(reason, '; it did not stop by itself, and its thread was ended');
  }

  private look(): void {
    const { statements, clock, endThread } = this.options;
    const now = clock.wallMs();
    const seen = new Set<string>();
    for (const query of statements()) {
      const isRunning = Atomics.load(new Int32Array(query.signal), SIGNAL_STATE) === STATE_STARTED;
      if (!isRunning || this.endOf(query) === 'no') continue;
      seen.add(query.id);
      const since = this.overdue.get(query.id) ?? now;
      this.overdue.set(query.id, since);
      if (now - since < STUCK_AFTER_MS || this.ended.has(query.id)) continue;
      this.ended.add(query.id);
      endThread(Atomics.load(new Int32Array(query.signal), SIGNAL_THREAD), query);
    }
    for (const id of this.overdue.keys()) if (!seen.has(id)) this.overdue.delete(id);
  }

  private endOf(query: PoolQuery): CancelReason {
    return new QueryEnding(query, this.options.clock).isCancelled();
  }
}
