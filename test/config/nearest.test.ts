import test from 'ava';
import { editDistance, nearest } from '../../src/config/nearest.js';

test('inserting, deleting, replacing and swapping neighbours cost one each', (t) => {
  t.is(editDistance('port', 'port'), 0);
  t.is(editDistance('prt', 'port'), 1);
  t.is(editDistance('pport', 'port'), 1);
  t.is(editDistance('pork', 'port'), 1);
  t.is(editDistance('prot', 'port'), 1);
  t.is(editDistance('', 'port'), 4);
  t.is(editDistance('kitten', 'sitting'), 3);
});

test('the distance is symmetric', (t) => {
  for (const [left, right] of [
    ['memtable', 'memtables_max'],
    ['ab', 'ba'],
    ['', 'x'],
  ] as const) {
    t.is(editDistance(left, right), editDistance(right, left));
  }
});

test('the closest name wins whatever its case', (t) => {
  t.is(nearest('Prot', ['host', 'port', 'pork']), 'port');
  t.is(nearest('memtable_siez', ['memtables_max', 'memtable_size']), 'memtable_size');
});

test('nothing is suggested when nothing is close, or the name is absurdly long', (t) => {
  t.is(nearest('zzz', ['host', 'port']), null);
  t.is(nearest('host', []), null);
  t.is(nearest('x'.repeat(100_000), ['host']), null);
});
