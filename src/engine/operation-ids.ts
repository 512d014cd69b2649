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

/** A remembered operation as it is written down. */
export interface RememberedOperationRecord extends RememberedOperation {
  readonly identity: number;
}

export class OperationIds {
  /** Remembered since the last takeNew(), in order. */
  private fresh: RememberedOperationRecord[] = [];
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
    this.fresh.push({ identity, ...operation });
    // Only the newest are worth writing down: the others would be forgotten when they are read.
    if (this.fresh.length >= 2 * this.capacity) this.fresh = this.fresh.slice(-this.capacity);
  }

  /** What was remembered since the last call; to be written down with the memtable that was active meanwhile. */
  takeNew(): readonly RememberedOperationRecord[] {
    const taken = this.fresh.slice(-this.capacity);
    this.fresh = [];
    return taken;
  }

  /** Remembers what an earlier run had written down. */
  restore(records: readonly RememberedOperationRecord[]): void {
    for (const { identity, fingerprint, status, seqno } of records)
      this.remember(identity, { fingerprint, status, seqno });
    this.fresh = [];
  }

  get size(): number {
    return this.byIdentity.size;
  }
}

/** Folds two words into one map key. 53 bits of a 64-bit hash: a collision among 65,536 ids has odds of ~2^-22. */
export function foldWords(low: number, high: number): number {
  return fromWords(low, high & 0x1fffff);
}
