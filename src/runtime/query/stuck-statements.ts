/**
 * Ends threads whose statement does not stop by itself. Statements look every few milliseconds whether they have to; what cannot
 * look (a regular expression that V8 matches for hours) holds its thread until somebody ends that. Main thread only.
 */
import {
  CANCEL_NONE,
  CANCEL_REASON,
  type PoolQuery,
  SIGNAL_STATE,
  SIGNAL_THREAD,
  STATE_STARTED,
} from '../../front/query/messages.js';
import type { RepeatingTimer } from '../repeating-timer.js';

const LOOK_INTERVAL_MS = 1000;
/** Longer than writes of a statement are tried again (front/query/writes.ts): their outcome is waited for also after the end. */
const STUCK_AFTER_MS = 15_000;

export interface StuckStatementsOptions {
  /** Those that run or wait. */
  readonly statements: () => Iterable<PoolQuery>;
  /** Ends the thread that runs the statement, at once. */
  readonly endThread: (threadId: number, query: PoolQuery) => void;
  /** Wall clock. */
  readonly wallMs: () => number;
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

  /** Whether its thread was ended because of it; asked once. */
  wasEnded(id: string): boolean {
    return this.ended.delete(id);
  }

  private look(): void {
    const { statements, wallMs, endThread } = this.options;
    const now = wallMs();
    const seen = new Set<string>();
    for (const query of statements()) {
      if (!mustEnd(query, now)) continue;
      seen.add(query.id);
      const since = this.overdue.get(query.id) ?? now;
      this.overdue.set(query.id, since);
      if (now - since < STUCK_AFTER_MS || this.ended.has(query.id)) continue;
      this.ended.add(query.id);
      endThread(Atomics.load(new Int32Array(query.signal), SIGNAL_THREAD), query);
    }
    for (const id of this.overdue.keys()) if (!seen.has(id)) this.overdue.delete(id);
  }
}

/** It has been told to, or its time is over, and it runs. */
function mustEnd({ signal, cancel, startedAtMs, timeoutMs }: PoolQuery, nowMs: number): boolean {
  if (Atomics.load(new Int32Array(signal), SIGNAL_STATE) !== STATE_STARTED) return false;
  return (
    Atomics.load(new Int32Array(cancel), CANCEL_REASON) !== CANCEL_NONE || nowMs > startedAtMs + timeoutMs
  );
}
