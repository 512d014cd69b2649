/**
 * A link: the shared memory between one front and one shard. A request ring, a reply ring and the two doorbells.
 * When either end dies, the link dies with it: the supervisor makes a new one, so that no end ever has to guess
 * what state the other left behind.
 */
import { createRing } from '../shm/ring-format.js';

export interface LinkBuffers {
  readonly requests: SharedArrayBuffer;
  readonly replies: SharedArrayBuffer;
  /** Wakes the shard; one per shard, shared by all its links. */
  readonly shardDoorbell: SharedArrayBuffer;
  /** Wakes the front; one per front, shared by all its links. */
  readonly frontDoorbell: SharedArrayBuffer;
  /** One int32, Atomics: LINK_OPEN until the supervisor stores LINK_CLOSED because an end died. */
  readonly state: SharedArrayBuffer;
}

export const LINK_OPEN = 0;
export const LINK_CLOSED = 1;

/** Replies are ~10 bytes an operation and fronts bound the operations in flight (FRONT_PENDING_WRITES_MAX). */
export const REPLY_RING_BYTES = 2 * 1024 * 1024;

/** Largest WriteBatch in bytes: a document of the maximal size with its key and columns, or many small ones. */
export const BATCH_BYTES_MAX = 20 * 1024 * 1024;
/** Operations in one batch. */
export const BATCH_OPERATIONS_MAX = 16_384;

/** `requestRingBytes`: a power of two, at least twice BATCH_BYTES_MAX. */
export function createLink(
  requestRingBytes: number,
  shardDoorbell: SharedArrayBuffer,
  frontDoorbell: SharedArrayBuffer,
): LinkBuffers {
  return {
    requests: createRing(requestRingBytes),
    replies: createRing(REPLY_RING_BYTES),
    shardDoorbell,
    frontDoorbell,
    state: new SharedArrayBuffer(4),
  };
}

/** Tells an end that may be blocked on the other that it waits in vain. Any thread. */
export function closeLink(link: LinkBuffers): void {
  const state = new Int32Array(link.state);
  Atomics.store(state, 0, LINK_CLOSED);
  Atomics.notify(state, 0);
}
