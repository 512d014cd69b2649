/**
 * Numbers of dropped collections and indexes on their way out. What is stored under one stays until nobody can read it any more:
 * compactions drop it whatever versions snapshots see, so a reader that still goes on would miss rows. Main thread only.
 *
 *   leave()    before the catalog forgets the number: compactions keep what is there
 *   left()     no front begins anything with it any more: who still reads holds a snapshot from before, or is a statement
 *              that the main thread knows of (it may wait for a query thread, and have no snapshot yet)
 *   then       once those are gone, compactions are told. A restart ends all readers: nothing is kept across it.
 */
import type { SeqnoBoard } from '../shm/seqno-board.js';
import type { RepeatingTimer } from './repeating-timer.js';

/** How often it is looked whether the last reader is gone. */
const LOOK_INTERVAL_MS = 1000;
const NOT_YET = Number.POSITIVE_INFINITY;

export interface DroppedIdsOptions {
  /** All that nothing has any more, those on their way out among them. */
  readonly droppedIds: () => readonly number[];
  readonly seqnos: Pick<SeqnoBoard, 'last' | 'heldSnapshots'>;
  /** Whether a statement that waits or runs reads what has this number. */
  readonly isRead: (id: number) => boolean;
  /** What all() returns has changed. */
  readonly announce: () => void;
  readonly timer: RepeatingTimer;
}

export class DroppedIds {
  /** The last seqno that a reader's snapshot may have. */
  private readonly leaving = new Map<number, number>();
  private stopTimer: (() => void) | undefined;

  constructor(private readonly options: DroppedIdsOptions) {}

  /** What compactions may drop. */
  all(): number[] {
    return this.options.droppedIds().filter((id) => !this.leaving.has(id));
  }

  leave(ids: readonly number[]): void {
    for (const id of ids) this.leaving.set(id, NOT_YET);
  }

  left(ids: readonly number[]): void {
    for (const id of ids) this.leaving.set(id, this.options.seqnos.last());
    this.look();
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  private look(): void {
    const { seqnos, isRead, announce, timer } = this.options;
    // Infinity when there is none.
    const oldest = Math.min(...seqnos.heldSnapshots());
    let areGone = false;
    for (const [id, droppedAt] of this.leaving) {
      if (droppedAt === NOT_YET || oldest <= droppedAt || isRead(id)) continue;
      this.leaving.delete(id);
      areGone = true;
    }
    if (areGone) announce();
    if (this.leaving.size === 0) this.close();
    else this.stopTimer ??= timer(LOOK_INTERVAL_MS, () => this.look());
  }
}
