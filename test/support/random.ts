/** Seeds and random material for tests. */
import type { ExecutionContext } from 'ava';
import { createPrng, freshSeed, type Prng } from '../../src/base/prng.js';

/** The seed of this run: `SEED` from the environment, else `standard`, else a fresh one; printed in any case. */
export function seedOf(t: ExecutionContext, standard: number = freshSeed()): number {
  const given = process.env['SEED'];
  const seed = given === undefined ? standard : Number(given);
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
