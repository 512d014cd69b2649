/** Waits for writes under way, for whoever needs a seqno that all shards have reached. Main thread. */
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import type { SeqnoBoard } from '../shm/seqno-board.js';

const SETTLE_MS_MAX = 30_000;
const SETTLE_POLL_MS = 1;

/** Resolves once every operation up to `seqno` has been applied by its shard. Throws DbError('TIMEOUT'). */
export async function settled(seqnos: SeqnoBoard, seqno: number, clock: Clock): Promise<void> {
  const deadlineMs = clock.monotonicMs() + SETTLE_MS_MAX;
  while (!seqnos.isSettled(seqno)) {
    if (clock.monotonicMs() > deadlineMs)
      throw new DbError('TIMEOUT', `a write was not finished within ${SETTLE_MS_MAX / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
  }
}
