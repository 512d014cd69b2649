/** Seeds and random material for tests. */
import type { ExecutionContext } from 'ava';
import { createPrng, freshSeed, type Prng } from '../../src/base/prng.js';

/** The seed of this run: `SEED` from the environment, or a fresh one; printed either way. */
export function seedOf(t: ExecutionContext): number {
  const given = process.env['SEED'];
  const seed = given === undefined ? freshSeed() : Number(given);
  t.log(`SEED=${seed}`);
  return seed;
}

export function seededPrng(t: ExecutionContext): Prng {
  return createPrng(seedOf(t));
}

export function randomBytes(prng: Prng, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = prng.nextUint32();
  return bytes;
}

export function pick<T>(prng: Prng, items: readonly T[]): T {
  return items[prng.nextBelow(items.length)];
}

/** True about once in `every` calls. */
export function oneIn(prng: Prng, every: number): boolean {
  return prng.nextBelow(every) === 0;
}
