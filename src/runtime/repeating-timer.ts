/** A timer that repeats until it is stopped; injected, so that tests can drive it. */
export type RepeatingTimer = (intervalMs: number, tick: () => void) => () => void;

/** Of the event loop, which it does not keep alive. The result stops it. */
export const systemTimer: RepeatingTimer = (intervalMs, tick) => {
  const timer = setInterval(tick, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
};
