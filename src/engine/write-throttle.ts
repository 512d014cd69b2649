/**
 * Slows writes down before they have to stop. Pure arithmetic: the shard's loop pays the debt by waiting between groups.
 *
 * Pressure is how far the shard is on its way to a stop, from 0 to 1: runs in level 0 between the slow-down and the stop
 * trigger, or memtables that wait for their flush. The admitted rate falls exponentially with it, so that the first steps
 * are hardly felt and the last ones nearly stop: (Little's law does the rest; RocksDB's delayed write rate is the model).
 */
const MIB = 1024 * 1024;
/** Admitted at the first sign of pressure, in bytes per second. */
const RATE_AT_FIRST = 64 * MIB;
/** Admitted just before the stop. */
const RATE_AT_LAST = MIB;
/** More debt than this is forgiven: no group pays for what a burst long ago did. */
const DEBT_MS_MAX = 200;

export interface Backlog {
  /** Sorted runs in level 0, those that waiting memtables will become included. */
  readonly levelZeroRuns: number;
  /** Memtables in use, the active one included. */
  readonly memtables: number;
}

export interface BacklogLimits {
  readonly levelZeroSlowdown: number;
  readonly levelZeroStop: number;
  readonly memtablesMax: number;
}

/** 0 = none, 1 = about to stop. */
export function writePressure(backlog: Backlog, limits: BacklogLimits): number {
  const levelZero = share(backlog.levelZeroRuns, limits.levelZeroSlowdown, limits.levelZeroStop);
  // Two memtables, one filling and one being flushed, are the normal state under load.
  const memtables = share(backlog.memtables, 2, limits.memtablesMax);
  return Math.max(levelZero, memtables);
}

/** Where `value` stands between `start` (0) and `end` (1). */
function share(value: number, start: number, end: number): number {
  if (value <= start) return 0;
  return end <= start ? 1 : Math.min(1, (value - start) / (end - start));
}

export class WriteThrottle {
  private debtMs = 0;

  /** Notes that `bytes` were written under `pressure`. */
  charge(bytes: number, pressure: number): void {
    if (pressure === 0) {
      this.debtMs = 0;
      return;
    }
    const rate = RATE_AT_FIRST * (RATE_AT_LAST / RATE_AT_FIRST) ** pressure;
    this.debtMs = Math.min(DEBT_MS_MAX, this.debtMs + (bytes / rate) * 1000);
  }

  /** How long to wait now, in milliseconds: at most `stepMs`, the rest stays owed. */
  takeWaitMs(stepMs: number): number {
    const wait = Math.min(this.debtMs, stepMs);
    this.debtMs -= wait;
    return wait;
  }
}
