/**
 * Lives of a shard, one after the other, with fresh seeds, until the time is over or one fails: `npm run test:soak`.
 *
 *   SOAK_SECONDS=600   how long
 *   SEED=…             repeats one life, and no other
 *   SOAK_STEPS=…       length of a life; with SEED and the step of a failure the shortest life that fails
 */

import { systemClock } from '../../src/base/clock.js';
import { freshSeed } from '../../src/base/prng.js';
import { addCounts, noCounts } from '../support/lsm-counts.js';
import { LsmRun } from '../support/lsm-run.js';

const given = process.env['SEED'];
const seconds = Number(process.env['SOAK_SECONDS'] ?? 600);
const steps = Number(process.env['SOAK_STEPS'] ?? 20_000);

function live(seed: number): LsmRun['counts'] {
  console.log(`SEED=${seed}`);
  const run = new LsmRun(seed);
  run.go(steps);
  return run.counts;
}

const endMs = systemClock.monotonicMs() + seconds * 1000;
const totals = noCounts();
let lives = 0;
do {
  addCounts(totals, live(given === undefined ? freshSeed() : Number(given)));
  lives++;
} while (given === undefined && systemClock.monotonicMs() < endMs);
console.log(`${lives} lives, all as the model has it: ${JSON.stringify(totals)}`);
