/**
 * Which query thread reads under which reader index (pins of memtables, snapshot slots). A pool makes and replaces its threads
 * as it likes, so a thread claims an index when it starts, and the main thread takes back those of threads that have ended.
 *
 * Layout: one int32 per index, the threadId of its owner or 0. Threads claim with Atomics.compareExchange from 0; the main
 * thread frees with Atomics.store.
 */

export function createReaderSlots(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * 4);
}

export class ReaderSlots {
  private readonly owners: Int32Array;

  /** `first`: the reader index of slot 0; those below belong to fronts. */
  constructor(
    buffer: SharedArrayBuffer,
    private readonly first: number,
  ) {
    this.owners = new Int32Array(buffer);
  }

  /** The reader index of the thread from now on. Throws when all are taken: there are more threads than planned. */
  claim(threadId: number): number {
    for (let slot = 0; slot < this.owners.length; slot++)
      if (Atomics.compareExchange(this.owners, slot, 0, threadId) === 0) return this.first + slot;
    throw new Error(`all ${this.owners.length} reader slots of query threads are taken`);
  }

  /** The slot of a thread that lives; -1 for one that has not claimed one yet. */
  slotOf(threadId: number): number {
    return this.owners.indexOf(threadId);
  }

  /** Frees what threads held that are no more; returns who they were and the indexes they had. Main thread only. */
  reclaim(living: ReadonlySet<number>): { readonly threadId: number; readonly reader: number }[] {
    const ended: { threadId: number; reader: number }[] = [];
    for (let slot = 0; slot < this.owners.length; slot++) {
      const threadId = Atomics.load(this.owners, slot);
      if (threadId !== 0 && !living.has(threadId)) ended.push({ threadId, reader: this.first + slot });
    }
    return ended;
  }

  /** After everything that the reader held has been let go. Main thread only. */
  free(reader: number): void {
    Atomics.store(this.owners, reader - this.first, 0);
  }
}
