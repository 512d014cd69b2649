/**
 * Write stamps: how a front's row cache learns that a row is out of date, without the shard knowing of any cache. One
 * counter per bucket of key hashes; the shard adds one to it for every write of a key in the bucket.
 *
 * Layout: 2^n int32 words, nothing else. Word b is the counter of bucket b; it wraps around. Written by the shard thread
 * (Atomics), read by all (Atomics).
 *
 * Protocol. All loads and stores named here are sequentially consistent.
 *
 *   writer   W1 publish the version in the memtable   W2 bump   W3 acknowledge, or do anything else
 *            W4 (much later) publish the table that the memtable was flushed to   W5 unlink the memtable
 *   reader   R1 before = load   R2 memtables: found, answer
 *            R3 row cache: a row with stamp = load (again, now): answer
 *            R4 current table list   R5 tables: found, insert into the row cache with `before`, answer
 *
 * Claim: a row with stamp s that R3 finds while the counter is s is the newest version as of that reader's R2.
 *
 *   1. The row's inserter had counter s at its R1. A write bumped by then was published by then, so the inserter met it
 *      in the memtables at R2, or it had been unlinked there (W5), and then the list of R4, which is read after R2,
 *      has its table (W4 before W5). Either way the row is at least as new as that write.
 *   2. The counter is s at the inserter's R1 and at our R3, so no write of the key was bumped in between.
 *   3. What is left are writes published and not yet bumped at our R3. Their memtable is still linked, because the same
 *      thread unlinks memtables and does W2 before anything else. If one was published before our R2, R2 found it and
 *      there was no R3. If after, the write is concurrent with this read, which may come first.
 *
 * So R3 must use a load made after R2, not `before`: a reader held up between R1 and R2 for as long as a flush takes would
 * miss a write in the memtables that others have seen already, and find the old row under the old stamp. And R5 must use
 * `before`, not a later load: a write between R2 and the load would be missing in a row that claims to know it. R1 to R5
 * happen in one piece of synchronous code.
 *
 * A dead shard thread may have done W1 without W2, and a front may hear late of its successor. Hence stamps, like
 * memtables, belong to one incarnation of a shard: the successor gets new ones, and a front clears its row cache when it
 * takes over the successor's buffers.
 *
 * What it costs: a write also invalidates the rows that share its bucket, (cached rows) / (buckets) of them on average.
 * What it cannot tell: exactly 2^32 bumps of one bucket look like none. A row would have to stay cached over them
 * and be read before the next bump; at a million writes per second to one bucket that is one microsecond every 71 minutes.
 */
import { assert } from '../base/assert.js';

/** Buckets for one shard unless memory is short: 4 MiB. Among 2^20 cached rows a write invalidates about one other. */
export const WRITE_STAMPS_DEFAULT = 1 << 20;

const WRITE_STAMPS_MAX = 1 << 28;

/** Allocates stamps. `count`: buckets, a power of two of at least 2; 4 bytes each. */
export function createWriteStamps(count: number): SharedArrayBuffer {
  assert(
    Number.isInteger(count) && count >= 2 && count <= WRITE_STAMPS_MAX && (count & (count - 1)) === 0,
    () => `${count} write stamps: not a power of two in range`,
  );
  return new SharedArrayBuffer(count * 4);
}

/** One thread's view of the stamps of a shard. */
export class WriteStamps {
  private readonly words: Int32Array;
  /** Leaves the top bits of a product as bucket. */
  private readonly shift: number;

  constructor(sab: SharedArrayBuffer) {
    this.words = new Int32Array(sab);
    this.shift = Math.clz32(this.words.length) + 1;
  }

  /**
   * W2: says that the key with this hash (hashKey of base/hash.ts) has a new version. Shard thread only, directly after
   * the version's publication in the memtable.
   */
  bump(hash: number): void {
    const bucket = this.bucketOf(hash);
    // A plain read is enough: no other thread writes. The store is what readers pair with.
    Atomics.store(this.words, bucket, (this.words[bucket] + 1) | 0);
  }

  /** R1 and R3: the counter of the key's bucket. Any thread. */
  load(hash: number): number {
    return Atomics.load(this.words, this.bucketOf(hash));
  }

  /** Another multiplier than the memtable's index and the shards use: keys that collide there spread out here. */
  private bucketOf(hash: number): number {
    return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> this.shift;
  }
}
