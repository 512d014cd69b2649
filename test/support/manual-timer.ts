/** Repeating timers that fire when a test lets time pass. */
import type { RepeatingTimer } from '../../src/runtime/repeating-timer.js';

interface Entry {
  readonly intervalMs: number;
  readonly tick: () => void;
  dueMs: number;
}

export class ManualTimers {
  private readonly entries = new Set<Entry>();
  private nowMs = 0;

  /** Give this to what is tested. */
  readonly timer: RepeatingTimer = (intervalMs, tick) => {
    const entry = { intervalMs, tick, dueMs: this.nowMs + intervalMs };
    this.entries.add(entry);
    return () => this.entries.delete(entry);
  };

  /** Timers that have not been stopped. */
  get running(): number {
    return this.entries.size;
  }

  /** Lets time pass: every timer fires as often as it is due, in order. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const due = [...this.entries].filter((entry) => entry.dueMs <= endMs);
      const next = due.sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.nowMs = next.dueMs;
      next.dueMs += next.intervalMs;
      next.tick();
    }
    this.nowMs = endMs;
  }
}
