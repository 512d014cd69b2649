import test from 'ava';
import { RateLimiter } from '../../src/front/rate-limiter.js';

function newLimiter(rate: number) {
  const clock = { ms: 0 };
  const limiter = new RateLimiter(
    () => rate,
    () => clock.ms,
  );
  return { clock, limiter };
}

test('a caller has one second of requests, and gets them back with time', (t) => {
  const { clock, limiter } = newLimiter(10);
  for (let i = 0; i < 10; i++) t.true(limiter.takes('a'));
  t.false(limiter.takes('a'));
  t.true(limiter.takes('b'));
  clock.ms = 100;
  t.true(limiter.takes('a'));
  t.false(limiter.takes('a'));
});

test('requests that come in one frame count like those that come one by one', (t) => {
  const { clock, limiter } = newLimiter(10);
  t.true(limiter.takes('a', 30), 'a frame that is larger than the rate is served once it is its turn');
  clock.ms = 1900;
  t.false(limiter.takes('a', 30));
  clock.ms = 2200;
  t.true(limiter.takes('a'));
});
