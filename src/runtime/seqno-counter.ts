/**
 * The process-wide seqno counter: one 64-bit word in shared memory, so that all shards share one order. Touched once
 * per batch; the bigint that Atomics needs costs ~100 ns there.
 */
import { asSeqno, type Seqno } from '../base/brand.js';
import type { SeqnoSource } from '../engine/shard-engine.js';

export function createSeqnoCounter(): SharedArrayBuffer {
  return new SharedArrayBuffer(8);
}

export class SharedSeqnoCounter implements SeqnoSource {
  private readonly word: BigInt64Array;

  constructor(sab: SharedArrayBuffer) {
    this.word = new BigInt64Array(sab);
  }

  take(count: number): Seqno {
    return asSeqno(Number(Atomics.add(this.word, 0, BigInt(count))) + 1);
  }

  /** Raises the counter to at least `seqno`: a shard has found it in its log. */
  raiseTo(seqno: number): void {
    const wanted = BigInt(seqno);
    for (;;) {
      const current = Atomics.load(this.word, 0);
      if (current >= wanted || Atomics.compareExchange(this.word, 0, current, wanted) === current) return;
    }
  }

  last(): Seqno {
    return asSeqno(Number(Atomics.load(this.word, 0)));
  }
}
