/**
 * Memtable pool: the chain of a shard's memtables and who is reading it.
 *
 * A shard has a fixed number of slots (format.ts). The newest, active one is written; OLDER_SLOT in each slot leads to
 * the next older, immutable one. A slot leaves the chain only at its old end (when its contents have been flushed) and
 * is then recycled, which must not happen under a reader.
 *
 * Layout of the pool header (int32 words, one cache line of 16 words each)
 *
 *   word        field        written by   read by        how
 *   0           ACTIVE_SLOT  shard        all            Atomics; slot number of the active memtable
 *   16          VISIBLE      shard        all            one 64-bit word, Atomics; last applied seqno
 *   32 + 16*r   PIN of r     reader r     shard          Atomics; odd while reader r is inside the chain
 *
 * Pins are quiescence counters (McKenney, "Is parallel programming hard", RCU; the QSBR flavour): a reader makes its
 * word odd before it loads ACTIVE_SLOT and even when it is done. The shard unlinks a slot, notes all pins, and may
 * clear the slot once every pin is even or has changed: a reader that entered later cannot reach the slot any more.
 * Both sides use sequentially consistent Atomics, so either the shard sees the pin or the reader sees the unlink.
 */
import { assert } from '../base/assert.js';
import { READERS_MAX } from '../base/limits.js';

export const POOL_ACTIVE_SLOT = 0;
/** In 64-bit words. */
export const POOL_VISIBLE = 16 / 2;
export const POOL_PINS = 32;
export const POOL_PIN_STRIDE = 16;

/** Readers a pool can tell apart: fronts, query threads and the compactor. */
export const POOL_READERS_MAX = READERS_MAX;

assert(POOL_VISIBLE * 2 < POOL_PINS, 'header fields do not overlap the pins');

/** The shared memory of one shard's memtables; structured-cloneable, so that it can be handed to other threads. */
export interface MemtablePoolBuffers {
  readonly header: SharedArrayBuffer;
  readonly slots: readonly SharedArrayBuffer[];
}
