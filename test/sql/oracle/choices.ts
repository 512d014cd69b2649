/** Random choices for the generators of the SQL tests. */
import type { Prng } from '../../../src/base/prng.js';

export class Choices {
  constructor(private readonly prng: Prng) {}

  below(bound: number): number {
    return this.prng.nextBelow(bound);
  }

  /** Both ends included. */
  between(low: number, high: number): number {
    return low + this.prng.nextBelow(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.prng.nextFloat() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.prng.nextBelow(values.length)];
  }

  /** Calls one of them. */
  oneOf<T>(makers: readonly (() => T)[]): T {
    return this.pick(makers)();
  }

  many<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }
}
