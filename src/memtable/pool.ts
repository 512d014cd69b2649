/**
 * The writing end of a shard's memtable chain: which slot is active, when to rotate, when a slot may be reused.
 * Shard thread only. See pool-format.ts for the shared header.
 */
import { assert } from '../base/assert.js';
import type { Prng } from '../base/prng.js';
import { createMemtableSlot, NO_SLOT } from './format.js';
import { InsertGuide } from './insert-guide.js';
import {
  type MemtablePoolBuffers,
  POOL_ACTIVE_SLOT,
  POOL_PIN_STRIDE,
  POOL_PINS,
  POOL_READERS_MAX,
  POOL_VISIBLE,
} from './pool-format.js';
import { MemtableWriter } from './writer.js';

/** Allocates the buffers of a pool. Pages are touched, and so cost memory, only when they are written. */
export function createMemtablePool(slots: number, arenaBytes: number): MemtablePoolBuffers {
  assert(slots >= 3, 'a pool needs an active slot, one to rotate into and one in reserve');
  return {
    header: new SharedArrayBuffer((POOL_PINS + POOL_READERS_MAX * POOL_PIN_STRIDE) * 4),
    slots: Array.from({ length: slots }, () => createMemtableSlot(arenaBytes)),
  };
}

const NEXT_TOUCHED_AT_FILL = 0.5;

/** Every reader's pin at one moment: what was unlinked before it may go once none of them is held any more. */
export type PinNote = Int32Array;

interface RetiredSlot {
  readonly slot: number;
  readonly pins: PinNote;
}

export class MemtablePool {
  private readonly header: Int32Array;
  private readonly visible: BigInt64Array;
  private readonly writers: MemtableWriter[];
  /** Slots of the chain, newest first. */
  private readonly chain: number[] = [];
  private readonly free: number[];
  private retired: RetiredSlot[] = [];
  /** Slots whose memory has pages, or will have them soon. */
  private readonly touched = new Set<number>();
  active: MemtableWriter;

  constructor(buffers: MemtablePoolBuffers, prng: Prng) {
    this.header = new Int32Array(buffers.header);
    this.visible = new BigInt64Array(buffers.header);
    const guide = new InsertGuide();
    this.writers = buffers.slots.map((sab) => new MemtableWriter(sab, prng, guide));
    this.free = buffers.slots.map((_, slot) => slot).reverse();
    assert(
      this.writers.every((writer) => writer.isEmpty),
      'a memtable pool starts on fresh buffers',
    );
    const first = this.free.pop() as number; // createMemtablePool made at least two
    this.chain.push(first);
    this.active = this.writers[first];
    Atomics.store(this.header, POOL_ACTIVE_SLOT, first);
  }

  /** Memtables that writes can fill; the reserve is not among them. */
  get memtablesMax(): number {
    return this.writers.length - 1;
  }
  /** Memtables in the chain, the active one included. */
  get chainLength(): number {
    return this.chain.length;
  }
  /** Slot number of the active memtable. */
  get activeSlot(): number {
    return this.chain[0];
  }
  slotAt(chainIndex: number): number {
    return this.chain[chainIndex];
  }
  writerAt(chainIndex: number): MemtableWriter {
    return this.writers[this.chain[chainIndex]];
  }

  /**
   * Makes a free slot the active one. False when there is none: the chain is full. The last free slot is kept for
   * replay (`useReserve`): skiplist heights are random, so the same batches may pack a little worse than before, and
   * a chain that was full must still be recoverable.
   */
  rotate(useReserve = false): boolean {
    this.reclaim();
    if (this.free.length <= (useReserve ? 0 : 1)) return false;
    const slot = this.free.pop() as number; // not empty: checked above
    const next = this.writers[slot];
    next.setOlderSlot(this.chain[0]);
    this.chain.unshift(slot);
    this.active = next;
    // Published last: a reader that sees the new slot sees its link to the older ones.
    Atomics.store(this.header, POOL_ACTIVE_SLOT, slot);
    return true;
  }

  /**
   * A slot whose pages should be touched now (touch.ts), ahead of the writer; named once only. The active one as soon as
   * it is written, the next one when that is half full: a shard without writes takes no memory. Undefined: none.
   */
  takeUntouched(): number | undefined {
    const { active, free, touched } = this;
    if (active.isEmpty) return undefined;
    const next = active.fill > NEXT_TOUCHED_AT_FILL ? free.at(-1) : undefined;
    const slot = [this.activeSlot, next].find((slot) => slot !== undefined && !touched.has(slot));
    if (slot !== undefined) touched.add(slot);
    return slot;
  }

  /** Unlinks the oldest immutable memtable, whose contents are now elsewhere. It is reused once no reader is inside. */
  retireOldest(): void {
    assert(this.chain.length > 1, 'the active memtable cannot be retired');
    const slot = this.chain.pop() as number;
    this.writerAt(this.chain.length - 1).setOlderSlot(NO_SLOT);
    this.retired.push({ slot, pins: this.notePins() });
  }

  /** Take it after something was unlinked that readers may still look at. */
  notePins(): PinNote {
    const pins = new Int32Array(POOL_READERS_MAX);
    for (let reader = 0; reader < POOL_READERS_MAX; reader++) pins[reader] = this.pin(reader);
    return pins;
  }

  /** True while a reader that was inside when the note was taken has not left. */
  isHeld(pins: PinNote): boolean {
    for (let reader = 0; reader < POOL_READERS_MAX; reader++) {
      if ((pins[reader] & 1) !== 0 && this.pin(reader) === pins[reader]) return true;
    }
    return false;
  }

  /** Clears retired slots that no reader can hold any more. Returns how many are still waiting. */
  reclaim(): number {
    this.retired = this.retired.filter(({ slot, pins }) => {
      if (this.isHeld(pins)) return true;
      this.writers[slot].clear(NO_SLOT);
      this.free.push(slot);
      return false;
    });
    return this.retired.length;
  }

  /** Publishes the last applied seqno. */
  publishVisible(seqno: number): void {
    Atomics.store(this.visible, POOL_VISIBLE, BigInt(seqno));
  }

  private pin(reader: number): number {
    return Atomics.load(this.header, POOL_PINS + reader * POOL_PIN_STRIDE);
  }
}
