/**
 * A read that takes its time: it stays inside the chain while the shard goes on, and its cursors stand in memtables and
 * tables that have long been replaced. What it gives is what the model had when it began.
 */
import { keyRange } from '../../src/iter/key-range.js';
import { MergingCursor } from '../../src/iter/merging-cursor.js';
import { STEP_DOCUMENT, VisibleCursor } from '../../src/iter/visible-cursor.js';
import type { HeldSnapshot } from '../../src/shm/seqno-board.js';
import { Mismatch } from './lsm-checks.js';
import type { ModelDocument } from './lsm-model.js';
import type { LsmRig } from './lsm-rig.js';
import { textOf } from './text.js';

export class LongRead {
  private readonly held: HeldSnapshot;
  private readonly cursor: VisibleCursor;
  private readonly expected: readonly ModelDocument[];
  private read = 0;

  /** Only one at a time. */
  constructor(
    private readonly rig: LsmRig,
    private readonly collection: number,
    fillCache: boolean,
  ) {
    const { pinned, world } = rig;
    this.held = rig.holdSnapshot();
    pinned.enter();
    // Documents that expire in the course of the read stay in it.
    const nowSeconds = world.databaseClock.nowSeconds();
    const { seqno } = this.held;
    const sources = new MergingCursor(pinned.cursors(fillCache));
    this.cursor = new VisibleCursor(sources, keyRange({ collection }), seqno, nowSeconds);
    this.expected = world.model.documents(collection, seqno, nowSeconds);
  }

  /** Up to `count` documents more. */
  readOn(count: number): void {
    for (let left = count; left > 0; left--) {
      const expected: ModelDocument | undefined = this.expected[this.read];
      const isThere = this.cursor.next() === STEP_DOCUMENT;
      const { key, keyOffset, keyLength, value, valueOffset, valueLength } = this.cursor.entry;
      const got = isThere ? textOf(key, keyOffset, keyLength) : undefined;
      const text = isThere ? textOf(value, valueOffset, valueLength) : undefined;
      if (got !== expected?.key || text !== expected?.text)
        throw new Mismatch(
          `a long read of ${this.collection}: document ${this.read} is ${got}, not ${expected?.key}`,
        );
      if (!isThere) return;
      this.read++;
    }
  }

  close(): void {
    this.cursor.close();
    this.rig.pinned.leave();
    this.rig.board.release(this.held);
  }
}
