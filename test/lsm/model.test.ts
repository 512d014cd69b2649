/**
 * Random lives of a shard beside a Map of versions: see support/lsm-run.ts for what happens in one. `SEED` repeats the
 * first life of a run; `npm run test:soak` goes on for as long as it is told.
 */
import test from 'ava';
import { addCounts, noCounts } from '../support/lsm-counts.js';
import { LsmRun } from '../support/lsm-run.js';
import { seedOf } from '../support/random.js';

/** About half a minute on a machine that has nothing else to do. */
const LIVES = 8;
const STEPS = 3000;

test('a shard does what a map of versions does, through flushes, compactions, restarts, kills and power cuts', (t) => {
  t.timeout(300_000);
  const seed = seedOf(t);
  const totals = noCounts();
  for (let life = 0; life < LIVES; life++) {
    const run = new LsmRun(seed + life);
    run.go(STEPS);
    addCounts(totals, run.counts);
  }
  t.log(JSON.stringify(totals));
  // That a run was one at all: nothing below is rare.
  t.true(totals.operations > 50_000 && totals.gets > 10_000 && totals.scans > 500);
  t.true(totals.restarts > 20 && totals.crashes > 20 && totals.deepestLevel >= 3);
  t.true(
    totals.flushes > 100 && totals.compactions > 500 && totals.swept > 200 && totals.rowCacheHits > 1000,
  );
});
