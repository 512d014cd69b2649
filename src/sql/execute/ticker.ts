/** Looks every few thousand steps whether the query has to end. Every loop over rows calls `tick`. One thread. */
import { canceledError } from '../errors.js';
import type { CancelView } from './environment.js';

/** Between two looks; at a microsecond per row a query ends within milliseconds. */
const TICKS_PER_LOOK = 2048;

export class Ticker {
  private left = TICKS_PER_LOOK;

  constructor(private readonly cancel: CancelView) {}

  tick(): void {
    if (--this.left <= 0) this.look();
  }

  /** Throws when the query has been cancelled or is out of time. */
  look(): void {
    this.left = TICKS_PER_LOOK;
    const reason = this.cancel.isCancelled();
    if (reason !== 'no') throw canceledError(reason);
  }
}
