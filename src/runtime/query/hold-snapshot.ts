/** A registered snapshot for a thread that may block: query threads. */
import { DbError } from '../../base/errors.js';
import { type HeldSnapshot, type SeqnoBoard, SNAPSHOTS_PER_READER } from '../../shm/seqno-board.js';

/** A group commit takes a millisecond or a few; a disk that hangs, longer. */
const WAIT_MS = 0.25;
const WAITS_MAX = 40_000;

const never = new Int32Array(new SharedArrayBuffer(4));

/** Waits until all that was acknowledged so far is visible. Throws DbError OVERLOADED or SHARD_UNAVAILABLE. */
export function holdSnapshot(board: SeqnoBoard, readerIndex: number): HeldSnapshot {
  const held = board.hold(readerIndex);
  if (held === undefined) {
    const message = `${SNAPSHOTS_PER_READER} snapshots are held by this thread already`;
    throw new DbError('OVERLOADED', message, { limit: SNAPSHOTS_PER_READER });
  }
  for (let waits = 0; !board.isSettled(held.seqno); waits++) {
    if (waits === WAITS_MAX) {
      board.release(held);
      throw new DbError('SHARD_UNAVAILABLE', 'a shard has not finished its writes in time for a snapshot');
    }
    Atomics.wait(never, 0, 0, WAIT_MS);
  }
  return held;
}
