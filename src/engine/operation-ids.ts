/**
 * Remembers the results of recent operations that carry an id, so that a retried write is answered instead of being
 * applied again. Bounded by count, first in first out: a pure function of the batches applied, so replay rebuilds it.
 * Shard thread only.
 */
import { fromWords } from '../base/bytes.js';

/** Operations with an id that a shard remembers. */
export const OPERATION_IDS_MAX = 65_536;

export interface RememberedOperation {
  /** Hash of what was asked for: the same id with another fingerprint is a client's mistake. */
  readonly fingerprint: number;
  readonly status: number;
  readonly seqno: number;
}

export class OperationIds {
  private readonly byIdentity = new Map<number, RememberedOperation>();

  constructor(private readonly capacity = OPERATION_IDS_MAX) {}

  find(identity: number): RememberedOperation | undefined {
    return this.byIdentity.get(identity);
  }

  remember(identity: number, operation: RememberedOperation): void {
    if (this.byIdentity.size >= this.capacity) {
      // A Map iterates in insertion order: its first key is the oldest.
      for (const oldest of this.byIdentity.keys()) {
        this.byIdentity.delete(oldest);
        break;
      }
    }
    this.byIdentity.set(identity, operation);
  }

  get size(): number {
    return this.byIdentity.size;
  }
}

/** Folds two words into one map key. 53 bits of a 64-bit hash: a collision among 65,536 ids has odds of ~2^-22. */
export function foldWords(low: number, high: number): number {
  return fromWords(low, high & 0x1fffff);
}
