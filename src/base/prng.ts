/** The one home of randomness: seedable generators for tests, skiplist heights and load. */
export interface Prng {
  /** Uniform integer in [0, 2^32). */
  nextUint32(): number;
  /** Uniform float in [0, 1). */
  nextFloat(): number;
  /** Uniform integer in [0, bound). */
  nextBelow(bound: number): number;
}

/** sfc32 (Chris Doty-Humphrey, PractRand): small, fast, passes PractRand; four 32-bit words of state. */
export function createPrng(seed: number): Prng {
  let a = seed | 0;
  let b = (seed ^ 0x9e3779b9) | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;
  const nextUint32 = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) nextUint32();
  const nextFloat = (): number => nextUint32() / 4294967296;
  return { nextUint32, nextFloat, nextBelow: (bound) => Math.floor(nextFloat() * bound) };
}

/** A seed for runs that were not given one; tests print it. */
export function freshSeed(): number {
  return (Math.random() * 0x7fffffff) | 0;
}
