/** Beats a thread's pulse (shm/pulse.ts) from its event loop until it is stopped. In the thread whose pulse it is. */
import { processMonotonicMs } from '../base/clock.js';
import { BEAT_INTERVAL_MS, type Pulse } from '../shm/pulse.js';
import { ownOsThread } from './os-thread.js';
import { systemTimer } from './repeating-timer.js';

/** The result stops it: from then on nobody expects the thread's event loop to turn. */
export function startHeartbeat(pulse: Pulse): () => void {
  pulse.begin(ownOsThread(), processMonotonicMs());
  const stopTimer = systemTimer(BEAT_INTERVAL_MS, () => pulse.beat(processMonotonicMs()));
  return () => {
    stopTimer();
    pulse.end();
  };
}
