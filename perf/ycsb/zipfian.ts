/**
 * Which record is asked for: few of them often, most of them rarely. After Gray et al., "Quickly Generating
 * Billion-Record Synthetic Databases" (SIGMOD 1994), with YCSB's constant and YCSB's two uses of it.
 */
import type { Prng } from '../../src/base/prng.js';
import { Fnv64 } from './fnv.js';

const THETA = 0.99;
const ALPHA = 1 / (1 - THETA);
const ZETA_2 = 1 + 0.5 ** THETA;
/** YCSB draws ranks of a space that is much larger than the data, whose zeta it knows, and hashes them into the data. */
const SCRAMBLED_RANKS = 10_000_000_000;
const SCRAMBLED_ZETA = 26.46902820178302;

/** A rank from 0 (most often) to `count` − 1; `zeta` is the sum of 1 / i^0.99 for i from 1 to `count`. */
function rankOf(uniform: number, count: number, zeta: number): number {
  const scaled = uniform * zeta;
  if (scaled < 1) return 0;
  if (scaled < ZETA_2) return 1;
  const eta = (1 - (2 / count) ** (1 - THETA)) / (1 - ZETA_2 / zeta);
  return Math.min(count - 1, Math.floor(count * (eta * uniform - eta + 1) ** ALPHA));
}

/** Favourites all over the records 0 to `count` − 1, and the same ones whoever asks. */
export class ScrambledZipfian {
  private readonly fnv = new Fnv64();

  constructor(
    private readonly count: number,
    private readonly prng: Prng,
  ) {}

  next(): number {
    const rank = rankOf(this.prng.nextFloat(), SCRAMBLED_RANKS, SCRAMBLED_ZETA);
    return this.fnv.hash(rank).remainder(this.count);
  }
}

/** The younger, the more often: of records 0 to `count` − 1 the last one most. */
export class SkewedLatest {
  private count = 0;
  private zeta = 0;

  constructor(private readonly prng: Prng) {}

  /** `count` grows from call to call, or stays. */
  next(count: number): number {
    for (; this.count < count; this.count++) this.zeta += 1 / (this.count + 1) ** THETA;
    return count - 1 - rankOf(this.prng.nextFloat(), count, this.zeta);
  }
}
