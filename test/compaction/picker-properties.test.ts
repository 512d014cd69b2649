import test, { type ExecutionContext } from 'ava';
import { nextManualStep, planManual } from '../../src/compaction/manual-plan.js';
import { levelScore, pickCompaction } from '../../src/compaction/picker.js';
import { inputTables, type PickerOptions } from '../../src/compaction/picker-state.js';
import { oneIn, seededPrng } from '../support/random.js';
import { SimulatedShard } from '../support/simulated-shard.js';
import { PICKER_OPTIONS } from '../support/versions.js';

const KB = 1000;

/** Limits so small that a few hundred versions fill four levels. */
const SMALL: PickerOptions = {
  ...PICKER_OPTIONS,
  levelBaseBytes: 60 * KB,
  levelMultiplier: 3,
  maxJobBytes: 120 * KB,
};
/** More choices than any sequence of these sizes needs: beyond it something goes in circles. */
const CHOICES_MAX = 500;

function check(t: ExecutionContext, shard: SimulatedShard, before: Map<string, number>): void {
  const faults = shard.faults();
  if (faults.length > 0) t.fail(faults[0]);
  t.deepEqual(shard.readable(), before, 'a compaction changes nothing that a reader sees');
}

/** Picks until there is nothing to pick, one job at a time. */
function settle(t: ExecutionContext, shard: SimulatedShard): void {
  for (let choices = 0; ; choices++) {
    const choice = pickCompaction(shard.state());
    if (choice === undefined) return;
    if (choices > CHOICES_MAX) t.fail('picking does not end');
    const before = shard.readable();
    shard.start(choice);
    shard.finish(0);
    check(t, shard, before);
  }
}

test('repeated picking ends with every level within its limit, and never puts a newer version below an older', (t) => {
  const prng = seededPrng(t);
  let deepest = 0;
  for (let round = 0; round < 12; round++) {
    const shard = new SimulatedShard(prng, SMALL);
    for (let flush = 0; flush < 30; flush++) {
      shard.flush();
      settle(t, shard);
      const scores = shard.version.levels.map((_, level) => levelScore(shard.state(), level));
      t.true(
        scores.every((score) => score < 1),
        scores.join(),
      );
    }
    deepest = Math.max(
      deepest,
      shard.version.levels.findLastIndex((runs) => runs.length > 0),
    );
  }
  t.true(deepest >= 2, `nothing got below level ${deepest}`);
});

test('several jobs at a time, ended in any order, keep the version in order', (t) => {
  const prng = seededPrng(t);
  let most = 0;
  for (let round = 0; round < 15; round++) {
    const shard = new SimulatedShard(prng, SMALL);
    for (let step = 0; step < 250; step++) {
      const action = prng.nextBelow(4);
      if (action === 0) shard.flush();
      if (action === 1 && shard.running.length > 0) {
        const before = shard.readable();
        shard.finish(prng.nextBelow(shard.running.length));
        check(t, shard, before);
      }
      const choice = action >= 2 && shard.running.length < 5 ? pickCompaction(shard.state()) : undefined;
      if (choice === undefined) continue;
      const { busy } = shard.state();
      t.false(inputTables(choice).some(({ fileNumber }) => busy.has(fileNumber)));
      shard.start(choice);
      most = Math.max(most, shard.running.length);
    }
  }
  t.true(most >= 3, `at most ${most} jobs ran at a time`);
});

test('a job has no more input than allowed, unless it is one table and what lies under it', (t) => {
  const prng = seededPrng(t);
  const shard = new SimulatedShard(prng, SMALL);
  for (let flush = 0; flush < 150; flush++) {
    shard.flush();
    if (oneIn(prng, 3)) continue;
    const choice = pickCompaction(shard.state());
    if (choice === undefined) continue;
    const upper = choice.inputs.filter(({ level }) => level < choice.outputLevel);
    const isSingle = upper.length === 1 && upper[0].tables.length === 1;
    t.true(choice.inputBytes <= SMALL.maxJobBytes || isSingle, `${choice.inputBytes} bytes`);
    shard.start(choice);
    shard.finish(0);
  }
});

test('a manual plan over everything leaves one level, and an emergency leaves no tombstone', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < 20; round++) {
    const shard = new SimulatedShard(prng, SMALL);
    for (let flush = 0; flush < 25; flush++) {
      shard.flush();
      if (oneIn(prng, 2)) settle(t, shard);
    }
    const before = shard.readable();
    let plan = planManual(shard.version, { levels: 'all', deleteTombstones: true });
    for (let steps = 0; ; steps++) {
      if (steps > CHOICES_MAX) t.fail('the plan does not end');
      const step = nextManualStep(shard.state(), plan);
      if (step.kind === 'done') break;
      if (step.kind === 'blocked') return t.fail('blocked without running jobs');
      shard.start(step.choice);
      shard.finish(0);
      check(t, shard, before);
      plan = step.plan;
    }
    t.is(shard.version.totals.tombstones, 0);
    t.is(shard.version.levels.filter((runs) => runs.length > 0).length, 1);
  }
  return undefined;
});
