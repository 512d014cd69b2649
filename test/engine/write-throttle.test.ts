import test from 'ava';
import { WriteThrottle, writePressure } from '../../src/engine/write-throttle.js';

const LIMITS = { levelZeroSlowdown: 8, levelZeroStop: 12, memtablesMax: 4 };
const pressure = (levelZeroRuns: number, memtables: number): number =>
  writePressure({ levelZeroRuns, memtables }, LIMITS);

test('there is no pressure in the normal state', (t) => {
  t.is(pressure(0, 1), 0);
  t.is(pressure(8, 2), 0);
});

test('pressure grows with level 0 and with memtables, whichever is worse, up to 1', (t) => {
  t.is(pressure(10, 1), 0.5);
  t.is(pressure(0, 3), 0.5);
  t.is(pressure(11, 3), 0.75);
  t.is(pressure(12, 1), 1);
  t.is(pressure(40, 9), 1);
});

test('without pressure nothing waits', (t) => {
  const throttle = new WriteThrottle();
  throttle.charge(100 * 1024 * 1024, 0);
  t.is(throttle.takeWaitMs(10), 0);
});

test('the wait grows smoothly with pressure', (t) => {
  const waits = [0.01, 0.25, 0.5, 0.75, 1].map((each) => {
    const throttle = new WriteThrottle();
    throttle.charge(64 * 1024, each);
    return throttle.takeWaitMs(1000);
  });
  for (let i = 1; i < waits.length; i++) {
    t.true(waits[i] > waits[i - 1]);
    t.true(waits[i] < waits[i - 1] * 4, 'no cliff between neighbours');
  }
});

test('a long wait is paid in steps, and a debt is bounded', (t) => {
  const throttle = new WriteThrottle();
  throttle.charge(1024 * 1024 * 1024, 1);
  t.is(throttle.takeWaitMs(10), 10);
  let waited = 10;
  for (let step = throttle.takeWaitMs(10); step > 0; step = throttle.takeWaitMs(10)) waited += step;
  t.is(waited, 200);
});

test('what is owed is forgotten when the pressure is gone', (t) => {
  const throttle = new WriteThrottle();
  throttle.charge(1024 * 1024, 1);
  throttle.charge(1, 0);
  t.is(throttle.takeWaitMs(10), 0);
});
