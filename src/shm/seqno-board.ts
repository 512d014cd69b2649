/**
 * The process-wide order of operations, in shared memory: the seqno counter, what each shard has in flight, and the
 * snapshots that are held. One per process; every thread has its own SeqnoBoard over the same buffer.
 *
 * Layout (64-bit words; lines of 8 words, so that no two writers share a cache line)
 *
 *   word            field          written by        how
 *   0               LAST_SEQNO     shards            Atomics.add; the last seqno taken by anybody
 *   8 + 8*s         IN_FLIGHT of s shard s           Atomics.store; IDLE (-1), or a seqno below all that the shard has
 *                                                    taken and not applied yet
 *   after those     SNAPSHOT_COUNT readers           Atomics.add before a slot is claimed and after it is freed
 *   one line later  SNAPSHOT slots readers           Atomics.compareExchange claims (0 = free), store raises and frees;
 *                                                    1 + a seqno, which is 0 before the first operation of all.
 *                                                    Reader r has slots r*SNAPSHOTS_PER_READER and following.
 *
 * A snapshot is a seqno S such that every operation up to S has been applied, and no later one gets a seqno up to S:
 *
 *   shard   groupBegins(): IN_FLIGHT = LAST_SEQNO; then takes seqnos (all above), applies, publishes; groupEnds(): IDLE
 *   reader  slot = 1 + S, S = LAST_SEQNO, again and again until LAST_SEQNO is still S afterwards; then waits until each shard's
 *           IN_FLIGHT is IDLE or at least S
 *
 * All accesses are sequentially consistent. If the reader finds a shard idle, the shard's groupBegins() comes later, and
 * what it takes then is above S. If it finds IN_FLIGHT >= S, all that is in flight there is above S.
 *
 * Who drops old versions (flush, compaction) reads heldSnapshots() after it has fixed its inputs. A snapshot whose final S
 * it does not see was settled later: LAST_SEQNO was S after the slot had been looked at, so no input has a seqno above S,
 * and their newest versions will do.
 */
import { assert } from '../base/assert.js';
import { asSeqno, type Seqno } from '../base/brand.js';
import { READERS_MAX } from '../base/limits.js';

const LINE_WORDS = 8;
const LAST_SEQNO = 0;
const IN_FLIGHT = LINE_WORDS;
const IDLE = -1n;
const FREE = 0n;
/** Snapshots that one thread can hold at a time. */
export const SNAPSHOTS_PER_READER = 256;
const SNAPSHOTS_MAX = READERS_MAX * SNAPSHOTS_PER_READER;

export function createSeqnoBoard(shards: number): SharedArrayBuffer {
  const words = IN_FLIGHT + (shards + 1) * LINE_WORDS + SNAPSHOTS_MAX;
  const sab = new SharedArrayBuffer(words * 8);
  const board = new BigInt64Array(sab);
  for (let shard = 0; shard < shards; shard++) board[IN_FLIGHT + shard * LINE_WORDS] = IDLE;
  return sab;
}

/** A registered snapshot: versions that a reader at `seqno` sees are kept until it is released. */
export interface HeldSnapshot {
  readonly seqno: Seqno;
  readonly slot: number;
}

export class SeqnoBoard {
  private readonly words: BigInt64Array;
  private readonly shards: number;
  private readonly snapshotCount: number;
  private readonly firstSnapshot: number;

  constructor(sab: SharedArrayBuffer) {
    this.words = new BigInt64Array(sab);
    this.shards = (this.words.length - IN_FLIGHT - LINE_WORDS - SNAPSHOTS_MAX) / LINE_WORDS;
    this.snapshotCount = IN_FLIGHT + this.shards * LINE_WORDS;
    this.firstSnapshot = this.snapshotCount + LINE_WORDS;
  }

  /** First of `count` consecutive seqnos that nobody else gets. */
  take(count: number): Seqno {
    return asSeqno(Number(Atomics.add(this.words, LAST_SEQNO, BigInt(count))) + 1);
  }

  last(): Seqno {
    return asSeqno(Number(Atomics.load(this.words, LAST_SEQNO)));
  }

  /** Raises the counter to at least `seqno`: a shard has found it on disk. */
  raiseTo(seqno: number): void {
    const wanted = BigInt(seqno);
    for (;;) {
      const current = Atomics.load(this.words, LAST_SEQNO);
      if (current >= wanted || Atomics.compareExchange(this.words, LAST_SEQNO, current, wanted) === current)
        return;
    }
  }

  /** A shard is about to take seqnos. */
  groupBegins(shard: number): void {
    Atomics.store(this.words, IN_FLIGHT + shard * LINE_WORDS, Atomics.load(this.words, LAST_SEQNO));
  }

  /** All that the shard had taken is applied and visible, or never will be. Also for a shard whose thread has died. */
  groupEnds(shard: number): void {
    Atomics.store(this.words, IN_FLIGHT + shard * LINE_WORDS, IDLE);
  }

  /** Registers a snapshot of everything so far. Undefined when this reader holds SNAPSHOTS_PER_READER already. */
  hold(reader: number): HeldSnapshot | undefined {
    assert(reader >= 0 && reader < READERS_MAX, () => `reader index ${reader}`);
    const { words } = this;
    Atomics.add(words, this.snapshotCount, 1n);
    const first = this.firstSnapshot + reader * SNAPSHOTS_PER_READER;
    for (let slot = first; slot < first + SNAPSHOTS_PER_READER; slot++) {
      let seqno = Atomics.load(words, LAST_SEQNO);
      if (Atomics.compareExchange(words, slot, FREE, seqno + 1n) !== FREE) continue;
      for (
        let last = Atomics.load(words, LAST_SEQNO);
        last !== seqno;
        last = Atomics.load(words, LAST_SEQNO)
      ) {
        seqno = last;
        Atomics.store(words, slot, seqno + 1n);
      }
      return { seqno: asSeqno(Number(seqno)), slot };
    }
    Atomics.sub(words, this.snapshotCount, 1n);
    return undefined;
  }

  release(snapshot: HeldSnapshot): void {
    Atomics.store(this.words, snapshot.slot, FREE);
    Atomics.sub(this.words, this.snapshotCount, 1n);
  }

  /** Frees what a thread held that has ended. */
  releaseAllOf(reader: number): void {
    const first = this.firstSnapshot + reader * SNAPSHOTS_PER_READER;
    for (let slot = first; slot < first + SNAPSHOTS_PER_READER; slot++)
      if (Atomics.exchange(this.words, slot, FREE) !== FREE) Atomics.sub(this.words, this.snapshotCount, 1n);
  }

  /** True once every operation up to `seqno` has been applied by its shard: it takes one group commit at most. */
  isSettled(seqno: number): boolean {
    for (let shard = 0; shard < this.shards; shard++) {
      const inFlight = Atomics.load(this.words, IN_FLIGHT + shard * LINE_WORDS);
      if (inFlight !== IDLE && Number(inFlight) < seqno) return false;
    }
    return true;
  }

  /** Seqnos of all registered snapshots, ascending, each once. */
  heldSnapshots(): number[] {
    // The normal case costs one load; the slots are thousands.
    if (Atomics.load(this.words, this.snapshotCount) === 0n) return [];
    const held = new Set<number>();
    for (let slot = this.firstSnapshot; slot < this.words.length; slot++) {
      const stored = Atomics.load(this.words, slot);
      if (stored !== FREE) held.add(Number(stored - 1n));
    }
    return [...held].sort((a, b) => a - b);
  }
}
