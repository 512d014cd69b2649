import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { RateLimit } from '../../src/compaction/rate-limit.js';

test('bytes over the rate are paid for by waiting', (t) => {
  const clock = new ManualClock();
  const limit = new RateLimit(1000, clock);
  t.is(limit.charge(500), 500);
  clock.advance(500);
  t.is(limit.charge(100), 100);
});

test('a long pause allows a quarter of a second of burst and no more', (t) => {
  const clock = new ManualClock();
  const limit = new RateLimit(1000, clock);
  clock.advance(3_600_000);
  t.is(limit.charge(250), 0);
  t.is(limit.charge(100), 100);
});

test('without a limit nothing waits, and a new rate holds from then on', (t) => {
  const clock = new ManualClock();
  const limit = new RateLimit(Number.POSITIVE_INFINITY, clock);
  t.is(limit.charge(1e12), 0);
  limit.setRate(100);
  t.is(limit.charge(10), 100);
  t.throws(() => limit.setRate(0), { message: /positive/ });
});

test('a rate that is lifted forgives what was owed', (t) => {
  const limit = new RateLimit(1000, new ManualClock());
  t.is(limit.charge(5000), 5000);
  limit.setRate(Number.POSITIVE_INFINITY);
  t.is(limit.charge(5000), 0);
});
