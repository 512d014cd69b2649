import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { databaseClock, hasExpired, startDatabaseTime } from '../../src/base/database-clock.js';
import { EXPIRES_NEVER, expiryOf, isTtl, storedExpiry, TTL_NEVER, TTL_UNSET } from '../../src/base/expiry.js';
import { TTL_SECONDS_MAX } from '../../src/base/limits.js';

const DAY_MS = 86_400_000;
const START_SECONDS = 1_700_000_000;

/** Database time of a process that starts on a manual clock, after a run that got as far as `floorSeconds`. */
function started(floorSeconds = 0) {
  const clock = new ManualClock(START_SECONDS * 1000, 5_000);
  const monotonicMs = (): number => clock.monotonicMs();
  const time = databaseClock(startDatabaseTime(clock.wallMs(), floorSeconds, monotonicMs), monotonicMs);
  return { clock, time };
}

test('database time starts as the wall clock and passes as the monotonic clock does', (t) => {
  const { clock, time } = started();
  t.is(time.nowSeconds(), START_SECONDS);
  clock.advance(2_500);
  t.is(time.nowSeconds(), START_SECONDS + 2);
});

test('a wall clock that jumps a day ahead expires nothing, one that jumps back resurrects nothing', (t) => {
  const { clock, time } = started();
  const soon = time.nowSeconds() + 60;
  const past = time.nowSeconds() - 60;
  for (const jump of [DAY_MS, -2 * DAY_MS]) {
    clock.jumpWall(jump);
    t.false(hasExpired(soon, time.nowSeconds()));
    t.true(hasExpired(past, time.nowSeconds()));
  }
});

test('after a restart database time is at least what the earlier run had reached', (t) => {
  t.is(started(START_SECONDS + 3600).time.nowSeconds(), START_SECONDS + 3600);
  t.is(started(START_SECONDS - 3600).time.nowSeconds(), START_SECONDS);
});

test('threads of one process agree on the time', (t) => {
  const base = startDatabaseTime(START_SECONDS * 1000, 0);
  t.true(Math.abs(databaseClock(base).nowSeconds() - databaseClock({ ...base }).nowSeconds()) <= 1);
});

test('a time to live becomes a moment, and the two special ones stay what they are', (t) => {
  t.is(expiryOf(60, START_SECONDS), START_SECONDS + 60);
  t.is(storedExpiry(expiryOf(TTL_UNSET, START_SECONDS)), 0);
  t.is(expiryOf(TTL_NEVER, START_SECONDS), EXPIRES_NEVER);
  t.is(storedExpiry(EXPIRES_NEVER), 0);
  t.not(
    storedExpiry(expiryOf(TTL_SECONDS_MAX, 2 ** 32 - 5)),
    0,
    'the last representable moment is not "never"',
  );
});

test('a time to live is a second to ten years, or one of the special values', (t) => {
  for (const good of [TTL_UNSET, 1, TTL_SECONDS_MAX, TTL_NEVER]) t.true(isTtl(good), String(good));
  for (const bad of [TTL_SECONDS_MAX + 1, 2 ** 32 - 2]) t.false(isTtl(bad), String(bad));
});
