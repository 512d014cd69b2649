import test from 'ava';
import {
  diskLevel,
  diskSample,
  isSpaceTooLow,
  levelAdvice,
  limitAfterDiskFull,
  reserveAction,
} from '../../src/runtime/disk-space.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

test('a sample says how much of the disk is used, also for figures that make no sense', (t) => {
  t.is(diskSample(25, 100).usedRatio, 0.75);
  t.is(diskSample(0, 100).usedRatio, 1);
  t.is(diskSample(200, 100).usedRatio, 0);
  t.is(diskSample(0, 0).usedRatio, 0);
});

test('levels begin at 70, 80 and 90 percent', (t) => {
  for (const [ratio, level] of [
    [0.6999, 0],
    [0.7, 70],
    [0.7999, 70],
    [0.8, 80],
    [0.9, 90],
    [1, 90],
  ] as const) {
    t.is(diskLevel(ratio, 0), level, String(ratio));
  }
});

test('a level is left one percent below it, and a fall through several is one step', (t) => {
  t.is(diskLevel(0.895, 90), 90);
  t.is(diskLevel(0.889, 90), 80);
  t.is(diskLevel(0.795, 90), 80, 'the level below is left at its own margin');
  t.is(diskLevel(0.795, 70), 70, 'a margin is for leaving, not for entering');
  t.is(diskLevel(0.3, 90), 0);
});

test('writes stop below the limit and go on with a quarter more', (t) => {
  t.false(isSpaceTooLow(256, 0, 256, false));
  t.true(isSpaceTooLow(255, 0, 256, false));
  t.true(isSpaceTooLow(319, 0, 256, true));
  t.false(isSpaceTooLow(320, 0, 256, true));
});

test('space that the reserve gave back does not count for writes to go on', (t) => {
  t.true(isSpaceTooLow(320, 64, 256, true));
  t.false(isSpaceTooLow(384, 64, 256, true));
  t.false(isSpaceTooLow(300, 64, 256, false), 'it does for writes that have not stopped');
});

test('after a write found no space, more must be free than was then', (t) => {
  t.is(limitAfterDiskFull(3 * MIB, 256 * MIB, 500 * GIB), 256 * MIB);
  t.is(limitAfterDiskFull(3 * MIB, 0, 500 * GIB), 19 * MIB);
  t.is(limitAfterDiskFull(0, 0, 16 * MIB), 2 * MIB, 'a small disk can have that much free');
  // 500 GiB free and no space is a quota: the next look lets writes try again.
  t.false(isSpaceTooLow(500 * GIB, 0, limitAfterDiskFull(500 * GIB, 0, 900 * GIB), true));
});

test('the reserve is filled with plenty of space only, and never while writes are stopped', (t) => {
  t.is(reserveAction(640, 64, 256, false), 'fill');
  t.is(reserveAction(639, 64, 256, false), 'keep');
  t.is(reserveAction(640, 64, 256, true), 'keep');
  // Filling must not itself stop the writes: 64 more than 1.25 × 1000 are needed.
  t.is(reserveAction(1313, 64, 1000, false), 'keep');
  t.is(reserveAction(1314, 64, 1000, false), 'fill');
});

test('the reserve goes when less than half of it is left, after writes have stopped', (t) => {
  t.is(reserveAction(31, 64, 256, true), 'release');
  t.is(reserveAction(32, 64, 256, true), 'keep');
  t.is(reserveAction(31, 64, 16, false), 'keep', 'stopping writes comes first');
  t.is(reserveAction(31, 64, 0, false), 'release', 'unless nothing would stop them');
});

test('the advice of the higher levels says where writes stop', (t) => {
  t.regex(levelAdvice(90, 256 * MIB), /now.*256 MiB/);
  t.regex(levelAdvice(80, 256 * MIB), /soon.*256 MiB/);
  t.regex(levelAdvice(70, 256 * MIB), /plan/);
});
