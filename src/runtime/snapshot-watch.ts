/**
 * How long snapshots have been held. The board knows only their seqnos, so this looks every few seconds and remembers since
 * when it has seen each: ages are right to five seconds, and snapshots that come and go between two looks are not seen. Main
 * thread only.
 */
import type { Clock } from '../base/clock.js';
import type { SeqnoBoard } from '../shm/seqno-board.js';
import type { RepeatingTimer } from './repeating-timer.js';

/** A look reads some ten thousand words of shared memory, which an idle server should not do often. */
const LOOK_INTERVAL_MS = 5000;

export interface HeldSnapshotFacts {
  readonly seqno: number;
  readonly ageSeconds: number;
}

export class SnapshotWatch {
  private seenSinceMs = new Map<number, number>();
  private stopTimer: (() => void) | undefined;

  constructor(
    private readonly board: Pick<SeqnoBoard, 'heldSnapshots'>,
    private readonly clock: Clock,
    private readonly timer: RepeatingTimer,
  ) {}

  start(): void {
    this.stopTimer ??= this.timer(LOOK_INTERVAL_MS, () => this.look());
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  /** What is held now, oldest seqno first. */
  held(): HeldSnapshotFacts[] {
    this.look();
    const nowMs = this.clock.monotonicMs();
    return [...this.seenSinceMs].map(([seqno, sinceMs]) => ({ seqno, ageSeconds: (nowMs - sinceMs) / 1000 }));
  }

  private look(): void {
    const nowMs = this.clock.monotonicMs();
    const before = this.seenSinceMs;
    this.seenSinceMs = new Map(
      this.board.heldSnapshots().map((seqno) => [seqno, before.get(seqno) ?? nowMs]),
    );
  }
}
