/**
 * Random lives of a shard beside a Map of versions: see support/lsm-run.ts for what happens in one. `SEED` repeats the
 * first life of a run; `npm run test:soak` goes on for as long as it is told.
 */
import test from 'ava';
import { addCounts, noCounts } from '../support/lsm-counts.js';
import { LsmRun } from '../support/lsm-run.js';
import { seedOf } from '../support/random.js';

/** All together half a minute on a machine that has nothing else to do; several tests, so that progress shows. */
const TESTS = 4;
const LIVES = 2;
const STEPS = 3000;

for (let index = 0; index < TESTS; index++) {
  test(`a shard does what a map of versions does, through compactions, restarts and power cuts (${index + 1})`, (t) => {
    const seed = seedOf(t) + index * LIVES;
    const totals = noCounts();
    for (let life = 0; life < LIVES; life++) {
      const run = new LsmRun(seed + life);
      run.go(STEPS);
      addCounts(totals, run.counts);
    }
    t.log(JSON.stringify(totals));
    // That these were lives at all: nothing below is rare.
    t.true(totals.operations > 12_000 && totals.gets > 4000 && totals.scans > 100);
    t.true(totals.restarts >= 4 && totals.crashes >= 4 && totals.deepestLevel >= 2);
    t.true(totals.flushes > 20 && totals.compactions > 50 && totals.swept > 20 && totals.rowCacheHits > 200);
  });
}
