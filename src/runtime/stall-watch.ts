/**
 * Watches whether the event loops of all threads turn, and writes down when one does not: a warning once it has stood for
 * longer than the limit, with the cause as far as it is known, and a line when it is over. Main thread only.
 *
 * The main thread cannot see its own stall before it is over, and judges nobody else by the look that comes after it: if
 * the whole process was stopped, all of them were silent.
 */
import { BEAT_INTERVAL_MS } from '../shm/pulse.js';
import type { RepeatingTimer } from './repeating-timer.js';

const LOOK_INTERVAL_MS = 250;
/** A thread that stands still again and again has one report in this time; the others are counted in the next. */
const REPORT_INTERVAL_MS = 60_000;
export const MAIN_THREAD = 'main';

export interface StallCause {
  readonly cause: string;
  /** Of the statement that the thread runs. */
  readonly request_id?: string;
}

export interface WatchedThread {
  readonly name: string;
  /** Of its pulse; 0: nothing is expected of it. */
  readonly lastBeatMs: number;
  /** It has nothing to do and waits to be woken: its event loop need not turn. */
  readonly isAsleep: boolean;
  /** Long work in one piece is what it is for. */
  readonly isBackground: boolean;
  readonly cause: () => StallCause;
}

/** How long an event loop may stand, in milliseconds; 0 = for ever. */
export interface StallLimits {
  readonly stallMs: number;
  readonly backgroundStallMs: number;
}

export interface StallWatchOptions {
  /** Those that live. */
  readonly threads: () => readonly WatchedThread[];
  readonly limits: () => StallLimits;
  /** processMonotonicMs(), which pulses have as well. */
  readonly nowMs: () => number;
  readonly timer: RepeatingTimer;
  readonly log: (level: 'info' | 'warn', fields: object, message: string) => void;
}

export interface StallFigures {
  readonly thread: string;
  readonly stalls: number;
  readonly seconds: number;
}

class Observed {
  stalls = 0;
  stalledMs = 0;
  /** When it was last known to turn. */
  aliveMs = 0;
  /** Since when it has stood; undefined while it turns. */
  stalledSinceMs: number | undefined;
  private isReported = false;
  private lastReportMs = Number.NEGATIVE_INFINITY;
  private unreported = 0;

  begin(nowMs: number): boolean {
    this.stalls++;
    this.stalledSinceMs = this.aliveMs;
    this.isReported = nowMs - this.lastReportMs >= REPORT_INTERVAL_MS;
    if (this.isReported) this.lastReportMs = nowMs;
    else this.unreported++;
    return this.isReported;
  }

  /** Returns how long it has stood, and whether its beginning was reported. */
  end(untilMs: number): { readonly durationMs: number; readonly isReported: boolean } {
    const durationMs = untilMs - (this.stalledSinceMs ?? untilMs);
    this.stalledMs += durationMs;
    this.stalledSinceMs = undefined;
    return { durationMs, isReported: this.isReported };
  }

  /** Stalls since the last report that had none of their own. */
  takeUnreported(): { readonly unreported?: number } {
    const { unreported } = this;
    this.unreported = 0;
    return unreported === 0 ? {} : { unreported };
  }
}

export class StallWatch {
  private readonly observed = new Map<string, Observed>();
  private lastLookMs = 0;
  private stopTimer: (() => void) | undefined;

  constructor(private readonly options: StallWatchOptions) {}

  start(): void {
    this.lastLookMs = this.options.nowMs();
    for (const name of [MAIN_THREAD, ...this.options.threads().map((thread) => thread.name)]) this.of(name);
    this.stopTimer ??= this.options.timer(LOOK_INTERVAL_MS, () => this.look());
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  /** Since the start, of the threads that have been seen. A stall under way counts among `stalls` only. */
  figures(): StallFigures[] {
    return [...this.observed].map(([thread, { stalls, stalledMs }]) => ({
      thread,
      stalls,
      seconds: stalledMs / 1000,
    }));
  }

  private look(): void {
    const { threads, limits, nowMs } = this.options;
    const { stallMs, backgroundStallMs } = limits();
    const now = nowMs();
    const lateMs = now - this.lastLookMs - LOOK_INTERVAL_MS;
    this.lastLookMs = now;
    if (this.judgeMain(now, lateMs, stallMs)) return;
    for (const thread of threads())
      this.judge(thread, now, thread.isBackground ? backgroundStallMs : stallMs);
  }

  /** Whether the main thread itself has stood. */
  private judgeMain(now: number, lateMs: number, limitMs: number): boolean {
    const main = this.of(MAIN_THREAD);
    if (limitMs === 0 || lateMs <= limitMs) return false;
    main.aliveMs = now - lateMs;
    const isReported = main.begin(now);
    main.end(now);
    if (isReported)
      this.options.log(
        'warn',
        { thread: MAIN_THREAD, ms: Math.round(lateMs), ...main.takeUnreported() },
        'the event loop of a thread stood still, and turns again',
      );
    return true;
  }

  private judge(thread: WatchedThread, now: number, limitMs: number): void {
    const { log } = this.options;
    const { name, lastBeatMs, isAsleep } = thread;
    const observed = this.of(name);
    // Asleep it may be silent for longer than the limit; what counts is the time after it was woken.
    observed.aliveMs = isAsleep ? now : Math.max(observed.aliveMs, lastBeatMs);
    const { stalledSinceMs, aliveMs } = observed;
    if (stalledSinceMs !== undefined) {
      const isGone = lastBeatMs === 0;
      if (!isGone && aliveMs <= stalledSinceMs) return;
      const { durationMs, isReported } = observed.end(isGone ? now : aliveMs);
      const what = isGone ? 'a thread that stood still has ended' : 'the event loop of a thread turns again';
      if (isReported) log('info', { thread: name, ms: Math.round(durationMs) }, what);
      return;
    }
    if (lastBeatMs === 0 || limitMs === 0 || now - aliveMs <= limitMs + BEAT_INTERVAL_MS) return;
    if (!observed.begin(now)) return;
    log(
      'warn',
      { thread: name, ms: Math.round(now - aliveMs), ...thread.cause(), ...observed.takeUnreported() },
      'the event loop of a thread stands still',
    );
  }

  private of(name: string): Observed {
    let observed = this.observed.get(name);
    if (observed === undefined) {
      observed = new Observed();
      this.observed.set(name, observed);
    }
    return observed;
  }
}
