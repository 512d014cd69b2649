/** Asks a statement to end, from the front that has sent it or from the main thread: messages.ts has the shared words. */
import {
  CANCEL_NONE,
  CANCEL_REASON,
  SIGNAL_CREDITS,
  SIGNAL_REPLIES,
  SIGNAL_STATE,
  STATE_ABANDONED,
  STATE_QUEUED,
} from './messages.js';

/**
 * It ends at its next look. True when no thread had taken it: none will run it any more, and whoever called has to answer it. The
 * first reason counts.
 */
export function raiseCancel(cancel: Int32Array, signal: Int32Array, reason: number): boolean {
  Atomics.compareExchange(cancel, CANCEL_REASON, CANCEL_NONE, reason);
  // It may be waiting for the front or the client.
  Atomics.notify(signal, SIGNAL_REPLIES);
  Atomics.notify(signal, SIGNAL_CREDITS);
  return Atomics.compareExchange(signal, SIGNAL_STATE, STATE_QUEUED, STATE_ABANDONED) === STATE_QUEUED;
}
