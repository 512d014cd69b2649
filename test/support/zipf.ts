/** Keys as caches see them in tests: a few hot, most cold. */
import type { Prng } from '../../src/base/prng.js';

/**
 * Numbers in [0, count), number i with a probability proportional to 1 / (i + 1)^theta. Drawn by bisecting the
 * distribution's table.
 */
export function zipfian(prng: Prng, count: number, theta: number): () => number {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += 1 / (i + 1) ** theta;
    cumulative[i] = sum;
  }
  return () => {
    const wanted = prng.nextFloat() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** True LRU with a budget in bytes: the yardstick. */
export class LruModel {
  private readonly sizes = new Map<number, number>();
  private usedBytes = 0;

  constructor(private readonly budgetBytes: number) {}

  /** Looks a key up, and puts it in when it is missing. Returns whether it was there. */
  access(key: number, sizeBytes: number): boolean {
    const isHit = this.sizes.delete(key); // and comes back as the newest
    this.sizes.set(key, sizeBytes);
    if (isHit) return true;
    this.usedBytes += sizeBytes;
    for (const [oldest, size] of this.sizes) {
      if (this.usedBytes <= this.budgetBytes) break;
      this.sizes.delete(oldest);
      this.usedBytes -= size;
    }
    return false;
  }
}
