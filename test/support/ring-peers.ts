/** What the two threads of the ring hammer agree on. */
import type { Prng } from '../../src/base/prng.js';
import { oneIn } from './random.js';
import { nap } from './worker.js';

/** Small against the messages, so that the ring is full and empty all the time. */
export const HAMMER_RING_BYTES = 8192;
/** A quarter of the ring: the producer sleeps until half of it is free, and then any message fits. */
const MESSAGE_BYTES_MAX = 2000;
/** A sleep this long means that a wake-up was lost: the other side pauses for a few ms, or as long as a busy machine has no time for it. */
export const LOST_WAKE_UP_MS = 15_000;

export interface RingPeerData {
  readonly ring: SharedArrayBuffer;
  readonly producerDoorbell: SharedArrayBuffer;
  readonly consumerDoorbell: SharedArrayBuffer;
  readonly seed: number;
  readonly messages: number;
}

export interface RingPeerResult {
  readonly messages: number;
  readonly bytes: number;
  readonly sleeps: number;
  readonly lostWakeUps: number;
  /** The first thing that was wrong with the messages. */
  readonly fault?: string;
}

/** Size of the next message. Both threads draw it from a generator with the same seed. */
export function nextMessageLength(prng: Prng): number {
  return prng.nextBelow(oneIn(prng, 50) ? MESSAGE_BYTES_MAX : 300);
}

/** Now and then one side stops for a moment, so that the other runs into a full or an empty ring. */
export function pauseSometimes(prng: Prng): void {
  if (oneIn(prng, 4000)) nap(prng.nextFloat());
}
