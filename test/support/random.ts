/** Seeds and random material for tests. */
import type { ExecutionContext } from 'ava';
import { createPrng, freshSeed, type Prng } from '../../src/base/prng.js';

/** What every change must keep: a run that gates a change fails for what the change does, not for what chance brings. */
const ORDINARY_SEED = 20_261_125;

/** The seed of this run: `SEED` from the environment, a fresh one for `SEED=random`, or that of the ordinary run. */
export function testSeed(ordinary = ORDINARY_SEED): number {
  const given = process.env['SEED'];
  if (given === 'random') return freshSeed();
  return given === undefined ? ordinary : Number(given);
}

/** The seed of this run, printed. */
export function seedOf(t: ExecutionContext): number {
  const seed = testSeed();
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
