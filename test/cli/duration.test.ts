import test from 'ava';
import { formatDuration, parseAge, parseDuration } from '../../src/cli/duration.js';

test('durations are read in every unit', (t) => {
  t.is(parseDuration('500ms'), 500);
  t.is(parseDuration('60s'), 60_000);
  t.is(parseDuration('1.5s'), 1500);
  t.is(parseDuration('2m'), 120_000);
  t.is(parseDuration('1h'), 3_600_000);
  t.is(parseDuration('0s'), 0);
});

test('a number without a unit, and anything else, is no duration', (t) => {
  for (const text of ['', '60', 's', '-1s', '1 s', '1d', '1e3s', '25h', 'NaNs', '1s2', 'constructor']) {
    t.is(parseDuration(text), null, text);
  }
});

test('ages may be days', (t) => {
  t.is(parseAge('7d'), 604_800_000);
  t.is(parseAge('1.5d'), 129_600_000);
  t.is(parseAge('12h'), 43_200_000);
  for (const text of ['7', 'd', '-1d', '1e9d', '99999d']) t.is(parseAge(text), null, text);
});

test('durations are printed in the largest unit that fits', (t) => {
  t.is(formatDuration(0), '0ms');
  t.is(formatDuration(999), '999ms');
  t.is(formatDuration(1500), '1.5s');
  t.is(formatDuration(60_000), '1m');
  t.is(formatDuration(5_400_000), '1.5h');
});
