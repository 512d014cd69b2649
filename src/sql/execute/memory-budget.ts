/**
 * How much memory a query may hold. Every operator that keeps rows has an account and charges what it keeps, by the estimates
 * of types/value-bytes.ts. One thread.
 */
import { OUT_OF_MEMORY, sqlError } from '../errors.js';
import { MemoryAllowance } from './memory-allowance.js';

/** Name of the limit in the configuration, for the error. */
const LIMIT_KEY = 'query.memory_limit';

/** One entry of a Map or Set beside its key and value. */
export const HASH_ENTRY_BYTES = 48;

const { GRAIN_BYTES } = MemoryAllowance;

export class MemoryBudget {
  usedBytes = 0;
  peakBytes = 0;
  /** What may be used without asking: all of it, or the grains of the allowance that were taken. */
  private grantedBytes: number;
  private readonly ownBytes: number;

  /** `allowance`: what the statement's threads may use together; this budget is one thread's part of it. */
  constructor(
    readonly limitBytes: number,
    private readonly allowance?: MemoryAllowance,
  ) {
    // The first grain is free, so that a small limit can be shared at all.
    this.ownBytes = allowance === undefined ? limitBytes : Math.min(limitBytes, GRAIN_BYTES);
    this.grantedBytes = this.ownBytes;
  }

  /** Throws 53200 when the limit would be passed. */
  charge(bytes: number): void {
    const used = this.usedBytes + bytes;
    if (used > this.grantedBytes) this.grow(used);
    this.usedBytes = used;
    if (used > this.peakBytes) this.peakBytes = used;
  }

  release(bytes: number): void {
    this.usedBytes -= bytes;
    if (this.allowance !== undefined && this.grantedBytes > this.ownBytes) this.shrink();
  }

  /** Gives everything back: the thread's part of the statement is over. */
  close(): void {
    this.usedBytes = 0;
    this.allowance?.giveBack(this.grantedBytes - this.ownBytes);
    this.grantedBytes = this.ownBytes;
  }

  private grow(used: number): void {
    const more = Math.ceil((used - this.grantedBytes) / GRAIN_BYTES) * GRAIN_BYTES;
    if (used > this.limitBytes || this.allowance?.take(more) !== true) {
      throw sqlError(
        OUT_OF_MEMORY,
        `the query needs more than ${this.limitBytes} bytes of memory; the limit is ${LIMIT_KEY}`,
      );
    }
    this.grantedBytes += more;
  }

  /** Keeps one grain more than is used: a budget that goes up and down by little need not ask each time. */
  private shrink(): void {
    const kept = Math.max(this.ownBytes, this.usedBytes + GRAIN_BYTES);
    const spare = Math.floor((this.grantedBytes - kept) / GRAIN_BYTES) * GRAIN_BYTES;
    if (spare <= 0) return;
    this.grantedBytes -= spare;
    this.allowance?.giveBack(spare);
  }
}

/** What one run of an operator holds; `close` gives all of it back, also after an error. */
export class MemoryAccount {
  private heldBytes = 0;
  peakBytes = 0;

  constructor(private readonly budget: MemoryBudget) {}

  charge(bytes: number): void {
    this.budget.charge(bytes);
    this.heldBytes += bytes;
    if (this.heldBytes > this.peakBytes) this.peakBytes = this.heldBytes;
  }

  release(bytes: number): void {
    this.budget.release(bytes);
    this.heldBytes -= bytes;
  }

  close(): void {
    this.release(this.heldBytes);
  }
}
