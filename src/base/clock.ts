/** The one home of the system clocks. Everything else is given a Clock, so that tests can drive time. */
import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump in either direction: a label, never an order. */
  wallMs(): number;
  /** Monotonic milliseconds with a fraction, from an arbitrary origin. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** Milliseconds of CLOCK_MONOTONIC: the same in every thread of the process, unlike performance.now(). */
export function processMonotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** A clock that moves only when told to. */
export class ManualClock implements Clock {
  constructor(
    private wall = 1_700_000_000_000,
    private monotonic = 0,
  ) {}
  wallMs(): number {
    return this.wall;
  }
  monotonicMs(): number {
    return this.monotonic;
  }
  advance(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
  /** Moves only the wall clock, as an operator or NTP would. */
  jumpWall(ms: number): void {
    this.wall += ms;
  }
}
