/**
 * How often each index was used, and when last: counted by whoever runs queries, without locks, and read by the main thread.
 * In memory only: a restart begins anew.
 *
 * A table of INDEX_USAGE_SLOTS slots, found by the index's number and linear probing. Layout of the buffer (little endian):
 *
 *   offset                      field       written by  how
 *   slot * 4                    NUMBER      any         Atomics.compareExchange from 0, once: the slot is that index's for good
 *   SLOTS * 4 + slot * 16       COUNT       any         int64, Atomics.add
 *   SLOTS * 4 + slot * 16 + 8   LAST_USED   any         int64, Atomics.store; wall clock in milliseconds, 0 = never
 *
 * Numbers of indexes are never reused, so a dropped index keeps its slot until the restart. When all slots are taken, uses of
 * further indexes are not counted.
 */
export const INDEX_USAGE_SLOTS = 8192;
const NUMBER_BYTES = 4;
const FIGURES_PER_SLOT = 2;

export interface IndexUse {
  readonly count: number;
  /** Wall clock in milliseconds; undefined: never. */
  readonly lastUsedMs: number | undefined;
}

export function createIndexUsage(): SharedArrayBuffer {
  return new SharedArrayBuffer(INDEX_USAGE_SLOTS * (NUMBER_BYTES + FIGURES_PER_SLOT * 8));
}

export class IndexUsage {
  private readonly numbers: Int32Array;
  private readonly figures: BigInt64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.numbers = new Int32Array(buffer, 0, INDEX_USAGE_SLOTS);
    this.figures = new BigInt64Array(buffer, INDEX_USAGE_SLOTS * NUMBER_BYTES);
  }

  /** Any thread; once per query that reads the index. */
  note(index: number, nowMs: number): void {
    const slot = this.slotOf(index, true);
    if (slot < 0) return;
    Atomics.add(this.figures, slot * FIGURES_PER_SLOT, 1n);
    Atomics.store(this.figures, slot * FIGURES_PER_SLOT + 1, BigInt(Math.trunc(nowMs)));
  }

  of(index: number): IndexUse {
    const slot = this.slotOf(index, false);
    if (slot < 0) return { count: 0, lastUsedMs: undefined };
    const count = Number(Atomics.load(this.figures, slot * FIGURES_PER_SLOT));
    const lastUsedMs = Number(Atomics.load(this.figures, slot * FIGURES_PER_SLOT + 1));
    return { count, lastUsedMs: lastUsedMs === 0 ? undefined : lastUsedMs };
  }

  /** -1 when it has none, or with `claim` when there is none left. */
  private slotOf(index: number, claim: boolean): number {
    for (let probe = 0; probe < INDEX_USAGE_SLOTS; probe++) {
      const slot = (index + probe) % INDEX_USAGE_SLOTS;
      const number = Atomics.load(this.numbers, slot);
      if (number === index) return slot;
      if (number !== 0) continue;
      if (!claim) return -1;
      const before = Atomics.compareExchange(this.numbers, slot, 0, index);
      if (before === 0 || before === index) return slot;
    }
    return -1;
  }
}
