/**
 * Database time: the time by which documents expire, in whole seconds since 1970.
 *
 * It follows the monotonic clock while the process runs, so that a wall clock that jumps a day ahead expires nothing.
 * At start it is the wall clock, but never less than what an earlier run had reached (`floorSeconds`, which the data
 * directory remembers), so that it does not go backwards when the wall clock does.
 */
import { processMonotonicMs } from './clock.js';

/** Shared by all threads of a process: what to add to the monotonic clock, in milliseconds. */
export interface DatabaseTimeBase {
  readonly offsetMs: number;
}

/**
 * Decides the time base once, on the main thread. `floorSeconds`: the last time an earlier run is known to have had.
 * `monotonicMs` is for tests; all threads of a process must read the same clock.
 */
export function startDatabaseTime(
  wallMs: number,
  floorSeconds: number,
  monotonicMs: () => number = processMonotonicMs,
): DatabaseTimeBase {
  return { offsetMs: Math.max(wallMs, floorSeconds * 1000) - monotonicMs() };
}

export interface DatabaseClock {
  /** Whole seconds. */
  nowSeconds(): number;
}

export function databaseClock(
  base: DatabaseTimeBase,
  monotonicMs: () => number = processMonotonicMs,
): DatabaseClock {
  return { nowSeconds: () => Math.floor((base.offsetMs + monotonicMs()) / 1000) };
}

/** True when a document with this expiry is gone at `nowSeconds`. */
export function hasExpired(expiresAt: number, nowSeconds: number): boolean {
  return expiresAt !== 0 && expiresAt <= nowSeconds;
}
